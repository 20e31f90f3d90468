"""Keys of a step that could have no effect where they stand: they are errors (E406), not passed over.

One that another key beside it, or the kind, leaves without effect is a warning (W432).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from runner.loading.cursor import Cursor
from runner.loading.setting import Setting
from runner.model.playbook import Step
from runner.step import StepKind

WITH_CODES = frozenset({"command", "shell", "script"})

UNKNOWN_KEYS = ("idempotent", "on_unknown", "verify")
"""Keys that say what may be done where the end of a step is never heard."""

Idle = tuple[str, str, str]
"""A key, where it has no meaning, and what to do."""


def check_idle(cursor: Cursor, setting: Setting, kind: StepKind[Any], step: Step) -> None:
    """Complain of each."""
    for key, where, hint in [*_of_kind(kind, step), *_of_place(setting), *_alone(cursor.data)]:
        if key in cursor.data:
            place = cursor.at(key)
            place.problems.error("E406", f'"{key}" has no meaning {where}', place.key, hint)
    retry = cursor.at("retry")
    if isinstance(retry.data, dict) and "factor" in retry.data and retry.data.get("backoff") != "exponential":
        place = retry.at("factor")
        hint = "write backoff: exponential, or leave it out"
        place.problems.error("E406", '"factor" has no meaning for a constant backoff', place.key, hint)
    _check_unknown(cursor, kind, step)
    _check_retry(cursor, kind, step)


def _check_unknown(cursor: Cursor, kind: StepKind[Any], step: Step) -> None:
    """Warn of an ``on_unknown`` that is never asked, as the step is run again where its end is unknown."""
    if "on_unknown" not in cursor.data or step.idempotent is False or _leaves_nothing_unknown(kind, step):
        return
    if step.idempotent:
        why, hint = "idempotent: true", "leave one of them out"
    elif step.read_only:
        why, hint = "read_only: true", "leave it out: what changes nothing is run again"
    elif kind.idempotent:
        why, hint = f"`{kind.name}`, which may run twice", "leave it out, or write idempotent: false"
    else:
        return
    place = cursor.at("on_unknown")
    place.problems.warning("W432", f'"on_unknown" has no effect beside {why}', place.key, hint)


def _check_retry(cursor: Cursor, kind: StepKind[Any], step: Step) -> None:
    """Warn (W417) of a command that is tried again without a word that a second time does no harm."""
    said = step.idempotent is not None or step.read_only or step.verify or "on_unknown" in cursor.data
    if kind.name not in WITH_CODES or said or "retry" not in cursor.data or step.retry is None:
        return
    place = cursor.at("retry")
    hint = "say idempotent: true, or read_only, verify or on_unknown, if a second time does no harm"
    place.problems.warning("W417", "a try that failed may have done half its work, and is done again", place.key, hint)


def _leaves_nothing_unknown(kind: StepKind[Any], step: Step) -> bool:
    """Whether nothing is ever sent by it whose end could stay unheard."""
    return kind.only_connects or (kind.idempotent and not kind.on_host(step.params))


def _of_kind(kind: StepKind[Any], step: Step) -> Iterator[Idle]:
    if kind.name not in WITH_CODES:
        yield "ok_codes", f"for `{kind.name}`, which has no exit status", "leave it out, or write failed_when"
    if _leaves_nothing_unknown(kind, step):
        for key in UNKNOWN_KEYS:
            yield key, f"for `{kind.name}`, which runs nothing on a host", "its end is always known: leave it out"
    if kind.only_connects or not kind.on_host(step.params):
        yield "on_disconnect", f"for `{kind.name}`, which runs nothing on a host", "leave it out"


def _of_place(setting: Setting) -> Iterator[Idle]:
    if setting.section == "handlers":
        yield "needs", 'in "handlers"', "handlers run in the order written, after the steps"


def _alone(data: Mapping[str, Any]) -> Iterator[Idle]:
    if "loop" not in data:
        yield "loop_label", 'without "loop"', "add a loop, or leave it out"
