"""Named places at which a test lets this process die, as a power cut or the OOM killer would: at once, by SIGKILL.

``RUNNER_CRASHPOINT=after_sync_before_send:3`` kills it the third time it gets to that place; the count is 1 where it is
left out. Without the variable, which is read once, passing a point is a call that does nothing. It is for the tests of
going on after a crash (``tests/crash_harness.py``): the command line refuses a wrong value and warns of a right one.
"""

import os
import signal
from collections.abc import Callable

VARIABLE = "RUNNER_CRASHPOINT"

POINTS = (
    "before_append",  # records are about to be written to the journal
    "after_append_before_sync",  # they are written, and not yet synced
    "after_sync_before_send",  # a step's intent is on disk, nothing of its request is sent
    "after_send",  # the request is written to the connection
    "before_step_ended",  # an end was heard, and is not recorded
    "after_step_ended",  # it is recorded, and not yet written
    "in_repair",  # a torn tail of the journal is being set aside
    "in_plan_write",  # a plan or another whole file is written, and not yet in its place
    "before_run_ended",  # all is done, and the last record is missing
)


def _pass(point: str) -> None:
    """Go on: nobody asked for a crash."""


def _counting(wanted: str, count: int) -> Callable[[str], None]:
    left = count

    def crash(point: str) -> None:
        nonlocal left
        left -= point == wanted
        if point == wanted and left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return crash


def chosen(text: str) -> tuple[str, int] | None:
    """The point and the count that a value of the variable names; None where it is none."""
    point, _, count = text.partition(":")
    number = int(count) if count.isascii() and count.isdigit() else 0 if count or ":" in text else 1
    return (point, number) if point in POINTS and number > 0 else None


TEXT = os.environ.get(VARIABLE, "")
"""What the variable says; empty for nothing."""

CHOSEN = chosen(TEXT)

crash_point: Callable[[str], None] = _counting(*CHOSEN) if CHOSEN else _pass
"""Pass a point by its name, from whatever thread."""
