"""Work that many hosts need and one does: key files, known_hosts files, gateways."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from runner.errors import ConnectError

K = TypeVar("K")
V = TypeVar("V")


class Once(Generic[K, V]):
    """A value for each key, made by whoever asks first; the others wait for it.

    Whoever waits may be cancelled without harm to the rest. A failure is told to all that wait and then forgotten,
    unless ``keep`` says that it would be the same again.
    """

    def __init__(self, *, keep: bool = False) -> None:
        self._keep = keep
        self._tasks: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K, make: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """The value of a key. Raises what ``make`` raised, a ConnectError as an object of its own for each."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(make())
            task.add_done_callback(lambda done: self._note(key, done))
        try:
            return await asyncio.shield(task)
        except ConnectError as error:
            raise ConnectError(error.cause, error.message, hint=error.hint, temporary=error.temporary) from None

    def _note(self, key: K, task: asyncio.Task[V]) -> None:
        failed = task.cancelled() or task.exception() is not None
        if failed and not self._keep and self._tasks.get(key) is task:
            del self._tasks[key]

    def forget(self, key: K) -> None:
        """Make it anew for whoever asks next."""
        self._tasks.pop(key, None)

    def values(self) -> list[V]:
        """All that were made well."""
        done = [task for task in self._tasks.values() if task.done() and not task.cancelled()]
        return [task.result() for task in done if task.exception() is None]

    def cancel(self) -> None:
        """Give up what is still being made."""
        for task in self._tasks.values():
            task.cancel()
