"""One task: a step on a host. Condition, loop, attempts with their limits, and the verdict on what came of it."""

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.engine.attempt import attempt_once
from runner.engine.retry import next_delay
from runner.engine.stop import Level
from runner.engine.turn import Turn
from runner.errors import JournalError, RenderError
from runner.model.events import StepEnded, StepRetry
from runner.model.outcome import Outcome, Status, failed
from runner.model.playbook import Step
from runner.model.result import Result, loop_result, recordable
from runner.model.template import Template

TAIL_LINES = 10
"""Last lines of output that a failure shows."""

_BAD = {Status.FAILED, Status.TIMED_OUT, Status.UNREACHABLE, Status.UNKNOWN, Status.CANCELLED}
_LOST = {Status.UNREACHABLE, Status.UNKNOWN, Status.CANCELLED}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a step ended on a host. ``ignored`` failures leave the host well."""

    status: Status
    ignored: bool = False
    reason: str = ""

    @property
    def is_well(self) -> bool:
        """Whether the host goes on as if nothing had happened."""
        return self.ignored or self.status.is_well


async def run_step(turn: Turn, step: Step) -> Ended:
    """Run one step on the turn's host, register its result, and say how it ended. Raises JournalError."""
    try:
        if step.loop is not None:
            return await _run_loop(turn, step)
        result, output = await _run_item(turn, step, scope=None, item=None)
        return _end(turn, step, result, output=output)
    except JournalError as error:
        # Its intent is not on disk, so it was not sent; for those who watch it ends all the same.
        stopped = Result(Outcome(Status.CANCELLED, message=error.message))
        turn.run.recorder.emit(_ended(turn, step, stopped, output={}))
        raise


async def _run_loop(turn: Turn, step: Step) -> Ended:
    try:
        items = _items(turn, step)
    except RenderError as error:
        return _end(turn, step, Result(failed(_placed(error), temporary=False)))
    results: list[Result] = []
    for index, item in enumerate(items, 1):
        scope = turn.scope(
            item=item, loop={"index": index, "length": len(items), "first": index == 1, "last": index == len(items)}
        )
        result, output = await _run_item(turn, step, scope=scope, item=index)
        results.append(result)
        turn.run.recorder.emit(_ended(turn, step, result, item=index, output=output, label=_label(turn, step, scope)))
        bad = result.outcome.status in _BAD
        if bad and (step.on_failure == "stop" or result.outcome.status in _LOST):
            break
        if turn.stop.level >= Level.STOP and index < len(items):
            results.append(Result(Outcome(Status.CANCELLED, message=turn.stop.reason)))
            break
    return _end(turn, step, loop_result(_overall(results), results))


def _items(turn: Turn, step: Step) -> list[Any]:
    """The items of a loop: a list, or every combination of a mapping of lists, the last name fastest."""
    value = step.loop
    if isinstance(value, dict):
        lists = {name: _list(turn, step, part) for name, part in value.items()}
        return [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
    return _list(turn, step, value)


def _list(turn: Turn, step: Step, value: Any) -> list[Any]:
    found = turn.run.templates.render(value, turn.scope())
    if not isinstance(found, list | tuple):
        location = value.location if isinstance(value, Template) else step.location
        raise RenderError(f"a loop needs a list; got {type(found).__name__}", location=location)
    return list(found)


def _label(turn: Turn, step: Step, scope: Mapping[str, Any]) -> str:
    if step.sensitive:
        return ""
    try:
        value = scope["item"] if step.loop_label is None else turn.run.templates.render(step.loop_label, scope)
    except RenderError:
        return ""
    return str(recordable(value))[:120]


def _overall(results: list[Result]) -> Outcome:
    """The outcome of a loop: its first bad item's, else changed if one did, else skipped if all were."""
    outcomes = [result.outcome for result in results]
    for outcome in outcomes:
        if outcome.status in _BAD:
            return Outcome(outcome.status, rc=outcome.rc, signal=outcome.signal, message=outcome.message)
    if any(outcome.changed for outcome in outcomes):
        return Outcome(Status.CHANGED)
    if all(outcome.status is Status.SKIPPED for outcome in outcomes):
        return Outcome(Status.SKIPPED, message="every item was skipped" if outcomes else "its list is empty")
    return Outcome(Status.OK)


async def _run_item(
    turn: Turn, step: Step, *, scope: Mapping[str, Any] | None, item: int | None
) -> tuple[Result, dict[str, Any]]:
    """The step once, with all its attempts; also the last attempt's output paths and whether some were lost."""
    try:
        if step.when is not None and not turn.run.templates.condition(step.when, scope or turn.scope()):
            return Result(Outcome(Status.SKIPPED, message="its condition is false")), {}
    except RenderError as error:
        return Result(failed(_placed(error), temporary=False)), {}
    for attempt in itertools.count(1):
        outcome, output = await attempt_once(turn, step, scope=scope, item=item, attempt=attempt)
        outcome = _judge(turn, step, outcome, scope=scope, attempt=attempt)
        policy = step.retry or turn.run.kinds[step.kind].retry
        seed = f"{turn.run.seed}/{turn.play.id}/{turn.host.name}/{step.id}/{item}"
        delay = next_delay(policy, attempt, outcome, seed=seed)
        if delay is None or turn.stop.level >= Level.STOP:
            break
        turn.run.recorder.emit(_retry(turn, step, outcome, item=item, attempt=attempt, delay=delay))
        if not await _wait(turn, delay):
            break
    return Result(outcome, attempts=attempt), output


async def _wait(turn: Turn, delay: float) -> bool:
    """Wait between two attempts; False, at once, where a stop comes meanwhile."""
    risen = asyncio.Event()
    with turn.stop.watching(risen.set):
        while turn.stop.level < Level.STOP:
            risen.clear()
            begun = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(delay):
                    await risen.wait()
            except TimeoutError:
                return True
            delay -= asyncio.get_running_loop().time() - begun
    return False


def _judge(turn: Turn, step: Step, outcome: Outcome, *, scope: Mapping[str, Any] | None, attempt: int) -> Outcome:
    """Let the step's own conditions decide: failed_when, then changed_when, then until."""
    until = None if step.retry is None else step.retry.until
    if not outcome.was_tried or outcome.status not in {Status.OK, Status.CHANGED, Status.FAILED}:
        return outcome
    if step.failed_when is None and step.changed_when is None and until is None:
        return _unchanged(outcome) if step.read_only else outcome
    names = {**(scope or turn.scope()), "result": Result(outcome, attempts=attempt)}
    try:
        outcome = _decided(turn, step, outcome, names)
        if step.read_only:
            outcome = _unchanged(outcome)
    except RenderError as error:
        return outcome.judged(Status.FAILED, _placed(error))
    if until is None or not outcome.status.is_well:
        return outcome
    try:
        is_there = turn.run.templates.condition(until, names)
    except RenderError as error:
        return outcome.judged(Status.FAILED, f"until: {error.message}")
    return outcome if is_there else outcome.judged(Status.FAILED, "until is not true yet")


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


def _end(turn: Turn, step: Step, result: Result, *, output: Mapping[str, Any] | None = None) -> Ended:
    """Register the result, record the end, and say what it means for the host."""
    if step.register:
        turn.run.results.setdefault(turn.host.name, {})[step.register] = result
    status = result.outcome.status
    ignored = step.on_failure == "ignore" and status in _BAD - _LOST
    turn.run.recorder.emit(_ended(turn, step, result, output=output or {}, ignored=ignored))
    return Ended(status, ignored, _hidden(result.outcome) if step.sensitive else result.outcome.message)


def _ended(
    turn: Turn,
    step: Step,
    result: Result,
    *,
    item: int | None = None,
    output: Mapping[str, Any],
    ignored: bool = False,
    label: str = "",
) -> StepEnded:
    outcome = result.outcome
    hidden = step.sensitive
    return StepEnded(
        play=turn.play.id,
        wave=turn.wave,
        host=turn.host.name,
        step=step.id,
        src=turn.source(step),
        item=item,
        attempt=None if outcome.status is Status.SKIPPED else result.attempts,
        kind=step.kind,
        status=str(outcome.status),
        rc=outcome.rc,
        signal=outcome.signal,
        changed=outcome.changed,
        ignored=ignored,
        reason=_hidden(outcome) if hidden else outcome.message,
        duration=round(outcome.duration, 6),
        stdout=outcome.stdout.size,
        stderr=outcome.stderr.size,
        truncated=outcome.stdout.truncated or outcome.stderr.truncated,
        register=None if hidden or not step.register or item is not None else result.record(),
        tail="" if hidden or outcome.status not in _BAD else _tail(outcome),
        killed=outcome.killed,
        label=label,
        **output,
    )


def _hidden(outcome: Outcome) -> str:
    if outcome.status not in _BAD:
        return ""
    return "its output is hidden: the step is sensitive" + (
        f"; exit status {outcome.rc}" if outcome.rc is not None else ""
    )


def _tail(outcome: Outcome) -> str:
    """The last lines of standard error, or of standard output where that is empty."""
    stream = outcome.stderr if outcome.stderr.size else outcome.stdout
    text = (stream.tail or stream.head)[-4096:].decode("utf-8", "backslashreplace")
    return "\n".join(text.rstrip("\r\n").split("\n")[-TAIL_LINES:])


def _retry(turn: Turn, step: Step, outcome: Outcome, *, item: int | None, attempt: int, delay: float) -> StepRetry:
    return StepRetry(
        play=turn.play.id,
        wave=turn.wave,
        host=turn.host.name,
        step=step.id,
        src=turn.source(step),
        item=item,
        attempt=attempt,
        status=str(outcome.status),
        rc=outcome.rc,
        reason=_hidden(outcome) if step.sensitive else outcome.message,
        delay=round(delay, 6),
    )


def _placed(error: RenderError) -> str:
    return error.message if error.location is None else f"{error.location}: {error.message}"
