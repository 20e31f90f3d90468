"""What may stand in a list of steps, or in a gate, and how its kind is found.

A key that is known, but not here, is refused by name, with what to write in its place: "unknown" would be no help.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.fragments import Schema, mapping
from runner.loading import schema, step_language
from runner.loading.cursor import Cursor
from runner.loading.documents import Problems
from runner.loading.setting import Kinds

ON_BLOCKS = 'it belongs to a block: write "block: [STEPS]" beside it'


@dataclass(frozen=True, slots=True)
class Form:
    """One of them. ``what`` it is called in messages, ``keys`` may stand beside its kind, ``refused`` have hints."""

    what: str
    keys: Mapping[str, Schema]
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def schema(self) -> dict[str, Any]:
        """The schema of its keys; those that are refused are told of otherwise."""
        return mapping({**self.keys, **{key: {} for key in self.refused}})


def _without(keys: Mapping[str, Schema], hint: str) -> dict[str, str]:
    """The keys of steps that are not among ``keys``, with a hint for all of them."""
    return {key: hint for key in step_language.STEP_KEYS if key not in keys}


STEP = Form("a step", step_language.STEP_KEYS, dict.fromkeys(step_language.BLOCK_PARTS, ON_BLOCKS))
BLOCK = Form(
    "a block",
    {**step_language.BLOCK_KEYS, **step_language.BLOCK_PARTS},
    {
        **_without(step_language.BLOCK_KEYS, "say it of the steps inside"),
        "loop": "put the steps into a file of their own and loop its include",
        "register": "say it of a step inside",
    },
)
INCLUDE = Form(
    "an include",
    step_language.INCLUDE_KEYS,
    {
        **_without(step_language.INCLUDE_KEYS, "say it of the steps in the file"),
        "vars": 'write it inside: "include: {file: FILE, vars: {…}}"',
        **dict.fromkeys(step_language.BLOCK_PARTS, ON_BLOCKS),
    },
)
HANDLERS_INCLUDE = Form(
    "an include of handlers",
    step_language.HANDLERS_INCLUDE_KEYS,
    {**INCLUDE.refused, **_without(step_language.HANDLERS_INCLUDE_KEYS, "say it of the handlers in the file")},
)
_FLUSH_KEYS = {key: step_language.STEP_KEYS[key] for key in step_language.FLUSH_KEYS}
FLUSH = Form(
    "flush",
    _FLUSH_KEYS,
    {**_without(_FLUSH_KEYS, "say it of the handlers"), **dict.fromkeys(step_language.BLOCK_PARTS, ON_BLOCKS)},
)
CHECK = Form(
    "a check",
    step_language.CHECK_KEYS,
    {
        **_without(step_language.CHECK_KEYS, ""),
        "retry": "a check is asked again by itself: write interval, deadline and successes",
        "timeout": "write deadline: the time in which the check must have passed",
        "delegate_to": "write from: NAME",
        "when": "write what must hold as failed_when",
    },
)


class Shapes(Mapping[str, Mapping[str, Any]]):
    """The schema behind each kind's key, without importing a kind that no step names; ``others`` are no step kinds."""

    def __init__(
        self, kinds: Kinds, names: Collection[str], others: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        self._kinds = kinds
        self._others = others or {}
        self._names = tuple(names)

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        return self._others[name] if name in self._others else self._kinds[name].schema

    def __contains__(self, name: object) -> bool:
        return name in self._names or name in self._others

    def __iter__(self) -> Iterator[str]:
        yield from self._names
        yield from self._others

    def __len__(self) -> int:
        return len(self._names) + len(self._others)


def step_shapes(kinds: Kinds) -> Shapes:
    """What may be the kind of something in a list of steps."""
    return Shapes(kinds, [name for name in kinds if name not in step_language.GATE_ONLY], step_language.CONTROLS)


def check_shapes(kinds: Kinds) -> Shapes:
    """What a gate may ask."""
    return Shapes(kinds, [name for name in step_language.CHECK_KINDS if name in kinds])


def kind_of(cursor: Cursor, form: Form, shapes: Shapes) -> str | None:
    """The kind of what stands at a place, or None where it is not sound; says everything that is wrong with it."""
    keys = cursor.data if isinstance(cursor.data, dict) else {}
    if form is STEP and (word := next(iter(step_language.GATE_ONLY & keys.keys()), "")):
        place = cursor.at(word).key
        cursor.problems.error("E401", f'"{word}" is a check of a gate', place, 'as a step write "wait_for: {port: …}"')
        return None
    found = Problems()
    what = "a check" if form is CHECK else "a step"
    name = schema.validate_step(cursor.document, cursor.path, found, common_schema=form.schema, kinds=shapes, what=what)
    for key in keys:
        if key in form.refused:
            place = cursor.at(key).key
            found.error("E401", f'{form.what} can\'t have "{key}"', place, form.refused[key])
    cursor.tell(found)
    return None if found.has_errors else name
