"""What the hosts of a wave wait for each other with: a step that all must have ended, one that runs once, a barrier.

Each of them is told what hosts did and wakes those that can go on; the waiting itself is :class:`Stop`'s.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from runner.engine.stop import Level, Stop

MIDWAY = "midway, in an earlier process of the run"
"""How a node ended that runs once, where the host that has begun it can't go on with it."""


@dataclass(slots=True)
class Meeting:
    """A node that others need: ``missing`` hosts have not ended it yet, ``bad`` did so badly or never will."""

    missing: set[str]
    bad: list[str] = field(default_factory=list)
    _told: dict[str, asyncio.Event] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to wait for."""
        return not self.missing or bool(self.bad)

    def ended(self, host: str, *, well: bool) -> None:
        """A host has ended the node, or left the wave without."""
        if host not in self.missing:
            return
        self.missing.discard(host)
        if not well:
            self.bad.append(host)
        if self.is_over:
            for told in self._told.values():
                told.set()

    async def wait(self, host: str, stop: Stop) -> bool:
        """Wait until it is over; False where a stop comes before that."""
        self._told[host] = told = asyncio.Event()
        try:
            return await stop.reached(Level.STOP, lambda: self.is_over, told)
        finally:
            del self._told[host]


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a node that runs once: on which host, and why it went badly (None where it did not).

    ``is_cancelled`` where it was kept from its end: by a stop, or since nobody was there to answer.
    """

    host: str
    trouble: str | None = None
    is_cancelled: bool = False


class Claim:
    """A node that runs once among ``hosts``, on the first in order that is not passed over.

    A host comes, waits for its turn or for the end, and then runs the node, or passes it on. ``settled`` may be
    shared by the claims of several waves. ``begun`` is the host on which an earlier process has begun it, and on which
    it can't begin anew elsewhere: where that host does not come to it, it went badly for all.
    """

    def __init__(self, hosts: Iterable[str], settled: "Once", begun: str = "") -> None:
        self._order = list(hosts)
        self._begun = begun
        self._at = 0
        self._passed: set[str] = set()
        self._told: dict[str, asyncio.Event] = {}
        self._once = settled

    @property
    def settled(self) -> Settled | None:
        """What came of it, None while that is open."""
        return self._once.settled

    @property
    def is_exhausted(self) -> bool:
        """Whether every host was passed over."""
        return self._at >= len(self._order)

    async def turn(self, host: str, stop: Stop) -> bool:
        """Wait until it is the host's turn, or the node is settled; False where a stop comes before that."""
        return await self._wait(host, stop, lambda: self.settled is not None or self.is_next(host))

    async def end(self, host: str, stop: Stop) -> bool:
        """Wait until the node is settled or nobody is left for it; False where a stop comes before that."""
        return await self._wait(host, stop, lambda: self.settled is not None or self.is_exhausted)

    def pass_on(self, host: str) -> None:
        """The host does not run it: its condition is false, it can't be reached, or it ended before."""
        if host == self._begun and self.settled is None:
            self.settle(Settled(host, MIDWAY))
            return
        self._passed.add(host)
        while not self.is_exhausted and self._order[self._at] in self._passed:
            self._at += 1
        if self.is_exhausted:
            self._wake(tuple(self._told))
        else:
            self._wake((self._order[self._at],))

    def settle(self, settled: Settled) -> None:
        """It has run."""
        self._once.settled = settled
        self._wake(tuple(self._told))

    def is_next(self, host: str) -> bool:
        """Whether every host before it was passed over."""
        return not self.is_exhausted and self._order[self._at] == host

    def _wake(self, hosts: Iterable[str]) -> None:
        for host in hosts:
            if host in self._told:
                self._told[host].set()

    async def _wait(self, host: str, stop: Stop, ready: Callable[[], bool]) -> bool:
        self._told[host] = told = asyncio.Event()
        try:
            return await stop.reached(Level.STOP, ready, told)
        finally:
            del self._told[host]


@dataclass(slots=True)
class Once:
    """What came of a node that runs once, for all who share it; None while that is open."""

    settled: Settled | None = None


class Barrier:
    """Lockstep: a host goes on to a position when every other has come as far, or has left. Positions count from 0."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self._at = dict.fromkeys(hosts, 0)
        self._count = Counter(self._at.values())
        self._floor = 0
        self._told: dict[int, list[asyncio.Event]] = {}

    async def reach(self, host: str, position: int, stop: Stop) -> bool:
        """Come to a position and wait there for all others; False where a stop comes before that."""
        self._move(host, position)
        told = asyncio.Event()
        self._told.setdefault(position, []).append(told)
        return await stop.reached(Level.STOP, lambda: self._floor >= position, told)

    def is_at(self, host: str, position: int) -> bool:
        """Whether the host has come to this position, and no further."""
        return self._at.get(host) == position

    def leave(self, host: str) -> None:
        """The host takes no further part."""
        position = self._at.pop(host, None)
        if position is not None:
            self._count[position] -= 1
            self._rise()

    def _move(self, host: str, position: int) -> None:
        self._count[self._at[host]] -= 1
        self._at[host] = position
        self._count[position] += 1
        self._rise()

    def _rise(self) -> None:
        if not self._at:
            return
        while not self._count[self._floor]:
            self._floor += 1
        for position in [position for position in self._told if position <= self._floor]:
            for told in self._told.pop(position):
                told.set()
