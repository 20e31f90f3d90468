"""A playbook's document becomes a Playbook, with every template in it noted for lint."""

from dataclasses import dataclass
from pathlib import Path

from runner.loading.cursor import Cursor
from runner.loading.documents import Document, Problems
from runner.loading.files import Files, Link, project_of
from runner.loading.heads import is_playbook
from runner.loading.opening import Opening, opening_of
from runner.loading.order import order_plays, plays_in
from runner.loading.play_lists import read_plays
from runner.loading.plays import PlayTexts, Source, text_of
from runner.loading.setting import Kinds, Reading
from runner.loading.static import Static
from runner.loading.texts import Written
from runner.location import Location
from runner.model.playbook import Playbook
from runner.templating import Templates


@dataclass(slots=True)
class PlaybookTexts:
    """A playbook with what lint needs of it, the plays of others that it includes among its own."""

    playbook: Playbook
    plays: list[PlayTexts]
    cursor: Cursor
    notes: list[Written]


def playbook_of(
    document: Document,
    problems: Problems,
    kinds: Kinds,
    *,
    cwd: Path,
    opening: Opening | None = None,
    static: Static | None = None,
) -> PlaybookTexts | None:
    """The playbook in a document, as far as it is sound, or None where it is no playbook at all.

    Everything that is wrong is in ``problems``. ``opening`` is what was read of it already, its ``vars_files`` too;
    ``cwd`` is what names of files are shown relative to. ``static`` is what is known before the run; templates over it
    have been rendered already.
    """
    files = Files(project_of(document.path.parent, cwd), cwd, problems)
    start = Link(document.path.resolve(), Location(document.name, 1))
    reading = Reading(kinds, files, static or Static(Templates()), (start,))
    cursor = Cursor(document, problems, document.data)
    if not is_playbook(cursor):
        return None
    opening = opening or opening_of(document, problems, cwd=cwd)
    read = read_plays(cursor, Source(reading))
    plays = list(plays_in(read.entries))
    order_plays(read.entries)
    playbook = Playbook(
        name=text_of(cursor.at("name")) or document.path.stem,
        path=document.name,
        folder=str(document.path.parent),
        plays=tuple(texts.play for texts in plays),
        layers=opening.layers,
        secrets=read.secrets,
        inputs=opening.inputs,
        lock=read.lock,
    )
    return PlaybookTexts(playbook, plays, cursor, [*opening.notes, *read.notes])
