"""From an address to a logged-in connection: names, TCP, the login, each held to its limit.

**Why names are resolved here.** The library leaves it to the loop's thread pool, which all else waits on, and without
a deadline. A thread for each name that may be left behind can hang without holding up anybody, not even the exit.
"""

import asyncio
import contextlib
import ipaddress
import random
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

import asyncssh

from runner.errors import ConnectError
from runner.transports import ssh_errors
from runner.transports.few_files import when_there_are
from runner.transports.ssh_connection import Connection, Login, Wire
from runner.transports.ssh_errors import CrowdedError, Progress
from runner.transports.ssh_options import TCP_TIMEOUT

DNS_TIMEOUT = 10.0
"""Seconds that a name may take to resolve."""

FIRST_PAUSE = 0.2
"""Seconds, at most, before a crowded server is asked again; doubled each time, a random part of it is waited."""

LONGEST_PAUSE = 4.0
USER_TIMEOUT = 60_000
"""Milliseconds the system waits for the other side to confirm what was sent (TCP_USER_TIMEOUT)."""

Address = tuple[int, str]
"""Family and numeric address."""

MakeOptions = Callable[[Login], asyncssh.SSHClientConnectionOptions]


@dataclass(frozen=True, slots=True)
class Call:
    """One host to be dialled. ``where`` names it in messages; ``limit`` is for the whole login, in seconds.

    ``place`` is where the inventory says so. ``login`` makes the answers to the library's questions, ``options`` the
    options for one try. ``via`` is the name of ``gateway``.
    """

    host: str
    port: int
    where: str
    place: str
    user: str
    limit: float
    login: Callable[[Progress], Login]
    options: MakeOptions
    gateway: Connection | None = None
    via: str = ""


async def dial(call: Call) -> Connection:
    """Log in within the call's limit. A server that is crowded is asked again, after a pause, while there is time."""
    end = asyncio.get_running_loop().time() + call.limit
    pause = FIRST_PAUSE
    crowded: CrowdedError | None = None
    while True:
        try:
            return await once(call, end - asyncio.get_running_loop().time())
        except CrowdedError as error:
            crowded = error
            wait = random.uniform(pause / 2, pause)  # noqa: S311 - spreads load, guards nothing
            if asyncio.get_running_loop().time() + wait >= end:
                raise
            await asyncio.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE)
        except ConnectError as error:
            if crowded is not None and error.cause == "timeout":
                # The last of several tries was cut short: what the others met is the better reason.
                raise crowded from None
            raise


async def once(call: Call, limit: float) -> Connection:
    """One login within a limit in seconds. Raises ConnectError."""
    progress = Progress(call.where, call.user)
    login = call.login(progress)
    wire: list[Wire] = []
    try:
        async with asyncio.timeout(limit):
            await log_in(call, login, wire, progress)
    except BaseException as error:
        login.forget()
        abort(wire)
        if isinstance(error, TimeoutError):
            raise ssh_errors.timed_out(progress, call.limit) from None
        if isinstance(error, Exception):
            raise ssh_errors.translate(error, progress) from None
        raise
    return Connection(wire[0], login, call.where, call.limit, gateway=call.gateway, via=call.via)


def abort(wire: list[Wire]) -> None:
    """End a connection whose login failed."""
    for one in wire:
        one.progress = None
        one.abort()


async def log_in(call: Call, login: Login, wire: list[Wire], progress: Progress) -> None:
    """Open the way, shake hands, authenticate. ``wire`` gets the connection as soon as there is one."""
    loop = asyncio.get_running_loop()
    sock = None if call.gateway else await tcp(call, progress)
    options = call.options(login)
    options.host = options.orig_host = call.host
    options.port = call.port

    def made() -> Wire:
        wire.append(Wire(loop, options, wait="auth"))
        return wire[0]

    if call.gateway:
        await call.gateway.wire.create_connection(made, call.host, call.port)  # type: ignore[arg-type]
    else:
        await connected(made, sock)
    await cast("asyncio.Future[None]", options.waiter)
    wire[0].progress = None


async def connected(made: Callable[[], Wire], sock: socket.socket | None) -> None:
    """Hand an open socket to a new connection; it is closed when that fails."""
    try:
        await asyncio.get_running_loop().create_connection(made, sock=sock)
    except BaseException:
        if sock:
            sock.close()
        raise


async def tcp(call: Call, progress: Progress) -> socket.socket:
    """An open socket to the first address of a host that answers. Raises ConnectError, naming all that were tried."""
    tries: list[tuple[str, ConnectError | OSError]] = []
    for family, address in await resolve(call, min(DNS_TIMEOUT, call.limit / 2)):
        where = call.where if address == call.host else f"{call.where} ({address})"
        progress.where = where
        try:
            return await when_there_are(partial(to_address, family, address, call.port, min(TCP_TIMEOUT, call.limit)))
        except TimeoutError:
            tries.append((where, ssh_errors.silent(where, min(TCP_TIMEOUT, call.limit))))
        except OSError as error:
            tries.append((where, error))
    raise ssh_errors.unreachable(tries)


async def to_address(family: int, address: str, port: int, limit: float) -> socket.socket:
    """An open socket to one numeric address. Raises OSError or TimeoutError."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        set_options(sock)
        async with asyncio.timeout(limit):
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def set_options(sock: socket.socket) -> None:
    """No waiting to fill packets; and give up on a dead connection sooner than the system would."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT)


async def resolve(call: Call, limit: float) -> list[Address]:
    """The numeric addresses of a host, in the order to try, each once. Raises ConnectError (dns)."""
    literal = as_literal(call.host)
    if literal:
        return [literal]
    try:
        async with asyncio.timeout(limit):
            return await in_thread(lambda: addresses(call.host, call.port))
    except TimeoutError:
        raise ssh_errors.unresolved(call.host, call.place, None, limit) from None
    except (OSError, UnicodeError) as error:
        reason = error if isinstance(error, OSError) else OSError(socket.EAI_NONAME, "not a host name")
        raise ssh_errors.unresolved(call.host, call.place, reason, limit) from None


def addresses(host: str, port: int) -> list[Address]:
    """What the system's resolver says; blocks. Raises OSError or UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((int(entry[0]), str(entry[4][0])) for entry in found))


def as_literal(host: str) -> Address | None:
    """A host that is an address already."""
    try:
        version = ipaddress.ip_address(host.partition("%")[0]).version
    except ValueError:
        return None
    return (socket.AF_INET if version == 4 else socket.AF_INET6), host


async def in_thread(work: Callable[[], list[Address]]) -> list[Address]:
    """Run blocking work in a thread that may be left behind when nobody waits for it any more."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[Address]] = loop.create_future()

    def deliver(result: list[Address] | Exception) -> None:
        if future.done():
            return
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)

    def body() -> None:
        try:
            result: list[Address] | Exception = work()
        except Exception as error:  # noqa: BLE001 - handed on to whoever waits
            result = error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(deliver, result)

    threading.Thread(target=body, name="resolve", daemon=True).start()
    return await future
