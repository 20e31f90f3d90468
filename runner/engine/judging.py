"""What an attempt's answer comes to: the step's own conditions decide, and what may be said of it."""

from collections.abc import Mapping
from typing import Any

from runner.engine.turn import Turn
from runner.errors import RenderError, RunnerError
from runner.model.changing import may_change
from runner.model.outcome import Outcome, Status
from runner.model.playbook import Step
from runner.model.result import Result

BAD = {Status.FAILED, Status.TIMED_OUT, Status.UNREACHABLE, Status.UNKNOWN, Status.CANCELLED}
"""Ends that are no good ones."""


def judge(turn: Turn, step: Step, outcome: Outcome, *, scope: Mapping[str, Any] | None, attempt: int) -> Outcome:
    """Let the step's own conditions decide: failed_when, then changed_when, then until."""
    until = None if step.retry is None else step.retry.until
    if not outcome.was_tried or outcome.status not in {Status.OK, Status.CHANGED, Status.FAILED}:
        return outcome
    if step.failed_when is None and step.changed_when is None and until is None:
        return _unchanged(outcome) if step.read_only else outcome
    answer = Result(outcome, attempts=attempt)
    own = {step.register: answer} if step.register else {}
    names = {**(scope or turn.scope(step.frame)), **own, "result": answer}
    try:
        outcome = _decided(turn, step, outcome, names)
        if step.read_only:
            outcome = _unchanged(outcome)
    except RenderError as error:
        return outcome.judged(_unjudged(outcome), placed(error))
    if until is None or not outcome.status.is_well:
        return outcome
    try:
        is_there = turn.run.templates.condition(until, names)
    except RenderError as error:
        return outcome.judged(_unjudged(outcome), f"until: {placed(error)}")
    return outcome if is_there else outcome.judged(Status.FAILED, "until is not true yet")


def _unjudged(outcome: Outcome) -> Status:
    """What it is where its conditions can't tell: with output that nobody heard, it may be well."""
    return Status.FAILED if outcome.unheard is None else Status.UNKNOWN


def doubted(turn: Turn, step: Step, outcome: Outcome) -> Outcome:
    """Behind a try of which nobody knows what it changed, a step that finds nothing to change counts as changed."""
    said = step.changed_when
    never = said is not None and (isinstance(said, bool) or not turn.run.templates.mentions(said))
    if outcome.status is not Status.OK or never or not may_change(step):
        return outcome
    return outcome.judged(Status.CHANGED, outcome.message or "an earlier try, cut short, may have changed it")


def _decided(turn: Turn, step: Step, outcome: Outcome, names: Mapping[str, Any]) -> Outcome:
    condition = turn.run.templates.condition
    if step.failed_when is not None:
        if condition(step.failed_when, names):
            return outcome.judged(Status.FAILED, outcome.message or "failed_when is true")
        if outcome.status is Status.FAILED:
            # A command that failed has still run, and so may have changed something; other kinds say what they did.
            outcome = outcome.judged(Status.OK if outcome.rc is None else Status.CHANGED, "")
    if step.changed_when is not None and outcome.status is not Status.FAILED:
        status = Status.CHANGED if condition(step.changed_when, names) else Status.OK
        outcome = outcome.judged(status, outcome.message)
    return outcome


def _unchanged(outcome: Outcome) -> Outcome:
    return outcome.judged(Status.OK, outcome.message) if outcome.changed else outcome


def said_of(step: Step, outcome: Outcome) -> str:
    """What an outcome says in words; of a sensitive step only how it ended."""
    return _hidden(outcome) if step.sensitive else outcome.message


class HiddenError(Exception):
    """In place of a fault in runner that came upon a sensitive step: where it was, without its words."""


def reported(turn: Turn, step: Step, error: Exception) -> str:
    """Keep the trace of a fault in runner; gives the name of its file. Words of an error may hold what a step does."""
    told: BaseException = error
    if step.sensitive:
        words = f"a {type(error).__name__}; its words are hidden: the step is sensitive"
        told = HiddenError(words).with_traceback(error.__traceback__)
    file = turn.run.report(told)
    turn.run.bugs.append(file)
    return file


def _hidden(outcome: Outcome) -> str:
    if outcome.status not in BAD:
        return ""
    return "its output is hidden: the step is sensitive" + (
        f"; exit status {outcome.rc}" if outcome.rc is not None else ""
    )


def placed(error: RunnerError) -> str:
    """What an error says, behind the place in a file that it is about, and what to do about it."""
    place = getattr(error, "location", None)
    words = f"{error.message}; {error.hint}" if error.hint else error.message
    return words if place is None else f"{place}: {words}"
