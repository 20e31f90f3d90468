"""Channels of one connection: each a pipe to a command on the host; no more at a time than the host bears.

OpenSSH allows ten sessions on a connection by default (``MaxSessions``) and refuses the next with an error that says
nothing. Eight are opened, the others wait; where a host refuses sooner, its limit is learnt and kept to.
"""

import asyncio
from collections import deque
from collections.abc import Callable

import asyncssh

from runner.errors import ConnectError
from runner.shell import Receiver

MOST = 8
"""Channels open at once on one connection."""

CLOSE_WAIT = 1.0
"""Seconds to wait for the host's word that a channel is closed."""


LINGER = 1.0
"""Seconds that a channel has for the rest of its output, and its close, once its command or its output has ended."""

LEAST_PACKET = 256
"""Bytes that a host must take in one packet: with fewer, whatever we send it would hold up all other hosts."""

LONGEST_SIGNAL = 40
"""Characters of the name of a signal that are told: the host chooses them."""


class ChannelPipe(asyncssh.SSHClientSession[bytes]):
    """The pipe of one channel; ``runner.shell.Pipe`` says what its methods promise."""

    def __init__(self, receiver: Receiver | None, freed: Callable[[], None], why: Callable[[Exception], str]) -> None:
        self._receiver = receiver
        self._freed = freed
        self._why = why
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._writable: asyncio.Event | None = None
        self._exit = ""
        self._is_over = False

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """The host has opened the channel; the request to run the command goes out in this turn of the loop."""
        self._channel = chan
        if packet_size(chan) >= LEAST_PACKET:
            asyncio.get_running_loop().call_soon(self._tell_opened)

    def _tell_opened(self) -> None:
        if self._receiver and self._channel:
            self._receiver.opened(self)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Output has come."""
        if self._receiver:
            self._receiver.data("stderr" if datatype == asyncssh.EXTENDED_DATA_STDERR else "stdout", data)

    def exit_status_received(self, status: int) -> None:  # noqa: ARG002
        """The command has ended by itself, which is in order: a refusal of sudo's ends so, too."""
        self._has_ended()

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:  # noqa: ARG002, FBT001
        """The command was killed."""
        self._exit = f"the shell on the host was killed by {signal[:LONGEST_SIGNAL]}"
        self._has_ended()

    def eof_received(self) -> bool:
        """There is no more output, on either stream: nothing that is still waited for can come."""
        self._has_ended()
        return False

    def _has_ended(self) -> None:
        """Output of children that live on delays the channel's own end: it is waited for, but not for long."""
        asyncio.get_running_loop().call_later(LINGER, self._cut)

    def _cut(self) -> None:
        if self._channel:
            self._channel.abort()
            self.connection_lost(None)  # the host may never say that it is closed

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is gone, in order or with the whole connection; it may be told twice."""
        if self._is_over:
            return
        self._is_over = True
        receiver, self._receiver = self._receiver, None
        self._channel = None
        self.resume_writing()
        self._freed()
        if receiver:
            receiver.ended(self._why(exc) if exc else self._exit)

    def pause_writing(self) -> None:
        """The host does not take more for now."""
        self._writable = asyncio.Event()

    def resume_writing(self) -> None:
        """The host takes more, or never will."""
        if self._writable:
            self._writable.set()
            self._writable = None

    def drop(self) -> bool:
        """Close it before anybody was given it, telling the receiver nothing; whether there was a channel to close."""
        self._receiver = None
        channel = self._channel
        if channel:
            channel.close()
        return channel is not None

    def write(self, data: bytes) -> None:
        """Queue bytes for standard input."""
        if self._channel and not self._channel.is_closing():
            self._channel.write(data)

    async def drain(self) -> None:
        """Wait until more can be written."""
        if self._writable:
            await self._writable.wait()

    def write_eof(self) -> None:
        """Close standard input."""
        if self._channel and not self._channel.is_closing():
            self._channel.write_eof()

    async def close(self) -> None:
        """Close the channel, and wait a moment for the host to say so too."""
        channel = self._channel
        if channel is None:
            return
        channel.close()
        try:
            async with asyncio.timeout(CLOSE_WAIT):
                await channel.wait_closed()
        except TimeoutError:
            channel.abort()


def packet_size(channel: asyncssh.SSHClientChannel[bytes]) -> int:
    """How many bytes the host takes in one packet on a channel."""
    return int(channel._send_pktsize)  # noqa: SLF001 - the library does not tell it otherwise


def lost_words(error: Exception) -> str:
    """Why a connection ended, in words."""
    return " ".join(str(getattr(error, "reason", "") or error).split())[:300] or type(error).__name__


class Channels:
    """Opens channels on a connection and counts them.

    ``patience``: seconds that one may wait for its turn. ``why`` words an error that ended the connection.
    """

    def __init__(
        self, connection: asyncssh.SSHClientConnection, where: str, patience: float, why: Callable[[Exception], str]
    ) -> None:
        self._connection = connection
        self._why = why
        self._where = where
        self._patience = patience
        self._most = MOST
        self._open = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def open(self, command: str, receiver: Receiver) -> ChannelPipe:
        """Run a command line on a channel of its own. Raises ConnectError when the host refuses."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._when_free(command, receiver)
        except TimeoutError:
            words = f"{self._where}: no session within {self._patience:g} s, {self._open} are open"
            hint = "raise MaxSessions in the host's sshd_config" if self._most < MOST else ""
            raise ConnectError("timeout", words, hint=hint, temporary=True) from None

    async def _when_free(self, command: str, receiver: Receiver) -> ChannelPipe:
        while True:
            await self._place()
            pipe = ChannelPipe(receiver, self._freed, self._why)
            try:
                await self._start(pipe, command)
            except ConnectError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever the library makes of what a host sends
                if not self._is_crowded(error):
                    raise ConnectError(*self._refusal(error), temporary=True) from None
            else:
                return pipe

    async def _start(self, pipe: ChannelPipe, command: str) -> None:
        """Give the pipe its channel. When that fails nobody hears of it; its place is free at once, or with its end."""
        try:
            channel, _ = await self._connection.create_session(lambda: pipe, command, encoding=None)
            self._check(packet_size(channel))
        except BaseException:
            if not pipe.drop():
                self._freed()
            raise

    def _check(self, size: int) -> None:
        if size < LEAST_PACKET:
            words = f"{self._where}: the host takes {size} bytes in a packet; {LEAST_PACKET} are needed"
            raise ConnectError("protocol", words)

    def _is_crowded(self, error: Exception) -> bool:
        """Whether the host refused because it bears no more; then its limit is known from now on."""
        is_refusal = isinstance(error, asyncssh.ChannelOpenError) and error.code == asyncssh.OPEN_CONNECT_FAILED
        crowded = is_refusal and self._open > 0 and not self._connection.is_closed()
        if crowded:
            self._most = self._open
        return crowded

    def _refusal(self, error: Exception) -> tuple[str, str]:
        if not isinstance(error, asyncssh.ChannelOpenError):
            return "closed_midway", f"{self._where}: the connection was lost: {lost_words(error)}"
        if self._connection.is_closed():
            return "closed_midway", f"{self._where}: the connection is closed"
        return "protocol", f"{self._where}: the host opens no session: {lost_words(error)}"

    async def _place(self) -> None:
        while self._open >= self._most:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._pass_on(turn)
                raise
        self._open += 1

    def _pass_on(self, turn: "asyncio.Future[None]") -> None:
        """Whoever was called and is gone lets the next one go."""
        if turn in self._waiting:
            self._waiting.remove(turn)
        elif turn.done() and not turn.cancelled():
            self._call_next()

    def _freed(self) -> None:
        self._open -= 1
        self._call_next()

    def _call_next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
