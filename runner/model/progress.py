"""The state of a run, folded over its events: what every view, the summary and the budget look at.

Rules. Each host of a play goes through the phases of ``MOVES`` (:mod:`runner.model.state`); an event that the table
does not have in that phase is illegal, and so is a step that differs from the one at work, a host that works outside an
open wave, a wave that begins while another of its play is open, and a gap in ``seq``. All that is checked before
anything is changed.

- A step on a host counts once: its ``step.ended`` without an item. A loop has one more for each item before that.
- What never started (``ok``, ``changed``, ``timed_out`` and ``unknown`` need a start) may only end in ``UNSENT``; a
  loop over nothing is ``ok``.
- The run may end while hosts are at work: runner itself has failed, and what they were doing is unknown.
- A host that never started may only end ``not_run``.

**Why** a mutable accumulator where the other folds are pure: a run of 10,000 hosts and 20 steps has 400,000 events,
and copying the state of a host for each would cost more than the run. The table keeps it as checkable as a pure fold,
and any legal order of the same events gives the same summary: durations are added as whole microseconds for that.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, assert_never

from runner.errors import RunnerError
from runner.model.events import (
    ApprovalDenied,
    ApprovalGranted,
    ApprovalWaiting,
    Baking,
    BudgetChanged,
    BudgetExceeded,
    Event,
    GateChecked,
    GateFailed,
    GatePassed,
    HandlerNotified,
    HostClosed,
    HostConnected,
    HostConnecting,
    HostEnded,
    HostLost,
    HostStarted,
    PlanReady,
    Progressed,
    RollbackEnded,
    RollbackStarted,
    RunEnded,
    RunStarted,
    Signalled,
    StepEnded,
    StepEvent,
    StepIntent,
    StepNote,
    StepOutput,
    StepRetry,
    Warned,
    WaveEnded,
    WaveStarted,
)
from runner.model.outcome import HostStatus, Status
from runner.model.state import (
    BAD,
    DELAYED,
    IDLE,
    MOVES,
    UNSENT,
    Failure,
    HostProgress,
    PlayProgress,
    StepStats,
    WaveProgress,
    merged_status,
)


class IllegalEventError(RunnerError):
    """An event that cannot follow those before it: a fault in whoever made the events."""


@dataclass(slots=True)
class Progress:
    """All that is known of a run so far; :meth:`apply` is the only way to change it.

    ``at_work`` maps (play, step) to the hosts in it with the time each began, oldest first. ``status_of`` is each
    ended host's status over all plays. ``dropped`` counts steps that will never run, so ``left`` can reach 0.
    ``remote`` is the exit status with which each host first failed.
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
    active: int = 0
    at_work: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    connecting: set[str] = field(default_factory=set)
    lost: dict[str, HostLost] = field(default_factory=dict)
    status_of: dict[str, str] = field(default_factory=dict)
    remote: dict[str, int] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    notes: int = 0
    output_lost: int = 0
    warnings: list[Warned] = field(default_factory=list)
    signals: list[Signalled] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Steps times hosts that may still run."""
        return self.total - self.done - self.dropped

    def host(self, play: str, host: str) -> HostProgress | None:
        """What is known of a host in a play, None before its first event."""
        found = self.plays.get(play)
        return found.hosts.get(host) if found else None

    def apply(self, event: Event, ts: float, seq: int | None = None) -> None:
        """Fold one event of the time ``ts`` (epoch seconds) in. Raises IllegalEventError, and is then unchanged."""
        if self.ended is not None or (seq is not None and seq != self.seq + 1):
            raise IllegalEventError(_why_no_more(self, event, seq))
        match event:
            case StepEnded():
                self._step_ended(event, ts)
            case StepIntent():
                self._step_intent(event, ts)
            case StepOutput() | StepNote():
                self._step_meanwhile(event)
            case StepRetry():
                self._step_retry(event, ts)
            case HostStarted():
                self._host_started(event)
            case HostEnded():
                self._host_ended(event, ts)
            case _:
                self._rare(event, ts)
        self.now = max(self.now, ts)
        if seq is not None:
            self.seq = seq

    # steps

    def _step_intent(self, event: StepIntent, ts: float) -> None:
        play, host = self._working(event)
        attempt = event.attempt or 1
        following = self._move(host, event, "step.intent")
        if host.phase == DELAYED and attempt <= host.attempt:
            raise IllegalEventError(_text(event, f"attempt {attempt} follows attempt {host.attempt}"))
        self._check_not_over(play, host, event)
        self._stats(play, event.step)
        host.step = event.step
        self.at_work.setdefault((event.play, event.step), {}).setdefault(event.host, ts)
        host.attempt, host.phase, host.last = attempt, following, ""

    def _step_meanwhile(self, event: StepOutput | StepNote) -> None:
        _, host = self._working(event)
        match event:
            case StepOutput():
                host.phase = self._move(host, event, "step.output")
                host.last = (_last_line(event.text) if event.encoding is None else "") or host.last
            case StepNote():
                host.phase = self._move(host, event, "step.note")
                host.last = event.message
                self.notes += 1

    def _step_retry(self, event: StepRetry, ts: float) -> None:
        """A host that can't be reached is tried again without anything having been sent."""
        play, host = self._working(event)
        following = self._move(host, event, "step.retry unsent" if event.status in UNSENT else "step.retry")
        self._check_not_over(play, host, event)
        self.at_work.setdefault((event.play, event.step), {}).setdefault(event.host, ts)
        self._stats(play, event.step)
        host.step, host.attempt, host.phase = event.step, event.attempt or 1, following
        self.retries += 1

    def _check_not_over(self, play: PlayProgress, host: HostProgress, event: StepEvent) -> None:
        stats = play.steps.get(event.step)
        if host.phase == IDLE and stats is not None and host.bits >> stats.index & 1:
            raise IllegalEventError(_text(event, "the step has already ended on this host"))

    def _stats(self, play: PlayProgress, step: str) -> StepStats:
        stats = play.steps.get(step)
        if stats is None:
            stats = play.steps[step] = StepStats(len(play.steps), gone=play.early)
        return stats

    def _step_ended(self, event: StepEnded, ts: float) -> None:
        play, host = self._working(event)
        following = self._move(host, event, _end_name(event, host))
        self._check_not_over(play, host, event)
        stats = self._stats(play, event.step)
        self.output_lost += event.output_lost
        if event.item is None:
            self._count_step(host, stats, event, ts)
        else:
            self._item_ended(host, event)
        host.phase = following

    def _count_step(self, host: HostProgress, stats: StepStats, event: StepEnded, ts: float) -> None:
        hosts = self.at_work.get((event.play, event.step))
        if hosts is not None and hosts.pop(event.host, None) is not None and not hosts:
            del self.at_work[event.play, event.step]
        host.bits |= 1 << stats.index
        stats.gone += 1
        if event.status != Status.SKIPPED:
            stats.add(round(event.duration * 1e6), event.host)
        self.steps[event.status] += 1
        if event.status != Status.NOT_RUN:
            self.done += 1
        if event.status in BAD:
            self._failed(host, event, ts)
        host.step, host.item_end, host.last = "", None, ""

    def _item_ended(self, host: HostProgress, event: StepEnded) -> None:
        host.step = event.step
        if event.status in BAD:
            host.item_end = event

    def _failed(self, host: HostProgress, event: StepEnded, ts: float) -> None:
        item = host.item_end or event
        rc = event.rc if event.rc is not None else item.rc
        self.failures.append(
            Failure(
                event.play,
                event.wave,
                event.host,
                event.step,
                event.status,
                event.reason or item.reason,
                ts,
                kind=event.kind,
                src=event.src,
                rc=rc,
                tail=event.tail or item.tail,
                output=event.output or item.output,
                ignored=event.ignored,
            )
        )
        if not event.ignored:
            host.failures += 1
            self.remote.setdefault(event.host, rc or 0)

    def _working(self, event: StepEvent) -> tuple[PlayProgress, HostProgress]:
        play = self.plays.get(event.play)
        host = play.hosts.get(event.host) if play else None
        if play is None or host is None:
            raise IllegalEventError(_text(event, "the host has not been started in this play"))
        if host.step and host.step != event.step:
            raise IllegalEventError(_text(event, f'the host is at work in step "{host.step}"'))
        return play, host

    def _move(self, host: HostProgress, event: Event, name: str) -> str:
        following = MOVES.get((host.phase, name))
        if following is None:
            raise IllegalEventError(_text(event, f"it cannot follow in phase {host.phase}"))
        return following

    # hosts and waves

    def _host_started(self, event: HostStarted) -> None:
        play = self._play(event, event.play)
        host = play.hosts.get(event.host) or HostProgress()
        following = self._move(host, event, "host.started")
        if play.open_wave != event.wave:
            raise IllegalEventError(_text(event, f"wave {event.wave} is not open"))
        play.waves[event.wave].working += 1
        host.wave, host.phase = event.wave, following
        play.hosts[event.host] = host
        self.active += 1

    def _host_ended(self, event: HostEnded, ts: float) -> None:
        play = self._play(event, event.play)
        host = play.hosts.get(event.host) or HostProgress(event.wave)
        not_run = event.status == HostStatus.NOT_RUN
        following = self._move(host, event, "host.ended not_run" if not_run else "host.ended")
        wave = play.waves.get(event.wave)
        if wave is not None:
            wave.ended += 1
            wave.working -= not not_run
        self.active -= not not_run
        if host.bits.bit_count() < play.of_steps:
            self._dropped(play, host)
        host.phase, host.status, host.reason = following, event.status, event.reason
        host.micros = round(event.duration * 1e6)
        play.hosts[event.host] = host
        play.counts[event.status] += 1
        self.status_of[event.host] = merged_status(self.status_of.get(event.host), event.status)
        if event.status in BAD and not host.failures:  # it went wrong outside any step
            reason = event.reason
            self.failures.append(Failure(event.play, event.wave, event.host, "", event.status, reason, ts))

    def _dropped(self, play: PlayProgress, host: HostProgress) -> None:
        self.dropped += play.of_steps - host.bits.bit_count()
        play.early += 1
        for stats in play.steps.values():
            stats.gone += not host.bits >> stats.index & 1

    def _wave_started(self, event: WaveStarted, ts: float) -> None:
        play = self._play(event, event.play)
        if play.open_wave is not None or event.wave in play.waves:
            raise IllegalEventError(_text(event, f"wave {play.open_wave or event.wave} was started before"))
        play.of_waves, play.open_wave = event.of, event.wave
        play.waves[event.wave] = WaveProgress(event.wave, event.hosts, ts)

    def _wave_ended(self, event: WaveEnded) -> None:
        play = self._play(event, event.play)
        if play.open_wave != event.wave:
            raise IllegalEventError(_text(event, f"wave {event.wave} is not open"))
        wave = play.waves[event.wave]
        if wave.working:
            raise IllegalEventError(_text(event, f"{wave.working} of its hosts are at work"))
        play.open_wave = None
        wave.status, wave.counts, wave.duration = event.status, event.counts, event.duration

    def _play(self, event: Event, play: str) -> PlayProgress:
        try:
            return self.plays[play]
        except KeyError:
            raise IllegalEventError(_text(event, f'no play "{play}" was planned')) from None

    # the run

    def _rare(self, event: Any, ts: float) -> None:
        match event:
            case WaveStarted():
                self._wave_started(event, ts)
            case WaveEnded():
                self._wave_ended(event)
            case HostConnecting() | HostConnected() | HostLost() | HostClosed():
                self._connection(event)
            case BudgetChanged() | BudgetExceeded():
                self._budget(event)
            case _:
                self._of_run(event, ts)

    def _connection(self, event: HostConnecting | HostConnected | HostLost | HostClosed) -> None:
        if isinstance(event, HostConnecting):
            self.connecting.add(event.host)
        else:
            self.connecting.discard(event.host)
        if isinstance(event, HostConnected):
            self.lost.pop(event.host, None)
        if isinstance(event, HostLost):
            self.lost[event.host] = event

    def _budget(self, event: BudgetChanged | BudgetExceeded) -> None:
        play = self._play(event, event.play)
        play.failures, play.allowed = event.failures, event.allowed
        if isinstance(event, BudgetExceeded):
            play.exceeded = event.action

    def _of_run(self, event: Any, ts: float) -> None:
        match event:
            case RunStarted():
                if self.run is not None:
                    raise IllegalEventError(_text(event, "the run has already started"))
                self.run, self.started_at = event, ts
            case PlanReady():
                self._planned(event)
            case Signalled():
                self.signals.append(event)
            case Warned():
                self.warnings.append(event)
            case Progressed() | HandlerNotified() | GateChecked() | GatePassed() | GateFailed() | Baking():
                pass  # told to those who do not fold
            case ApprovalWaiting() | ApprovalGranted() | ApprovalDenied() | RollbackStarted() | RollbackEnded():
                pass
            case RunEnded():
                self.ended = event
            case _:
                assert_never(event)

    def _planned(self, event: PlanReady) -> None:
        if self.run is None or self.plan is not None:
            raise IllegalEventError(_text(event, "it follows run.started, once"))
        self.plan, self.total = event, event.total
        for play in event.plays:
            self.plays[play["id"]] = PlayProgress(
                play["id"],
                play.get("name", ""),
                _size(play.get("hosts")),
                _size(play.get("steps")),
                _size(play.get("waves")),
            )


def _end_name(event: StepEnded, host: HostProgress) -> str:
    """The name of a step's, or an item's, end in the table."""
    if host.phase == IDLE and event.item is None and event.status == Status.OK and event.rc is None:
        return "step.ended nothing" if not event.duration else "step.ended"
    name = "step.ended" if event.item is None else "item.ended"
    return f"{name} unsent" if event.status in UNSENT else name


def _size(value: Any) -> int:
    """A number, or how many there are of what is listed."""
    return value if isinstance(value, int) else len(value or ())


def _last_line(text: str) -> str:
    lines = text[-1000:].splitlines()
    return lines[-1] if lines else ""


def _text(event: Event | StepEvent, problem: str) -> str:
    words = [type(event).__struct_config__.tag]
    for name in ("play", "wave", "host", "step", "item"):
        value = getattr(event, name, None)
        if value is not None:
            words.append(f'{name} "{value}"' if isinstance(value, str) else f"{name} {value}")
    return f"event {' '.join(str(word) for word in words)}: {problem}"


def _why_no_more(progress: Progress, event: Event, seq: int | None) -> str:
    if progress.ended is not None:
        return _text(event, "the run has ended")
    return _text(event, f"record {seq} follows record {progress.seq}")
