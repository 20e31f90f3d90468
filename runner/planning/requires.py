"""What chosen steps need of those that the command line left out: names that these would have given, and themselves.

Pure. Found before any host is contacted, since a run would only meet an undefined name half way.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from runner.location import Location, Problem
from runner.model.known import names_given
from runner.model.plan import PlannedPlay
from runner.model.playbook import Block, Node, Play, Step, nodes_of
from runner.model.template import Template, Value, templates_in
from runner.model.written import templates_of
from runner.templating import Templates

Place = tuple[str, str]
"""Where a name stands: play and frame inside an include, empty texts outside any."""


@dataclass(slots=True)
class Absent:
    """Nodes that a choice left out. ``gone`` are names that only they give, with the first that would have."""

    reason: str
    nodes: dict[tuple[str, str], Node] = field(default_factory=dict)
    gone: dict[tuple[Place, str], Node] = field(default_factory=dict)


def missing(
    plays: Iterable[Play], planned: Iterable[PlannedPlay], left_out: Iterable[str], reason: str, templates: Templates
) -> list[Problem]:
    """What planned plays need of steps left out of them, and of the plays ``left_out`` that it left without steps."""
    kept = {play.id: play for play in planned}
    without = frozenset(left_out)
    absent = _absent([play for play in plays if play.id in kept or play.id in without], kept, reason)
    if not absent.nodes:
        return []
    return [problem for play in kept.values() for problem in _Needs(play, absent, templates).problems()]


def _absent(plays: Iterable[Play], kept: Mapping[str, PlannedPlay], reason: str) -> Absent:
    absent = Absent(reason)
    given: set[tuple[Place, str]] = set()
    for play in plays:
        sections = kept[play.id].sections if play.id in kept else ()
        staying = {node.id: node for section in sections for node in nodes_of(section)}
        given.update(_names(play.id, staying.values()))
        absent.nodes.update({(play.id, node.id): node for node in nodes_of(play.steps) if node.id not in staying})
    for (play_id, _), node in absent.nodes.items():
        for name in _names(play_id, [node]):
            absent.gone.setdefault(name, node)
    absent.gone = {name: node for name, node in absent.gone.items() if name not in given}
    return absent


def _names(play: str, nodes: Iterable[Node]) -> Iterator[tuple[Place, str]]:
    for node in nodes:
        for name in names_given(node):
            yield ((play, node.frame) if node.frame else ("", ""), name)


class _Needs:
    """What the nodes of one play need."""

    def __init__(self, play: PlannedPlay, absent: Absent, templates: Templates) -> None:
        self._play = play
        self._absent = absent
        self._templates = templates

    def problems(self) -> Iterator[Problem]:
        notified = {handler for section in self._staying() for node in nodes_of(section) for handler in _notify(node)}
        handlers = [node for node in self._play.handlers if node.id in notified]
        for section in (*self._staying(), handlers):
            for node in nodes_of(section):
                yield from self._of(node)
        for check in self._play.strategy.gate:
            yield from self._of(check.step)

    def _staying(self) -> tuple[tuple[Node, ...], ...]:
        return self._play.steps, self._play.rollback, self._play.always

    def _of(self, node: Node) -> Iterator[Problem]:
        for wanted in node.needs:
            if (self._play.id, wanted) in self._absent.nodes:
                message = f'step "{node.id}" needs step "{wanted}", which {self._absent.reason} leaves out'
                yield Problem("E424", message, node.location, f'choose "{wanted}" too')
        told: set[str] = set()
        for name, location, giver in self._nameless(node):
            if name not in told:
                told.add(name)
                message = (
                    f'step "{node.id}" needs "{name}" of step "{giver.id}", which {self._absent.reason} leaves out'
                )
                yield Problem("E424", message, location, f'choose "{giver.id}" too, or write {name} | default(…)')

    def _nameless(self, node: Node) -> Iterator[tuple[str, Location, Node]]:
        """Names that a node reads and nobody gives now, with the place and with the node that would have."""
        gone, place = self._absent.gone, self._place(node.frame)
        shown = {
            block.register: block.opens for block in self._blocks() if block.register and block.frame == node.frame
        }
        for template, location in self._read(node):
            for name in sorted(self._templates.names(template)):
                if (place, name) in gone:
                    yield name, location, gone[place, name]
            for include, frame in shown.items():
                for name in sorted(self._templates.members(template, include)):
                    if (self._place(frame), name) in gone:
                        yield f"{include}.{name}", location, gone[self._place(frame), name]

    def _place(self, frame: str) -> Place:
        return (self._play.id, frame) if frame else ("", "")

    def _blocks(self) -> Iterator[Block]:
        return (node for section in self._play.sections for node in nodes_of(section) if isinstance(node, Block))

    def _read(self, node: Node) -> Iterator[tuple[Template, Location]]:
        """Every template of a node, and those of the variables that it uses, with the place in the node."""
        for template in templates_of(node):
            seen: set[str] = set()
            waiting = [template]
            while waiting:
                read = waiting.pop()
                yield read, template.location
                fresh = self._templates.names(read) - seen
                seen |= fresh
                waiting += [inner for name in sorted(fresh) for inner in templates_in(self._variable(name, node))]

    def _variable(self, name: str, node: Node) -> Value:
        frame = self._play.frames.get(node.frame)
        mine = {**frame.vars, **frame.given} if frame is not None else {}
        return mine.get(name, self._play.vars.get(name))


def _notify(node: Node) -> tuple[str, ...]:
    return node.notify if isinstance(node, Step) else ()
