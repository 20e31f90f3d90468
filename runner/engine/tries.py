"""A step, or an item of its loop, with all its tries: what an earlier process left open first, then attempt by attempt.

A step that was sent and whose end was not heard is never simply tried again: :mod:`runner.engine.settling` finds out.
"""

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.engine.attempt import attempt_once
from runner.engine.ends import retry_event
from runner.engine.judging import doubted, judge, placed
from runner.engine.retry import next_delay
from runner.engine.settling import Verdict, settle
from runner.engine.stop import Level
from runner.engine.turn import Turn
from runner.errors import RenderError
from runner.model.outcome import Outcome, Status, failed
from runner.model.past import StepPast
from runner.model.playbook import Step
from runner.model.result import Result

_UNMADE = {Status.UNREACHABLE, Status.CANCELLED}
"""Ends of a try that may have got no further than looking for its host, or waiting for its turn."""

_CUT_SHORT = {Status.TIMED_OUT, Status.CANCELLED, Status.UNKNOWN}
"""Ends of a try that may have changed something nobody was told of."""

MISSED = "the process that ran it ended before its end was heard"
"""How a resume comes to a step whose end is not known, where nobody has recorded why."""

GUESSED = "its records may be among those that the journal has lost"
"""How a resume comes to a step that may never have begun, or more than once."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it. ``acted`` where a try was made; ``output`` is what ``step.ended`` says beside the result."""

    result: Result
    acted: bool
    output: Mapping[str, Any] = field(default_factory=dict)


async def run_item(turn: Turn, step: Step, *, scope: Mapping[str, Any] | None, item: int | None) -> Tried:
    """Run it: the whole step, or one item. Raises JournalError alone."""
    tries = _Tries(turn, step, scope, item, before=turn.tried(step, item))
    if not turn.is_open(step, item):
        return tries.left_out() or await tries.go()
    return await tries.left_open() or await tries.go()


@dataclass(slots=True)
class _Tries:
    """``before`` are the attempts of earlier turns and processes; ``has_asked`` once a lost end was asked for.

    ``first`` is the number of the first attempt that is made here: 2 where the one that was left open is the first.
    ``in_doubt`` where a try before may have changed something.
    """

    turn: Turn
    step: Step
    scope: Mapping[str, Any] | None
    item: int | None
    before: int
    acted: bool = False
    has_asked: bool = False
    first: int = 1
    in_doubt: bool = False

    def __post_init__(self) -> None:
        past = self.turn.past(self.step, self.item)
        self.in_doubt = past is not None and past.in_doubt

    def left_out(self) -> Tried | None:
        """What it comes to where its condition is false, or can't be asked."""
        when = self.step.when
        try:
            if when is None or self.turn.run.templates.condition(when, self._names()):
                return None
        except RenderError as error:
            return Tried(Result(failed(placed(error), temporary=False)), acted=True)
        return Tried(Result(Outcome(Status.SKIPPED, message="its condition is false")), acted=False)

    async def left_open(self) -> Tried | None:
        """Find out how an earlier process's last attempt ended; None where it runs again.

        What runs whatever happened does so again behind its good end, too.
        """
        self.turn.settled.add((self.step.id, self.item))
        self.acted = True
        is_guess = self.turn.is_guess(self.step, self.item)
        why, past = GUESSED if is_guess else self._missed(), self.turn.past(self.step, self.item)
        verdict = await self._settled(self.before, why, past=past, is_guess=is_guess)
        if verdict.outcome is None:
            self.in_doubt = self.in_doubt and not verdict.is_undone
            return None
        outcome = judge(self.turn, self.step, verdict.outcome, scope=self.scope, attempt=1)
        if self.step.section == "always" and outcome.status is not Status.UNKNOWN:
            return None
        delay = self._delay(1, outcome)
        if delay is not None and await self.turn.stop.sleep(delay):
            self.before, self.first = self.before - 1, 2
            return None
        return Tried(
            Result(outcome), acted=True, output={**(verdict.output or {}), "attempt": self.before, "late": True}
        )

    def _missed(self) -> str:
        """Why its end is not known: as was recorded, or else because the process ended."""
        past = self.turn.past(self.step, self.item)
        recorded = past.reason if past else ""
        return recorded.partition("; ")[0] or MISSED  # what is found out goes on behind that, each time anew

    async def go(self) -> Tried:
        """Try until it is well, or may not be tried any more."""
        turn, step = self.turn, self.step
        for attempt in itertools.count(self.first):
            came, output = await self._once(attempt)
            if came is None:
                continue
            outcome = judge(turn, step, came, scope=self.scope, attempt=attempt)
            outcome = doubted(turn, step, outcome) if self.in_doubt else outcome
            self.acted = self.acted or outcome.status not in _UNMADE or _was_begun(outcome)
            delay = self._delay(attempt, outcome)
            if delay is None:
                break
            self.in_doubt = self.in_doubt or (outcome.status in _CUT_SHORT and outcome.was_tried)
            self._again(outcome, attempt, delay)
            if not await turn.stop.sleep(delay):
                break
        number = self.before + attempt
        if outcome.status is Status.UNKNOWN or outcome.killed in {"no", "unknown"}:
            turn.unheard.append((step, self.item, number, output.get("delegate", "")))
        if step.section:
            turn.tries[step.id, self.item] = number
        if step.section or self.before:
            output = {**output, "attempt": number}
        return Tried(Result(outcome, attempts=attempt), self.acted, output)

    def _delay(self, attempt: int, outcome: Outcome) -> float | None:
        """Seconds until the next attempt; None where there is none."""
        turn, step = self.turn, self.step
        if turn.stop.level >= Level.STOP:
            return None
        policy = step.retry or turn.run.kinds[step.kind].retry
        seed = f"{turn.run.seed}/{turn.play.id}/{turn.host.name}/{step.id}/{self.item}"
        return next_delay(policy, attempt, outcome, seed=seed)

    async def _once(self, attempt: int) -> tuple[Outcome | None, dict[str, Any]]:
        """One attempt; None where its end was not heard and it is to be tried again."""
        turn = self.turn
        if self.acted and turn.stop.level >= Level.STOP:
            return Outcome(Status.CANCELLED, message=turn.stop.reason).untried(), {}
        number, time = self.before + attempt, asyncio.get_running_loop().time
        outcome, output = await attempt_once(turn, self.step, scope=self.scope, item=self.item, attempt=number)
        if not _was_lost(outcome) or self.has_asked or turn.stop.level >= Level.KILL:
            return outcome, output
        self.has_asked = True  # a lost connection is opened again once
        lost = time()
        verdict = await self._settled(number, outcome.message)
        if verdict.outcome is None and turn.stop.level < Level.STOP:
            self.acted = True
            self.in_doubt = self.in_doubt or not verdict.is_undone
            self._again(outcome, attempt, 0.0)
            return None, output
        if verdict.output is not None:
            outcome, output = outcome.timed(outcome.duration + time() - lost), {**output, **verdict.output}
        return _with(outcome, verdict, turn.stop.reason), {**output, "late": True}

    def _again(self, outcome: Outcome, attempt: int, delay: float) -> None:
        number = self.before + attempt
        self.turn.run.recorder.emit(
            retry_event(self.turn, self.step, outcome, item=self.item, attempt=number, delay=delay)
        )

    async def _settled(self, number: int, why: str, *, past: StepPast | None = None, is_guess: bool = False) -> Verdict:
        try:
            names = self._names()
        except RenderError as error:
            return Verdict(Outcome(Status.UNKNOWN, message=f"{why}; {placed(error)}"))
        return await settle(
            self.turn, self.step, names, item=self.item, attempt=number, why=why, past=past, is_guess=is_guess
        )

    def _names(self) -> Mapping[str, Any]:
        return self.scope if self.scope is not None else self.turn.scope(self.step.frame)


def _was_lost(outcome: Outcome) -> bool:
    """Whether the connection went away before its end was heard: then there may be more to hear."""
    return outcome.status is Status.UNKNOWN and outcome.temporary


def _was_begun(outcome: Outcome) -> bool:
    return outcome.status is Status.CANCELLED and outcome.was_tried


def _with(lost: Outcome, verdict: Verdict, stopped: str) -> Outcome:
    """What is known now of an attempt that was lost; what was heard of one that stays so is kept."""
    if verdict.outcome is None:
        return Outcome(Status.CANCELLED, message=f"{verdict.reason}; {stopped}").timed(lost.duration)
    if verdict.outcome.status is Status.UNKNOWN:
        return lost.judged(Status.UNKNOWN, verdict.outcome.message)
    found = verdict.outcome
    if verdict.output is not None:
        found = found.heard(lost.stdout.then(found.stdout), lost.stderr.then(found.stderr))
    return found.timed(lost.duration, found.killed)
