"""A host in a play: what it does in which order, what went wrong on it, and how it ends.

Its steps, then the handlers that were notified, then the play's ``always``, which runs whatever happened.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from runner.engine.stop import Level, Stop
from runner.engine.task import Ended
from runner.engine.turn import Turn
from runner.errors import RenderError
from runner.model.events import HandlerNotified, HostEnded, HostStarted
from runner.model.outcome import HostStatus, Status
from runner.model.past import HostPast, StepPast
from runner.model.playbook import Step
from runner.model.remaining import pending
from runner.model.state import BAD_ENDS

CLEANUP_LIMIT = 60.0
"""Seconds that ``always`` steps have once what runs is being ended."""

_HOST_STATUS = {
    Status.FAILED: HostStatus.FAILED,
    Status.TIMED_OUT: HostStatus.FAILED,
    Status.UNREACHABLE: HostStatus.UNREACHABLE,
    Status.UNKNOWN: HostStatus.UNKNOWN,
    Status.CANCELLED: HostStatus.CANCELLED,
}
_LOST = {Status.UNREACHABLE, Status.UNKNOWN}
_ENDS = {*_LOST, Status.CANCELLED}
_UNTOUCHED = {Status.OK, Status.SKIPPED}


def ends_host(status: Status) -> bool:
    """Whether nothing can go on behind an end in this status: the host is lost, or everything was stopped."""
    return status in _ENDS


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a list of steps ended early: which step, in which status, and why."""

    status: Status
    step: str
    reason: str = ""

    @property
    def ends_host(self) -> bool:
        """Whether nothing can go on behind it: the host is lost, or everything was stopped."""
        return ends_host(self.status)

    def __str__(self) -> str:
        return f"{self.step}: {self.reason}" if self.reason else self.step


@dataclass(slots=True)
class HostRun:
    """One host's way through a play.

    ``status`` is None while nothing went wrong. ``is_excluded`` where the play's condition keeps it out,
    ``is_refused`` where that can't be asked. ``pending`` are the handlers notified and not run yet. ``is_lost`` where
    it can't be reached any more. ``touched`` where a step changed, failed, or may have: what tidies up in any case is
    no change to be taken back. ``acts`` counts steps that ran. ``cleanup_ends`` is when ``always`` steps must be
    over, once everything is being ended. ``past`` is how earlier processes of the run have left its steps.
    """

    turn: Turn
    status: HostStatus | None = None
    reason: str = ""
    started: bool = False
    is_excluded: bool = False
    is_refused: bool = False
    is_lost: bool = False
    touched: bool = False
    acts: int = 0
    pending: dict[str, None] = field(default_factory=dict)
    cleanup_ends: float | None = None
    past: Mapping[str, StepPast] = field(default_factory=dict)
    was_started: bool = False
    _unsaid: Mapping[str, str] = field(default_factory=dict)
    _changed: bool = False
    _ignored: int = 0
    _begun: float | None = None
    _took: float = 0.0

    @property
    def name(self) -> str:
        """The host's name."""
        return self.turn.host.name

    @property
    def is_on(self) -> bool:
        """Whether it has begun and may do its steps."""
        return self.started and not self.is_refused

    def remember(self, past: HostPast) -> None:
        """Take up what an earlier process of the run has left."""
        self.past = past.steps
        self.was_started = past.is_started
        self.pending.update(dict.fromkeys(pending(self.turn.play, past)))
        self._unsaid = {handler: past.fresh for handler in self.pending if handler not in past.pending}
        self.touched = any(step.has_touched for step in past.steps.values())
        self._took = past.seconds

    def stand(self, past: HostPast) -> None:
        """Its turn is over since an earlier process: nothing of it is done again, but for what comes last."""
        self.remember(past)
        self.started = True
        self._changed = any(step.changed for step in past.steps.values())
        self._ignored = past.ignored
        if past.status in BAD_ENDS and past.status != HostStatus.GATE_FAILED:
            self.status, self.reason = HostStatus(past.status), past.reason

    def recall(self, step: Step) -> Trouble | None:
        """Take in how a step ended before this process; gives the trouble that it made, if any."""
        past = self.past[step.id]
        ignored = past.ignored and step.on_failure == "ignore"
        self._ignored += ignored
        self._changed = self._changed or past.changed
        self.acts += past.has_acted
        if past.is_well or ignored or not past.status:
            return None
        return Trouble(Status(past.status), step.id, past.reason)

    def begin(self) -> None:
        """Let it to work, unless the play's condition keeps it out. One that has begun before is not asked again."""
        turn = self.turn
        try:
            is_wanted = (
                self.was_started or turn.play.when is None or turn.run.templates.condition(turn.play.when, turn.scope())
            )
        except RenderError as error:
            self.start()
            self.is_refused = True
            self.take(Trouble(Status.FAILED, "when", error.message))
            return
        self.is_excluded = not is_wanted
        if is_wanted:
            self.start()

    def start(self, section: str = "") -> None:
        """Let it to work; ``section`` says for what, where it has ended before."""
        self.started = True
        self.cleanup_ends = None
        self._begun = asyncio.get_running_loop().time()
        turn = self.turn
        turn.run.recorder.emit(HostStarted(play=turn.play.id, wave=turn.wave, host=self.name, section=section))
        for handler, step in self._unsaid.items():
            self._tell_notice(step, handler)
        self._unsaid = {}

    def weigh(self, step: Step, ended: Ended) -> Trouble | None:
        """Take in how a step ended; gives the trouble it makes, if any."""
        self._ignored += ended.ignored
        if ended.acted:
            may_touch = step.section != "always" and (ended.changed or ended.status not in _UNTOUCHED)
            self.touched = self.touched or may_touch
            self.acts += 1
        if ended.changed:
            self._changed = True
            self._notify(step)
        if step.delegate_to is None:
            self.is_lost = self.is_lost or ended.status in _LOST
        return None if ended.is_well else Trouble(ended.status, step.id, ended.reason)

    def ignore(self) -> None:
        """A block failed, and that is fine."""
        self._ignored += 1

    def take(self, trouble: Trouble) -> None:
        """It went wrong: what did first stands, but for an outcome nobody knows."""
        status = _HOST_STATUS[trouble.status]
        if self.status is None or status is HostStatus.UNKNOWN:
            self.status, self.reason = status, str(trouble) if status is not HostStatus.CANCELLED else trouble.reason

    def settle(self, status: HostStatus, reason: str) -> None:
        """Say how it ends: gate and rollback know better than its steps."""
        self.status, self.reason = status, reason

    def go_back(self) -> None:
        """From here on what goes wrong is its rollback's."""
        self.status, self.reason = None, ""

    def came_back(self) -> None:
        """Say how its rollback ends: well, unless something went wrong on the way, be it that it went on."""
        self.status = HostStatus.ROLLED_BACK if self.status is None else HostStatus.ROLLBACK_FAILED

    @property
    def standing(self) -> HostStatus:
        """Its status, if it ended now."""
        return self.status or (HostStatus.CHANGED if self._changed else HostStatus.OK)

    def end(self) -> HostStatus:
        """It is done: settle and record its status."""
        status = self.standing
        if self._begun is not None:
            self._took += asyncio.get_running_loop().time() - self._begun
            self._begun = None
        turn = self.turn
        turn.run.recorder.emit(
            HostEnded(
                play=turn.play.id,
                wave=turn.wave,
                host=self.name,
                status=str(status),
                reason="" if status.is_well or status is HostStatus.ROLLED_BACK else self.reason,
                ignored=self._ignored,
                duration=round(self._took, 6),
            )
        )
        return status

    def _notify(self, step: Step) -> None:
        for handler in step.notify:
            if handler not in self.pending:
                self.pending[handler] = None
                self._tell_notice(step.id, handler)

    def _tell_notice(self, step: str, handler: str) -> None:
        turn = self.turn
        turn.run.recorder.emit(
            HandlerNotified(play=turn.play.id, wave=turn.wave, host=self.name, step=step, handler=handler)
        )


@contextmanager
def cleaning_up(host: HostRun, stop: Stop) -> Iterator[Stop]:
    """A stop for steps that run whatever happened: once what runs is being ended, a host has a minute for all of them.

    One for each of its turns: what runs once, behind all hosts, comes when their minutes may be over.
    """
    own = Stop()
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []

    def look() -> None:
        if stop.level >= Level.KILL and not timers:
            words = f"always steps had {CLEANUP_LIMIT:g}s after the run was stopped"
            host.cleanup_ends = host.cleanup_ends or loop.time() + CLEANUP_LIMIT
            timers.append(loop.call_at(host.cleanup_ends, own.raise_to, Level.KILL, words))

    with stop.watching(look):
        look()
        try:
            yield own
        finally:
            for timer in timers:
                timer.cancel()
