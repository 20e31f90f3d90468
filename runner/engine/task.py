"""One task: a step on a host. Condition, loop, attempts with their limits, and the verdict on what came of it."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from runner.crashpoints import crash_point
from runner.engine.attempt import attempt_once
from runner.engine.retry import next_delay
from runner.engine.stop import Level
from runner.engine.turn import Turn
from runner.errors import JournalError, RenderError
from runner.model.events import StepEnded, StepRetry
from runner.model.outcome import Outcome, Status, failed
from runner.model.playbook import Block, Node, Step
from runner.model.result import Result, loop_result, recordable
from runner.model.template import Template

TAIL_LINES = 10
"""Last lines of output that a failure shows."""

_BAD = {Status.FAILED, Status.TIMED_OUT, Status.UNREACHABLE, Status.UNKNOWN, Status.CANCELLED}
_LOST = {Status.UNREACHABLE, Status.UNKNOWN, Status.CANCELLED}
_IGNORABLE = _BAD - _LOST
_UNMADE = {Status.UNREACHABLE, Status.CANCELLED}
"""Ends of a try that may have got no further than looking for its host, or waiting for its turn."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a step ended on a host. ``ignored`` failures leave the host well.

    ``acted`` where a try of it was made, if not the last. ``changed`` where it changed something, be it in one item of
    a loop that failed in another.
    """

    status: Status
    ignored: bool = False
    reason: str = ""
    acted: bool = False
    changed: bool = False

    @property
    def is_well(self) -> bool:
        """Whether the host goes on as if nothing had happened."""
        return self.ignored or self.status.is_well


Fate = Literal["", "ignored", "rescued"]
Taken = Callable[[Status], Fate]
"""What a block round the step makes of an end in this status."""


async def run_step(turn: Turn, step: Step, taken: Taken = lambda _: "") -> Ended:
    """Run one step on the turn's host, register its result, and say how it ended. Raises JournalError."""
    try:
        if step.loop is not None:
            return await _run_loop(turn, step, taken)
        result, acted, output = await _run_item(turn, step, scope=None, item=None)
        return _end(turn, step, result, taken, acted=acted, changed=result.outcome.changed, output=output)
    except JournalError as error:
        # Its intent is not on disk, so it was not sent; for those who watch it ends all the same.
        stopped = Result(Outcome(Status.CANCELLED, message=error.message))
        turn.run.recorder.emit(_ended(turn, step, stopped, output={}))
        raise


def answer_for(turn: Turn, step: Step, outcome: Outcome, *, again: bool = False, taken: Taken = lambda _: "") -> Ended:
    """End a step that is not run here: what it came to elsewhere, or why it can't be.

    ``again`` keeps what is registered under its name already.
    """
    if step.register and not again:
        turn.kept(step.frame)[step.register] = Result(outcome)
    fate = _fate(step, outcome.status, taken) if outcome.status in _BAD else ""
    turn.run.recorder.emit(_ended(turn, step, Result(outcome), output={}, fate=fate))
    return Ended(outcome.status, _is_own(step, fate), outcome.message)


def holds(turn: Turn, node: Node) -> bool:
    """Whether a node's condition holds for the turn's host, of a loop for any item. Raises RenderError.

    That of an include sees its item.
    """
    if node.when is None:
        return True
    if isinstance(node, Step) and node.loop is not None:
        return any(turn.run.templates.condition(node.when, scope) for _, scope in _scopes(turn, node))
    items = turn.play.frames[node.opens].items if isinstance(node, Block) and node.opens else {}
    return turn.run.templates.condition(node.when, turn.scope(node.frame, **items))


async def _run_loop(turn: Turn, step: Step, taken: Taken) -> Ended:
    try:
        items = _items(turn, step)
    except RenderError as error:
        return _end(turn, step, Result(failed(_placed(error), temporary=False)), taken)
    results: list[Result] = []
    has_acted = False
    for index, scope in _scopes(turn, step, items):
        result, acted, output = await _run_item(turn, step, scope=scope, item=index)
        results.append(result)
        has_acted = has_acted or acted
        _tell(turn, _ended(turn, step, result, item=index, output=output, label=_label(turn, step, scope)))
        bad = result.outcome.status in _BAD
        if bad and (step.on_failure == "stop" or result.outcome.status in _LOST):
            break
        if turn.stop.level >= Level.STOP and index < len(items):
            results.append(Result(Outcome(Status.CANCELLED, message=turn.stop.reason)))
            break
    changed = any(result.outcome.changed for result in results)
    return _end(turn, step, loop_result(_overall(results), results), taken, acted=has_acted, changed=changed)


def _scopes(turn: Turn, step: Step, items: list[Any] | None = None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The names that each item of a loop sees, when its turn has come; numbered from 1."""
    items = _items(turn, step) if items is None else items
    for index, item in enumerate(items, 1):
        loop = {"index": index, "length": len(items), "first": index == 1, "last": index == len(items)}
        yield index, turn.scope(step.frame, item=item, loop=loop)


def _items(turn: Turn, step: Step) -> list[Any]:
    """The items of a loop: a list, or every combination of a mapping of lists, the last name fastest."""
    value = step.loop
    if isinstance(value, dict):
        lists = {name: _list(turn, step, part) for name, part in value.items()}
        return [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
    return _list(turn, step, value)


def _list(turn: Turn, step: Step, value: Any) -> list[Any]:
    found = turn.run.templates.render(value, turn.scope(step.frame))
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
) -> tuple[Result, bool, dict[str, Any]]:
    """The step once, with all its attempts; whether one of them was made, and what the last says of its output."""
    try:
        if step.when is not None and not turn.run.templates.condition(step.when, scope or turn.scope(step.frame)):
            return Result(Outcome(Status.SKIPPED, message="its condition is false")), False, {}
    except RenderError as error:
        return Result(failed(_placed(error), temporary=False)), True, {}
    before = turn.tries.get((step.id, item), 0)
    acted = False
    for attempt in itertools.count(1):
        outcome, output = await attempt_once(turn, step, scope=scope, item=item, attempt=before + attempt)
        outcome = judge(turn, step, outcome, scope=scope, attempt=attempt)
        acted = acted or outcome.status not in _UNMADE or (outcome.status is Status.CANCELLED and outcome.was_tried)
        policy = step.retry or turn.run.kinds[step.kind].retry
        seed = f"{turn.run.seed}/{turn.play.id}/{turn.host.name}/{step.id}/{item}"
        delay = next_delay(policy, attempt, outcome, seed=seed)
        if delay is None or turn.stop.level >= Level.STOP:
            break
        turn.run.recorder.emit(_retry(turn, step, outcome, item=item, attempt=before + attempt, delay=delay))
        if not await turn.stop.sleep(delay):
            break
    if step.section:
        turn.tries[step.id, item] = before + attempt
        output = {**output, "attempt": before + attempt}
    return Result(outcome, attempts=attempt), acted, output


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


def _end(
    turn: Turn,
    step: Step,
    result: Result,
    taken: Taken,
    *,
    acted: bool = True,
    changed: bool = False,
    output: Mapping[str, Any] | None = None,
) -> Ended:
    """Register the result, record the end, and say what it means for the host."""
    if step.register:
        turn.kept(step.frame)[step.register] = result
    status = result.outcome.status
    fate = _fate(step, status, taken) if status in _BAD else ""
    _tell(turn, _ended(turn, step, result, output=output or {}, fate=fate))
    ignored = bool(fate) and _is_own(step, fate)
    return Ended(status, ignored, said_of(step, result.outcome), acted=acted, changed=changed)


def _tell(turn: Turn, event: StepEnded) -> None:
    crash_point("before_step_ended")
    turn.run.recorder.emit(event)
    crash_point("after_step_ended")


def _fate(step: Step, status: Status, taken: Taken) -> Fate:
    """Whether the step, or a block round it, says that its end in this bad status is no failure of the host."""
    if status in _IGNORABLE and step.on_failure != "stop":
        return "ignored" if step.on_failure == "ignore" else ""
    return taken(status)


def _is_own(step: Step, fate: Fate) -> bool:
    """Whether the step itself says so: then the host goes on right behind it."""
    return fate == "ignored" and step.on_failure == "ignore"


def _ended(
    turn: Turn,
    step: Step,
    result: Result,
    *,
    item: int | None = None,
    output: Mapping[str, Any],
    fate: Fate = "",
    label: str = "",
) -> StepEnded:
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
        register=None if hidden or not step.register or item is not None else result.record(),
        tail="" if hidden or outcome.status not in _BAD else _tail(outcome),
        killed=outcome.killed,
        label=label,
        **{"attempt": None if outcome.status is Status.SKIPPED else result.attempts, **output},
    )


def said_of(step: Step, outcome: Outcome) -> str:
    """What an outcome says in words; of a sensitive step only how it ended."""
    return _hidden(outcome) if step.sensitive else outcome.message


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
        section=step.section,
        src=turn.source(step),
        item=item,
        attempt=attempt,
        status=str(outcome.status),
        rc=outcome.rc,
        reason=said_of(step, outcome),
        delay=round(delay, 6),
    )


def _placed(error: RenderError) -> str:
    return error.message if error.location is None else f"{error.location}: {error.message}"
