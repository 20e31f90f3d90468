"""Every transport as a test sees it: a way to open a session, whatever is behind it."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.location import Location
from runner.model.inventory import Host
from runner.transport import Session, TransportContext, TransportKind

Story = Callable[[Session], Awaitable[Any]]


@contextlib.asynccontextmanager
async def no_limit(_: str) -> AsyncIterator[None]:
    """A place among the connecting ones that is always free."""
    yield


def context_in(folder: Path, grace: float = 0.3, **more: Any) -> TransportContext:
    """A context for a test: a short grace, nobody to ask, no warnings expected."""
    defaults = {
        "find": lambda _: None,
        "limit": no_limit,
        "ask": lambda prompt: pytest_fail(f"asked: {prompt}"),
        "secret": lambda text: text,
        "warn": lambda text: pytest_fail(f"warned: {text}"),
        "folder": folder,
        "home": folder,
        "environ": {"PATH": os.environ["PATH"]},
        "grace": grace,
    }
    return TransportContext(**{**defaults, **more})


def pytest_fail(message: str) -> Any:
    """Fail where a value is wanted."""
    raise AssertionError(message)


def host_named(name: str = "web1", address: str = "127.0.0.1", connection: str = "local", **options: Any) -> Host:
    """A rendered host."""
    return Host(name, 1, address, Location("inventory.yaml", 1), connection, options)


@dataclass(frozen=True)
class Way:
    """A transport and a host that it reaches."""

    kind: TransportKind
    host: Host
    context: TransportContext

    def tell(self, story: Story) -> Any:
        """Open a session, let the story use it, close it; the story's own answer."""
        return asyncio.run(self._tell(story))

    async def _tell(self, story: Story) -> Any:
        async with self.kind.start(self.context) as transport:
            session = await transport.connect(self.host)
            try:
                return await story(session)
            finally:
                await session.close()
                assert session.closed


async def until(ready: Callable[[], bool]) -> None:
    """Wait until something on the outside holds."""
    while not ready():  # noqa: ASYNC110 - nothing on the outside can set an event
        await asyncio.sleep(0.005)


async def cancelled_after(task: "asyncio.Task[Any]", ready: Callable[[], bool]) -> None:
    """Cancel a task once something holds, and wait until it is over."""
    await until(ready)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


def alive(pid: int) -> bool:
    """Whether a process of this machine is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def command_lines() -> bytes:
    """The argument lists of all processes of this machine."""
    found = b""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                found += (entry / "cmdline").read_bytes() + b"\n"
    return found
