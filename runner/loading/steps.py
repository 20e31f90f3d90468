"""A step as it is written becomes a Step: its kind found by its key, checked by that kind's own schema.

**Why** the kind first: validating against every kind at once (``anyOf``) can only say that none of them fits.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.loading.cursor import Cursor, given
from runner.loading.forms import FLUSH, STEP, kind_of, step_shapes
from runner.loading.idle_keys import check_idle
from runner.loading.setting import Setting
from runner.loading.step_values import (
    count_of,
    optional_condition,
    retry_of,
    size_of,
    timeout_of,
    words_of,
)
from runner.loading.texts import NAME, Written, condition_of, templates_of
from runner.model.playbook import DEFAULT_TIMEOUT, Step
from runner.model.scope import ALWAYS
from runner.model.template import Template, Value
from runner.step import StepKind
from runner.templating.limits import ITEMS

RESERVED = frozenset(
    {*ALWAYS, "item", "loop", "result", "range", "true", "false", "none", "not", "and", "or", "in", "is"}
)
"""Names that are always there, or mean something in an expression."""


@dataclass(slots=True)
class StepTexts:
    """What lint needs of a step: every template in it, and which of them see ``result``."""

    step: Step
    cursor: Cursor
    notes: list[Written] = field(default_factory=list)
    answers: list[Written] = field(default_factory=list)


def step_of(cursor: Cursor, setting: Setting, needs: tuple[str, ...]) -> StepTexts | None:
    """The step at a place, or None where it is not sound; everything that is wrong is complained of."""
    is_flush = isinstance(cursor.data, dict) and "flush" in cursor.data
    name = kind_of(cursor, FLUSH if is_flush else STEP, step_shapes(setting.kinds))
    if name is None:
        _look_further(cursor)
        return None
    return _built(cursor, setting, setting.kinds[name], needs)


def _look_further(cursor: Cursor) -> None:
    """What can be said of a step that is wrong elsewhere, so that all is told in the same go."""
    for key in ("when", "changed_when", "failed_when"):
        if isinstance(cursor.at(key).data, str):
            condition_of(cursor.at(key), [])
    if isinstance(cursor.at("register").data, str):
        register_of(cursor.at("register"))


def _built(cursor: Cursor, setting: Setting, kind: StepKind[Any], needs: tuple[str, ...]) -> StepTexts:
    notes: list[Written] = []
    answers: list[Written] = []
    data = cursor.data
    around = setting.around.within(cursor, notes)
    step = Step(
        id=setting.ids.of(cursor, kind.name),
        name=templates_of(cursor.at("name"), notes),
        kind=kind.name,
        params=params_of(cursor.at(kind.name), kind, notes),
        location=cursor.here,
        when=optional_condition(cursor.at("when"), notes),
        loop=templates_of(cursor.at("loop"), notes),
        loop_label=templates_of(cursor.at("loop_label"), notes),
        register=register_of(cursor.at("register")),
        changed_when=optional_condition(cursor.at("changed_when"), answers),
        failed_when=optional_condition(cursor.at("failed_when"), answers),
        ok_codes=tuple(data.get("ok_codes", (0,))),
        retry=retry_of(cursor.at("retry"), answers) if "retry" in data else kind.retry,
        timeout=timeout_of(cursor.at("timeout"), DEFAULT_TIMEOUT if kind.timeout == -1 else kind.timeout),
        timeout_is_default="timeout" not in data and kind.timeout == -1,
        idle_timeout=timeout_of(cursor.at("idle_timeout"), None),
        become=around.become,
        env=around.env,
        cwd=around.cwd,
        stdin=templates_of(cursor.at("stdin"), notes),
        on_failure=data.get("on_failure", "stop"),
        read_only=data.get("read_only", False),
        sensitive=around.sensitive,
        output_limit=size_of(cursor.at("output_limit")),
        once=data.get("once"),
        delegate_to=around.delegate_to,
        throttle=count_of(cursor.at("throttle")),
        needs=needs,
        tags=around.tags,
        notify=words_of(cursor.at("notify")),
        on_resume=data.get("on_resume", "skip"),
        idempotent=data.get("idempotent"),
        on_unknown=data.get("on_unknown", "stop"),
        verify=tuple(templates_of(part, notes) for part in cursor.at("verify").parts()),
        on_disconnect=data.get("on_disconnect", "finish"),
        section=setting.section,
        frame=setting.frame,
        folder=setting.reading.folder,
    )
    check_idle(cursor, setting, kind, step)
    _check_loop(cursor.at("loop"), step.loop)
    return StepTexts(step, cursor, notes, answers)


def params_of(cursor: Cursor, kind: StepKind[Any], notes: list[Written]) -> Mapping[str, Value]:
    """The kind's params, spelt out, its conditions made; the kind's own complaints are given their places."""
    params = dict(kind.spell_out(templates_of(cursor, notes)))
    for name in kind.conditions:
        if name in params:
            params[name] = _conditions(cursor.at(name) if isinstance(cursor.data, dict) else cursor, notes)
    for complaint in kind.check(params):
        place = cursor.at(*complaint.path) if isinstance(cursor.data, dict) else cursor
        if cursor.problems.has_error_at(place.here) and place.path != cursor.path:
            continue  # it is told
        place.error(complaint.code, complaint.message, complaint.hint)
    return params


def _conditions(cursor: Cursor, notes: list[Written]) -> Value:
    if isinstance(cursor.data, list):
        return [condition_of(part, notes) for part in cursor.parts()]
    return condition_of(cursor, notes)


def register_of(cursor: Cursor) -> str | None:
    """The name of a result. Complains (E412) of one that can't be."""
    name = cursor.data
    if name is None:
        return None
    if not NAME.match(name):
        cursor.error("E412", f"{given(name)} is no name for a result", "use letters, digits and _, not a digit first")
    elif name in RESERVED:
        cursor.error("E412", f'"{name}" is always there and can\'t be given to a result', "take another name")
    return str(name)


def _check_loop(cursor: Cursor, loop: Value) -> None:
    """Complains (E416) of a loop over no list."""
    hint = 'write a list, an expression such as "{{ items }}", or a mapping of lists'
    if isinstance(cursor.data, str) and not isinstance(loop, Template):
        cursor.error("E416", f"a loop over {given(cursor.data)} is no loop over a list", hint)
    for _name, part in cursor.items():  # noqa: PERF102 - a cursor is no dict
        if not isinstance(part.data, list) and not (isinstance(part.data, str) and "{{" in part.data):
            part.error("E416", f"got {given(part.data)}, expected a list", hint)
    if (count := items_in(cursor.data)) > ITEMS:
        cursor.error("E416", f"the loop has {count} items; the limit is {ITEMS}", "split the step, or the lists")


def items_in(value: Any) -> int:
    """How many items a loop over a list, or over every combination of a mapping of lists, has; 0 for what is none."""
    if isinstance(value, dict):
        return math.prod(len(part) if isinstance(part, list | tuple) else 1 for part in value.values())
    return len(value) if isinstance(value, list | tuple) else 0
