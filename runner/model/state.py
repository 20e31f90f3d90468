"""What is known of each part of a run: the numbers and names that :mod:`runner.model.progress` folds events into."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from runner.model.events import (
    ApprovalDenied,
    ApprovalWaiting,
    Decision,
    GateChecked,
    GateFailed,
    HostLost,
    PlanReady,
    RunEnded,
    RunStarted,
    Signalled,
    StepEnded,
    Warned,
)
from runner.model.outcome import HostStatus
from runner.model.phases import WAITING


class Failure(msgspec.Struct):
    """One step that failed on one host; ``step`` is empty where the host failed outside any step. ``ts`` in seconds.

    ``began`` is when it was first sent, in seconds, 0 where it was not. ``ignored`` and ``rescued`` are not the host's
    own failure. ``section`` is that of the step; ``rollback`` for all that a host does then, ``always`` too.
    ``is_past`` where its host, or its step, has been taken up again since.
    """

    play: str
    wave: int
    host: str
    step: str
    status: str
    reason: str
    ts: float
    began: float = 0.0
    kind: str = ""
    src: str = ""
    rc: int | None = None
    tail: str = ""
    output: Mapping[str, str] = {}
    ignored: bool = False
    rescued: bool = False
    section: str = ""
    delegate: str = ""
    is_past: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is the host's own failure."""
        return not (self.ignored or self.rescued or self.is_past)


class HostProgress(msgspec.Struct):
    """One host in one play. ``ends`` are those of its steps (:mod:`runner.model.ends`), ``over`` is how many there are.

    ``section`` is what it was started again for, empty in its own turn. ``failures`` are those that count since it was
    last started. ``last`` is the last line of output that was heard of the step at work. ``pending`` are handlers
    that were notified and have not run. ``status`` is empty until it first ends. ``dropped`` are the steps it left.

    ``process`` is the last that knew it. ``begun``, None unless it was taken up again, are the steps that an earlier
    one began and that have no end to keep; ``known`` the ends of others, which may be had once more. ``rerun`` are
    those that a person wants to run again. ``is_stale`` where it may be taken up and has not been. ``part`` is the
    section of the step at work; where the process that ran it is gone, ``since`` is when that began, in seconds.
    """

    wave: int = 0
    phase: str = WAITING
    section: str = ""
    step: str = ""
    attempt: int = 0
    ends: int = 0
    over: int = 0
    last: str = ""
    failures: int = 0
    item_end: StepEnded | None = None
    status: str = ""
    reason: str = ""
    micros: int = 0
    pending: tuple[str, ...] = ()
    dropped: int = 0
    process: int = 1
    begun: tuple[str, ...] | None = None
    known: int = 0
    rerun: tuple[str, ...] = ()
    is_stale: bool = False
    part: str = ""
    since: float = 0.0


class StepStats(msgspec.Struct):
    """How long a step took, over its ends: whole microseconds. ``slowest`` is the host of ``longest``.

    ``count`` leaves out the hosts that skipped it. ``gone`` counts the hosts on which it ended, or never will.
    ``stale`` are those of them that may do it yet, where they are taken up again. ``began`` are the hosts in it, oldest
    first, each with the time since when, in seconds.
    """

    index: int
    count: int = 0
    gone: int = 0
    stale: int = 0
    micros: int = 0
    longest: int = -1
    slowest: str = ""
    began: dict[str, float] = {}

    def slower(self, micros: int, host: str) -> None:
        """An end took as long as the longest, or longer: of equal times the host that comes first by name wins."""
        if micros > self.longest or host < self.slowest:
            self.longest, self.slowest = micros, host


class GateProgress(msgspec.Struct):
    """The gate of a wave. ``since`` in seconds; ``answers`` are the last ones by check and host, until the wave ends.

    ``number`` is how often a check has been asked at most, ``met`` how many of the answers were good often enough,
    ``last`` the last one that was not good. ``passed`` are hosts, ``failed`` what was not met.
    """

    since: float
    number: int = 0
    met: int = 0
    last: GateChecked | None = None
    answers: dict[tuple[str, str], GateChecked] = {}
    passed: tuple[str, ...] = ()
    failed: tuple[GateFailed, ...] = ()
    is_over: bool = False


class WaveProgress(msgspec.Struct):
    """One wave. ``started`` in seconds; ``status`` is empty while it is open; ``working`` counts its hosts at work.

    ``ended`` counts the hosts that have ended, ``idle`` is when the last of them did. ``counts``, known when the wave
    has ended, follow what becomes of its hosts later. ``process`` is the last that started it, ``before`` the seconds
    that it was open in earlier ones. ``unmet`` is what its gate had not met then, but for hosts in ``again``.
    """

    index: int
    hosts: tuple[str, ...]
    started: float
    working: int = 0
    ended: int = 0
    idle: float = 0.0
    status: str = ""
    counts: Counter[str] = msgspec.field(default_factory=Counter)
    duration: float = 0.0
    gate: GateProgress | None = None
    process: int = 1
    before: float = 0.0
    unmet: tuple[GateFailed, ...] = ()
    again: set[str] = msgspec.field(default_factory=set)


class RollbackProgress(msgspec.Struct):
    """The rollback of a play: of which hosts, why, since when (seconds).

    ``status`` is empty until it is over; ``is_cut`` where the process that began it is gone.
    """

    reason: str
    hosts: tuple[str, ...]
    since: float
    status: str = ""
    counts: Mapping[str, int] = {}
    duration: float = 0.0
    is_cut: bool = False

    @property
    def is_going(self) -> bool:
        """Whether it is under way."""
        return not self.status and not self.is_cut


class PlayProgress(msgspec.Struct):
    """One play. ``of_*`` are the plan's numbers; ``counts`` are its hosts that ended, by status.

    ``working`` counts its hosts at work, ``again`` those of them that have ended before. ``steps`` are the times of the
    steps that progress counts, ``others`` those of rescue, always, handlers and rollback. ``early`` counts hosts that
    ended with steps left, ``stale`` those of them that may be taken up again. ``bake`` is when the wait between two
    waves began and will be over, in seconds.
    """

    id: str
    name: str = ""
    of_hosts: int = 0
    of_steps: int = 0
    of_waves: int = 0
    hosts: dict[str, HostProgress] = {}
    waves: dict[int, WaveProgress] = {}
    steps: dict[str, StepStats] = {}
    others: dict[str, StepStats] = {}
    counts: Counter[str] = msgspec.field(default_factory=Counter)
    working: int = 0
    again: int = 0
    early: int = 0
    stale: int = 0
    open_wave: int | None = None
    failures: int = 0
    allowed: int | None = None
    exceeded: str = ""
    by_gate: bool = False
    bake: tuple[float, float] | None = None
    rollback: RollbackProgress | None = None


class Question(msgspec.Struct):
    """What a person has been asked, and since when (seconds)."""

    asked: ApprovalWaiting
    since: float


QuestionKey = tuple[str, int, str, str, str]
"""What tells two questions apart: play, wave, what it is about, host, step."""


@dataclass(slots=True)
class RunState:
    """All that is known of a run.

    ``at_work`` maps (play, step) to the hosts in it with the time each began, oldest first. ``busy`` maps a host at
    work to the number of plays it is at work in. ``status_of`` is each ended host's status over all plays. ``dropped``
    counts steps that will never run, so ``left`` can reach 0. ``steps`` counts the ends that progress counts, by
    status, ``sections`` the others, by section. ``remote`` is the exit status with which each host first failed.
    ``questions`` wait for an answer. ``waited`` are the seconds in which nothing but a person or a bake was waited
    for; ``waiting_since`` is since when it is so now.

    ``processes`` counts those that wrote the run, ``latest`` says what the last one is, ``began_at`` is its start, in
    seconds, and ``kept`` the steps that nobody waited for any more before it. ``stale`` are the ends, and the steps
    dropped, of hosts that may be taken up again and have not been, ``stale_done`` the ends alone. ``away`` are the
    seconds in which no process was there. ``decisions`` and ``recalled`` (play, host, step) are how steps were settled
    whose end nobody had heard: by somebody, or by the host's record. ``failed_before`` are the failures of earlier
    processes, by play and host.
    """

    run: RunStarted | None = None
    plan: PlanReady | None = None
    ended: RunEnded | None = None
    started_at: float = 0.0
    now: float = 0.0
    seq: int = -1
    plays: dict[str, PlayProgress] = field(default_factory=dict)
    total: int = 0
    done: int = 0
    dropped: int = 0
    busy: dict[str, int] = field(default_factory=dict)
    at_work: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    connecting: set[str] = field(default_factory=set)
    lost: dict[str, HostLost] = field(default_factory=dict)
    status_of: dict[str, str] = field(default_factory=dict)
    remote: dict[str, int] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)
    sections: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    notes: int = 0
    output_lost: int = 0
    questions: dict[QuestionKey, Question] = field(default_factory=dict)
    waited: float = 0.0
    waiting_since: float | None = None
    denied: list[ApprovalDenied] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    signals: list[Signalled] = field(default_factory=list)
    processes: int = 0
    latest: RunStarted | None = None
    began_at: float = 0.0
    kept: int = 0
    stale: int = 0
    stale_done: int = 0
    away: float = 0.0
    decisions: list[Decision] = field(default_factory=list)
    recalled: list[tuple[str, str, str]] = field(default_factory=list)
    failed_before: dict[tuple[str, str], list[Failure]] = field(default_factory=dict)

    @property
    def stands(self) -> int:
        """Steps that have ended, but for those that a resume has yet to do again."""
        return self.done - self.stale_done

    @property
    def left(self) -> int:
        """Steps times hosts that may still run."""
        return self.total - self.done - self.dropped + self.stale

    @property
    def active(self) -> int:
        """Hosts at work now; one at work in two plays is one."""
        return len(self.busy)

    def host(self, play: str, host: str) -> HostProgress | None:
        """What is known of a host in a play, None before its first event."""
        found = self.plays.get(play)
        return found.hosts.get(host) if found else None


BAD_ENDS = frozenset(HostStatus) - {HostStatus.OK, HostStatus.CHANGED, HostStatus.NOT_RUN}
"""How a host ends on which something went wrong."""


def merged_status(old: str | None, new: str) -> str:
    """A host's status over several plays: ``unknown`` if one is, else what first went wrong, else what it did.

    Not to run in a play takes nothing from what the host did in another.
    """
    if old is None or new == HostStatus.UNKNOWN:
        return new
    if old in BAD_ENDS or new == HostStatus.NOT_RUN:
        return old
    return new if old in {HostStatus.OK, HostStatus.NOT_RUN} or new in BAD_ENDS else old
