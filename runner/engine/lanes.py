"""Who may be in a step at once: hosts under its ``throttle``, and one at a time on a host that others delegate to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from runner.engine.stop import Level, Stop, until
from runner.model.inventory import CONTROLLER
from runner.model.playbook import Step

CHANNELS = 6
"""Commands at once over one connection, beside its own: an SSH server allows 10 in all (sshd_config: MaxSessions)."""


@dataclass(slots=True)
class Lanes:
    """The lanes of a run: of each throttled step, and of each delegate. The controller takes any number."""

    _steps: dict[tuple[str, str], asyncio.Semaphore] = field(default_factory=dict)
    _delegates: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    _shared: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    @asynccontextmanager
    async def step(self, play: str, step: Step, stop: Stop) -> AsyncIterator[None]:
        """A place in a step that has a ``throttle``. Raises Stopped where a stop comes before it."""
        async with _place(self._steps.setdefault((play, step.id), asyncio.Semaphore(step.throttle or 1)), stop):
            yield

    @asynccontextmanager
    async def delegate(self, name: str, step: Step, stop: Stop) -> AsyncIterator[None]:
        """The turn on a delegate; a ``throttle`` of the step says otherwise, as far as one connection bears it.

        Raises Stopped where a stop comes before it.
        """
        if name == CONTROLLER:
            yield
            return
        lanes = self._delegates if step.throttle is None else self._shared
        size = 1 if step.throttle is None else CHANNELS
        async with _place(lanes.setdefault(name, asyncio.Semaphore(size)), stop):
            yield


@asynccontextmanager
async def _place(places: asyncio.Semaphore, stop: Stop) -> AsyncIterator[None]:
    """One of the places; a stop cuts the waiting short, not what is done inside."""
    async with until(stop, Level.STOP):
        await places.acquire()
    try:
        yield
    finally:
        places.release()
