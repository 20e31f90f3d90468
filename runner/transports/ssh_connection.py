"""One connection: what the library tells us during a login, and afterwards the channels on it and its end.

**Why the connection is built directly.** ``asyncssh.connect`` prepares its options again, in a thread, for each host. A
prepared object copied and filled in is a fifth cheaper, and we see the connection from its first byte on, so that a
failure can say how far the login came.
"""

import asyncio
import contextlib
import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import asyncssh
from asyncssh.packet import SSHPacket

from runner.errors import ConnectError, RunnerError
from runner.shell import Pipe, Receiver
from runner.transport import Agreed
from runner.transports.ssh_channels import Channels, lost_words
from runner.transports.ssh_errors import Progress
from runner.transports.ssh_options import ALLOWED
from runner.transports.ssh_trust import Verdict

MSG_IGNORE = 2
"""RFC 4253, section 11.2."""

CLOSE_WAIT = 1.0
"""Seconds that closing a connection in order may take."""

GREETING_KEPT = 512
"""Bytes of what a server says before its version that are kept for the error."""

LAST_WORDS = 0.02
"""Seconds between the end of a connection in mid-login and our saying so: a packet before it may hold the reason."""


GROUP = range(2048, 3072 + 1)
"""Bits of a group that a host may choose for the key exchange.

The library asks for 2048, and takes what it gets. Looking whether the group is any good takes it half a second for
2048, 3 for 3072, and a minute for 8192, in which nothing else happens.
"""

GROUP_PAUSE = 10.0
"""Seconds between two such key exchanges on one connection."""

GROUP_OF_ITS_OWN = "diffie-hellman-group-exchange"
CERTIFIED = "-cert-v01@openssh.com"
KINDS = {"key exchange": "kex", "encryption": "ciphers", "MAC": "macs", "host key": "host_keys"}
"""Our names for the kinds of algorithms, by the library's."""


class Wire(asyncssh.SSHClientConnection):
    """A connection that notes how far its login came, and that it was lost before those who use it hear so."""

    progress: Progress | None = None
    is_lost = False
    _chosen: dict[str, str] | None = None
    _next_group = 0.0

    @property
    def agreed(self) -> Agreed:
        """What both sides have agreed on."""
        used = self._chosen or {}
        older = tuple(name for kind, name in used.items() if name.removesuffix(CERTIFIED) not in ALLOWED[kind])
        return Agreed(self._strict_kex, older)

    def _choose_host_key(self) -> None:
        """Choose the algorithm that the host shall sign with, as it does too (RFC 4253, section 7.1).

        The library leaves that to the host, and waits for one that has nothing to sign with.
        """
        lists = SSHPacket(self._server_kexinit)
        lists.get_bytes(17)  # the type of the packet, and a cookie
        lists.get_namelist()
        self._choose_alg("host key", list(self._server_host_key_algs or ()), lists.get_namelist())

    def _choose_alg(self, alg_type: str, local_algs: Sequence[bytes], remote_algs: Sequence[bytes]) -> bytes:
        """Choose an algorithm as both sides do, and note it.

        ChaCha20-Poly1305 is taken only with strict key exchange: without it somebody on the way could cut packets out
        that nobody would miss (CVE-2023-48795).
        """
        found = super()._choose_alg(alg_type, local_algs, remote_algs)
        if found.startswith(b"chacha20") and not self._strict_kex:
            words = f"of our ciphers the host has {found.decode()} alone, which is safe with strict key exchange only"
            raise asyncssh.KeyExchangeFailed(words)
        if alg_type == "key exchange":
            self._choose_host_key()
            self._check_pace(found.decode())
        elif alg_type == "encryption" and self._chosen and self._chosen["kex"].startswith(GROUP_OF_ITS_OWN):
            self._limit_group()
        if alg_type in KINDS:
            self._chosen = {**(self._chosen or {}), KINDS[alg_type]: found.decode()}
        return found

    def _check_pace(self, kex: str) -> None:
        """New keys by way of a group of the host's choice cost us more than the host: not all the time."""
        now = self._loop.time()
        if kex.startswith(GROUP_OF_ITS_OWN) and now < self._next_group:
            raise asyncssh.KeyExchangeFailed("the host wants new keys too often")
        self._next_group = now + GROUP_PAUSE

    def _limit_group(self) -> None:
        """Have a group that the host chooses looked at before anything is computed with it."""
        kex: Any = self._kex  # which says what it does with a group in this one place
        kex._init_group = partial(fit, kex._init_group)  # noqa: SLF001

    def data_received(self, data: bytes, datatype: Any = None) -> None:
        """Bytes have come; those before the first answer in the protocol are kept for an error."""
        if self.progress is not None and self.progress.phase == "banner":
            self.progress.greeting = (self.progress.greeting + data)[:GREETING_KEPT]
            super().data_received(data, datatype)
            if self.progress and self.get_extra_info("server_version"):
                self.progress.phase = "kex"
        else:
            super().data_received(data, datatype)

    def send_packet(self, pkttype: int, *args: bytes, handler: Any = None) -> None:
        """Send one, without the empty one that the library puts before each: that guards ciphers in CBC mode alone.

        RFC 4251, section 9.3.1. It would double the packets of a step.
        """
        if pkttype != MSG_IGNORE or "cbc" in self.get_extra_info("send_cipher", ""):
            super().send_packet(pkttype, *args, handler=handler)

    def connection_lost(self, exc: Exception | None = None) -> None:
        """The other side hung up. During a login the library may still be working on why: let it say that first."""
        self.is_lost = True
        if self.progress is None:
            super().connection_lost(exc)
        else:
            self._loop.call_later(LAST_WORDS, super().connection_lost, exc)

    def try_next_auth(self, *, next_method: bool = False) -> None:
        """Go on to the next way of logging in; the first answer of the server says which it allows."""
        methods = self.get_server_auth_methods()
        if self.progress and not self.progress.allowed and methods and methods != ["none"]:
            self.progress.allowed = tuple(methods)
        super().try_next_auth(next_method=next_method)


def fit(init: Callable[[int, int], None], generator: int, prime: int) -> None:
    """Begin with a group of the host's choice, if it is neither too small to be safe nor too large to be bearable."""
    if prime.bit_length() not in GROUP:
        words = f"the host chose a group of {prime.bit_length()} bits; {GROUP[0]} to {GROUP[-1]} are taken"
        raise asyncssh.KeyExchangeFailed(words)
    init(generator, prime)


class Login(asyncssh.SSHClient):
    """Answers the library's questions during a login, and hears how the connection ends.

    ``password`` is used once. ``keys`` is how many keys are offered.
    """

    def __init__(self, progress: Progress, verdict: Verdict | None, password: str | None, keys: int) -> None:
        self.progress: Progress | None = progress
        self._verdict = verdict
        self._password = password
        self._keys = keys
        self._accepted: bytes | None = None
        self.ended: str | None = None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """TCP, or the way through the gateway, is open."""
        if self.progress and isinstance(conn, Wire):
            self.progress.phase = "banner"
            conn.progress = self.progress

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
        """A key that is not among the trusted ones: refuse it, and keep the reason.

        One that was taken at first contact is asked about again when the connection gets new keys.
        """
        if self._accepted is not None:
            return self._accepted == key.public_data
        if self._verdict is None or self.progress is None:
            return False
        try:
            self._verdict.accept(key)
            self._accepted = key.public_data
            return True
        except ConnectError as error:
            self.progress.refusal = error
            return False

    def begin_auth(self, username: str) -> None:  # noqa: ARG002
        """The host has proved who it is; now it is our turn."""
        if self.progress:
            self.progress.phase = "auth"
            self.progress.tried += [f"publickey ({self._keys} {'key' if self._keys == 1 else 'keys'})"] * bool(
                self._keys
            )

    def auth_banner_received(self, msg: str, lang: str) -> None:  # noqa: ARG002
        """The host says something before it lets us in or not."""
        if self.progress:
            self.progress.banner = (self.progress.banner + msg)[:GREETING_KEPT]

    def password_auth_requested(self) -> str | None:
        """The password, the first time."""
        password, self._password = self._password, None
        if password is not None and self.progress:
            self.progress.tried.append("password")
        return password

    def kbdint_auth_requested(self) -> str | None:
        """Answer questions too, while the password has not been used."""
        return None if self._password is None else ""

    def kbdint_challenge_received(self, name: str, instructions: str, lang: str, prompts: Any) -> list[str] | None:  # noqa: ARG002
        """Answer one unseen question with the password; a message without questions needs no answer."""
        if not prompts:
            return []
        if len(prompts) != 1 or prompts[0][1]:
            return None
        password = self.password_auth_requested()
        return None if password is None else [password]

    def auth_completed(self) -> None:
        """We are in: nothing of the login is needed any more."""
        self.forget()

    def forget(self) -> None:
        """Let go of what belongs to the login alone."""
        self._verdict = self._password = self.progress = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: ``ended`` says why, and is empty when we closed it."""
        self.ended = lost_words(exc) if exc else ""


class Connection:
    """An open connection. ``where`` names host and address for messages; ``patience`` in seconds, for a channel.

    ``gateway`` is the one it goes through, and ``via`` that one's name.
    """

    def __init__(
        self,
        wire: Wire,
        login: Login,
        where: str,
        patience: float,
        *,
        gateway: "Connection | None" = None,
        via: str = "",
    ) -> None:
        self.wire = wire
        self.where = where
        self._login = login
        self._gateway = gateway
        self._via = via
        self._channels = Channels(wire, where, patience, self._lost_at)

    @property
    def closed(self) -> bool:
        """Whether it is gone."""
        return self._login.ended is not None or self.wire.is_closed()

    @property
    def reason(self) -> str:
        """Why it is gone; empty while it is open, and when we closed it."""
        return self._login.ended or ""

    def _lost_at(self, error: Exception) -> str:
        """Why it was lost; a gateway that was lost with it is named."""
        words = lost_words(error)
        if self._gateway is None or not self._gateway.wire.is_lost:
            return words
        return f'jump host "{self._via}": {self._gateway._lost_at(error)}'  # noqa: SLF001 - of the same class

    async def open(self, command: str, receiver: Receiver) -> Pipe:
        """Open a pipe to a command line. Raises ConnectError."""
        if self.closed:
            words = f"{self.where}: the connection is closed" + (f": {self.reason}" if self.reason else "")
            raise ConnectError("closed_midway", words, temporary=True)
        return await self._channels.open(command, receiver)

    async def close(self) -> None:
        """Close in order, within a second; never raises."""
        self.wire.close()
        with contextlib.suppress(TimeoutError, OSError, asyncssh.Error, RunnerError):
            async with asyncio.timeout(CLOSE_WAIT):
                await self.wire.wait_closed()


def filled_in(
    prepared: asyncssh.SSHClientConnectionOptions, login: Login, keys: Any, trusted: Any, algorithms: list[str]
) -> asyncssh.SSHClientConnectionOptions:
    """A copy of prepared options with what is one login's own: user keys, the host's keys, and who to ask."""
    options = copy.copy(prepared)
    options.protocol_factory = lambda: login
    options.client_keys = keys
    options.known_hosts = trusted
    options.server_host_key_algs = algorithms
    options.waiter = asyncio.get_running_loop().create_future()
    return options
