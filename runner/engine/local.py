"""A wave on this loop: who is let in, how many at once, and in which step.

``independent``: a host is let in, does all its steps and leaves its place to the next. ``lockstep``: all hosts of the
wave finish a step before the next begins; the limits hold at each step.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from runner.engine.crew import Crew
from runner.engine.host import HostRun, Trouble
from runner.engine.places import Ticket
from runner.engine.walk import Walk
from runner.model.playbook import Node

Ended = Callable[[HostRun], Awaitable[None]]


class WaveRun:
    """Carries out one wave. ``ended`` is told of each host that has ended before another is let in."""

    def __init__(self, hosts: Sequence[HostRun], crew: Crew, ended: Ended) -> None:
        self._hosts = hosts
        self._crew = crew
        self._ended = ended

    async def go(self) -> None:
        """Let hosts work until all are done. Those that a stop keeps out are left as they were."""
        async with asyncio.TaskGroup() as group:
            if self._crew.is_lockstep:
                for host in self._hosts:
                    group.create_task(self._work(host))
                return
            for order, host in enumerate(self._hosts):
                self._crew.places.wait(self._ticket(group, order, host))
            group.create_task(self._watch())

    async def _watch(self) -> None:
        """See to it that nobody waits for hosts that a stop keeps out."""
        await self._crew.doorman()
        for host in self._hosts:
            if not self._crew.was_admitted(host):
                self._crew.left(host.name)

    def _ticket(self, group: asyncio.TaskGroup, order: int, host: HostRun) -> Ticket:
        def admit() -> None:
            self._crew.admitted(host)
            group.create_task(self._work(host))

        return Ticket(order, host.name, admit, self._crew.may_begin)

    async def _work(self, host: HostRun) -> None:
        try:
            walk = Walk(host, host.turn, self._crew)
            may_walk = self._crew.is_lockstep or host.is_on
            trouble = await walk.through(host.turn.play.steps) if may_walk else None
            if host.started or host.was_started:
                await self._rest(host, walk, trouble)
        finally:
            self._crew.left(host.name, counts=not host.is_excluded)
            self._crew.release(host)

    async def _rest(self, host: HostRun, walk: Walk, trouble: Trouble | None) -> None:
        """What comes behind its steps: its handlers where all went well, and ``always`` in any case."""
        await self._crew.tail(host, host.turn.stop, well=trouble is None)
        if not host.started:
            return  # its steps were done before, and a stop came before it could begin anew
        if trouble is None and not host.is_refused:
            trouble = await walk.handlers()
        if trouble is not None:
            host.take(trouble)
        after = await walk.always(each_host(host.turn.play.always))
        if after is not None:
            host.take(after)
        self._crew.left(host.name)
        await self._ended(host)


def each_host(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes that run on every host; those that run once come later."""
    return tuple(node for node in nodes if node.once is None)
