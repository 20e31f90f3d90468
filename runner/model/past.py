"""What earlier processes of a run have left: folded from its journal, for whoever goes on with it.

:class:`~runner.model.progress.Progress` counts, for those who look; this keeps what a resume decides by: how each step
ended on each host, what was registered, notified, asked and decided. :mod:`runner.model.remaining` decides.

**Why beside Progress.** An ordinary run has no use for it, and it costs memory for each step on each host.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from runner.model.events import (
    ApprovalDenied,
    ApprovalGranted,
    ApprovalWaiting,
    Baking,
    BudgetExceeded,
    Decision,
    Event,
    GateFailed,
    GatePassed,
    HandlerNotified,
    HostEnded,
    HostStarted,
    RollbackEnded,
    RollbackStarted,
    RunEnded,
    RunStarted,
    StepEnded,
    StepIntent,
    WaveEnded,
    WaveStarted,
)
from runner.model.outcome import Status

WELL = frozenset({Status.OK, Status.CHANGED, Status.SKIPPED})
_STOPPED = frozenset({Status.TIMED_OUT, Status.CANCELLED})


class StepPast(msgspec.Struct):
    """One step, or one item of its loop, on one host.

    ``status`` is that of its last end, empty where there is none. ``is_open`` where it was started and its end is not
    known. ``attempt`` is the last that began, ``is_local`` where nothing was sent anywhere. ``decided`` is what a
    person has said of it: ``ok failed rerun skip``. ``items`` are those of a loop, from 1.
    """

    status: str = ""
    is_open: bool = False
    is_local: bool = False
    attempt: int = 0
    rc: int | None = None
    reason: str = ""
    changed: bool = False
    ignored: bool = False
    rescued: bool = False
    delegate: str = ""
    section: str = ""
    decided: str = ""
    masked: bool = False
    register: Mapping[str, Any] | None = None
    values: Mapping[str, Any] | None = None
    items: dict[int, "StepPast"] = {}

    @property
    def is_well(self) -> bool:
        """Whether it has ended well, or a person says so."""
        return not self.is_open and self.status in WELL

    @property
    def is_taken(self) -> bool:
        """Whether it failed, and a block or the step itself took care of that."""
        return not self.is_open and bool(self.status) and (self.ignored or self.rescued)

    @property
    def has_acted(self) -> bool:
        """Whether a try of it was made."""
        return self.attempt > 0


class HostPast(msgspec.Struct):
    """One host in one play. ``status`` is its last end's, empty where it is not over; ``seconds`` it took until then.

    ``is_started`` where it was let to work. ``pending`` are handlers notified and not run well since. ``back`` are the
    steps of ``rollback`` that ended well since the rollback began, ``is_back`` where that host's rollback began.
    """

    wave: int = 0
    status: str = ""
    reason: str = ""
    is_started: bool = False
    is_back: bool = False
    ignored: int = 0
    seconds: float = 0.0
    pending: dict[str, None] = {}
    steps: dict[str, StepPast] = {}


class WavePast(msgspec.Struct):
    """One wave. ``is_over`` where it has ended, ``passed`` are hosts that its gate let through, ``failed`` others."""

    is_over: bool = False
    passed: set[str] = msgspec.field(default_factory=set)
    failed: set[str] = msgspec.field(default_factory=set)
    is_baked: bool = False
    is_baking: bool = False
    is_approved: bool = False


class PlayPast(msgspec.Struct):
    """One play. ``exceeded`` is the action of a budget that was, ``rollback`` ``started`` or how it ended."""

    hosts: dict[str, HostPast] = {}
    waves: dict[int, WavePast] = {}
    exceeded: str = ""
    rollback: str = ""
    rollback_reason: str = ""
    rollback_hosts: tuple[str, ...] = ()


QuestionPlace = tuple[str, int, str, str, str]
"""What tells two questions apart: play, wave, what it is about, host, step."""


class Past(msgspec.Struct):
    """All that the journal tells. ``first`` and ``last`` are the run's first start and its latest.

    ``open`` maps each question without an answer to the number of the record that asks it. ``ended`` is None where the
    last process did not come to its end. ``seq`` is the last record's number, ``processes`` how many processes wrote.
    """

    plays: dict[str, PlayPast] = {}
    open: dict[QuestionPlace, int] = {}
    first: RunStarted | None = None
    last: RunStarted | None = None
    ended: RunEnded | None = None
    processes: int = 0
    seq: int = -1

    def apply(self, event: Event, seq: int) -> None:
        """Take one event in. Events that decide nothing for a resume are passed over."""
        self.seq = seq
        match event:
            case StepEnded():
                _step_ended(self._host(event.play, event.host), event)
            case StepIntent():
                _intent(self._host(event.play, event.host), event)
            case Decision():
                _decided(self._host(event.play, event.host), event)
            case HostStarted():
                _host_started(self._host(event.play, event.host), event)
            case HostEnded():
                _host_ended(self._host(event.play, event.host), event)
            case _:
                self._seldom(event, seq)

    def _seldom(self, event: Event, seq: int) -> None:
        match event:
            case HandlerNotified():
                self._host(event.play, event.host).pending[event.handler] = None
            case RunStarted():
                self.first, self.last, self.ended = self.first or event, event, None
                self.processes += 1
            case RunEnded():
                self.ended = event
            case ApprovalWaiting() | ApprovalGranted() | ApprovalDenied():
                self._question(event, seq)
            case WaveStarted() | WaveEnded() | GatePassed() | GateFailed() | Baking():
                _wave(self._play(event.play), event)
            case BudgetExceeded():
                self._play(event.play).exceeded = event.action
            case RollbackStarted() | RollbackEnded():
                _rollback(self._play(event.play), event)
            case _:
                pass

    def host(self, play: str, host: str) -> HostPast | None:
        """What is known of a host in a play; None where it never came to it."""
        found = self.plays.get(play)
        return found.hosts.get(host) if found else None

    def step(self, play: str, host: str, step: str, item: int | None = None) -> StepPast | None:
        """What is known of a step, or an item of its loop, on a host; None where it never came to it."""
        found = self.host(play, host)
        past = found.steps.get(step) if found else None
        return past if past is None or item is None else past.items.get(item)

    def _play(self, play: str) -> PlayPast:
        return self.plays.get(play) or self.plays.setdefault(play, PlayPast())

    def _host(self, play: str, host: str) -> HostPast:
        hosts = self._play(play).hosts
        return hosts.get(host) or hosts.setdefault(host, HostPast())

    def _question(self, event: ApprovalWaiting | ApprovalGranted | ApprovalDenied, seq: int) -> None:
        place = (event.play, event.wave, event.about, event.host, event.step)
        play = self._play(event.play)
        wave = play.waves.get(event.wave) or play.waves.setdefault(event.wave, WavePast())
        if event.about == "wave":
            wave.is_baked, wave.is_baking = True, False  # the bake comes first
        match event:
            case ApprovalWaiting():
                self.open[place] = seq
            case ApprovalGranted():
                self.open.pop(place, None)
                wave.is_approved = wave.is_approved or event.about == "wave"
            case ApprovalDenied():
                self.open.pop(place, None)


def _step(host: HostPast, step: str, item: int | None) -> StepPast:
    found = host.steps.get(step) or host.steps.setdefault(step, StepPast())
    return found if item is None else found.items.get(item) or found.items.setdefault(item, StepPast())


def _intent(host: HostPast, event: StepIntent) -> None:
    for past in {id(one): one for one in (_step(host, event.step, None), _step(host, event.step, event.item))}.values():
        past.is_open, past.is_local, past.decided = True, event.is_local, ""
        past.attempt = event.attempt or 1
        past.delegate, past.section = event.delegate, event.section


def _step_ended(host: HostPast, event: StepEnded) -> None:
    past = _step(host, event.step, event.item)
    past.status, past.rc, past.reason = event.status, event.rc, event.reason
    past.is_open = not _is_definite(event)
    past.changed, past.ignored, past.rescued = event.changed or past.changed, event.ignored, event.rescued
    past.section, past.masked = event.section, event.masked
    past.register, past.values = event.register, event.values
    if event.section == "handlers" and event.item is None and past.is_well:
        host.pending.pop(event.step, None)


def _is_definite(event: StepEnded) -> bool:
    """Whether it is known that nothing of it still runs, and how it ended."""
    if event.status == Status.UNKNOWN:
        return False
    return event.status not in _STOPPED or event.killed in {None, "yes"}


def _decided(host: HostPast, event: Decision) -> None:
    past = _step(host, event.step, event.item)
    past.decided = event.what
    past.is_open = False
    past.status = {"ok": "ok", "failed": "failed", "skip": "skipped"}.get(event.what, "")
    past.reason = event.reason
    if event.what == "rerun":
        past.register = past.values = None
        host.status = ""  # it has something to do again


def _host_started(host: HostPast, event: HostStarted) -> None:
    host.wave, host.is_started, host.status = event.wave, True, ""
    host.is_back = host.is_back or event.section == "rollback"


def _host_ended(host: HostPast, event: HostEnded) -> None:
    host.wave, host.status, host.reason = event.wave, event.status, event.reason
    host.ignored, host.seconds = event.ignored, event.duration


def _wave(play: PlayPast, event: WaveStarted | WaveEnded | GatePassed | GateFailed | Baking) -> None:
    wave = play.waves.get(event.wave) or play.waves.setdefault(event.wave, WavePast())
    match event:
        case WaveStarted():
            wave.is_over = False
            before = play.waves.get(event.wave - 1)
            if before is not None and before.is_baking:
                before.is_baked, before.is_baking = True, False
        case WaveEnded():
            wave.is_over = True
        case GatePassed():
            wave.passed.update(event.hosts)
        case GateFailed():
            wave.failed.update(event.hosts)
        case Baking():
            wave.is_baking = True


def _rollback(play: PlayPast, event: RollbackStarted | RollbackEnded) -> None:
    match event:
        case RollbackStarted():
            play.rollback, play.rollback_reason, play.rollback_hosts = "started", event.reason, event.hosts
        case RollbackEnded():
            play.rollback = event.status
