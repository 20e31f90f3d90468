"""The transport ``local``: this machine, through pipes to ``/bin/sh``, with no SSH.

Steps have the environment and the umask that runner was started with, but not the variables that secrets come from,
and start in the home folder. The same shell, frames and process groups as over SSH are used, so a step means the same
on both.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import cast

from runner import umask
from runner.errors import ConnectError
from runner.model.inventory import Become, Host
from runner.model.secret_text import revealed
from runner.shell import Pipe, Receiver, RunRecords, ShellSession
from runner.transport import Transport, TransportContext, TransportKind
from runner.transports.few_files import when_there_are
from runner.transports.options import LOCAL_SCHEMA

_STREAMS = {1: "stdout", 2: "stderr"}
_LINGER = 1.0  # seconds that a child of a shell that has ended may hold its pipes open before they count as ended
_PATIENCE = 0.5  # seconds that a shell has for ending by itself once its input is closed


class _Process(asyncio.SubprocessProtocol):
    """One process of this machine as a :class:`~runner.shell.pipes.Pipe`."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._transport: asyncio.SubprocessTransport | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._exited = asyncio.Event()
        self._over = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The process runs."""
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Some output."""
        if not self._over.is_set():
            self._receiver.data(_STREAMS[fd], data)

    def pause_writing(self) -> None:
        """The queue to its standard input is long."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """The queue is short again."""
        self._may_write.set()

    def process_exited(self) -> None:
        """It ended; what it wrote is still to be read, but a child of its own may hold the pipes open for ever."""
        self._exited.set()
        asyncio.get_running_loop().call_later(_LINGER, self._end)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        """It ended, and so did its pipes."""
        self._end()

    def _end(self) -> None:
        if not self._over.is_set():
            self._over.set()
            self._may_write.set()
            self._receiver.ended("")

    def _stdin(self) -> asyncio.WriteTransport | None:
        pipe = self._transport.get_pipe_transport(0) if self._transport else None
        return cast("asyncio.WriteTransport", pipe) if pipe and not pipe.is_closing() else None

    def write(self, data: bytes) -> None:
        """Queue bytes for its standard input."""
        if stdin := self._stdin():
            stdin.write(data)

    async def drain(self) -> None:
        """Wait until the queue is short."""
        await self._may_write.wait()

    def write_eof(self) -> None:
        """Close its standard input once the queue is empty."""
        if stdin := self._stdin():
            stdin.close()

    async def close(self) -> None:
        """Let it end by itself, or kill it after a moment; what it started goes on."""
        self.write_eof()
        if self._transport and not await self._has_exited():
            with contextlib.suppress(ProcessLookupError, PermissionError):  # it may be another user's, through sudo
                self._transport.kill()
                await self._has_exited()
        if self._transport:
            with contextlib.suppress(PermissionError):
                self._transport.close()
        self._end()

    async def _has_exited(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._exited.wait()
        return self._exited.is_set()


async def open_pipe(line: str, receiver: Receiver) -> Pipe:
    """Start ``/bin/sh -c line``, in a session of its own so that no Ctrl-C reaches it. Raises ConnectError."""
    try:
        _, process = await when_there_are(partial(_start_process, line, receiver))
    except OSError as error:
        raise ConnectError("protocol", f"cannot start /bin/sh here: {error.strerror}") from None
    return process


async def _start_process(line: str, receiver: Receiver) -> tuple[asyncio.SubprocessTransport, _Process]:
    loop = asyncio.get_running_loop()
    words = ("/bin/sh", "-c", umask.in_shell(line))
    return await loop.subprocess_exec(lambda: _Process(receiver), *words, start_new_session=True)


class _Local:
    """Reaches this machine, whatever the host is called."""

    def __init__(self, context: TransportContext) -> None:
        self._context = context
        self.records = RunRecords(context)

    async def prepare(self, hosts: Iterable[Host]) -> None:
        """There is nothing to ask."""

    async def connect(self, host: Host) -> ShellSession:
        """A session on this machine, as every host is."""
        context = self._context
        records = self.records.of(host.name)
        return ShellSession(open_pipe, grace=context.grace, password=passwords(context.secret), records=records)


def passwords(secret: Callable[[str], str]) -> Callable[[Become], str | None]:
    """The sudo password for a Become, by the secret that it names."""
    return lambda become: None if become.password is None else secret(revealed(become.password))


@contextlib.asynccontextmanager
async def _start(context: TransportContext) -> AsyncIterator[Transport]:
    local = _Local(context)
    yield local
    local.records.tell_leftovers()


TRANSPORT = TransportKind("local", LOCAL_SCHEMA, _start)
