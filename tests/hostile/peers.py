"""SSH servers that misbehave on purpose, all in the event loop of the test.

Up to the point where a case misbehaves the peer is a real server, made with the library: so encryption and sequence
numbers are right, and what is wrong is wrong on purpose. A case takes over in one of three ways: it speaks TCP by
itself (``raw``), it answers chosen packets itself (``answers``), or it plays a channel by hand (``story``), with every
frame of the shell's protocol.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncssh
from asyncssh.constants import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_OPEN,
    MSG_CHANNEL_OPEN_CONFIRMATION,
    MSG_CHANNEL_OPEN_FAILURE,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_SUCCESS,
    MSG_CHANNEL_WINDOW_ADJUST,
    MSG_GLOBAL_REQUEST,
    MSG_REQUEST_FAILURE,
    MSG_REQUEST_SUCCESS,
)
from asyncssh.packet import Boolean, SSHPacket, String, UInt32

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")
"""The key of every peer: generating one for each would take longer than the tests."""

WINDOW = 2**31 - 1

Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Story = Callable[["Shell"], Awaitable[None]]


@dataclass(frozen=True)
class Behaviour:
    """How a peer misbehaves.

    ``raw`` speaks TCP itself. ``answers`` are by packet type; one that gives ``...`` leaves the packet to the library.
    ``story`` plays each channel. ``auth`` says whether a login is wanted. ``options`` are the library's for it.
    """

    raw: Raw | None = None
    answers: Mapping[int, Callable[["Peer", SSHPacket], Any]] = field(default_factory=dict)
    story: Story | None = None
    auth: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


class Owner(asyncssh.SSHServer):
    """Lets everybody in, or nobody."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour

    def begin_auth(self, _: str) -> bool:
        """Whether a login is wanted."""
        return self.behaviour.auth

    def public_key_auth_supported(self) -> bool:
        """By key."""
        return True

    def password_auth_supported(self) -> bool:
        """By password."""
        return True

    def kbdint_auth_supported(self) -> bool:
        """By questions."""
        return True


class Peer(asyncssh.SSHServerConnection):
    """One connection of a server that misbehaves; ``seen`` are the types and names of what the client asked for."""

    def __init__(self, server: "Server", options: asyncssh.SSHServerConnectionOptions) -> None:
        self.server = server
        self.behaviour = server.behaviour
        super().__init__(asyncio.get_running_loop(), options)

    def process_packet(self, pkttype: int, pktid: int, packet: SSHPacket) -> Any:
        """A packet of the client's: the case's, or the library's."""
        answer = self.behaviour.answers.get(pkttype)
        if answer is not None and answer(self, packet) is not ...:
            return True
        if pkttype == MSG_GLOBAL_REQUEST:
            self.server.seen.append(bytes(packet.get_string()).decode())
            return True
        if pkttype == MSG_CHANNEL_OPEN:
            return self.opens(packet)
        if pkttype in {MSG_CHANNEL_OPEN_FAILURE, MSG_REQUEST_FAILURE}:
            self.server.refusals += 1
            return True
        if pkttype == MSG_REQUEST_SUCCESS:
            return True
        return super().process_packet(pkttype, pktid, packet)

    def opens(self, packet: SSHPacket) -> bool:
        """A channel is asked for: it is played by hand."""
        self.server.seen.append(packet.get_string().decode())
        shell = Shell(self, packet.get_uint32(), self.server.tell, window=packet.get_uint32())
        self._channels[shell.number] = shell  # type: ignore[assignment]
        self.server.shells.append(shell)
        shell.begin(self.behaviour.story or forever)
        return True

    def by_hand(self, data: bytes) -> None:
        """Bytes on the wire, as they are."""
        if self._transport:
            self._transport.write(data)


class Shell:
    """A channel by hand, and the shell that runner thinks to be on it."""

    def __init__(self, peer: Peer, theirs: int, tell: Callable[[BaseException], None], window: int) -> None:
        self.peer = peer
        self.window = window
        self.theirs = theirs
        self.number = 1000 + theirs
        self.heard = b""
        self.requests: list[str] = []
        self._news = asyncio.Event()
        self._tell = tell
        self.task: asyncio.Task[None] | None = None
        self.closed = False

    def begin(self, story: Story) -> None:
        """Play it."""
        self.task = asyncio.get_running_loop().create_task(self._play(story))

    async def _play(self, story: Story) -> None:
        try:
            await story(self)
            await asyncio.Event().wait()
        except (OSError, asyncssh.Error):
            pass  # the client has gone, as it should
        except Exception as error:  # noqa: BLE001 - a fault of the test's own
            self._tell(error)

    def log_received_packet(self, *_: Any) -> None:
        """The library tells each packet to whom it is for."""

    log_sent_packet = log_received_packet

    def process_packet(self, kind: int, _: int, packet: SSHPacket) -> bool:
        """A packet of the client's for this channel."""
        if kind == MSG_CHANNEL_DATA:
            self.heard += packet.get_string()
            self.peer.send_packet(MSG_CHANNEL_WINDOW_ADJUST, UInt32(self.theirs), UInt32(1 << 20))
        elif kind == MSG_CHANNEL_REQUEST:
            self.requests.append(packet.get_string().decode())
            self.peer.server.seen.append(self.requests[-1])
        elif kind == MSG_CHANNEL_CLOSE:
            self.closed = True
        elif kind == MSG_CHANNEL_WINDOW_ADJUST:
            self.window += packet.get_uint32()
        elif kind == MSG_CHANNEL_FAILURE:
            self.peer.server.refusals += 1
        self._news.set()
        return True

    def process_connection_close(self, _: Exception | None) -> None:
        """The connection is gone."""
        if self.task:
            self.task.cancel()

    async def until(self, holds: Callable[[], Any]) -> None:
        """Wait for something that the client does."""
        while not holds():
            self._news.clear()
            await self._news.wait()

    # what an orderly server says

    def confirm(self, window: int = WINDOW, size: int = 32768) -> None:
        """The channel is open."""
        parts = map(UInt32, (self.theirs, self.number, window, size))
        self.peer.send_packet(MSG_CHANNEL_OPEN_CONFIRMATION, *parts)

    async def started(self, window: int = WINDOW, size: int = 32768) -> None:
        """The channel is open, and the command runs."""
        self.confirm(window, size)
        await self.until(lambda: "exec" in self.requests)
        self.peer.send_packet(MSG_CHANNEL_SUCCESS, UInt32(self.theirs))

    async def greeted(self, window: int = WINDOW, size: int = 32768) -> None:
        """The shell has said hello on both streams."""
        await self.started(window, size)
        await self.bootstrapped()
        self.hello()

    async def bootstrapped(self) -> None:
        """The text that a shell starts with has come."""
        await self.until(lambda: b"_re()" in self.heard)

    async def asked(self, index: int = 1) -> None:
        """A step has been sent."""
        await self.until(lambda: b"_rb %d; " % index in self.heard or b"_ks %d; " % index in self.heard)

    async def at_work(self) -> None:
        """The first step has been sent and has begun."""
        await self.greeted()
        await self.asked()
        self.out(self.frame("b 1 4711"))

    @property
    def nonce(self) -> bytes:
        """The word that frames start with."""
        first, second = self.heard.split(b"_rn='", 1)[1].split(b"'\n", 1)[0].split(b"''")
        return first + second

    def frame(self, text: str) -> bytes:
        """A frame."""
        return self.nonce + b" " + text.encode() + b"\n"

    def hello(self, text: str = "h setsid /usr/bin/setsid 1") -> None:
        """The hello, on both streams."""
        self.both(self.frame(text))

    def told(self, rc: int) -> None:
        """The end of the first step, on both streams."""
        self.both(self.frame(f"e 1 {rc}"))

    def both(self, data: bytes) -> None:
        """The same on both streams."""
        self.out(data)
        self.err(data)

    def out(self, data: bytes) -> None:
        """Standard output."""
        self.peer.send_packet(MSG_CHANNEL_DATA, UInt32(self.theirs), String(data))

    def err(self, data: bytes, kind: int = 1) -> None:
        """Standard error, or extended data of another kind."""
        self.peer.send_packet(MSG_CHANNEL_EXTENDED_DATA, UInt32(self.theirs), UInt32(kind), String(data))

    async def pour(self, data: bytes, *sends: Callable[[bytes], None]) -> None:
        """Output, as fast as the client takes it: never beyond its window."""
        for send in sends:
            await self.until(lambda: self.window >= len(data))
            self.window -= len(data)
            send(data)
            transport = self.peer._transport
            while transport and transport.get_write_buffer_size() > 1 << 20:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)

    def request(self, name: str, *args: bytes, reply: bool = False) -> None:
        """A request about the channel."""
        self.peer.send_packet(MSG_CHANNEL_REQUEST, UInt32(self.theirs), String(name), Boolean(reply), *args)

    def status(self, value: int = 0) -> None:
        """The exit status of the command."""
        self.request("exit-status", UInt32(value))

    def killed(self, name: bytes, words: bytes = b"", language: bytes = b"") -> None:
        """The command was killed."""
        self.request("exit-signal", String(name), Boolean(False), String(words), String(language))

    def eof(self) -> None:
        """No more output."""
        self.peer.send_packet(MSG_CHANNEL_EOF, UInt32(self.theirs))

    def close(self) -> None:
        """The channel is closed."""
        self.peer.send_packet(MSG_CHANNEL_CLOSE, UInt32(self.theirs))

    def refuse(self) -> None:
        """The command is not run."""
        self.peer.send_packet(MSG_CHANNEL_FAILURE, UInt32(self.theirs))


async def forever(shell: Shell) -> None:
    """Say nothing."""


@dataclass
class Server:
    """A server that misbehaves in one way.

    ``refusals`` counts what clients refused it, ``seen`` has what they asked for, ``errors`` are the test's own.
    """

    behaviour: Behaviour
    address: str = "127.0.0.1"
    port: int = 0
    connections: int = 0
    refusals: int = 0
    seen: list[str] = field(default_factory=list)
    shells: list[Shell] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def tell(self, error: BaseException) -> None:
        """Keep what went wrong in the test's own code."""
        self.errors.append(error)

    async def _raw(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        assert self.behaviour.raw
        self.tasks.add(task)
        try:
            await self.behaviour.raw(reader, writer)
            await asyncio.Event().wait()
        except (OSError, asyncio.CancelledError):
            pass  # the client has gone, as it should, or the test is over
        except Exception as error:  # noqa: BLE001 - a fault of the test's own
            self.tell(error)
        finally:
            self.tasks.discard(task)
            writer.transport.abort()

    def _peer(self) -> Peer:
        self.connections += 1
        options = {"server_host_keys": [HOST_KEY], "config": None, "encoding": None, **self.behaviour.options}
        made = asyncssh.SSHServerConnectionOptions(server_factory=lambda: Owner(self.behaviour), **options)
        self.peers.append(Peer(self, made))
        return self.peers[-1]

    async def listen(self) -> asyncio.Server:
        """Listen on a free port."""
        if self.behaviour.raw:
            server = await asyncio.start_server(self._raw, self.address, 0)
        else:
            server = await asyncio.get_running_loop().create_server(self._peer, self.address, 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def end(self) -> None:
        """Hang up on whoever is still there."""
        tasks = [*self.tasks, *(shell.task for shell in self.shells if shell.task)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for peer in self.peers:
            peer.abort()
            await peer.wait_closed()


@contextlib.asynccontextmanager
async def serving(behaviours: Mapping[str, Behaviour]) -> AsyncIterator[dict[str, Server]]:
    """A server for each of them, by name, each on an address of its own."""
    servers = {
        name: Server(behaviour, f"127.8.{index >> 8}.{index & 255}")
        for index, (name, behaviour) in enumerate(behaviours.items(), 1)
    }
    listening = [await server.listen() for server in servers.values()]
    try:
        yield servers
    finally:
        for one in listening:
            one.close()
        await asyncio.gather(*(server.end() for server in servers.values()))
