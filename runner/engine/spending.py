"""The failure budget of a play at work: hosts that end badly are counted, and too many end it, or ask a person."""

import asyncio
from dataclasses import dataclass, field

from runner.engine.budget import Budget
from runner.engine.context import Run
from runner.engine.decisions import Question, decided
from runner.engine.places import Places
from runner.engine.stop import Level, Stop
from runner.model.events import BudgetChanged, BudgetExceeded
from runner.model.plan import PlannedPlay

_LEVELS = {"drain": Level.DRAIN, "stop": Level.STOP, "kill": Level.KILL, "rollback": Level.STOP}


@dataclass(slots=True)
class Spending:
    """What a play may spend and has spent. ``places`` are those of the wave at work.

    ``is_ended`` where budget, gate or a person has ended the play before its time.
    """

    run: Run
    play: PlannedPlay
    stop: Stop
    budget: Budget
    places: Places | None = None
    is_ended: bool = False
    _asking: asyncio.Task[None] | None = field(default=None)

    def spend(self, wave: int, host: str, *, by_gate: bool = False) -> None:
        """Count a host that ended badly, and do as the play says where there are too many."""
        budget, action = self.budget, self.play.strategy.on_exceed
        if not budget.spend(host):
            return
        emit = self.run.recorder.emit
        emit(BudgetChanged(play=self.play.id, wave=wave, host=host, failures=budget.spent, allowed=budget.allowed))
        if budget.allowed is None or not budget.exceeded or self.is_ended or self._asking is not None:
            return
        emit(
            BudgetExceeded(
                play=self.play.id,
                wave=wave,
                failures=budget.spent,
                allowed=budget.allowed,
                action=action,
                by_gate=by_gate,
            )
        )
        reason = f"the failure budget is exceeded: {budget.spent} failed, {budget.allowed} allowed"
        if action == "pause":
            self._pause(wave, reason)
        else:
            self.finish(_LEVELS[action], reason)

    @property
    def is_exceeded(self) -> bool:
        """Whether it was the budget that ended the play."""
        return self.is_ended and self.budget.exceeded

    def finish(self, level: Level, reason: str) -> None:
        """End the play before its time."""
        self.is_ended = True
        self.stop.raise_to(level, reason)

    async def answered(self) -> None:
        """Wait until no person is being asked."""
        while self._asking is not None:
            await self._asking

    def _pause(self, wave: int, reason: str) -> None:
        """Let nobody begin until a person has decided; those at work go on meanwhile."""
        if self.places is not None:
            self.places.hold()
        self._asking = asyncio.create_task(self._ask(wave, reason))

    async def _ask(self, wave: int, reason: str) -> None:
        words = f"{reason}. Go on with play {self.play.name}?"
        question = Question(play=self.play.id, wave=wave, about="budget", text=words, is_approval=False)
        answer = await decided(self.run, question, stop=self.stop)
        self._asking = None
        if not answer.yes:
            self.finish(Level.DRAIN if answer.yes is None else Level.STOP, self.stop.reason or reason)
            return
        if self.places is not None:
            self.places.go_on()
