"""Places at work: at most so many hosts at once, and of each group what its limit says. Hosts get in in their order.

A host that waits for others gives its place up and comes back to one later; it then goes before those that have not
begun, and it keeps its group's place meanwhile. All of it is synchronous: whoever is let in is told by a call.

**Why** a heap of the groups' first hosts: looking through all that wait, at each end of a host, is quadratic in a fleet
whose groups are full.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """``concurrency`` hosts at work at once; of each group at most what ``per_group`` says.

    ``group_of`` maps a host to its group; ``per_group`` is a count for every group, or a mapping, or None.
    """

    concurrency: int
    group_of: Mapping[str, str] = field(default_factory=dict)
    per_group: int | Mapping[str, int] | None = None

    def group(self, host: str) -> str:
        """The group of a host, empty where no limit holds for it."""
        return "" if self.per_group is None else self.group_of.get(host, "")

    def of(self, group: str) -> int | None:
        """How many of a group may be at work, None for any number."""
        if not group or self.per_group is None:
            return None
        return self.per_group if isinstance(self.per_group, int) else self.per_group.get(group)


@dataclass(slots=True)
class Ticket:
    """A host that waits; ``admit`` is called when it gets its place, unless it may not any more by then.

    ``has_begun`` where it was at work before. ``gone`` where it no longer waits.
    """

    order: int
    host: str
    admit: Callable[[], None]
    may: Callable[[], bool] = lambda: True
    has_begun: bool = False
    gone: bool = False

    def __lt__(self, other: "Ticket") -> bool:
        return self.order < other.order


Queue = tuple[bool, str]
"""Whether its hosts have begun, and their group."""


class Places:
    """Who is at work and who waits. ``changed`` is called when nobody is left waiting."""

    def __init__(self, limits: Limits, changed: Callable[[], None] = lambda: None) -> None:
        self._limits = limits
        self._free = limits.concurrency
        self._used: Counter[str] = Counter()
        self._back: deque[Ticket] = deque()
        self._queues: dict[Queue, list[Ticket]] = {}
        self._heads: list[tuple[int, Queue]] = []
        self._listed: dict[Queue, int] = {}
        self._parked: set[Queue] = set()
        self._is_held = False
        self._changed = changed

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits who has not given a place up to others."""
        return not self._listed and not self._parked

    def wait(self, ticket: Ticket) -> None:
        """Let the host in as soon as there is room for it and its group."""
        queue = (ticket.has_begun, self._limits.group(ticket.host))
        heapq.heappush(self._queues.setdefault(queue, []), ticket)
        if queue not in self._parked and ticket.order < self._listed.get(queue, ticket.order + 1):
            self._list(queue)
        self._grant()

    def come_back(self, ticket: Ticket) -> None:
        """Let the host in again, before all that have not begun; its group's place it has kept."""
        self._back.append(ticket)
        self._grant()

    def leave(self, host: str, *, keep_group: bool = False) -> None:
        """The host is not at work any more, or waits for others (``keep_group``)."""
        self._free += 1
        if not keep_group:
            self._leave_group(self._limits.group(host))
        self._grant()

    def leave_group(self, host: str) -> None:
        """A host that was waiting for others has given up: its group's place is free."""
        self._leave_group(self._limits.group(host))
        self._grant()

    def hold(self) -> None:
        """Let nobody begin for now; those that have begun get their places as ever."""
        self._is_held = True

    def go_on(self) -> None:
        """Let hosts begin again."""
        self._is_held = False
        self._unpark(tuple(self._parked))
        self._grant()

    def close(self) -> None:
        """Nobody who has not begun will."""
        for queue in [queue for queue in self._queues if not queue[0]]:
            del self._queues[queue]
            self._listed.pop(queue, None)
            self._parked.discard(queue)
        self._changed()

    def _leave_group(self, group: str) -> None:
        self._used[group] -= 1
        if self._parked:
            self._unpark(((True, group), (False, group)))

    def _unpark(self, queues: Iterable[Queue]) -> None:
        for queue in queues:
            if queue in self._parked:
                self._parked.discard(queue)
                self._list(queue)

    def _list(self, queue: Queue) -> None:
        """Put the first host of a queue among those that may be next."""
        tickets = self._queues.get(queue, [])
        while tickets and tickets[0].gone:
            heapq.heappop(tickets)
        if tickets:
            self._listed[queue] = tickets[0].order
            heapq.heappush(self._heads, (tickets[0].order, queue))
        else:
            self._listed.pop(queue, None)

    def _grant(self) -> None:
        while self._free > 0 and (ticket := self._next()) is not None:
            self._free -= 1
            ticket.admit()
        if self.is_empty:
            self._changed()

    def _next(self) -> Ticket | None:
        while self._back:
            ticket = self._back.popleft()
            if not ticket.gone:
                return ticket
        return self._first()

    def _first(self) -> Ticket | None:
        while self._heads:
            order, queue = heapq.heappop(self._heads)
            if self._listed.get(queue) != order:
                continue
            if self._is_kept_out(*queue):
                del self._listed[queue]
                self._parked.add(queue)
                continue
            ticket = heapq.heappop(self._queues[queue])
            self._list(queue)
            if not ticket.gone and ticket.may():
                self._used[queue[1]] += 1
                return ticket
        return None

    def _is_kept_out(self, has_begun: bool, group: str) -> bool:  # noqa: FBT001 - a queue, taken apart
        if self._is_held and not has_begun:
            return True
        limit = self._limits.of(group)
        return limit is not None and self._used[group] >= limit
