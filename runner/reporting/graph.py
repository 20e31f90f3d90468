"""A plan as a graph: plays with their waves and steps, and who waits for whom. ``graph_text`` writes it down. Pure.

**Why collapse.** A picture of thousands of nodes shows nothing, and no program lays it out in time. Of a large plan the
waves of a play are drawn as one node from the third on, and if that is not enough its steps as one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from runner.model.plan import Plan, PlannedPlay, Wave
from runner.model.playbook import Block, Node, nodes_of
from runner.reporting.escape import visible
from runner.reporting.plan_wording import heading
from runner.reporting.wording import count, hosts

MOST = 60
"""Nodes up to which everything is drawn."""

FIRST = 2
"""Waves that are always drawn."""

WIDTH = 60
"""Characters in a line of a label."""

HOSTS = 300
"""Hosts of a wave up to which they are named."""


@dataclass(frozen=True, slots=True)
class Vertex:
    """A node: an id of letters and digits alone, and the lines of its label, safe to show."""

    id: str
    label: tuple[str, ...]
    kind: Literal["play", "wave", "step"]


@dataclass(frozen=True, slots=True)
class Edge:
    """``order``: the second follows the first on its way. ``needs``: it waits until all have done the first."""

    source: str
    target: str
    kind: Literal["order", "needs"] = "order"


@dataclass(frozen=True, slots=True)
class Part:
    """One play: a label, safe to show, its vertices, the play itself first, and the edges between them."""

    label: str
    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """A plan to be drawn. ``needs`` are the edges between plays."""

    title: str
    parts: tuple[Part, ...]
    needs: tuple[Edge, ...]

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All edges."""
        return (*(edge for part in self.parts for edge in part.edges), *self.needs)


def graph(plan: Plan) -> Graph:
    """The graph of a plan, collapsed where it is large."""
    sizes = [(1 + len(play.waves), len(_nodes(play))) for play in plan.plays]
    few_waves = sum(map(sum, sizes)) > MOST
    few_steps = few_waves and sum(min(waves, FIRST + 2) + steps for waves, steps in sizes) > MOST
    parts = tuple(
        _part(play, f"p{number}", few_waves=few_waves, few_steps=few_steps) for number, play in enumerate(plan.plays, 1)
    )
    heads = {play.id: part.vertices[0].id for play, part in zip(plan.plays, parts, strict=True)}
    needs = (Edge(heads[need], heads[play.id], "needs") for play in plan.plays for need in play.needs)
    return Graph(visible(plan.name), parts, tuple(needs))


def _part(play: PlannedPlay, head: str, *, few_waves: bool, few_steps: bool) -> Part:
    name = f"{play.id}: {play.name}" if play.name != play.id else play.id
    first = Vertex(head, (_short(name), count(len(play.hosts), "host")), "play")
    waves = list(_waves(play, head, few=few_waves))
    nodes = [] if few_steps else _nodes(play)
    steps = [Vertex(f"{head}s{number}", _label(play, node), "step") for number, node in enumerate(nodes, 1)]
    if few_steps:
        steps = [Vertex(f"{head}s", (count(len(play.counted), "step"),), "step")]
    ids = {node.id: vertex.id for node, vertex in zip(nodes, steps, strict=False)}
    needs = (Edge(ids[need], ids[node.id], "needs") for node in nodes for need in node.needs)
    return Part(
        f"play {_short(play.id)}", (first, *waves, *steps), (*_chain([first, *waves]), *_chain([first, *steps]), *needs)
    )


def _nodes(play: PlannedPlay) -> list[Node]:
    """Steps and blocks on a host's way, without what is there for failures or behind them."""
    return [node for node in nodes_of(play.steps) if not node.section]


def _waves(play: PlannedPlay, head: str, *, few: bool) -> Iterator[Vertex]:
    shown = play.waves[:FIRST] if few and len(play.waves) > FIRST + 1 else play.waves
    for wave in shown:
        yield Vertex(f"{head}w{wave.index}", (f"wave {wave.index}: {_hosts(wave)}",), "wave")
    if rest := play.waves[len(shown) :]:
        number = count(sum(len(wave.hosts) for wave in rest), "host")
        label = f"waves {rest[0].index}-{rest[-1].index}: {number}"
        yield Vertex(f"{head}w{rest[0].index}", (label,), "wave")


def _hosts(wave: Wave) -> str:
    return _short(hosts(wave.hosts, most=HOSTS))


def _label(play: PlannedPlay, node: Node) -> tuple[str, ...]:
    frame = play.frames.get(node.opens) if isinstance(node, Block) else None
    return (_short(heading(node, frame)),)


def _short(text: str) -> str:
    safe = visible(text)
    return safe if len(safe) <= WIDTH else f"{safe[: WIDTH - 1]}…"


def _chain(vertices: list[Vertex]) -> Iterator[Edge]:
    return (Edge(one.id, two.id) for one, two in pairwise(vertices))
