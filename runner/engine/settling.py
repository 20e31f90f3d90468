"""A step that was sent and whose end nobody heard: what becomes of it, in the run at once, and at a resume.

The record on the host comes first: it tells an end, that it still runs (it is waited for), or that it never began.
Where it can't, ``verify`` is asked; then an idempotent step runs again; then ``on_unknown`` decides. Whatever is
decided otherwise than by an end is a ``decision`` event, on disk before anything follows from it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.engine.attempt import may_repeat, place_of, ready, turn_at
from runner.engine.hearing import keep_rest
from runner.engine.judging import placed
from runner.engine.recalling import unheard
from runner.engine.stop import Deadline, Stopped, ended_only
from runner.engine.target import StepTarget
from runner.engine.turn import Turn
from runner.errors import ConnectError, LostError, RunnerError
from runner.model.events import Decision, StepNote
from runner.model.outcome import Outcome, Status
from runner.model.past import StepPast
from runner.model.playbook import Step
from runner.model.record_key import record_key
from runner.model.template import Withheld
from runner.transport import Command, Keeping, Recalled, Session

LOOK = 1.0
"""Seconds between two looks at a command that still runs."""

LATE = 60.0
"""Seconds after its timeout in which a host itself has surely ended a step that went on there."""

_UNDONE = {"record", "verify"}
"""What tells, where a step runs again, that the attempt before did nothing."""

DONE, AGAIN = 0, 1
"""What ``verify`` ends with where the step was done, and where it was not."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What it came to: an ``outcome``, or None where the step runs again, for this reason.

    ``is_undone`` where it is known that the attempt did nothing. ``output`` is what ``step.ended`` says of its files
    where its end, and the rest of its output, were read on the host.
    """

    outcome: Outcome | None
    reason: str = ""
    is_undone: bool = False
    output: Mapping[str, Any] | None = None


async def settle(
    turn: Turn,
    step: Step,
    names: Mapping[str, Any],
    *,
    item: int | None,
    attempt: int,
    why: str,
    past: StepPast | None = None,
    is_guess: bool = False,
) -> Verdict:
    """Find out about an attempt, of this process or of the ``past``. ``why`` says how its end was missed.

    Raises JournalError alone.

    It is finished like any running step where a stop lets those finish: only a kill ends it.
    ``is_guess`` where it is not known which attempts there were: the host's record of one would tell too little.
    """
    with ended_only(turn.stop) as stop:
        return await _settled(_Asked(turn.under(stop), step, item, attempt, why, past, is_guess), names)


async def _settled(asked: "_Asked", names: Mapping[str, Any]) -> Verdict:
    turn, step = asked.turn, asked.step
    try:
        place = place_of(turn, step, names)
        async with turn_at(turn, step, place) as beside:
            params, target = await ready(turn, step, names, place=place, beside=beside)
            if target.session is None:
                return await asked.decide(params)
            return await _found(asked, params, target)
    except (Stopped, TimeoutError):
        return asked.unknown(turn.stop.reason)
    except LostError as error:
        turn.run.sessions.lost(place.name, error.message)
        return asked.unknown(f"and the host was lost again: {error.message}")
    except ConnectError as error:
        return asked.unknown(f"and the host could not be asked: {error.cause}: {error.message}")
    except RunnerError as error:
        return asked.unknown(f"and the host could not be asked: {placed(error)}")


async def _found(asked: "_Asked", params: Mapping[str, Any], target: StepTarget) -> Verdict:
    """What the record on the host says, and where that says nothing, the step itself."""
    turn, step = asked.turn, asked.step
    if (moved := asked.moved(target)) or asked.is_guess:
        return await asked.decide(params, target, said=moved)
    kind = turn.run.kinds[step.kind]
    found = Recalled("none")
    if kind.heard is not None and target.session is not None:
        found = await _recalled(asked, target.session, target)
    if found.state == "done" and found.result is not None and kind.heard is not None:
        is_whole = not (found.result.stdout.truncated or found.result.stderr.truncated)
        if step.register and step.read_only and not is_whole:
            return await asked.again("idempotent", "it has ended, but what it printed was not heard, and it only reads")
        outcome = kind.heard(found.result, target)
        output = keep_rest(turn, step, outcome, item=asked.item, attempt=asked.attempt)
        outcome = outcome if is_whole else outcome.without_output(asked.unheard)
        return Verdict(outcome, "its end was read from the host's record", output=output)
    if found.state == "never":
        return await asked.again("record", "the host's record says that it never began")
    if asked.killed:
        return asked.cut(found.group)
    return await asked.decide(params, target, said=found.reason or _STATES[found.state])


_STATES = {
    "gone": "it began, and is there no more without an end",
    "none": "there is no record of it on the host",
    "done": "the record of its end can't be used",
}


def longest_wait(step: Step) -> float | None:
    """Seconds that a step may go on where nobody hears it; None where it may take as long as it likes."""
    return None if step.timeout is None else step.timeout + LATE


async def _recalled(asked: "_Asked", session: Session, target: StepTarget) -> Recalled:
    """The record, when the command is no longer running; a kill ends it, and with it the waiting.

    A host that says that it runs for ever, or says nothing, is not waited for for ever.
    """
    key = record_key(
        asked.turn.play.id, asked.turn.host.name, asked.step.id, asked.step.section, asked.item, asked.attempt
    )
    found = Recalled("none")
    try:
        async with Deadline(asked.turn.stop, limit=longest_wait(asked.step)) as deadline:
            while (found := await session.recall(key, target.become)).state == "running":
                asked.say_running(found.group)
                await asyncio.sleep(LOOK)
    except TimeoutError:
        if deadline.expired and deadline.ended_by != "kill":
            return Recalled("none", reason="the host says that it runs, though it should have ended it by now")
        if not deadline.expired or found.group is None:
            raise
        asked.killed.append(await session.end(found.group, target.become))
    return found


@dataclass(frozen=True, slots=True)
class _Asked:
    """One attempt whose end was missed. ``killed`` is what ending its process group came to, where that was done."""

    turn: Turn
    step: Step
    item: int | None
    attempt: int
    why: str
    past: StepPast | None = None
    is_guess: bool = False
    killed: list[str] = field(default_factory=list)
    told: list[bool] = field(default_factory=list)

    @property
    def unheard(self) -> Withheld:
        """In place of what it printed."""
        return unheard(self.turn.run, self.turn.host.name, self.step, self.item)

    def moved(self, target: StepTarget) -> str:
        """Where it was sent, in words, where that is elsewhere than it would be today: no record there tells of it."""
        past = self.past
        delegate = "" if target.place is self.turn.host else target.place.name
        user = target.become.user if target.become is not None else ""
        if past is None or (past.delegate, past.become, past.section) == (delegate, user, self.step.section):
            return ""
        where = f' on "{past.delegate}"' if past.delegate else ""
        as_whom = f' as "{past.become}"' if past.become else ""
        return f"the playbook has changed since: it was begun{where}{as_whom} in {past.section or 'steps'}"

    def say_running(self, group: int | None) -> None:
        """Tell people, once, that it is waited for."""
        if not self.told:
            self.told.append(True)
            where = f" (process group {group})" if group else ""
            self.note(f"attempt {self.attempt} still runs on the host{where}; waiting for it")

    def cut(self, group: int | None) -> Verdict:
        """It was ended while it was waited for."""
        killed = self.killed[-1]
        if killed == "yes":
            return Verdict(Outcome(Status.CANCELLED, message=self.turn.stop.reason, killed=killed))
        words = f"{self.turn.stop.reason}; it may still be running (process group {group})"
        return Verdict(Outcome(Status.UNKNOWN, message=words, killed=killed, temporary=False))

    async def decide(self, params: Mapping[str, Any], target: StepTarget | None = None, *, said: str = "") -> Verdict:
        """What the step itself says should be done."""
        step = self.step
        if step.verify and target is not None and (verdict := await self._verified(target)) is not None:
            return verdict
        if may_repeat(self.turn, step, params):
            return await self.again("idempotent", "it may run twice without harm")
        if step.on_unknown == "rerun":
            return await self.again("on_unknown", "on_unknown says to run it again")
        if step.on_unknown == "skip":
            await self._record("skip", "on_unknown", "on_unknown says to go on without it")
            return Verdict(Outcome(Status.SKIPPED, message=f"{self.why}; on_unknown says to go on without it"))
        return self.unknown(said)

    def unknown(self, said: str) -> Verdict:
        """Nobody knows: the host is held until a person decides."""
        return Verdict(Outcome(Status.UNKNOWN, message="; ".join(word for word in (self.why, said) if word)))

    async def again(self, how: str, reason: str) -> Verdict:
        """It may run again."""
        await self._record("rerun", how, reason)
        return Verdict(None, reason, is_undone=how in _UNDONE)

    async def _verified(self, target: StepTarget) -> Verdict | None:
        """What ``verify`` says; None where it can't tell either."""
        run = self.turn.run
        argv = tuple(str(run.templates.render(word, target.scope)) for word in self.step.verify)
        command = Command(
            argv=argv,
            env=target.environment,
            cwd=target.cwd,
            become=target.become,
            keeping=Keeping("", self.step.timeout, "kill"),
        )
        async with Deadline(self.turn.stop, limit=self.step.timeout):
            if target.session is None:
                return None
            result = await target.session.run(command)
        if result.rc == DONE:
            await self._record("ok", "verify", "verify says that it was done")
            status = Status.OK if self.step.read_only else Status.CHANGED
            return Verdict(Outcome(status, message="verify says that it was done", unheard=self.unheard))
        if result.rc == AGAIN:
            return await self.again("verify", "verify says that it was not done")
        return None

    def note(self, text: str) -> None:
        """Tell people meanwhile."""
        self.turn.run.recorder.emit(StepNote(**self._where(), message=text))

    async def _record(self, what: str, how: str, reason: str) -> None:
        await self.turn.run.recorder.store(
            Decision(**self._where(), src=self.turn.source(self.step), what=what, by="runner", how=how, reason=reason)
        )

    def _where(self) -> dict[str, Any]:
        return {
            "play": self.turn.play.id,
            "wave": self.turn.wave,
            "host": self.turn.host.name,
            "step": self.step.id,
            "section": self.step.section,
            "item": self.item,
            "attempt": self.attempt,
        }
