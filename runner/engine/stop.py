"""How far a run or a play has been told to stop, and the deadlines that a kill cuts short.

Levels only rise. ``DRAIN``: no host is let in any more, those at work finish all their steps. ``STOP``: running steps
finish, nothing new starts. ``KILL``: running steps are ended too, their process groups on the hosts with them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import IntEnum
from types import TracebackType
from typing import Self


class Level(IntEnum):
    """What may still happen."""

    GO = 0
    DRAIN = 1
    STOP = 2
    KILL = 3


class Stop:
    """The level of one play, or of the whole run where ``parent`` is None; a play heeds its run's too."""

    def __init__(self, parent: "Stop | None" = None) -> None:
        self._own = Level.GO
        self._parent = parent
        self._reason = ""
        self._children: list[Stop] = []
        self._deadlines: set[Deadline] = set()
        self._watchers: dict[object, Callable[[], None]] = {}
        if parent is not None:
            parent._children.append(self)  # noqa: SLF001 - its own kind

    @property
    def level(self) -> Level:
        """The higher of its own and its run's."""
        return self._own if self._parent is None else max(self._own, self._parent.level)

    @property
    def reason(self) -> str:
        """Why, in words; the run's where both were stopped."""
        return (self._parent.reason if self._parent is not None else "") or self._reason

    def raise_to(self, level: Level, reason: str) -> None:
        """Stop at least this far; a lower level than the present one changes nothing."""
        if level <= self._own:
            return
        self._own, self._reason = level, self._reason or reason
        self._tell()

    @contextmanager
    def watching(self, call: Callable[[], None]) -> Iterator[None]:
        """Inside the block, call whenever the level has risen."""
        token = object()
        self._watchers[token] = call
        try:
            yield
        finally:
            del self._watchers[token]

    async def reached(self, level: Level, ready: Callable[[], bool], told: asyncio.Event) -> bool:
        """Wait until ``ready``, looking again whenever ``told`` is set; False where the level is reached before."""
        with self.watching(told.set):
            while not ready():
                if self.level >= level:
                    return False
                told.clear()
                await told.wait()
        return True

    async def sleep(self, seconds: float, level: Level = Level.STOP) -> bool:
        """Wait; False, as soon as the level is reached: by default where nothing new may start any more."""
        over, told = asyncio.Event(), asyncio.Event()

        def ring() -> None:
            over.set()
            told.set()

        timer = asyncio.get_running_loop().call_later(seconds, ring)
        try:
            return await self.reached(level, over.is_set, told)
        finally:
            timer.cancel()

    def add(self, deadline: "Deadline") -> None:
        """A deadline that a kill cuts short; at once where the kill came first."""
        self._deadlines.add(deadline)
        if self.level is Level.KILL:
            deadline.cut()

    def drop(self, deadline: "Deadline") -> None:
        """It is over."""
        self._deadlines.discard(deadline)

    def _tell(self) -> None:
        if self.level is Level.KILL:
            for deadline in tuple(self._deadlines):
                deadline.cut()
        for call in tuple(self._watchers.values()):
            call()
        for child in self._children:
            child._tell()  # noqa: SLF001 - its own kind


@contextmanager
def ended_only(stop: Stop) -> Iterator[Stop]:
    """A stop that heeds another where that ends what runs, and no sooner: for what has to be finished before."""
    own = Stop()

    def look() -> None:
        if stop.level >= Level.KILL:
            own.raise_to(Level.KILL, stop.reason)

    with stop.watching(look):
        look()
        yield own


class Stopped(Exception):  # noqa: N818 - it says what happened, and is no error
    """A stop came to what was waiting."""


@asynccontextmanager
async def until(stop: Stop, level: Level) -> AsyncIterator[None]:
    """What waits inside the block is cut short as soon as the stop has that level. Raises Stopped then."""
    if stop.level >= level:
        raise Stopped
    limit = asyncio.timeout(None)

    def cut() -> None:
        if stop.level >= level and not limit.expired():
            limit.reschedule(asyncio.get_running_loop().time())

    try:
        async with limit:
            with stop.watching(cut):
                yield
    except TimeoutError:
        if limit.expired():
            raise Stopped from None
        raise


class Deadline:
    """A limit around one attempt: its timeout, its idle timeout, and a kill, whichever comes first.

    ``expired`` then says so, and ``ended_by`` is ``timeout``, ``idle`` or ``kill``; the block ends with TimeoutError.
    ``limit`` and ``idle`` in seconds, None for none; they do not count while it is paused.

    **Why one.** Each of them ends the attempt in the same way, by cancelling what waits inside, so that the session
    ends the process group before anything else happens; three nested timeouts could cut that short.
    """

    def __init__(self, stop: Stop, *, limit: float | None = None, idle: float | None = None) -> None:
        self._stop = stop
        self._limit = limit
        self._idle = idle
        self._loop = asyncio.get_running_loop()
        self._timeout: asyncio.Timeout | None = None
        self._end: float | None = None
        self._heard = self._loop.time()
        self._met: float | None = None
        self._left: float | None = limit
        self._is_paused = False
        self._expired = False
        self._is_cut = False

    @property
    def expired(self) -> bool:
        """Whether a limit ended the block, and not an error of what ran inside."""
        return self._expired

    @property
    def ended_by(self) -> str:
        """Which limit was met."""
        if self._is_cut:
            return "kill"
        return "timeout" if self._met == self._end else "idle"

    async def __aenter__(self) -> Self:
        now = self._loop.time()
        self._end = None if self._limit is None else now + self._limit
        self._heard = now
        self._timeout = asyncio.timeout_at(self._next())
        await self._timeout.__aenter__()
        self._stop.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.drop(self)
        timeout, self._timeout = self._timeout, None
        if timeout is not None:
            self._met = timeout.when()
            self._expired = timeout.expired()
            await timeout.__aexit__(kind, error, trace)

    def heard(self) -> None:
        """Output came: the idle limit starts anew."""
        if self._idle is not None and self._timeout is not None and not (self._is_cut or self._is_paused):
            self._heard = self._loop.time()
            self._move(self._next())

    def pause(self) -> None:
        """It waits for others: neither limit counts until it goes on. A kill still ends it."""
        if self._timeout is not None and not self._is_paused and not self._is_cut:
            self._is_paused = True
            self._left = None if self._end is None else self._end - self._loop.time()
            self._move(None)

    def go_on(self) -> None:
        """Its own time goes on."""
        if self._timeout is not None and self._is_paused and not self._is_cut:
            self._is_paused = False
            self._heard = self._loop.time()
            self._end = None if self._left is None else self._heard + self._left
            self._move(self._next())

    def cut(self) -> None:
        """End it now."""
        if self._timeout is not None and not self._timeout.expired():
            self._is_cut = True
            self._move(self._loop.time())

    def _next(self) -> float | None:
        ends = [end for end in (self._end, None if self._idle is None else self._heard + self._idle) if end is not None]
        return min(ends, default=None)

    def _move(self, when: float | None) -> None:
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(when)
