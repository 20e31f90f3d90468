"""A host in a play: its steps one after another, what a failure means for it, and how it ends."""

import asyncio
from dataclasses import dataclass

from runner.engine.stop import Level
from runner.engine.task import Ended, run_step
from runner.engine.turn import Turn
from runner.errors import JournalError
from runner.model.events import HostEnded, HostStarted
from runner.model.outcome import HostStatus, Status
from runner.model.playbook import Step

_HOST_STATUS = {
    Status.FAILED: HostStatus.FAILED,
    Status.TIMED_OUT: HostStatus.FAILED,
    Status.UNREACHABLE: HostStatus.UNREACHABLE,
    Status.UNKNOWN: HostStatus.UNKNOWN,
    Status.CANCELLED: HostStatus.CANCELLED,
}


@dataclass(slots=True)
class HostRun:
    """One host's way through a play. ``status`` is None while it may go on."""

    turn: Turn
    status: HostStatus | None = None
    reason: str = ""
    _changed: bool = False
    _ignored: int = 0
    _bad: HostStatus | None = None
    _begun: float = 0.0
    _done: int = 0
    started: bool = False

    @property
    def name(self) -> str:
        """The host's name."""
        return self.turn.host.name

    @property
    def is_over(self) -> bool:
        """Whether no step of it is left to run."""
        return self.status is not None or self._done == len(self.turn.play.counted)

    def start(self) -> None:
        """Let it to work."""
        self.started = True
        self._begun = asyncio.get_running_loop().time()
        turn = self.turn
        turn.run.recorder.emit(HostStarted(play=turn.play.id, wave=turn.wave, host=turn.host.name))

    async def all_steps(self) -> None:
        """Run every step, until one ends the host."""
        for step in self.turn.play.counted:
            if self.status is None:
                await self.one_step(step)

    async def one_step(self, step: Step) -> None:
        """Run one step, unless nothing new may start; sets ``status`` where it ends the host."""
        if self.turn.stop.level >= Level.STOP:
            self.cancel()
            return
        try:
            ended = await run_step(self.turn, step)
        except JournalError as error:
            # Its intent is not on disk, so nothing was sent. Others finish what runs; nothing new starts.
            self.turn.run.fatal = self.turn.run.fatal or error
            self.turn.run.stop.raise_to(Level.STOP, error.message)
            self._finish(HostStatus.CANCELLED, error.message)
            return
        except Exception as error:  # noqa: BLE001 - a fault in one host's step must not end the others
            file = self.turn.run.report(error)
            self.turn.run.bugs.append(file)
            self._finish(HostStatus.FAILED, f"{step.id}: a fault in runner: {type(error).__name__}; see {file}")
            return
        self._done += 1
        self._weigh(step, ended)

    def cancel(self) -> None:
        """A stop came before its steps were over."""
        self._finish(HostStatus.CANCELLED, self.turn.stop.reason)

    def end(self) -> HostStatus:
        """Its steps are over: settle and record its status."""
        if self.status is None:
            self._finish(self._bad or (HostStatus.CHANGED if self._changed else HostStatus.OK), self.reason)
        status = self.status or HostStatus.OK
        turn = self.turn
        turn.run.recorder.emit(
            HostEnded(
                play=turn.play.id,
                wave=turn.wave,
                host=turn.host.name,
                status=str(status),
                reason="" if status.is_well else self.reason,
                ignored=self._ignored,
                duration=round(asyncio.get_running_loop().time() - self._begun, 6),
            )
        )
        return status

    def _weigh(self, step: Step, ended: Ended) -> None:
        self._changed = self._changed or ended.status is Status.CHANGED
        self._ignored += ended.ignored
        if ended.is_well:
            return
        status = _HOST_STATUS[ended.status]
        if self._bad is None:
            self._bad, self.reason = status, f"{step.id}: {ended.reason}" if ended.reason else step.id
        goes_on = step.on_failure == "continue" and ended.status in {Status.FAILED, Status.TIMED_OUT}
        if not goes_on:
            # An unknown step makes the host unknown whatever failed before; else what went wrong first stands.
            self._finish(status if status is HostStatus.UNKNOWN else self._bad, self.reason)

    def _finish(self, status: HostStatus, reason: str) -> None:
        if self._bad is not None and status is HostStatus.CANCELLED:
            status, reason = self._bad, self.reason
        self.status, self.reason = status, reason
