"""One session a host for the whole run: opened when first needed, opened again after it was lost, closed when done."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from runner.errors import ConnectError
from runner.model.events import Event, HostClosed, HostConnected, HostConnecting, HostLost
from runner.model.inventory import Become, Host
from runner.transport import Session, Transport


class Emitter(Protocol):
    """Takes the events about connections."""

    def emit(self, event: Event) -> None:
        """Record it."""
        ...


class Sessions:
    """The sessions of a run. ``transports`` are started already, by the name hosts give as their ``connection``."""

    def __init__(self, transports: Mapping[str, Transport], emitter: Emitter) -> None:
        self._transports = transports
        self._emitter = emitter
        self._open: dict[str, Session] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._attempts: dict[str, int] = {}
        self._beside: dict[str, list[Session]] = {}
        self._held: Counter[str] = Counter()
        self._unwanted: set[str] = set()
        self._barred: dict[str, ConnectError] = {}

    def bar(self, name: str, error: ConnectError | None) -> None:
        """From now on the host can't be reached, for that reason; with None it can again."""
        self._barred.pop(name, None)
        if error is not None:
            self._barred[name] = error

    def ready(self, host: Host, become: Become | None) -> Session | None:
        """The host's session, where it is open and ready for that user: then there is nothing to wait for."""
        found = None if host.name in self._barred else self._open.get(host.name)
        return found if found is not None and found.is_ready(become) else None

    async def get(self, host: Host) -> Session:
        """The host's session, opened if need be. Raises ConnectError."""
        if host.name in self._barred:
            raise self._barred[host.name]
        found = self._open.get(host.name)
        if found is not None and not found.closed:
            return found
        async with self._locks.setdefault(host.name, asyncio.Lock()):
            found = self._open.get(host.name)
            if found is None or found.closed:
                for other in self._beside.pop(host.name, ()):
                    await other.close()
                if found is not None:
                    await self._open.pop(host.name).close()  # what is left of it: its connection, its other shells
                found = self._open[host.name] = await self._connect(host)
            return found

    @asynccontextmanager
    async def beside(self, host: Host) -> AsyncIterator[Session]:
        """A session of its own over the host's connection, for work at the same time. Raises ConnectError."""
        main = await self.get(host)
        free = self._beside.setdefault(host.name, [])
        session = free.pop() if free else main.beside()
        try:
            yield session
        finally:
            if session.closed or self._beside.get(host.name) is not free:
                await session.close()
            else:
                free.append(session)

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[None]:
        """The host's session stays open inside the block, whoever gives it up: a step for another host runs there."""
        self._held[name] += 1
        try:
            yield
        finally:
            self._held[name] -= 1
            if not self._held[name] and name in self._unwanted:
                self._unwanted.discard(name)
                await self.close(name)

    async def close(self, name: str) -> None:
        """The host has no more work in this run; a step that others run there is not disturbed."""
        if self._held[name]:
            self._unwanted.add(name)
            return
        for other in self._beside.pop(name, ()):
            await other.close()
        session = self._open.pop(name, None)
        self._locks.pop(name, None)
        if session is not None:
            was_open = not session.closed
            await session.close()
            if was_open:
                self._emitter.emit(HostClosed(host=name))

    async def close_all(self) -> None:
        """Close what is still open, all at once."""
        async with asyncio.TaskGroup() as group:
            for name in tuple(self._open):
                group.create_task(self.close(name))

    def lost(self, host: str, reason: str) -> None:
        """Say that a connection went away while it was in use."""
        self._emitter.emit(HostLost(host=host, cause="closed_midway", reason=reason))

    async def _connect(self, host: Host) -> Session:
        attempt = self._attempts[host.name] = self._attempts.get(host.name, 0) + 1
        self._emitter.emit(HostConnecting(host=host.name, address=str(host.address), attempt=attempt))
        begun = asyncio.get_running_loop().time()
        try:
            session = await self._transports[host.connection].connect(host)
        except ConnectError as error:
            lost = HostLost(host=host.name, cause=error.cause, reason=error.message, hint=error.hint, attempt=attempt)
            self._emitter.emit(lost)
            raise
        duration = asyncio.get_running_loop().time() - begun
        agreed = session.agreed
        self._emitter.emit(
            HostConnected(host=host.name, duration=round(duration, 6), strict_kex=agreed.strict_kex, older=agreed.older)
        )
        return session
