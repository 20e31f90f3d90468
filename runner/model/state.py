"""What is known of each part of a run: the phases of a host in a play, the table of its moves, and the numbers kept.

:mod:`runner.model.progress` folds events into these.
"""

from collections import Counter
from collections.abc import Mapping

import msgspec

from runner.model.events import StepEnded
from runner.model.outcome import HostStatus, Status

WAITING, IDLE, RUNNING, DELAYED, LOOPING, ENDED = "waiting", "idle", "running", "delayed", "looping", "ended"

UNSENT = frozenset({Status.SKIPPED, Status.FAILED, Status.UNREACHABLE, Status.CANCELLED})
"""How a step can end that was never sent: a template can't be rendered, a host can't be reached."""

BAD = frozenset({Status.FAILED, Status.TIMED_OUT, Status.UNREACHABLE, Status.UNKNOWN})
"""How a step ends that failed, in the wide sense."""

MOVES: Mapping[tuple[str, str], str] = {
    (WAITING, "host.started"): IDLE,
    (WAITING, "host.ended not_run"): ENDED,
    (IDLE, "step.intent"): RUNNING,
    (IDLE, "step.ended unsent"): IDLE,
    (IDLE, "item.ended unsent"): LOOPING,
    (IDLE, "step.retry unsent"): DELAYED,
    (IDLE, "step.ended nothing"): IDLE,
    (IDLE, "host.ended"): ENDED,
    (RUNNING, "step.output"): RUNNING,
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
}
"""The phase that follows a phase and an event. ``unsent`` marks a status of :data:`UNSENT`, ``nothing`` the end
of a loop over an empty list.
"""


class Failure(msgspec.Struct):
    """One step that failed on one host; ``step`` is empty where the host failed outside any step. ``ts`` in seconds."""

    play: str
    wave: int
    host: str
    step: str
    status: str
    reason: str
    ts: float
    kind: str = ""
    src: str = ""
    rc: int | None = None
    tail: str = ""
    output: Mapping[str, str] = {}
    ignored: bool = False


class HostProgress(msgspec.Struct):
    """One host in one play. ``bits`` has one bit for each step that ended.

    ``last`` is the last line of output that was heard of the step at work.
    """

    wave: int = 0
    phase: str = WAITING
    step: str = ""
    attempt: int = 0
    bits: int = 0
    last: str = ""
    failures: int = 0
    item_end: StepEnded | None = None
    status: str = ""
    reason: str = ""
    micros: int = 0


class StepStats(msgspec.Struct):
    """How long a step took, over the hosts it ended on: whole microseconds. ``slowest`` is the host of ``longest``.

    ``count`` leaves out the hosts that skipped it. ``gone`` counts the hosts on which it ended, or never will.
    """

    index: int
    count: int = 0
    gone: int = 0
    micros: int = 0
    longest: int = -1
    slowest: str = ""

    def add(self, micros: int, host: str) -> None:
        """Count one end; equal times are won by the host that comes first by name."""
        self.count += 1
        self.micros += micros
        if micros > self.longest or (micros == self.longest and host < self.slowest):
            self.longest, self.slowest = micros, host


class WaveProgress(msgspec.Struct):
    """One wave. ``started`` in seconds; ``status`` is empty while it is open; ``working`` counts its hosts at work."""

    index: int
    hosts: tuple[str, ...]
    started: float
    working: int = 0
    ended: int = 0
    status: str = ""
    counts: Mapping[str, int] = {}
    duration: float = 0.0


class PlayProgress(msgspec.Struct):
    """One play. ``of_*`` are the plan's numbers; ``counts`` are its hosts that ended, by status.

    ``early`` counts those that ended with steps left.
    """

    id: str
    name: str = ""
    of_hosts: int = 0
    of_steps: int = 0
    of_waves: int = 0
    hosts: dict[str, HostProgress] = {}
    waves: dict[int, WaveProgress] = {}
    steps: dict[str, StepStats] = {}
    counts: Counter[str] = msgspec.field(default_factory=Counter)
    early: int = 0
    open_wave: int | None = None
    failures: int = 0
    allowed: int | None = None
    exceeded: str = ""


_WRONG = frozenset({HostStatus.FAILED, HostStatus.UNREACHABLE, HostStatus.UNKNOWN, HostStatus.CANCELLED})


def merged_status(old: str | None, new: str) -> str:
    """A host's status over several plays: ``unknown`` if one is, else what first went wrong, else what it did.

    Not to run in a play takes nothing from what the host did in another.
    """
    if old is None or new == HostStatus.UNKNOWN:
        return new
    if old in _WRONG or new == HostStatus.NOT_RUN:
        return old
    return new if old in {HostStatus.OK, HostStatus.NOT_RUN} or new in _WRONG else old
