"""Clocks: the system's, and a virtual one for simulations and tests.

Code of the engine asks the event loop for monotonic seconds and sleeps on it; wall-clock time, for records, comes from
a :data:`Wall`. So time is virtual as soon as the loop is.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from runner.errors import RunnerError

T = TypeVar("T")

Wall = Callable[[], float]
"""Seconds since 1970, UTC."""

system_wall: Wall = time.time

VIRTUAL_START = 1_700_000_000.0
"""What the wall clock of a virtual loop shows at first: 2023-11-14 22:13:20 UTC."""


class DeadlockError(RunnerError):
    """A virtual loop has nothing to do, now or later: whoever still waits would wait for ever."""


class _JumpingSelector(selectors.BaseSelector):
    """Looks for input without waiting, and moves the clock by the time it was asked to wait."""

    def __init__(self, jump: Callable[[float | None], None]) -> None:
        self._real = selectors.DefaultSelector()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; the clock stands still as long as anything is."""
        ready = self._real.select(0)
        if not ready and timeout != 0:
            self._jump(timeout)
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a file, as the real selector does."""
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Watch it no longer."""
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch it for other events."""
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """All that is watched."""
        return self._real.get_map()

    def close(self) -> None:
        """Watch nothing any more."""
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time starts at 0 and jumps to the next timer when nothing is ready.

    Work for threads is done at once, inside the loop, so that no time can pass meanwhile. Where nothing is ready and
    there is no timer, it raises DeadlockError, naming the tasks that wait.
    """

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_JumpingSelector(self._jump))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    def wall(self) -> float:
        """The same as a wall clock."""
        return VIRTUAL_START + self._now

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> "asyncio.Future[T]":  # type: ignore[override]  # noqa: ARG002 - the base class has it
        """Do the work now, and give a future that is done."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - a thread pool hands on every error, too
            future.set_exception(error)
        return future

    def _jump(self, timeout: float | None) -> None:
        if timeout is None:
            waiting = sorted(task.get_name() for task in asyncio.all_tasks(self))
            raise DeadlockError(f"nothing is ready and no timer is set; waiting: {', '.join(waiting)}")
        self._now += timeout


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a virtual loop. Raises DeadlockError rather than hang."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
