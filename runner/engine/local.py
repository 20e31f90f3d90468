"""A wave on this loop: who is let in, how many at once, and in which step.

``independent``: a host is let in, does all its steps and leaves its place to the next. ``lockstep``: all hosts of the
wave finish a step before the next begins; the limits hold at each step.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from runner.engine.host import HostRun
from runner.engine.stop import Level, Stop
from runner.model.playbook import Step

_ALL = "all"


@dataclass(frozen=True, slots=True)
class Limits:
    """``concurrency`` hosts at work at once; of each group at most what ``per_group`` says.

    ``group_of`` maps a host to its group; ``per_group`` is a count for every group, or a mapping, or None.
    """

    concurrency: int
    group_of: Mapping[str, str]
    per_group: int | Mapping[str, int] | None

    def group(self, host: HostRun) -> str:
        """The key under which a host's group is counted."""
        return f"group {self.group_of.get(host.name, '')}"

    def has_room(self, host: HostRun, active: Counter[str]) -> bool:
        """Whether the group of a host has a place left. ``active`` counts hosts at work by group."""
        if self.per_group is None or host.name not in self.group_of:
            return True
        limit = self.per_group if isinstance(self.per_group, int) else self.per_group.get(self.group_of[host.name])
        return limit is None or active[self.group(host)] < limit


class WaveRun:
    """Carries out one wave. ``ended`` is told of each host that has ended before another is let in."""

    def __init__(
        self, hosts: Iterable[HostRun], *, limits: Limits, stop: Stop, ended: Callable[[HostRun], Awaitable[None]]
    ) -> None:
        self._hosts = list(hosts)
        self._limits = limits
        self._stop = stop
        self._ended = ended
        self._change = asyncio.Event()

    async def independent(self) -> None:
        """Every host at its own pace. Hosts that a stop keeps out are left as they were."""
        await self._admit(self._hosts, self._all_steps)

    async def lockstep(self, steps: Iterable[Step]) -> None:
        """A step at a time. Hosts that a stop keeps out before their first step are left as they were."""
        for step in steps:
            going = [host for host in self._hosts if not host.is_over]
            await self._admit(going, lambda host, step=step: self._one_step(host, step))  # type: ignore[misc]
        for host in self._hosts:
            if host.started and not host.is_over:
                host.cancel()
                await self._ended(host)

    async def _all_steps(self, host: HostRun) -> None:
        host.start()
        await host.all_steps()
        await self._ended(host)

    async def _one_step(self, host: HostRun, step: Step) -> None:
        if not host.started:
            host.start()
        await host.one_step(step)
        if host.is_over:
            await self._ended(host)

    async def _admit(self, hosts: Iterable[HostRun], work: Callable[[HostRun], Awaitable[None]]) -> None:
        """Let hosts in, in order, as the limits allow, until none is left or a stop keeps the rest out."""
        waiting = list(hosts)
        active: Counter[str] = Counter()
        with self._stop.watching(self._change.set):
            async with asyncio.TaskGroup() as group:
                while waiting := [host for host in waiting if self._may_enter(host)] if self._is_stopping else waiting:
                    self._change.clear()
                    host = self._next(waiting, active)
                    if host is None:
                        await self._change.wait()
                    else:
                        waiting.remove(host)
                        group.create_task(self._occupy(host, work, active))

    async def _occupy(self, host: HostRun, work: Callable[[HostRun], Awaitable[None]], active: Counter[str]) -> None:
        """Hold the host's places while it works."""
        try:
            await work(host)
        finally:
            active[_ALL] -= 1
            active[self._limits.group(host)] -= 1
            self._change.set()

    def _next(self, waiting: list[HostRun], active: Counter[str]) -> HostRun | None:
        """The first that the limits let in; its places are taken at once."""
        if active[_ALL] >= self._limits.concurrency:
            return None
        for host in waiting:
            if self._limits.has_room(host, active):
                active[_ALL] += 1
                active[self._limits.group(host)] += 1
                return host
        return None

    @property
    def _is_stopping(self) -> bool:
        return self._stop.level >= Level.DRAIN

    def _may_enter(self, host: HostRun) -> bool:
        """A drain lets hosts that have begun go on to their next step, and no other begin."""
        return self._stop.level < (Level.STOP if host.started else Level.DRAIN)
