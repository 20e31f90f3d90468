"""What a resume takes over from the past: how nodes ended, what ran once, and what was registered and set."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from runner.engine.context import Run
from runner.engine.meetings import Once, Settled
from runner.model import remaining
from runner.model.changing import may_change
from runner.model.go_on import Commands
from runner.model.outcome import Status
from runner.model.past import PlayPast, StepPast
from runner.model.plan import PlannedPlay
from runner.model.playbook import Block, Node, Step, leaves, nodes_of
from runner.model.result import Result, restored
from runner.model.template import Withheld


class Recalled:
    """What stands of one host's steps."""

    __slots__ = ("_past",)

    def __init__(self, past: Mapping[str, StepPast]) -> None:
        self._past = past

    @property
    def is_empty(self) -> bool:
        """Whether everything is to be done."""
        return not self._past

    def stands(self, node: Node) -> bool:
        """Whether a node is not done again: it is over, and nothing of it is to run anew."""
        past = self._past
        return bool(past) and remaining.came(node, past) is not None and not remaining.goes_again(node, past)

    def is_fine(self, node: Node) -> bool:
        """Whether a node that stands has ended well, whatever failed on the way."""
        return remaining.came(node, self._past) == "well"

    def has_begun(self, node: Node) -> bool:
        """Whether a step of it was tried: its condition held."""
        return bool(self._past) and remaining.has_begun(node, self._past)


def onces_past(play: PlannedPlay, past: PlayPast, hosts: Sequence[str], scope: str) -> dict[str, Once]:
    """What came of the nodes that run once in ``run`` or ``wave``, among these hosts, for those that are settled."""
    found: dict[str, Once] = {}
    for node in nodes_of(play.steps) if past.hosts else ():
        if node.once != scope:
            continue
        once = Once()
        for name in hosts:
            steps = past.hosts[name].steps if name in past.hosts else {}
            if Recalled(steps).stands(node) and remaining.has_begun(node, steps):
                once.settled = Settled(name)
        found[node.id] = once
    return found


def begun_by(play: PlannedPlay, past: PlayPast, wave: Iterable[str]) -> dict[str, str]:
    """The host that has begun each node that runs once, where one has: in this wave, or in the run."""
    again = again_in(play)
    onces = [node for node in nodes_of(play.steps) if node.once and node.id not in again] if past.hosts else []
    return {
        node.id: name
        for node in onces
        for name in (wave if node.once == "wave" else play.hosts)
        if name in past.hosts and remaining.has_begun(node, past.hosts[name].steps)
    }


def again_in(play: PlannedPlay) -> frozenset[str]:
    """The nodes that run once and are to run again at a resume."""
    return frozenset(
        node.id
        for node in nodes_of(play.steps)
        if node.once and any(step.on_resume == "again" for step in leaves([node]))
    )


def restore_names(run: Run) -> None:
    """Give hosts the names that earlier processes have registered and set."""
    if run.past is None:
        return
    for play in run.plan.plays:
        past = run.past.plays.get(play.id)
        given = [node for section in play.sections for node in _in_order(section) if _gives(node)]
        if past is None or not given:
            continue
        for node in given:
            _restore(run, play, past, node)


def _gives(node: Node) -> bool:
    return bool(node.register) or (isinstance(node, Step) and node.kind == "set")


def _in_order(nodes: Iterable[Node]) -> Iterator[Node]:
    """Every node of a tree, blocks behind what is in them."""
    for node in nodes:
        if isinstance(node, Block):
            for part in (node.steps, node.rescue, node.always):
                yield from _in_order(part)
        yield node


def _restore(run: Run, play: PlannedPlay, past: PlayPast, node: Node) -> None:
    hosts = {name: past.hosts[name] for name in play.hosts if name in past.hosts}
    if isinstance(node, Block):
        over = [name for name, host in hosts.items() if remaining.came(node, host.steps) is not None]
        for name in play.hosts if over and node.once else over:
            _show(run, play, node, name)
        return
    is_once = _is_once(play, node)
    for name, host in hosts.items():
        step = host.steps.get(node.id)
        if step is None or (is_once and not step.has_acted):
            continue  # whoever has only waited for it knows nothing of its own
        everyone = (name,) if not is_once else run.plan.hosts if not node.frame else play.hosts
        for other in everyone:
            kept(run, play, other, node.frame).update(_values(run, name, node, step))


def unheard(run: Run, host: str, step: Step, item: int | None = None, *, by_person: bool = False) -> Withheld:
    """In place of what a step, or an item of its loop, printed that has ended, which nobody heard.

    ``by_person`` where that is what a person has said.
    """
    which = f" (item {item})" if item is not None else ""
    words = f'what step "{step.id}"{which} printed on "{host}" is not known, only how it ended'
    number = ("--item", str(item)) if item is not None else ()
    return Withheld(words, run_again(run, host, step, *number, *(("--reason", "TEXT") if by_person else ())))


def run_again(run: Run, host: str, step: Step, *options: str) -> str:
    """What to type where a value is lost that is needed."""
    commands = Commands(run.id, run.where)
    resolve = commands.line("resolve", host, step.id, "--rerun", *options)
    return f"have it run again: {resolve}; then {commands.line('resume')}"


def _values(run: Run, host: str, step: Step, past: StepPast) -> dict[str, object]:
    if past.is_open or not past.status:
        return {}
    names = tuple(step.params.get("values", ())) if step.kind == "set" else ()
    if past.masked:
        return dict.fromkeys((*names, *((step.register,) if step.register else ())), _masked(run, host, step))
    known = past.values or {}
    values: dict[str, object] = {name: known[name] if name in known else _masked(run, host, step) for name in names}
    if step.register:
        values[step.register] = _masked(run, host, step) if step.sensitive else result_of(run, host, step, past)
    return values


def _masked(run: Run, host: str, step: Step) -> Withheld:
    """In place of what a step gave, of which the journal has only a mask."""
    words = f'what step "{step.id}" gave on "{host}" was masked in the journal, and is lost with its process'
    return Withheld(words, run_again(run, host, step))


def result_of(run: Run, host: str, step: Step, past: StepPast, item: int | None = None) -> Result:
    """The result of a step, or of an item of its loop, that ended before this process.

    One that a person says was done may have changed something.
    """

    def lost(index: int | None) -> Withheld:
        return unheard(run, host, step, index or item, by_person=past.by_person)

    status = Status.CHANGED if past.decided == "ok" and past.by_person and may_change(step) else past.status
    return restored(past.register or {}, status=status, rc=past.rc, message=past.reason, unheard=lost)


def _is_once(play: PlannedPlay, step: Step) -> bool:
    return any(
        node.once and any(one.id == step.id for one in leaves([node], everything=True)) for node in nodes_of(play.steps)
    )


def _show(run: Run, play: PlannedPlay, block: Block, name: str) -> None:
    """What an include registered, under the name that is known outside."""
    inner = dict(kept(run, play, name, block.opens))
    if not inner or block.register is None:
        return
    outer = kept(run, play, name, block.frame)
    if play.frames[block.opens].has_item:
        before = outer.get(block.register, {"results": []})["results"]
        outer[block.register] = {"results": [*before, inner]}
    else:
        outer[block.register] = inner


def kept(run: Run, play: PlannedPlay, host: str, frame: str) -> dict[str, Any]:
    """What a host has registered and set, inside a frame or outside any; it may be added to."""
    if not frame:
        return run.results.setdefault(host, {})
    return run.inner.setdefault((host, play.id, frame), {})
