"""Rollback: the hosts that a play has touched get its ``rollback`` steps, the latest wave first, then ``always`` again.

Hosts never touched are left alone. It has no budget of its own: a host on which it fails does not stop the others.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.engine.host import HostRun, Trouble
from runner.engine.late import on_first, once_in
from runner.engine.local import each_host
from runner.engine.places import Places, Ticket
from runner.engine.stop import Stop
from runner.engine.waiting_out import waited_out
from runner.engine.walk import Walk
from runner.model.events import RollbackEnded, RollbackStarted
from runner.model.outcome import HostStatus
from runner.model.playbook import Node

if TYPE_CHECKING:
    from runner.engine.play import PlayRun


async def roll_back(play: "PlayRun", reason: str) -> None:
    """Roll the play back where it has touched hosts; ``reason`` is said to people."""
    begun = asyncio.get_running_loop().time()
    touched = [[play.hosts[name] for name in wave.hosts if _is_touched(play, name)] for wave in play.play.waves]
    if not any(touched):
        return
    waves = [[host for host in wave if play.statuses.get(host.name) != HostStatus.ROLLED_BACK] for wave in touched]
    hosts = [host for wave in reversed(waves) for host in wave]
    emit = play.run.recorder.emit
    emit(RollbackStarted(play=play.play.id, reason=reason, hosts=tuple(host.name for host in hosts)))
    back = _Back(play, Stop(play.run.stop))
    for wave in reversed(waves):
        await back.wave(wave)
    await back.once("run", hosts)
    counts = Counter(str(play.statuses[host.name]) for wave in touched for host in wave)
    is_well = set(counts) == {str(HostStatus.ROLLED_BACK)}
    status = HostStatus.ROLLED_BACK if is_well else HostStatus.ROLLBACK_FAILED
    duration = round(asyncio.get_running_loop().time() - begun, 6)
    emit(RollbackEnded(play=play.play.id, status=str(status), counts=dict(counts), duration=duration))


def _is_touched(play: "PlayRun", name: str) -> bool:
    host = play.hosts.get(name)
    return host is not None and host.touched


class _Back:
    """The way back. Limits hold as they did on the way there; only the run's own stop ends it."""

    def __init__(self, play: "PlayRun", stop: Stop) -> None:
        self._play = play
        self._stop = stop

    async def wave(self, hosts: Sequence[HostRun]) -> None:
        """Roll the hosts of a wave back, as many at once as were at work at once, then what runs once in it."""
        places = Places(self._play.limits)
        done = [asyncio.Event() for _ in hosts]
        async with asyncio.TaskGroup() as group:
            for order, host in enumerate(hosts):
                places.wait(Ticket(order, host.name, done[order].set))
                group.create_task(self._in_turn(host, done[order], places))
        await self.once("wave", hosts)

    async def once(self, scope: str, hosts: Sequence[HostRun]) -> None:
        """Run what runs once, on the first host that can be reached."""
        for node in once_in(self._play.play.rollback, "wave" if scope == "wave" else "run"):
            await on_first(self._play, node, hosts, self._through)

    async def _in_turn(self, host: HostRun, admitted: asyncio.Event, places: Places) -> None:
        await admitted.wait()
        try:
            await self._one(host)
        finally:
            places.leave(host.name)

    async def _one(self, host: HostRun) -> None:
        host.is_lost = False  # it may be there again
        host.go_back()
        host.start("rollback")
        await waited_out(host.turn, self._play.past.hosts.get(host.name), self._stop)
        walk = Walk(host, host.turn.under(self._stop), anew=not self._is_going_on(host))
        trouble = await walk.through(each_host(self._play.play.rollback))
        after = await Walk(host, host.turn).always(each_host(self._play.play.always))
        for one in (trouble, after):
            if one is not None:
                host.take(one)
        host.came_back()
        self._play.statuses[host.name] = host.end()

    def _is_going_on(self, host: HostRun) -> bool:
        """Whether an earlier process had begun to roll the host back: what it did well is not done again."""
        past = self._play.past.hosts.get(host.name)
        return past is not None and past.is_back

    async def _through(self, host: HostRun, node: Node) -> Trouble | None:
        return await Walk(host, host.turn.under(self._stop)).through([node])
