"""A playbook's document becomes a Playbook, with every template in it noted for lint."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from runner.loading import language
from runner.loading.cursor import Cursor, given
from runner.loading.documents import Document, Problems, read_document
from runner.loading.steps import RESERVED, Kinds, StepTexts, become_of, slug, steps_of, unique
from runner.loading.strategy import sizes_of, strategy_of
from runner.loading.texts import Written, layer_of, mapping_of, templates_of
from runner.model.inventory import Become, Layer
from runner.model.playbook import DEFAULT_STRATEGY, NO_VARS, Play, Playbook, Secret, Strategy

VERSION_HINT = "write version: 1"


@dataclass(slots=True)
class PlayTexts:
    """What lint needs of a play: its steps' templates, and its own."""

    play: Play
    cursor: Cursor
    steps: list[StepTexts]
    notes: list[Written] = field(default_factory=list)
    targets: list[Written] = field(default_factory=list)


@dataclass(slots=True)
class PlaybookTexts:
    """A playbook with what lint needs of it. ``documents`` are all files that were read for it."""

    playbook: Playbook
    plays: list[PlayTexts]
    cursor: Cursor
    notes: list[Written]
    documents: list[Document]


def playbook_of(document: Document, problems: Problems, kinds: Kinds, *, cwd: Path) -> PlaybookTexts | None:
    """The playbook in a document, as far as it is sound, or None where it is no playbook at all.

    Everything that is wrong is in ``problems``. Its ``vars_files`` are read too; ``cwd`` is what names of files are
    shown relative to.
    """
    cursor = Cursor(document, problems, document.data)
    if not isinstance(cursor.data, dict):
        cursor.error("E311", f"got {given(cursor.data)}, expected a playbook: a mapping", "begin with version: 1")
        return None
    _check_version(cursor)
    cursor.fits(_without_version(language.unsized(language.playbook_schema(cursor.data))))
    notes: list[Written] = []
    files = _vars_files(cursor, cwd)
    plays = _plays(cursor, kinds)
    playbook = Playbook(
        name=_text(cursor.at("name")) or document.path.stem,
        path=document.name,
        folder=str(document.path.parent),
        plays=tuple(texts.play for texts in plays),
        layers=tuple(_layers(cursor, files, notes)),
        secrets=_secrets(cursor.at("secrets")),
    )
    return PlaybookTexts(playbook, plays, cursor, notes, files)


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


def _text(cursor: Cursor) -> str:
    return cursor.data if isinstance(cursor.data, str) else ""


def _vars_files(cursor: Cursor, cwd: Path) -> list[Document]:
    folder = cursor.document.path.parent
    found = []
    for part in cursor.at("vars_files").parts():
        if isinstance(part.data, str):
            path = folder / Path(part.data).expanduser()
            found.append(read_document(path, cursor.problems, what="vars", cwd=cwd))
    return [document for document in found if document is not None]


def _layers(cursor: Cursor, files: list[Document], notes: list[Written]) -> Iterator[Layer]:
    """Variables of the whole playbook, lowest precedence first."""
    for document in files:
        place = Cursor(document, cursor.problems, document.data)
        if place.fits(language.VARS):
            check_names(place)
            yield layer_of(place, f"file {document.name}", notes)
    place = cursor.at("vars")
    if isinstance(place.data, dict):
        check_names(place)
        yield layer_of(place, "playbook", notes)


def check_names(cursor: Cursor) -> None:
    """Complains (E412) of variables that hide a name that is always there."""
    for name, part in cursor.items():
        if name in RESERVED:
            message = f'"{name}" is always there and can\'t be a variable'
            cursor.problems.error("E412", message, part.key, "take another name")


def _secrets(cursor: Cursor) -> Mapping[str, Secret]:
    return {name: _secret(name, part) for name, part in cursor.items() if isinstance(part.data, dict)}


def _secret(name: str, cursor: Cursor) -> Secret:
    data = {key: value for key, value in cursor.data.items() if key in {"env", "file", "prompt", "command"}}
    if isinstance(data.get("command"), list):
        data["command"] = tuple(data["command"])
    return Secret(name, cursor.key, **data)


def _plays(cursor: Cursor, kinds: Kinds) -> list[PlayTexts]:
    if "plays" not in cursor.data:
        return [_play(cursor, kinds, set())] if isinstance(cursor.at("steps").data, list) else []
    found: list[PlayTexts] = []
    for part in cursor.at("plays").parts():
        if part.fits(language.unsized(language.play_schema())) or _has_steps(part):
            found.append(_play(part, kinds, {texts.play.id for texts in found}))
    return found


def _has_steps(cursor: Cursor) -> bool:
    """Whether it is worth looking further, so that what is wrong in the steps is said in the same go."""
    return isinstance(cursor.data, dict) and isinstance(cursor.data.get("steps"), list)


def _play(cursor: Cursor, kinds: Kinds, taken: set[str]) -> PlayTexts:
    notes: list[Written] = []
    targets: list[Written] = []
    name = _text(cursor.at("name"))
    steps = steps_of(cursor.at("steps"), kinds)
    check_names(cursor.at("vars"))
    single = "plays" not in cursor.document.data  # then its vars are the playbook's
    play = Play(
        id=unique(slug(name) or "play", taken),
        name=name or "play",
        hosts=templates_of(cursor.at("hosts"), targets),
        steps=tuple(texts.step for texts in steps),
        location=cursor.here,
        hosts_location=cursor.at("hosts").here,
        strategy=_strategy(cursor),
        strategy_location=cursor.at("strategy").here if "strategy" in cursor.data else None,
        vars=NO_VARS if single else layer_of(cursor.at("vars"), f"play {name}".strip(), notes),
        become=_become(cursor, notes),
        env=mapping_of(cursor.at("env"), notes),
        cwd=templates_of(cursor.at("cwd"), notes),
        allow_empty=cursor.data.get("allow_empty") is True,
    )
    return PlayTexts(play, cursor, steps, notes, targets)


def _strategy(cursor: Cursor) -> Strategy:
    place = cursor.at("strategy")
    if place.data is None:
        return DEFAULT_STRATEGY
    if not place.fits(language.UNSIZED_STRATEGY):
        if place.at("waves").data is not None:
            sizes_of(place.at("waves"))
        return DEFAULT_STRATEGY
    return strategy_of(place)


def _become(cursor: Cursor, notes: list[Written]) -> Become | Literal[False] | None:
    place = cursor.at("become")
    return become_of(place, notes) if place.data is not None and place.fits(language.BECOME) else None
