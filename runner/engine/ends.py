"""The events that say how a step, or a try of it, ended."""

from collections.abc import Mapping
from typing import Any, Literal

from runner.engine.judging import BAD, said_of
from runner.engine.turn import Turn
from runner.model.events import StepEnded, StepRetry
from runner.model.outcome import Outcome, Status
from runner.model.playbook import Step
from runner.model.result import Result, recordable

TAIL_LINES = 10
"""Last lines of output that a failure shows."""

Fate = Literal["", "ignored", "rescued"]
"""What the step, or a block round it, makes of a bad end."""


def ended_event(
    turn: Turn,
    step: Step,
    result: Result,
    *,
    item: int | None = None,
    output: Mapping[str, Any],
    fate: Fate = "",
    label: str = "",
) -> StepEnded:
    """How a step, or an item of its loop, ended. ``output`` is what is said of its output files, and of the try."""
    outcome = result.outcome
    hidden = step.sensitive
    return StepEnded(
        play=turn.play.id,
        wave=turn.wave,
        host=turn.host.name,
        step=step.id,
        section=step.section,
        src=turn.source(step),
        item=item,
        kind=step.kind,
        status=str(outcome.status),
        rc=outcome.rc,
        signal=outcome.signal,
        changed=outcome.changed,
        ignored=fate == "ignored",
        rescued=fate == "rescued",
        reason=said_of(step, outcome),
        duration=round(outcome.duration, 6),
        stdout=outcome.stdout.size,
        stderr=outcome.stderr.size,
        truncated=outcome.stdout.truncated or outcome.stderr.truncated,
        register=None if hidden or not step.register else result.record(),
        values=_values(step, outcome),
        tail="" if hidden or outcome.status not in BAD else _tail(outcome),
        killed=outcome.killed,
        label=label,
        **{"attempt": None if outcome.status is Status.SKIPPED else result.attempts, **output},
    )


def _values(step: Step, outcome: Outcome) -> dict[str, Any] | None:
    """What ``set`` gave: for whoever goes on with the run. Those of a sensitive step are lost with the process."""
    if step.kind != "set" or step.sensitive or "values" not in outcome.data:
        return None
    return {name: recordable(value) for name, value in outcome.data["values"].items()}


def _tail(outcome: Outcome) -> str:
    """The last lines of standard error, or of standard output where that is empty."""
    stream = outcome.stderr if outcome.stderr.size else outcome.stdout
    text = (stream.tail or stream.head)[-4096:].decode("utf-8", "backslashreplace")
    return "\n".join(text.rstrip("\r\n").split("\n")[-TAIL_LINES:])


def retry_event(turn: Turn, step: Step, outcome: Outcome, *, item: int | None, attempt: int, delay: float) -> StepRetry:
    """A try has failed, and another follows after ``delay`` seconds."""
    return StepRetry(
        play=turn.play.id,
        wave=turn.wave,
        host=turn.host.name,
        step=step.id,
        section=step.section,
        src=turn.source(step),
        item=item,
        attempt=attempt,
        status=str(outcome.status),
        rc=outcome.rc,
        reason=said_of(step, outcome),
        delay=round(delay, 6),
    )
