"""Hosts over SSH: one connection a host, one persistent ``/bin/sh`` on it, gateways shared.

Order of a connect, so that waiting for one thing never spends the time of another: gateway, keys (a person may be asked
for a passphrase), known hosts, a place among the connecting ones, and only then the clock of the login.
"""

import asyncio
import contextlib
import logging
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import asyncssh

from runner.errors import ConnectError
from runner.model.inventory import Become, Host
from runner.model.secret_text import revealed
from runner.shell import HostRecords, RunRecords, ShellSession
from runner.transport import Agreed, Session, Transport, TransportContext, TransportKind
from runner.transports import ssh_options
from runner.transports.options import SSH_SCHEMA
from runner.transports.ssh_config import hop, with_user_config
from runner.transports.ssh_connection import Connection, Login, filled_in
from runner.transports.ssh_dial import Call, dial
from runner.transports.ssh_errors import Progress
from runner.transports.ssh_keys import KeyRing, Pairs, for_one_login
from runner.transports.ssh_once import Once
from runner.transports.ssh_options import Settings, address_of
from runner.transports.ssh_trust import Trust, Verdict

LEAST_VERSION = (2, 24, 1)
"""Older versions of the library let a server choose file names, and offer more weak algorithms."""

FIRST_RETRY = 1.0
"""Seconds before the second of ``connect_attempts``; doubled for each further one."""

LONGEST_RETRY = 30.0


@dataclass(frozen=True, slots=True)
class Route:
    """How to reach a host: its settings, the chain of gateways before it, and what messages call it."""

    host: Host
    settings: Settings
    hops: tuple[Host, ...] = ()

    @property
    def where(self) -> str:
        """Address, port, and the gateway it is reached through."""
        place = f"{address_of(self.host)} port {self.settings.port}"
        return f'{place} (through "{self.hops[-1].name}")' if self.hops else place


class SshTransport:
    """All that the connections of a run share."""

    def __init__(self, context: TransportContext) -> None:
        self._context = context
        self._keys = KeyRing(context.home, context.ask)
        self._trust = Trust(context.home, context.warn)
        self._prepared: dict[Settings, asyncssh.SSHClientConnectionOptions] = {}
        self._gateways: Once[tuple[str, ...], Connection] = Once()
        self._open: WeakSet[Connection] = WeakSet()
        self._records = RunRecords(context)
        self._farewells: set[asyncio.Task[None]] = set()

    async def prepare(self, hosts: Iterable[Host]) -> None:
        """Load the keys that these hosts are reached with, asking for passphrases: each set of them once."""
        seen: set[tuple[str, bool]] = set()
        for host in hosts:
            kind = (repr(host.options.get("identity")), bool(host.options.get("config")))
            if kind not in seen:
                seen.add(kind)
                with contextlib.suppress(ConnectError):  # whoever connects with it is told
                    settings = self._route(await self._configured(host), ()).settings
                    await self._keys.offer(settings.identity, settings.agent)

    async def connect(self, host: Host) -> Session:
        """Open a session. Raises ConnectError."""
        connection = await self.open(host)
        return SshSession(connection, self._context, self._records.of(host.name), self._in_background)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)

    async def open(self, host: Host) -> Connection:
        """Open a connection, as often as ``connect_attempts`` allows where another try can help."""
        host = await self._configured(host)
        return await self._persist(self._route(host, await self._hops(host, ())))

    async def _persist(self, route: Route) -> Connection:
        pause = FIRST_RETRY
        for _ in range(route.settings.connect_attempts - 1):
            try:
                return await self._attempt(route)
            except ConnectError as error:
                if not error.temporary:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_RETRY)
        return await self._attempt(route)

    async def _configured(self, host: Host) -> Host:
        """The host with what the user's ssh_config says of it, where it wants that."""
        if not host.options.get("config"):
            return host
        return await asyncio.to_thread(with_user_config, host, self._context.home)

    async def _hops(self, host: Host, seen: tuple[str, ...]) -> tuple[Host, ...]:
        """The gateways to a host, first to last. Raises ConnectError for one that is not there, and for a circle.

        A list is the whole chain. A single gateway may have gateways of its own.
        """
        named = [name for name in ssh_options.texts(host.options.get("jump")) if name != "none"]
        seen = (*seen, host.name)
        hops = tuple([await self._configured(gateway(name, host, self._context, seen)) for name in named])
        return (*await self._hops(hops[0], seen), *hops) if hops else ()

    def _route(self, host: Host, hops: tuple[Host, ...]) -> Route:
        agent = self._context.environ.get("SSH_AUTH_SOCK", "")
        return Route(host, ssh_options.settings_of(host.options, self._context.connect_timeout, agent), hops)

    async def _attempt(self, route: Route) -> Connection:
        gateway = await self._gateway(route.hops) if route.hops else None
        settings = route.settings
        pairs = await self._keys.offer(settings.identity, settings.agent)
        password = await self._password(settings.password)
        verdict = await self._verdict(route)
        call = self._call(route, pairs, verdict, password, gateway)
        async with self._context.limit(call.host):
            connection = await dial(call)
        self._open.add(connection)
        return connection

    async def _password(self, name: str) -> str | None:
        return await asyncio.to_thread(self._context.secret, name) if name else None

    async def _verdict(self, route: Route) -> Verdict:
        """What is known of the host's key before it is asked."""
        settings = route.settings
        store = await self._trust.store(settings.known_hosts)
        name = settings.alias or address_of(route.host)
        keys = await self._trust.lookup(store, name, settings.port)
        return Verdict(store, keys, name, settings.port, settings.policy)

    def _call(
        self, route: Route, pairs: Pairs, verdict: Verdict, password: str | None, gateway: Connection | None
    ) -> Call:
        prepared = self._options(route.settings)
        algorithms = ssh_options.host_key_algorithms(
            route.settings, tuple(verdict.types), authorities=bool(verdict.keys.cas)
        )

        def login(progress: Progress) -> Login:
            return Login(progress, verdict, password, len(pairs))

        def options(login: Login) -> asyncssh.SSHClientConnectionOptions:
            found = verdict.keys
            trusted = tuple(self._trust.loaded(entries) for entries in (found.trusted, found.cas, found.revoked))
            made = filled_in(prepared, login, for_one_login(pairs), trusted, algorithms)
            made.host_key_alias = verdict.host
            return made

        settings, place = route.settings, str(route.host.location)
        return Call(
            address_of(route.host),
            settings.port,
            route.where,
            place,
            settings.user,
            settings.connect_timeout,
            login,
            options,
            gateway,
            route.hops[-1].name if route.hops else "",
        )

    def _options(self, settings: Settings) -> asyncssh.SSHClientConnectionOptions:
        if settings not in self._prepared:
            self._prepared[settings] = ssh_options.prepare(settings)
        return self._prepared[settings]

    async def _gateway(self, hops: tuple[Host, ...]) -> Connection:
        """The connection to the last of some gateways, opened once and shared. Raises ConnectError naming the hop."""
        names = tuple(hop.name for hop in hops)
        route = self._route(hops[-1], hops[:-1])
        try:
            connection = await self._gateways.get(names, lambda: self._persist(route))
            if connection.closed:
                self._gateways.forget(names)
                connection = await self._gateways.get(names, lambda: self._persist(route))
        except ConnectError as error:
            if error.message.startswith('jump host "'):
                raise
            words = f'jump host "{hops[-1].name}": {error.message}'
            raise ConnectError(error.cause, words, hint=error.hint, temporary=error.temporary) from None
        return connection

    async def close(self) -> None:
        """Close what is open yet, then what is shared: gateways, the far ones first, and the agent's connection."""
        await asyncio.gather(*self._farewells)
        self._records.tell_leftovers()
        self._gateways.cancel()
        gateways = self._gateways.values()
        await asyncio.gather(*(one.close() for one in self._open if one not in gateways))
        for connection in reversed(gateways):
            await connection.close()
        await self._keys.close()


class SshSession(ShellSession):
    """Shells over one connection, which is closed with them.

    That takes a round trip, and a moment of the host's, and nobody has to wait for it: ``in_background`` takes the work
    and has it done before the transport is.
    """

    def __init__(
        self,
        connection: Connection,
        context: TransportContext,
        records: HostRecords,
        in_background: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        def password(become: Become) -> str | None:
            return context.secret(revealed(become.password)) if become.password else None

        super().__init__(
            connection.open,
            grace=context.grace,
            password=password,
            records=records,
            close_connection=connection.close,
        )
        self._connection = connection
        self._in_background = in_background

    @property
    def closed(self) -> bool:
        """Whether the connection, or one of its shells, is gone."""
        return self._connection.closed or super().closed

    @property
    def agreed(self) -> Agreed:
        """What the login has come to."""
        return self._connection.wire.agreed

    async def close(self) -> None:
        """Take no more commands, and close all in the background; never raises."""
        if not self._closed:
            self._closed = True
            self._in_background(super().close())


def gateway(name: str, host: Host, context: TransportContext, seen: tuple[str, ...]) -> Host:
    """A gateway by name; ``seen`` are the hosts it is on the way to. Raises ConnectError."""
    if name in seen:
        circle = " -> ".join((*seen, name))
        raise ConnectError("protocol", f"jump hosts go round in a circle: {circle}", hint='write "jump: none" there')
    found = context.find(name) or hop(name, host)
    if found is None:
        raise ConnectError("dns", f'the jump host "{name}" of "{host.name}" is not in the inventory')
    return found


def check_version(text: str = asyncssh.__version__) -> None:
    """Raise ConnectError for a library too old to be trusted with what a server says."""
    version = tuple(int(part) for part in text.split(".")[:3])
    if version < LEAST_VERSION:
        least = ".".join(map(str, LEAST_VERSION))
        raise ConnectError("protocol", f"asyncssh {text} is too old: {least} or later is needed")


@asynccontextmanager
async def start(context: TransportContext) -> AsyncIterator[Transport]:
    """The transport for the length of a run."""
    check_version()
    asyncssh.set_log_level(logging.WARNING)
    logging.getLogger("asyncssh").addHandler(logging.NullHandler())
    warnings.filterwarnings("ignore", module=r"asyncssh\.")  # of old algorithms, which a host's owner has allowed
    transport = SshTransport(context)
    try:
        yield transport
    finally:
        await transport.close()


TRANSPORT = TransportKind("ssh", SSH_SCHEMA, start)
