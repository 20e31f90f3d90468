"""What earlier processes of a run have left: folded from its journal, for whoever goes on with it.

:class:`~runner.model.progress.Progress` counts, for those who look; this keeps what a resume decides by: how each step
ended on each host, what was registered, notified, asked and decided. :mod:`runner.model.remaining` decides.

**Why beside Progress.** An ordinary run has no use for it, and it costs memory for each step on each host.
"""

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
from runner.model.past_steps import LOST, WELL, HostPast, StepPast

__all__ = ["WELL", "HostPast", "Past", "PlayPast", "StepPast", "WavePast"]


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
        if isinstance(event, StepIntent):  # it and the next are nearly all there are
            self._host(event.play, event.host).intent(event)
        elif isinstance(event, StepEnded):
            host = self._host(event.play, event.host)
            host.ended(event)
            if event.section == "handlers":
                _handler_ended(self._play(event.play), host, event)
        else:
            self._seldom(event, seq)

    def _seldom(self, event: Event, seq: int) -> None:
        match event:
            case HostStarted():
                self._host(event.play, event.host).started(event)
            case HostEnded():
                self._host(event.play, event.host).over(event)
            case HandlerNotified():
                self._host(event.play, event.host).pending[event.handler] = None
            case Decision():
                host = self._host(event.play, event.host)
                host.decided(event)
                if event.section == "handlers" and event.item is None and event.what in {"ok", "skip"}:
                    _handler_over(self._play(event.play), host, event.step)
            case RunStarted():
                self.first, self.last, self.ended = self.first or event, event, None
                self.processes += 1
            case RunEnded():
                self.ended = event
            case _:
                self._of_play(event, seq)

    def _of_play(self, event: Event, seq: int) -> None:
        match event:
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
        try:
            return self.plays[play].hosts[host]
        except KeyError:
            return self._play(play).hosts.setdefault(host, HostPast())

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


def _handler_ended(play: PlayPast, host: HostPast, event: StepEnded) -> None:
    """A handler that ran well is no longer to run."""
    if event.item is not None or event.status not in WELL or (event.status == "skipped" and event.reason == LOST):
        return
    _handler_over(play, host, event.step)


def _handler_over(play: PlayPast, host: HostPast, handler: str) -> None:
    """It is done: one in a turn of its own for all hosts of the wave while that is open, else for those of the play."""
    is_over = host.wave not in play.waves or play.waves[host.wave].is_over
    for one in play.hosts.values() if host.section == "handlers" else (host,):
        if one is host or is_over or one.wave == host.wave:
            one.pending.pop(handler, None)


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
            wave.failed.difference_update(event.hosts)
        case GateFailed():
            wave.failed.update(event.hosts)
            wave.passed.difference_update(event.hosts)
        case Baking():
            wave.is_baking = True


def _rollback(play: PlayPast, event: RollbackStarted | RollbackEnded) -> None:
    match event:
        case RollbackStarted():
            play.rollback, play.rollback_reason, play.rollback_hosts = "started", event.reason, event.hosts
        case RollbackEnded():
            play.rollback = event.status
