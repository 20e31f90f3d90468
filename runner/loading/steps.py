"""A step as it is written becomes a Step: its kind found by its key, checked by that kind's own schema.

**Why** the kind first: validating against every kind at once (``anyOf``) can only say that none of them fits.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from runner.durations import FORMS, seconds
from runner.fragments import mapping
from runner.loading import language, schema
from runner.loading.cursor import Cursor, given
from runner.loading.documents import Problems
from runner.loading.scalars import SIZE_FORMS, size
from runner.loading.texts import NAME, Written, condition_of, mapping_of, templates_of
from runner.model.inventory import Become
from runner.model.playbook import DEFAULT_OUTPUT_LIMIT, DEFAULT_TIMEOUT, Condition, Retry, Step
from runner.model.scope import ALWAYS
from runner.model.template import Template, Value
from runner.step import StepKind

RESERVED = frozenset(
    {*ALWAYS, "item", "loop", "result", "range", "true", "false", "none", "not", "and", "or", "in", "is"}
)
"""Names that are always there, or mean something in an expression."""

_NOT_IN_ID = re.compile(r"[^a-z0-9]+")

Kinds = Mapping[str, StepKind[Any]]


@dataclass(slots=True)
class StepTexts:
    """What lint needs of a step: every template in it, and which of them see ``result``."""

    step: Step
    cursor: Cursor
    notes: list[Written] = field(default_factory=list)
    answers: list[Written] = field(default_factory=list)


class _Shapes(Mapping[str, Mapping[str, Any]]):
    """The schema of each kind, without importing a kind that no step names."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        return self._kinds[name].schema

    def __contains__(self, name: object) -> bool:
        return name in self._kinds

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


def steps_of(cursor: Cursor, kinds: Kinds) -> list[StepTexts]:
    """All steps of a list that are sound, each with its id. Complains of the others."""
    taken = _explicit_ids(cursor)
    found = [_step(part, kinds, taken) for part in cursor.parts()]
    steps = [step for step in found if step is not None]
    _check_registers(steps)
    return steps


def _explicit_ids(cursor: Cursor) -> dict[str, Cursor]:
    taken: dict[str, Cursor] = {}
    for part in cursor.parts():
        place = part.at("id")
        if not isinstance(place.data, str):
            continue
        if place.data in taken:
            other = taken[place.data].here
            place.error("E412", f'the id "{place.data}" is taken by the step at {other}', "give each step its own id")
        taken.setdefault(place.data, place)
    return taken


def _step(cursor: Cursor, kinds: Kinds, taken: dict[str, Cursor]) -> StepTexts | None:
    found = Problems()
    common = mapping(language.STEP_KEYS)
    name = schema.validate_step(cursor.document, cursor.path, found, common_schema=common, kinds=_Shapes(kinds))
    cursor.tell(found)
    if name is None or found.has_errors:
        _look_further(cursor)
        return None
    return _built(cursor, kinds[name], taken)


def _look_further(cursor: Cursor) -> None:
    """What can be said of a step that is wrong elsewhere, so that all is told in the same go."""
    for key in ("when", "changed_when", "failed_when"):
        if isinstance(cursor.at(key).data, str):
            condition_of(cursor.at(key), [])
    if isinstance(cursor.at("register").data, str):
        _register(cursor.at("register"))


def _built(cursor: Cursor, kind: StepKind[Any], taken: dict[str, Cursor]) -> StepTexts:
    notes: list[Written] = []
    answers: list[Written] = []
    data = cursor.data
    step = Step(
        id=data.get("id") or _made_id(cursor, kind.name, taken),
        name=templates_of(cursor.at("name"), notes),
        kind=kind.name,
        params=_params(cursor.at(kind.name), kind, notes),
        location=cursor.here,
        when=_condition(cursor.at("when"), notes),
        loop=templates_of(cursor.at("loop"), notes),
        loop_label=templates_of(cursor.at("loop_label"), notes),
        register=_register(cursor.at("register")),
        changed_when=_condition(cursor.at("changed_when"), answers),
        failed_when=_condition(cursor.at("failed_when"), answers),
        ok_codes=tuple(data.get("ok_codes", (0,))),
        retry=retry_of(cursor.at("retry"), answers) if "retry" in data else kind.retry,
        timeout=_timeout(cursor.at("timeout"), DEFAULT_TIMEOUT if kind.timeout == -1 else kind.timeout),
        timeout_is_default="timeout" not in data and kind.timeout == -1,
        idle_timeout=_timeout(cursor.at("idle_timeout"), None),
        become=become_of(cursor.at("become"), notes),
        env=mapping_of(cursor.at("env"), notes),
        cwd=templates_of(cursor.at("cwd"), notes),
        stdin=templates_of(cursor.at("stdin"), notes),
        on_failure=data.get("on_failure", "stop"),
        read_only=data.get("read_only", False),
        sensitive=data.get("sensitive", False),
        output_limit=_size(cursor.at("output_limit")),
    )
    _check_loop(cursor.at("loop"), step.loop)
    return StepTexts(step, cursor, notes, answers)


def _params(cursor: Cursor, kind: StepKind[Any], notes: list[Written]) -> Mapping[str, Value]:
    """The kind's params, spelt out, its conditions made; the kind's own complaints are given their places."""
    params = dict(kind.spell_out(templates_of(cursor, notes)))
    for name in kind.conditions:
        if name in params:
            params[name] = _conditions(cursor.at(name) if isinstance(cursor.data, dict) else cursor, notes)
    for complaint in kind.check(params):
        place = cursor.at(*complaint.path) if isinstance(cursor.data, dict) else cursor
        place.error(complaint.code, complaint.message, complaint.hint)
    return params


def _conditions(cursor: Cursor, notes: list[Written]) -> Value:
    if isinstance(cursor.data, list):
        return [condition_of(part, notes) for part in cursor.parts()]
    return condition_of(cursor, notes)


def _condition(cursor: Cursor, notes: list[Written]) -> Condition | None:
    return None if cursor.data is None else condition_of(cursor, notes)


def _made_id(cursor: Cursor, kind: str, taken: dict[str, Cursor]) -> str:
    """An id from the name or the kind: the first is ``command``, the next ``command-2``."""
    made = unique(slug(cursor.data.get("name") or "") or kind, taken)
    taken[made] = cursor
    return made


def slug(text: str) -> str:
    """Words joined by hyphens: ``restart app`` is ``restart-app``."""
    return _NOT_IN_ID.sub("-", text.lower()).strip("-")


def unique(wanted: str, taken: Iterable[str]) -> str:
    """``wanted``, or with the first free number behind it."""
    others = set(taken)
    number, made = 1, wanted
    while made in others:
        number += 1
        made = f"{wanted}-{number}"
    return made


def _register(cursor: Cursor) -> str | None:
    name = cursor.data
    if name is None:
        return None
    if not NAME.match(name):
        cursor.error("E412", f"{given(name)} is no name for a result", "use letters, digits and _, not a digit first")
    elif name in RESERVED:
        cursor.error("E412", f'"{name}" is always there and can\'t be given to a result', "take another name")
    return str(name)


def _check_registers(steps: list[StepTexts]) -> None:
    seen: dict[str, Cursor] = {}
    for texts in steps:
        name, place = texts.step.register, texts.cursor.at("register")
        if name is None:
            continue
        if name in seen:
            place.error("E412", f'"{name}" is registered already at {seen[name].here}', "take another name")
        seen.setdefault(name, place)


def _check_loop(cursor: Cursor, loop: Value) -> None:
    """Complains (E416) of a loop over no list."""
    hint = 'write a list, an expression such as "{{ items }}", or a mapping of lists'
    if isinstance(cursor.data, str) and not isinstance(loop, Template):
        cursor.error("E416", f"a loop over {given(cursor.data)} is no loop over a list", hint)
    for _name, part in cursor.items():  # noqa: PERF102 - a cursor is no dict
        if not isinstance(part.data, list) and not (isinstance(part.data, str) and "{{" in part.data):
            part.error("E416", f"got {given(part.data)}, expected a list", hint)


def _timeout(cursor: Cursor, default: float | None) -> float | None:
    """Seconds; 0 is none."""
    return default if cursor.data is None else duration_of(cursor) or None


def duration_of(cursor: Cursor) -> float:
    """Seconds of a duration. Complains (E406) of anything else."""
    try:
        return seconds(cursor.data)
    except (TypeError, ValueError):
        cursor.error("E406", f"{given(cursor.data)} is no duration", FORMS)
        return 0.0


def _size(cursor: Cursor) -> int:
    """Bytes. Complains (E406) of what is no size."""
    if cursor.data is None:
        return DEFAULT_OUTPUT_LIMIT
    try:
        return size(cursor.data)
    except ValueError:
        cursor.error("E406", f"{given(cursor.data)} is no size", SIZE_FORMS)
        return DEFAULT_OUTPUT_LIMIT


def retry_of(cursor: Cursor, answers: list[Written]) -> Retry:
    """A retry policy; what is not given is the language's default."""
    data = dict(cursor.data)
    for key in ("delay", "max_delay"):
        if key in data:
            data[key] = duration_of(cursor.at(key))
    if "until" in data:
        data["until"] = condition_of(cursor.at("until"), answers)
    if "on" in data:
        data["on"] = tuple(data["on"])
    return Retry(**data)


def become_of(cursor: Cursor, notes: list[Written]) -> Become | Literal[False] | None:
    """Another user, none (False), or None where nothing is said."""
    data = cursor.data
    if data is None or data is False:
        return data
    if data is True:
        return Become()
    values: dict[str, Any] = {key: templates_of(part, notes) for key, part in cursor.items()}
    return Become(**values)
