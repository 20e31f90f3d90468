"""Where a person decides: asked one question at a time, and recorded before and after.

A question without an answer leaves the run paused: its ``approval.waiting`` is followed by no other record.
"""

import asyncio
from contextlib import suppress

from runner.engine.context import Run
from runner.engine.stop import Level, Stop, Stopped, until
from runner.engine.turn import Turn
from runner.model.decision import Answer, Question
from runner.model.events import ApprovalDenied, ApprovalGranted, ApprovalWaiting
from runner.model.playbook import Step

NOBODY = "waiting for approval; nobody is here"
"""Why there is no answer where nobody can give one."""

__all__ = ["NOBODY", "Answer", "Question", "asked_by_step", "decided"]


async def decided(run: Run, question: Question, *, stop: Stop) -> Answer:
    """Ask, when all that was asked before has its answer. A stop of level STOP cuts it short, asked or not."""
    with suppress(Stopped):
        async with until(stop, Level.STOP), run.asking:
            if stop.level < Level.STOP:  # the answer before this one may have been a no
                return await _asked(run, question, stop)
    return Answer(None, reason=stop.reason)


async def _asked(run: Run, question: Question, stop: Stop) -> Answer:
    where = {
        "play": question.play,
        "wave": question.wave,
        "about": question.about,
        "host": question.host,
        "step": question.step,
    }
    run.recorder.emit(ApprovalWaiting(**where, question=question.text))  # type: ignore[arg-type]
    try:
        answer = await run.ask(question)
    except asyncio.CancelledError:
        if run.stop.level < Level.STOP:
            # The time of the step that asks is over, or something else has stopped the play: nobody waits any more.
            how = "timeout" if stop.level < Level.STOP else "stop"
            run.recorder.emit(ApprovalDenied(**where, by="nobody", how=how))  # type: ignore[arg-type]
        raise
    if answer.yes is None:
        return Answer(None, reason=answer.reason or NOBODY)
    kind = ApprovalGranted if answer.yes else ApprovalDenied
    run.recorder.emit(kind(**where, by=answer.by, how=answer.how))  # type: ignore[arg-type]
    return answer


async def asked_by_step(turn: Turn, step: Step, text: str, *, is_approval: bool) -> Answer:
    """Ask what a step asks. A no stops the whole run; without an answer no other host is let in."""
    question = Question(
        play=turn.play.id,
        wave=turn.wave,
        about="step",
        text=f"go on behind {step.id}?" if step.sensitive else text,
        host=turn.host.name,
        step=step.id,
        is_approval=is_approval,
    )
    answer = await decided(turn.run, question, stop=turn.stop)
    if answer.yes is None:
        turn.run.stop.raise_to(Level.DRAIN, answer.reason)
    elif not answer.yes:
        turn.run.stop.raise_to(Level.STOP, f"denied by {answer.by}")
    return answer
