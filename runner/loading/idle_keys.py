"""Keys of a step that could have no effect where they stand: they are errors (E406), not passed over."""

from collections.abc import Iterator, Mapping
from typing import Any

from runner.loading.cursor import Cursor
from runner.loading.setting import Setting
from runner.step import StepKind

WITH_CODES = frozenset({"command", "shell", "script"})

Idle = tuple[str, str, str]
"""A key, where it has no meaning, and what to do."""


def check_idle(cursor: Cursor, setting: Setting, kind: StepKind[Any]) -> None:
    """Complain of each."""
    for key, where, hint in [*_of_kind(kind), *_of_place(setting), *_alone(cursor.data)]:
        if key in cursor.data:
            place = cursor.at(key)
            place.problems.error("E406", f'"{key}" has no meaning {where}', place.key, hint)
    retry = cursor.at("retry")
    if isinstance(retry.data, dict) and "factor" in retry.data and retry.data.get("backoff") != "exponential":
        place = retry.at("factor")
        hint = "write backoff: exponential, or leave it out"
        place.problems.error("E406", '"factor" has no meaning for a constant backoff', place.key, hint)


def _of_kind(kind: StepKind[Any]) -> Iterator[Idle]:
    if kind.name not in WITH_CODES:
        yield "ok_codes", f"for `{kind.name}`, which has no exit status", "leave it out, or write failed_when"


def _of_place(setting: Setting) -> Iterator[Idle]:
    if setting.section == "handlers":
        yield "needs", 'in "handlers"', "handlers run in the order written, after the steps"


def _alone(data: Mapping[str, Any]) -> Iterator[Idle]:
    if "loop" not in data:
        yield "loop_label", 'without "loop"', "add a loop, or leave it out"
