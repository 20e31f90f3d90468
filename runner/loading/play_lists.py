"""The plays of a playbook, and those of other playbooks that it includes among them.

An included playbook brings its own variables, inputs and secrets; its inventory stays where it is. What the include
says (``name needs when tags``) holds for all its plays.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from runner.errors import RenderError
from runner.fragments import mapping
from runner.loading import language, step_language
from runner.loading.cursor import Cursor
from runner.loading.files import Link
from runner.loading.handing import Handed, handed_over
from runner.loading.heads import is_playbook, secrets_of
from runner.loading.inputs import with_defaults
from runner.loading.opening import Opening, opening_of
from runner.loading.order import Entry, Group
from runner.loading.plays import Source, both, play_of, text_of
from runner.loading.static import Static, settle_play
from runner.loading.step_values import optional_condition, words_of
from runner.loading.texts import Written
from runner.model.changed import changed
from runner.model.inventory import merged
from runner.model.playbook import Condition, Secret
from runner.model.template import Template

SHAPE = mapping({**step_language.PLAYS_INCLUDE_KEYS, "include": step_language.INCLUDE}, ("include",))
REFUSED = [key for key in language.PLAY_KEYS if key not in step_language.PLAYS_INCLUDE_KEYS]


@dataclass(slots=True)
class Read:
    """The plays of a playbook and of those that it includes, with all their secrets.

    ``lock`` is ``hosts`` where one of them says so. ``notes`` are templates of includes, which see what plays see.
    """

    entries: list[Entry] = field(default_factory=list)
    secrets: dict[str, Secret] = field(default_factory=dict)
    lock: Literal["controller", "hosts"] = "controller"
    notes: list[Written] = field(default_factory=list)


def read_plays(cursor: Cursor, source: Source) -> Read:
    """What a playbook comes to. What inputs, variables and groups decide stands in its document already."""
    read = Read(secrets=secrets_of(cursor.at("secrets"), source.reading.folder))
    if cursor.data.get("lock") == "hosts":
        read.lock = "hosts"
    if "plays" not in cursor.data:
        has_steps = isinstance(cursor.at("steps").data, list)
        read.entries = [play_of(cursor, source, is_single=True)] if has_steps else []
        return read
    for part in cursor.at("plays").parts():
        if isinstance(part.data, dict) and "include" in part.data:
            _include(part, read, source)
        elif part.fits(language.unsized(language.play_schema())) or _has_steps(part):
            read.entries.append(play_of(part, source, is_single=False))
    return read


def _has_steps(cursor: Cursor) -> bool:
    """Whether it is worth looking further, so that what is wrong in the steps is said in the same go."""
    return isinstance(cursor.data, dict) and isinstance(cursor.data.get("steps"), list)


def _include(cursor: Cursor, read: Read, source: Source) -> None:
    """Add the plays of another playbook, and its secrets."""
    if not _is_include(cursor):
        return
    place = cursor.at("include", "file") if isinstance(cursor.at("include").data, dict) else cursor.at("include")
    document = source.reading.files.include(place, source.reading.chain, "playbook")
    if document is None:
        return
    top = Cursor(document, place.problems, document.data)
    if isinstance(top.data, list) or (isinstance(top.data, dict) and not {"hosts", "plays"} & top.data.keys()):
        top.error("E410", "this is a file of steps, not a playbook", 'include it under "steps" of a play')
        return
    if not is_playbook(top):
        return
    opening = opening_of(document, place.problems, cwd=source.reading.files.cwd)
    handed = handed_over(place, cursor.at("include", "vars"), opening.inputs, lambda part: (part.data, False))
    inner = _source(cursor, Link(document.path, place.here), opening, handed, source, read.notes)
    for play in opening.plays():
        settle_play(play, inner.reading.static.within(opening.vars_of(play)))
    found = read_plays(top, inner)
    name = text_of(cursor.at("name")) or text_of(top.at("name")) or document.path.stem
    read.entries.append(Group(name, cursor, found.entries))
    read.notes += found.notes
    if found.lock == "hosts":
        read.lock = "hosts"
    _add_secrets(found, read, place)


def _is_include(cursor: Cursor) -> bool:
    """Complains of what else stands beside the include."""
    refused = [key for key in REFUSED if key in cursor.data]
    for key in refused:
        message = f'an include of plays can\'t have "{key}"'
        cursor.problems.error("E401", message, cursor.at(key).key, "say it of the plays in the file")
    open_shape = {**SHAPE, "properties": {**SHAPE["properties"], **{key: {} for key in refused}}}
    return cursor.fits(open_shape) and not refused


def _source(
    cursor: Cursor, link: Link, opening: Opening, handed: Handed, outer: Source, notes: list[Written]
) -> Source:
    """What the plays of an included playbook are read with."""
    given = with_defaults(opening.inputs, handed.values)
    static = replace(
        outer.reading.static,
        variables=merged(opening.layers),
        given=given,
        own={},
        missing=frozenset(handed.wrong),
    )
    reading = replace(outer.reading, static=static, chain=(*outer.reading.chain, link), folder=str(link.path.parent))
    return Source(
        reading,
        outer.taken,
        tags=tuple(dict.fromkeys((*outer.tags, *words_of(cursor.at("tags"))))),
        when=both(outer.when, _when(cursor, outer.reading.static, notes)),
        origin=opening,
        given=given,
    )


def _when(cursor: Cursor, static: Static, notes: list[Written]) -> Condition | None:
    """The include's own condition, decided where all its names are known."""
    place = cursor.at("when")
    condition = optional_condition(place, notes)
    if not isinstance(condition, Template) or not static.knows(condition):
        return condition
    try:
        return static.templates.condition(condition, static.scope())
    except RenderError as error:
        place.error("E409", error.message, error.hint)
        return None


def _add_secrets(found: Read, read: Read, place: Cursor) -> None:
    for name, secret in found.secrets.items():
        known = read.secrets.setdefault(name, secret)
        if changed(known, location=secret.location) != secret:
            message = f'the secret "{name}" has another source at {known.location}'
            place.problems.error("E412", message, secret.location, "give one of them another name")
