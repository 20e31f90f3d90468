"""A TCP relay before a real server that breaks connections as networks do: from a test, at a moment of its choice.

with Chaos(sshd.port, hosts=3) as chaos:
    chaos.pause("down")             # the server hears us, we hear nothing
    chaos.cut(2000, "down", "rst")  # the next link to get so many bytes more from the server is reset

It listens on 127.0.0.1 and the addresses after it and passes each on to the same address at the server's port. ``up``
is towards the server, ``down`` from it. It lives in a thread of its own, so it serves tests with and without an event
loop, and processes; it holds so many links at most and ends by itself after a while, whatever became of the test.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from sshd import Sshd, address, free_port

Direction = Literal["up", "down"]
How = Literal["rst", "fin", "freeze"]
"""What becomes of a link that is cut: reset, closed in order, or silent with both ends left open."""

CHUNK = 16 * 1024
MOST_LINKS = 500
LIFE = 300.0
"""Seconds after which it ends by itself."""

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: close sends RST


@dataclass
class Way:
    """One direction of all links. ``delay`` in seconds for each chunk, ``rate`` in bytes a second, 0 for no limit.

    ``left`` is how many bytes pass before a link is cut by ``how``, and ``times`` how many links still will be.
    """

    flows: asyncio.Event = field(default_factory=asyncio.Event)
    delay: float = 0.0
    rate: float = 0.0
    left: int = 0
    how: How = "rst"
    times: int = 0
    passed: int = 0


class Link:
    """One connection through the relay: a socket to the client and one to the server."""

    def __init__(self, client: socket.socket, server: socket.socket, ways: dict[Direction, Way]) -> None:
        self.client = client
        self.server = server
        self.ways = ways
        self.spent: dict[Direction, int] = {"up": 0, "down": 0}
        self.is_frozen = False
        self.is_reset = False
        self.over = asyncio.Event()

    async def serve(self) -> None:
        """Relay both ways until both have ended, or the link is cut."""
        pumps = [
            asyncio.ensure_future(self._pump("up", self.client, self.server)),
            asyncio.ensure_future(self._pump("down", self.server, self.client)),
        ]
        cut = asyncio.ensure_future(self.over.wait())
        both = asyncio.gather(*pumps, return_exceptions=True)
        try:
            await asyncio.wait([both, cut], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*pumps, cut):
                task.cancel()
            await asyncio.gather(*pumps, cut, return_exceptions=True)
            if not self.is_reset:
                self.half_close("up")
                self.half_close("down")
            self.client.close()
            self.server.close()

    async def _pump(self, direction: Direction, source: socket.socket, sink: socket.socket) -> None:
        loop, way = asyncio.get_running_loop(), self.ways[direction]
        try:
            while data := await loop.sock_recv(source, CHUNK):
                await self._pass_on(direction, way, data, sink)
            await way.flows.wait()
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            self.reset()

    async def _pass_on(self, direction: Direction, way: Way, data: bytes, sink: socket.socket) -> None:
        await way.flows.wait()
        if self.is_frozen:
            await asyncio.Event().wait()
        if way.delay or way.rate:
            await asyncio.sleep(way.delay + (len(data) / way.rate if way.rate else 0))
            await way.flows.wait()
        is_last = way.times > 0 and self.spent[direction] + len(data) >= way.left
        part = data[: max(0, way.left - self.spent[direction])] if is_last else data
        self.spent[direction] += len(part)
        await asyncio.get_running_loop().sock_sendall(sink, part)
        way.passed += len(part)
        if is_last:
            way.times -= 1
            await self._cut(way.how)

    async def _cut(self, how: How) -> None:
        if how == "rst":
            self.reset()
        elif how == "fin":
            self.over.set()
        else:
            self.is_frozen = True
        await asyncio.Event().wait()  # nothing more passes this way; the link is ended from outside

    def reset(self) -> None:
        """End it on both sides with RST."""
        self.is_reset = True
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.over.set()

    def half_close(self, direction: Direction) -> None:
        """Say the end of one direction, as the sender's FIN would, and leave the other open."""
        with contextlib.suppress(OSError):
            (self.server if direction == "up" else self.client).shutdown(socket.SHUT_WR)


class Chaos:
    """The relay, for as long as the ``with`` block lasts. ``port`` is where it listens, on ``hosts`` addresses.

    Every method takes effect before it returns.
    """

    def __init__(self, target: int, *, hosts: int = 16, life: float = LIFE) -> None:
        self.port = free_port()
        self._target = target
        self._hosts = hosts
        self._life = life
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._ready = threading.Event()
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="chaos", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        if self._problem is not None:
            raise self._problem
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as problem:  # noqa: BLE001 - told by the thread that waits
            self._problem = problem
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._ways: dict[Direction, Way] = {"up": Way(), "down": Way()}
        for way in self._ways.values():
            way.flows.set()
        listeners = [self._listener(address(index)) for index in range(1, self._hosts + 1)]
        accepting = [asyncio.ensure_future(self._accept(one)) for one in listeners]
        self._ready.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._life):
                await self._stop.wait()
        for task in (*accepting, *self._tasks):
            task.cancel()
        await asyncio.gather(*accepting, *self._tasks, return_exceptions=True)
        for listener in listeners:
            listener.close()

    def _listener(self, name: str) -> socket.socket:
        listener = socket.create_server((name, self.port), backlog=128)
        listener.setblocking(False)
        return listener

    async def _accept(self, listener: socket.socket) -> None:
        name = listener.getsockname()[0]
        while True:
            client, _ = await self._loop.sock_accept(listener)
            if self._is_closed or len(self._links) >= MOST_LINKS:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                client.close()
                continue
            task = asyncio.ensure_future(self._carry(client, name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, client: socket.socket, name: str) -> None:
        client.setblocking(False)
        server = socket.socket()
        server.setblocking(False)
        try:
            await self._loop.sock_connect(server, (name, self._target))
        except OSError:
            client.close()
            server.close()
            return
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = Link(client, server, self._ways)
        self._links.add(link)
        try:
            await link.serve()
        finally:
            self._links.discard(link)

    # what a test does

    def pause(self, *directions: Direction) -> None:
        """Let no byte pass these ways (both where none is named); what comes is held back."""
        self._do(lambda: [self._ways[one].flows.clear() for one in directions or ("up", "down")])

    def resume(self, *directions: Direction) -> None:
        """Let what was held back pass, and all that comes."""
        self._do(lambda: [self._ways[one].flows.set() for one in directions or ("up", "down")])

    def cut(self, after: int, direction: Direction = "down", how: How = "rst", *, times: int = 1) -> None:
        """Cut the next ``times`` links that pass so many bytes more in that direction, exactly there."""

        def arm() -> None:
            way = self._ways[direction]
            way.left, way.how, way.times = after, how, times
            for link in self._links:
                link.spent[direction] = 0

        self._do(arm)

    def reset(self) -> None:
        """End all links that are open with RST."""
        self._do(lambda: [link.reset() for link in self._links])

    def close(self) -> None:
        """End all links that are open in order, with FIN."""
        self._do(lambda: [link.over.set() for link in self._links])

    def half_close(self, direction: Direction) -> None:
        """Say the end of one direction on all links, and leave the other open."""
        self._do(lambda: [link.half_close(direction) for link in self._links])

    def refuse(self, *, refuses: bool = True) -> None:
        """Reset whoever connects from now on; links that are open stay."""
        self._do(lambda: setattr(self, "_is_closed", refuses))

    def slow(self, direction: Direction, *, delay: float = 0.0, rate: float = 0.0) -> None:
        """Pass each chunk ``delay`` seconds later, at most ``rate`` bytes a second (0: without limit)."""

        def change() -> None:
            self._ways[direction].delay, self._ways[direction].rate = delay, rate

        self._do(change)

    def links(self) -> int:
        """How many links are open."""
        return self._ask(lambda: len(self._links))

    def passed(self, direction: Direction) -> int:
        """How many bytes have passed that way, over all links."""
        return self._ask(lambda: self._ways[direction].passed)

    def options(self, sshd: Sshd, **extra: Any) -> dict[str, Any]:
        """What stands under ``ssh:`` for a host of that server, reached through here."""
        known = sshd.folder / f"known_hosts_{self.port}"
        known.write_text(f"[127.*]:{self.port} {sshd.host_key}\n")
        return {**sshd.options(**extra), "port": self.port, "known_hosts": str(known)}

    def inventory(self, sshd: Sshd, count: int, **extra: Any) -> dict[str, Any]:
        """An inventory of that many hosts of the server, web01 and on, reached through here."""
        return {"ssh": self.options(sshd, **extra), "hosts": sshd.inventory(count)["hosts"]}

    def _do(self, change: Callable[[], Any]) -> None:
        self._ask(change)

    def _ask(self, question: Callable[[], Any]) -> Any:
        async def work() -> Any:
            return question()

        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(10)
