"""Hosts that should wait for each other and don't: ``once`` behind a change (W421), results of others (W423)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from runner.loading.documents import Problems
from runner.loading.lint.look import Look, place_in
from runner.loading.lint.scenes import given_by
from runner.loading.plays import PlayTexts
from runner.loading.steps import StepTexts
from runner.model.changing import may_change
from runner.model.playbook import Block, Node, Step, Strategy, leaves, nodes_of


@dataclass(frozen=True, slots=True)
class Place:
    """A node among the play's own steps.

    ``passed`` are the steps that a host has been at when it comes there, ``siblings`` the nodes before it in its list;
    both grow as the walk goes on.
    ``sure`` are the ids of nodes that are done on all hosts then, for something on the way there needs them.
    """

    node: Node
    passed: list[Step]
    siblings: list[Node]
    sure: frozenset[str]


def places(
    nodes: Iterable[Node], passed: list[Step] | None = None, sure: frozenset[str] = frozenset()
) -> Iterator[Place]:
    """Every node of ``steps``, blocks before what is in them."""
    passed = [] if passed is None else passed
    siblings: list[Node] = []
    for node in nodes:
        if node.needs:
            sure |= _ended(node, siblings)
        yield Place(node, passed, siblings, sure)
        if isinstance(node, Block):
            yield from places(node.steps, passed, sure)
        else:
            passed.append(node)
        siblings.append(node)


def _ended(node: Node, siblings: list[Node]) -> frozenset[str]:
    """What has ended on all hosts once ``needs`` of a node are met: those, what they hold, and what is before them."""
    last = max((number for number, one in enumerate(siblings) if one.id in node.needs), default=-1)
    return frozenset(one.id for one in nodes_of(siblings[: last + 1]))


def check_once(play: PlayTexts, problems: Problems) -> None:
    """Warn of ``once`` steps to which others have not come yet, though what is before them changes something."""
    strategy = play.play.strategy
    if strategy.sync == "lockstep" or strategy.type == "sequential":
        return
    for place in places(play.play.steps):
        node = place.node
        if node.once is None or node.needs or _is_alone(node, strategy):
            continue
        late = next((step for step in reversed(place.passed) if _may_be_going_on(step, place)), None)
        if late:
            message = f'"{node.id}" runs once while other hosts may still be at "{late.id}"'
            problems.warning("W421", message, node.location, _line_to_add(place, late))


def _is_alone(node: Node, strategy: Strategy) -> bool:
    """Whether what runs once in the run does so in a first wave of one host."""
    return node.once == "run" and node.when is None and strategy.waves[0] == 1


def _may_be_going_on(step: Step, place: Place) -> bool:
    return step.once is None and step.id not in place.sure and may_change(step)


def _line_to_add(place: Place, late: Step) -> str:
    near = next((one for one in reversed(place.siblings) if late in leaves([one])), None)
    if near is not None:
        return f"write needs: [{_local(near)}]"
    return f"write needs on the block round it: it must wait for {late.id}"


def _local(node: Node) -> str:
    """The id as a list of steps calls it: that of an included file's step goes without its include's."""
    return node.id.rpartition("/")[2]


def check_others(play: PlayTexts, look: Look) -> None:
    """Warn of results of other hosts that may not be there yet."""
    if play.play.strategy.sync == "lockstep":
        return
    makers = {name: part for part in play.parts if isinstance(part, StepTexts) for name, _ in given_by(part)}
    ways = {place.node.id: place for place in places(play.play.steps)}
    for step in play.steps:
        if step.step.section or step.step.id not in ways:
            continue
        for note in [*step.notes, *step.answers]:
            for name in sorted(look.templates.results_of_others(note.template) & makers.keys()):
                maker = makers[name].step
                if _is_open(maker, step.step, ways):
                    offset = note.template.source.find(name)
                    message = f'"{name}" of another host may not be there yet: that host may not have done "{maker.id}"'
                    hint = f"write needs: [{_local(maker)}]"
                    look.problems.warning("W423", message, place_in(note, max(offset, 0), len(name)), hint)


def _is_open(maker: Step, reader: Step, ways: Mapping[str, Place]) -> bool:
    """Whether the reader may come to its place before all hosts have done what makes the name."""
    return not maker.section and maker.once is None and maker.id not in ways[reader.id].sure
