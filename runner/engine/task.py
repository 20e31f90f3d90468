"""One task: a step on a host. Condition, loop, attempts with their limits, and the verdict on what came of it."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runner.crashpoints import crash_point
from runner.engine.ends import Fate, ended_event
from runner.engine.judging import BAD, placed, said_of
from runner.engine.recalling import result_of
from runner.engine.stop import Level
from runner.engine.tries import run_item
from runner.engine.turn import Turn
from runner.errors import JournalError, RenderError
from runner.model.events import StepEnded
from runner.model.outcome import Outcome, Status, failed
from runner.model.playbook import Block, Node, Step
from runner.model.result import Result, loop_result, recordable
from runner.model.template import Template
from runner.templating.limits import ITEMS

_LOST = {Status.UNREACHABLE, Status.UNKNOWN, Status.CANCELLED}
_IGNORABLE = BAD - _LOST


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


Taken = Callable[[Status], Fate]
"""What a block round the step makes of an end in this status."""


async def run_step(turn: Turn, step: Step, taken: Taken = lambda _: "") -> Ended:
    """Run one step on the turn's host, register its result, and say how it ended. Raises JournalError."""
    try:
        if step.loop is not None:
            return await _run_loop(turn, step, taken)
        tried = await run_item(turn, step, scope=None, item=None)
        changed = tried.result.outcome.changed
        return _end(turn, step, tried.result, taken, acted=tried.acted, changed=changed, output=tried.output)
    except JournalError as error:
        # Its intent is not on disk, so it was not sent; for those who watch it ends all the same.
        stopped = Result(Outcome(Status.CANCELLED, message=error.message))
        turn.run.recorder.emit(ended_event(turn, step, stopped, output={}))
        raise


def answer_for(turn: Turn, step: Step, outcome: Outcome, *, again: bool = False, taken: Taken = lambda _: "") -> Ended:
    """End a step that is not run here: what it came to elsewhere, or why it can't be.

    ``again`` keeps what is registered under its name already.
    """
    if step.register and not again:
        turn.kept(step.frame)[step.register] = Result(outcome)
    fate = _fate(step, outcome.status, taken) if outcome.status in BAD else ""
    turn.run.recorder.emit(ended_event(turn, step, Result(outcome), output={}, fate=fate))
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
        return _end(turn, step, Result(failed(placed(error), temporary=False)), taken)
    results: list[Result] = []
    has_acted = False
    for index, scope in _scopes(turn, step, items):
        if (kept := _kept_item(turn, step, index)) is not None:
            results.append(kept)
            continue
        tried = await run_item(turn, step, scope=scope, item=index)
        results.append(tried.result)
        has_acted = has_acted or tried.acted
        label = _label(turn, step, scope)
        _tell(turn, ended_event(turn, step, tried.result, item=index, output=tried.output, label=label))
        status = tried.result.outcome.status
        if status in BAD and (step.on_failure == "stop" or status in _LOST):
            break
        if turn.stop.level >= Level.STOP and index < len(items):
            results.append(Result(Outcome(Status.CANCELLED, message=turn.stop.reason)))
            break
    changed = any(result.outcome.changed for result in results)
    return _end(turn, step, loop_result(_overall(results), results), taken, acted=has_acted, changed=changed)


def _kept_item(turn: Turn, step: Step, index: int) -> Result | None:
    """What came of an item that ended well before this process: it is not run again, unless the whole step is."""
    whole, past = turn.past(step), turn.past(step, index)
    if whole is None or whole.is_well or past is None or not past.is_well or step.section == "always":
        return None
    return result_of(turn.run, turn.host.name, step, past, index)


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
        if (count := math.prod(map(len, lists.values()))) > ITEMS:
            raise RenderError(f"the loop has {count} items; the limit is {ITEMS}", location=step.location)
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
        if outcome.status in BAD:
            return Outcome(outcome.status, rc=outcome.rc, signal=outcome.signal, message=outcome.message)
    if any(outcome.changed for outcome in outcomes):
        return Outcome(Status.CHANGED)
    if all(outcome.status is Status.SKIPPED for outcome in outcomes):
        return Outcome(Status.SKIPPED, message="every item was skipped" if outcomes else "its list is empty")
    return Outcome(Status.OK)


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
    fate = _fate(step, status, taken) if status in BAD else ""
    _tell(turn, ended_event(turn, step, result, output=output or {}, fate=fate))
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
