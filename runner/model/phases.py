"""The phases of a host in a play, and the table of its moves: which event may follow in which phase.

:mod:`runner.model.progress` says the rules that are no matter of phases.
"""

from collections.abc import Mapping

from runner.model.events import HostEnded, HostStarted, StepEnded
from runner.model.outcome import HostStatus, Status

WAITING, IDLE, RUNNING, DELAYED, LOOPING, ENDED = "waiting", "idle", "running", "delayed", "looping", "ended"
CUT = "cut"
"""The process that let it to work is gone, and it was at work then."""

UNSENT = frozenset({Status.SKIPPED, Status.FAILED, Status.UNREACHABLE, Status.CANCELLED})
"""How a step can end that was never sent: a template can't be rendered, a host can't be reached."""

BAD = frozenset({Status.FAILED, Status.TIMED_OUT, Status.UNREACHABLE, Status.UNKNOWN})
"""How a step ends that failed, in the wide sense."""


_BETWEEN = frozenset({IDLE, LOOPING})
_OVER = frozenset({ENDED, CUT})
_LATER = frozenset(status for status in HostStatus if status.counts or status is HostStatus.ROLLBACK_FAILED)
"""What a host that has ended can still become without further work: a gate, or a step it waited for, was bad."""

MOVES: Mapping[tuple[str, str], str] = {
    (WAITING, "host.started"): IDLE,
    (WAITING, "host.ended not_run"): ENDED,
    (WAITING, "host.ended untried"): ENDED,
    (IDLE, "step.intent"): RUNNING,
    (IDLE, "step.ended unsent"): IDLE,
    (IDLE, "item.ended unsent"): LOOPING,
    (IDLE, "step.retry unsent"): DELAYED,
    (IDLE, "step.ended nothing"): IDLE,
    (IDLE, "host.ended"): ENDED,
    (RUNNING, "step.output"): RUNNING,
    (IDLE, "step.note"): IDLE,
    (LOOPING, "step.note"): LOOPING,
    (RUNNING, "step.note"): RUNNING,
    (RUNNING, "step.retry"): DELAYED,
    (RUNNING, "step.retry unsent"): DELAYED,
    (RUNNING, "step.ended"): IDLE,
    (RUNNING, "step.ended unsent"): IDLE,
    (RUNNING, "item.ended"): LOOPING,
    (RUNNING, "item.ended unsent"): LOOPING,
    (DELAYED, "step.intent"): RUNNING,
    (DELAYED, "step.note"): DELAYED,
    (DELAYED, "step.retry unsent"): DELAYED,
    (DELAYED, "step.ended"): IDLE,
    (DELAYED, "step.ended unsent"): IDLE,
    (DELAYED, "item.ended"): LOOPING,
    (DELAYED, "item.ended unsent"): LOOPING,
    (LOOPING, "step.intent"): RUNNING,
    (LOOPING, "step.retry unsent"): DELAYED,
    (LOOPING, "item.ended unsent"): LOOPING,
    (LOOPING, "step.ended"): IDLE,
    (LOOPING, "step.ended unsent"): IDLE,
    (ENDED, "host.started section"): IDLE,
    (ENDED, "host.ended later"): ENDED,
    (ENDED, "host.started again"): IDLE,
    (ENDED, "host.ended again"): ENDED,
    (CUT, "host.started again"): IDLE,
    (CUT, "host.started section"): IDLE,
    (CUT, "host.ended again"): ENDED,
    (IDLE, "step.ended late"): IDLE,
    (IDLE, "item.ended late"): LOOPING,
    (RUNNING, "step.ended late"): IDLE,
    (RUNNING, "item.ended late"): LOOPING,
    (DELAYED, "step.ended late"): IDLE,
    (DELAYED, "item.ended late"): LOOPING,
    (LOOPING, "step.ended late"): IDLE,
    (LOOPING, "item.ended late"): LOOPING,
    (ENDED, "step.ended late"): ENDED,
    (ENDED, "item.ended late"): ENDED,
    (CUT, "step.ended late"): CUT,
    (CUT, "item.ended late"): CUT,
    (IDLE, "step.note before"): DELAYED,
    (LOOPING, "step.note before"): DELAYED,
}
"""The phase that follows a phase and an event.

``unsent`` marks a status of :data:`UNSENT`, ``nothing`` the end of a loop over an empty list, ``untried`` a host that
preflight could not reach, ``section`` further work of a host that has ended, ``later`` a status that such a host takes
on without any. ``again`` is what a later process of the run does with a host that an earlier one knew. ``late`` is the
end of what began before: in an earlier process, or until its end was no longer waited for; ``before`` what is heard of
a step that an earlier process began.
"""


def step_end(event: StepEnded, phase: str, *, began_before: bool) -> str:
    """The name of a step's, or an item's, end in the table.

    ``began_before`` where an earlier process began the step, or somebody has decided what became of it.
    """
    if event.late or (began_before and phase in _BETWEEN):
        return "step.ended late" if event.item is None else "item.ended late"
    if phase == IDLE and event.item is None and event.status == Status.OK and event.rc is None:
        return "step.ended nothing" if not event.duration else "step.ended"
    name = "step.ended" if event.item is None else "item.ended"
    return f"{name} unsent" if event.status in UNSENT else name


def host_start(event: HostStarted, *, again: bool) -> str:
    """The name of a host's start in the table. ``again`` where an earlier process knew the host."""
    if event.section:
        return "host.started section"
    return "host.started again" if again else "host.started"


def host_end(event: HostEnded, phase: str, *, again: bool) -> str:
    """The name of a host's end in the table; ``again`` as above."""
    if again and phase in _OVER:
        return "host.ended again"
    if event.status == HostStatus.NOT_RUN:
        return "host.ended not_run"
    if phase == WAITING and event.status == HostStatus.UNREACHABLE:
        return "host.ended untried"
    return "host.ended later" if phase == ENDED and event.status in _LATER else "host.ended"
