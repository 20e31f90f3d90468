"""What the hosts of a wave share: their places at work, and what they wait for each other with.

A host that waits for others gives its place up for that time, so that those it waits for can come to work.
"""

import asyncio
from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
from typing import Literal, Protocol

from runner.engine.meetings import Barrier, Claim, Meeting, Once
from runner.engine.places import Limits, Places, Ticket
from runner.engine.stop import Level, Stop
from runner.model.plan import PlannedPlay
from runner.model.playbook import Block, Node, Step, leaves, nodes_of

Part = Literal["steps", "rescue", "always"]
_PARTS: tuple[Part, ...] = ("steps", "rescue", "always")


class Worker(Protocol):
    """A host as its crew sees it."""

    @property
    def name(self) -> str:
        """The host's name."""
        ...

    started: bool

    @property
    def is_on(self) -> bool:
        """Whether it has begun and may do its steps."""
        ...

    def begin(self) -> None:
        """Let it to work, unless the play's condition keeps it out."""
        ...


class Crew:
    """The hosts of one wave. ``onces`` hold what came of nodes that run once, in this wave or an earlier one.

    ``begun`` says which host has begun such a node before this process; ``again`` are those that are to run again.
    """

    def __init__(
        self,
        play: PlannedPlay,
        hosts: Sequence[str],
        *,
        limits: Limits,
        stop: Stop,
        onces: Mapping[str, Once],
        begun: Mapping[str, str] | None = None,
        again: Collection[str] = (),
    ) -> None:
        self._stop = stop
        self._order = {name: order for order, name in enumerate(hosts)}
        self._admitted: set[str] = set()
        self._at_work: set[str] = set()
        self._told = asyncio.Event()
        self.places = Places(limits, self._told.set)
        nodes = list(nodes_of(play.steps))
        needed = {need for node in nodes for need in node.needs}
        self.meetings = {name: Meeting(set(hosts)) for name in needed}
        self.claims = {
            node.id: _claim(hosts, onces.get(node.id), (begun or {}).get(node.id, "")) for node in nodes if node.once
        }
        self._again = again
        self._inside = {
            (node.id, part): inside
            for node in nodes
            if isinstance(node, Block)
            for part in _PARTS
            if (inside := [one.id for one in nodes_of(getattr(node, part)) if one.id in needed or one.once])
        }
        self._concerned = {node.id for node in nodes if node.needs or node.once or node.id in needed}
        self._concerned |= {name for name, _ in self._inside}
        if play.strategy.sync == "lockstep":
            self._concerned = {node.id for node in nodes}
        self._positions = _positions(play) if play.strategy.sync == "lockstep" else {}
        self._barrier = Barrier(hosts) if self._positions else None

    def concerns(self, node: Node) -> bool:
        """Whether hosts wait for each other at a node of the play's steps, for it, or for something inside it."""
        return node.id in self._concerned

    def waits_again(self, node: Node) -> bool:
        """Whether a node that ran once is to run again, and has not yet: nobody goes on before."""
        return node.id in self._again and self.claims[node.id].settled is None

    @property
    def is_lockstep(self) -> bool:
        """Whether all hosts finish a step before the next begins."""
        return self._barrier is not None

    # at work

    def admitted(self, host: Worker) -> None:
        """The host has got its first place. It begins at once: a budget exceeded after that finds it at work."""
        self._admitted.add(host.name)
        self._at_work.add(host.name)
        host.begin()

    def was_admitted(self, host: Worker) -> bool:
        """Whether the host ever got a place."""
        return host.name in self._admitted

    def may_begin(self) -> bool:
        """Whether hosts that have not begun still may."""
        return self._stop.level < Level.DRAIN

    async def doorman(self) -> None:
        """Wait until every host was let in, or a stop keeps the rest out."""
        if not await self._stop.reached(Level.DRAIN, lambda: self.places.is_empty, self._told):
            self.places.close()

    def release(self, host: Worker) -> None:
        """The host leaves its place, if it has one."""
        if host.name in self._at_work:
            self._at_work.discard(host.name)
            self.places.leave(host.name)

    async def arrive(self, host: Worker, step: Step, stop: Stop) -> bool:
        """Lockstep: wait until all are as far as this step, and for a place at it; False where a stop comes first."""
        position = self._positions.get(step.id)
        if self._barrier is None or position is None:
            return True
        if not self._barrier.is_at(host.name, position):
            self.release(host)
        if not await self._barrier.reach(host.name, position, stop):
            return False
        level = Level.STOP if host.started else Level.DRAIN
        if host.name not in self._at_work and not await self._enter(host, stop, level=level):
            return False
        return host.is_on

    async def tail(self, host: Worker, stop: Stop, *, well: bool) -> None:
        """Have a place for what a host does after its steps.

        Lockstep: one that went badly keeps the others at their step until it is counted.
        """
        if well and self._barrier is not None:
            self._barrier.leave(host.name)
        await self._seat(host, stop)

    async def clean_up(self, host: Worker, stop: Stop) -> None:
        """Have a place for what a host does in any case; in lockstep it gets one at each step."""
        if self._barrier is None:
            await self._seat(host, stop)

    async def _seat(self, host: Worker, stop: Stop) -> None:
        """Take a place again where it was given up, unless everything is being ended: waiting would cost its minute."""
        if host.name not in self._at_work:
            await self._enter(host, stop, level=Level.KILL)

    async def aside(self, host: Worker, waiting: Awaitable[bool], stop: Stop) -> bool:
        """Wait without a place, and take one again; False where a stop came before that.

        Lockstep: its group's place it leaves, too, for all are at this step and come in in any order.
        """
        had = host.name in self._at_work
        if had:
            self._at_work.discard(host.name)
            self.places.leave(host.name, keep_group=not self.is_lockstep)
        came = await waiting
        return (not had or await self._enter(host, stop, level=Level.STOP, back=not self.is_lockstep)) and came

    async def _enter(self, host: Worker, stop: Stop, *, level: Level, back: bool = False) -> bool:
        told, got = asyncio.Event(), []

        def admit() -> None:
            got.append(True)
            told.set()
            if not host.started:
                host.begin()

        order = self._order[host.name]
        ticket = Ticket(order, host.name, admit, lambda: stop.level < level, has_begun=host.started)
        (self.places.come_back if back else self.places.wait)(ticket)
        if await stop.reached(level, lambda: bool(got), told):
            self._at_work.add(host.name)
            return True
        ticket.gone = True
        if back:
            self.places.leave_group(host.name)
        return False

    # together

    def done(self, host: str, node: Node, *, well: bool, skipped: bool = False) -> None:
        """A host has ended a node; what is inside it and was not reached is passed over, or missed."""
        self._done(host, node.id, well=well or skipped)
        if isinstance(node, Block):
            for part in _PARTS:
                self.over(host, node, part, well=skipped)

    def over(self, host: str, block: Block, part: Part, *, well: bool = False) -> None:
        """A host is past a part of a block: nobody waits any more for what it did not reach there."""
        for inner in self._inside.get((block.id, part), ()):
            self._done(host, inner, well=well)

    def left(self, host: str, *, counts: bool = True) -> None:
        """A host is over. One that ``counts`` for nothing was never meant to take part."""
        for name in self.meetings:
            self._done(host, name, well=not counts)
        for claim in self.claims.values():
            claim.pass_on(host)
        if self._barrier is not None:
            self._barrier.leave(host)

    def _done(self, host: str, name: str, *, well: bool) -> None:
        if name in self.meetings:
            self.meetings[name].ended(host, well=well)
        if name in self.claims and self.claims[name].settled is None:
            self.claims[name].pass_on(host)


def _positions(play: PlannedPlay) -> dict[str, int]:
    return {step.id: position for position, step in enumerate(leaves(play.steps, everything=True))}


def _claim(hosts: Sequence[str], once: Once | None, begun: str) -> Claim:
    """A node that runs once: what a host has begun is not begun by another."""
    order = sorted(hosts, key=lambda host: host != begun)
    claim = Claim(order, once or Once(), begun)
    if begun and begun not in hosts:
        claim.pass_on(begun)
    return claim


def onces_of(nodes: Iterable[Node]) -> dict[str, Once]:
    """A place for what comes of each node that runs once in the run."""
    return {node.id: Once() for node in nodes_of(nodes) if node.once == "run"}
