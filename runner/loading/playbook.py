"""A playbook's document becomes a Playbook, with every template in it noted for lint."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.loading import language
from runner.loading.cursor import Cursor, given
from runner.loading.documents import Document, Problems
from runner.loading.opening import Opening, opening_of
from runner.loading.order import order_plays
from runner.loading.plays import PlayTexts, play_of, text_of
from runner.loading.setting import Kinds
from runner.loading.texts import Written
from runner.model.playbook import Playbook, Secret

VERSION_HINT = "write version: 1"


@dataclass(slots=True)
class PlaybookTexts:
    """A playbook with what lint needs of it. ``documents`` are all files that were read for it."""

    playbook: Playbook
    plays: list[PlayTexts]
    cursor: Cursor
    notes: list[Written]
    documents: list[Document]


def playbook_of(
    document: Document, problems: Problems, kinds: Kinds, *, cwd: Path, opening: Opening | None = None
) -> PlaybookTexts | None:
    """The playbook in a document, as far as it is sound, or None where it is no playbook at all.

    Everything that is wrong is in ``problems``. ``opening`` is what was read of it already, its ``vars_files`` too;
    ``cwd`` is what names of files are shown relative to.
    """
    cursor = Cursor(document, problems, document.data)
    if not isinstance(cursor.data, dict):
        cursor.error("E311", f"got {given(cursor.data)}, expected a playbook: a mapping", "begin with version: 1")
        return None
    _check_version(cursor)
    cursor.fits(_without_version(language.unsized(language.playbook_schema(cursor.data))))
    opening = opening or opening_of(document, problems, cwd=cwd)
    plays = _plays(cursor, kinds)
    playbook = Playbook(
        name=text_of(cursor.at("name")) or document.path.stem,
        path=document.name,
        folder=str(document.path.parent),
        plays=tuple(texts.play for texts in plays),
        layers=opening.layers,
        secrets=_secrets(cursor.at("secrets")),
        inputs=opening.inputs,
    )
    return PlaybookTexts(playbook, plays, cursor, opening.notes, opening.files)


def _without_version(shape: dict[str, Any]) -> dict[str, Any]:
    """The schema with the version left to :func:`_check_version`, which has an own code for it."""
    required = [key for key in shape["required"] if key != "version"]
    return {**shape, "properties": {**shape["properties"], "version": True}, "required": required}


def _check_version(cursor: Cursor) -> None:
    """Complains (E419) of a version that is missing, no whole number, or too new."""
    version = cursor.at("version")
    if "version" not in cursor.data:
        cursor.error("E419", "the version of the language is missing", VERSION_HINT)
    elif isinstance(version.data, bool) or not isinstance(version.data, int):
        version.error("E419", f"got {given(version.data)}, expected a version of the language", VERSION_HINT)
    elif version.data != 1:
        version.error("E419", f"version {version.data} of the language is not known to this runner", VERSION_HINT)


def _secrets(cursor: Cursor) -> Mapping[str, Secret]:
    return {name: _secret(name, part) for name, part in cursor.items() if isinstance(part.data, dict)}


def _secret(name: str, cursor: Cursor) -> Secret:
    data = {key: value for key, value in cursor.data.items() if key in {"env", "file", "prompt", "command"}}
    if isinstance(data.get("command"), list):
        data["command"] = tuple(data["command"])
    return Secret(name, cursor.key, **data)


def _plays(cursor: Cursor, kinds: Kinds) -> list[PlayTexts]:
    if "plays" not in cursor.data:
        has_steps = isinstance(cursor.at("steps").data, list)
        found = [play_of(cursor, kinds, set(), is_single=True)] if has_steps else []
    else:
        found = []
        for part in cursor.at("plays").parts():
            if part.fits(language.unsized(language.play_schema())) or _has_steps(part):
                found.append(play_of(part, kinds, {texts.play.id for texts in found}, is_single=False))
    order_plays(found)
    return found


def _has_steps(cursor: Cursor) -> bool:
    """Whether it is worth looking further, so that what is wrong in the steps is said in the same go."""
    return isinstance(cursor.data, dict) and isinstance(cursor.data.get("steps"), list)
