"""What a host's keys under ``ssh:`` come to, and the options object of the SSH library that is made from them.

**Why one object for many hosts.** The library prepares its options anew for each connect, in a thread: a fifth of what
a connect costs. Hosts with equal settings share one prepared object; a connect takes a shallow copy and puts in what is
its own. Everything the library would look up by itself (the user's ssh_config, known_hosts, keys, the agent) is given
explicitly, so nothing is read behind our back.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import asyncssh
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.public_key import get_certificate_algs, get_public_key_algs

from runner.durations import seconds
from runner.errors import ConnectError
from runner.home import made_up_account, user_name
from runner.model.inventory import Host

LOGIN_TIMEOUT = 30.0
"""Seconds a whole login may take where ``connect_timeout`` says nothing: TCP, key exchange, authentication."""

TCP_TIMEOUT = 15.0
"""Seconds one address may take to answer at all, where the login's own limit is not smaller."""

KEEPALIVE = 15.0
"""Seconds between two signs of life where ``keepalive`` says nothing."""

KEEPALIVE_COUNT = 3
"""Signs of life that may stay unanswered."""

WINDOW = 512 * 1024
"""Bytes a channel may have under way towards us: enough for 80 Mbit/s at 50 ms; it bounds memory for each channel."""

METHODS = ("publickey", "password", "keyboard-interactive", "hostbased", "gssapi-with-mic")
"""All methods by name, so that the library tells us which of them a server allows; which we use is said apart."""

ALLOWED: Mapping[str, tuple[str, ...]] = {
    "kex": (
        "mlkem768x25519-sha256",
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
        "ecdh-sha2-nistp256",
        "ecdh-sha2-nistp384",
        "ecdh-sha2-nistp521",
        "diffie-hellman-group16-sha512",
        "diffie-hellman-group18-sha512",
        "diffie-hellman-group-exchange-sha256",
    ),
    "ciphers": (
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
        "aes128-ctr",
        "aes192-ctr",
        "aes256-ctr",
        "chacha20-poly1305@openssh.com",
    ),
    "macs": (
        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512-etm@openssh.com",
        "umac-128-etm@openssh.com",
    ),
    "host_keys": (
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
        "rsa-sha2-512",
        "rsa-sha2-256",
    ),
}
"""Algorithms that are offered, best first: no SHA-1, no group14, no ssh-rsa, no DSS. AES-GCM first: fastest in bulk.

ChaCha20-Poly1305 is last, for it is taken with strict key exchange only (``ssh_connection``): a server that is too old
for that has AES as well."""

Algorithms = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to reach a host: the part that many hosts share, so it is hashable and without names.

    Times in seconds. ``identity`` and ``known_hosts`` are paths as written; empty means the usual ones. ``algorithms``
    holds only the lists that the host names itself. ``agent`` is the agent's socket or empty.
    """

    user: str
    port: int = 22
    identity: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    policy: str = "strict"
    password: str = ""
    connect_timeout: float = LOGIN_TIMEOUT
    connect_attempts: int = 1
    keepalive: float = KEEPALIVE
    keepalive_count: int = KEEPALIVE_COUNT
    algorithms: Algorithms = ()
    agent: str = ""
    alias: str = ""


def settings_of(options: Mapping[str, Any], connect_timeout: float | None, agent: str) -> Settings:
    """Settings from a host's rendered options; ``connect_timeout`` in seconds is the command line's, or None."""
    interval, count = keepalive_of(options.get("keepalive"))
    return Settings(
        user=str(options.get("user") or login_name()),
        port=int(options.get("port", 22)),
        identity=texts(options.get("identity")),
        known_hosts=texts(options.get("known_hosts")),
        policy=str(options.get("host_key_policy", "strict")),
        password=str(options.get("password") or ""),
        connect_timeout=connect_timeout or seconds(options.get("connect_timeout") or LOGIN_TIMEOUT),
        connect_attempts=int(options.get("connect_attempts", 1)),
        keepalive=interval,
        keepalive_count=count,
        algorithms=tuple((kind, tuple(names)) for kind, names in (options.get("algorithms") or {}).items()),
        agent=agent_of(options.get("identity_agent"), agent),
        alias=str(options.get("host_key_alias") or ""),
    )


def login_name() -> str:
    """Whom to log in as where nobody says: who runs this. Raises ConnectError for a number without a name."""
    name = user_name()
    if not name:
        words = f"whom to log in as is not said, and user number {os.getuid()} has no name here"
        raise ConnectError("auth", words, hint="name the user in the inventory, with ssh: {user: NAME}")
    return name


def agent_of(named: Any, usual: str) -> str:
    """The agent's socket: the one that ssh_config names (``none``: no agent), else the usual one."""
    if named is None or named == "SSH_AUTH_SOCK":
        return usual
    return "" if str(named).lower() == "none" else str(named)


def keepalive_of(value: Any) -> tuple[float, int]:
    """Interval in seconds (0 is none) and count."""
    if isinstance(value, Mapping):
        return seconds(value["interval"]), int(value.get("count", KEEPALIVE_COUNT))
    return (KEEPALIVE if value is None else seconds(value)), KEEPALIVE_COUNT


def texts(value: Any) -> tuple[str, ...]:
    """One text or a list of them as a tuple; None is none."""
    if value is None or value == "":
        return ()
    return (str(value),) if isinstance(value, str | Path) else tuple(str(part) for part in value)


def chosen(settings: Settings, kind: str) -> list[str]:
    """The algorithms of a kind to offer, best first.

    What the host names itself replaces the list; names with ``+`` before them are added to it. Raises ConnectError for
    a name that this machine's library does not know.
    """
    known = {name.decode() for name in possible(kind)}
    default = [name for name in ALLOWED[kind] if name in known]
    own = dict(settings.algorithms).get(kind, ())
    for name in own:
        if name.lstrip("+") not in known:
            words = f'algorithms: {kind}: "{name}" is not known here'
            raise ConnectError("kex", words, hint="known are " + ", ".join(sorted(known)))
    added = [name[1:] for name in own if name.startswith("+")]
    return [name for name in own if not name.startswith("+")] + ([*default, *added] if added else []) or default


def possible(kind: str) -> Sequence[bytes]:
    """All algorithms of a kind that the library has."""
    if kind == "host_keys":
        return [*get_public_key_algs(), *get_certificate_algs()]
    return {"kex": get_kex_algs, "ciphers": get_encryption_algs, "macs": get_mac_algs}[kind]()


@lru_cache(maxsize=64)
def host_key_algorithms(settings: Settings, types: tuple[str, ...], *, authorities: bool) -> list[str]:
    """The host key algorithms to ask for: first of the ``types`` that are known of the host, then the others.

    A host has a key of each type: asking for one we do not know would look like a changed key. Certificates are asked
    for only where an authority is known that could vouch for one.
    """
    names = chosen(settings, "host_keys")
    first = [name for name in names if signature_type(name) in types]
    rest = [name for name in names if name not in first]
    known = {name.decode() for name in get_certificate_algs()}
    certified = [f"{name}-cert-v01@openssh.com" for name in names] if authorities else []
    return [name for name in certified if name in known] + first + rest


def signature_type(algorithm: str) -> str:
    """The key type that an algorithm signs with."""
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm


def prepare(settings: Settings) -> asyncssh.SSHClientConnectionOptions:
    """The options that hosts with these settings share. Keys, known hosts and names are put in for each connect."""
    with made_up_account():
        return _options(settings)


def _options(settings: Settings) -> asyncssh.SSHClientConnectionOptions:
    return asyncssh.SSHClientConnectionOptions(
        config=None,
        known_hosts=((), (), ()),
        x509_trusted_certs=None,
        x509_trusted_cert_paths=(),
        username=settings.user,
        client_keys=None,
        client_host_keys=None,
        client_host_keysign=False,
        agent_path=None,
        agent_forwarding=False,
        x11_forwarding=False,
        pkcs11_provider=None,
        preferred_auth=METHODS,
        public_key_auth=True,
        password_auth=bool(settings.password),
        kbdint_auth=bool(settings.password),
        host_based_auth=False,
        gss_host=None,
        gss_kex=False,
        gss_auth=False,
        gss_delegate_creds=False,
        kex_algs=chosen(settings, "kex"),
        encryption_algs=chosen(settings, "ciphers"),
        mac_algs=chosen(settings, "macs"),
        signature_algs=signatures(settings),
        server_host_key_algs=chosen(settings, "host_keys"),
        compression_algs=None,
        connect_timeout=None,
        login_timeout=0,
        keepalive_interval=settings.keepalive,
        keepalive_count_max=settings.keepalive_count,
        tcp_keepalive=True,
        proxy_command=None,
        tunnel=None,
        canonicalize_hostname=False,
        command=None,
        env=None,
        send_env=None,
        request_pty=False,
        encoding=None,
        utf8_decode_errors="replace",
        window=WINDOW,
    )


def signatures(settings: Settings) -> list[str]:
    """What we sign with and accept in certificates: the same list as for host keys, without certificate types."""
    known = {name.decode() for name in get_public_key_algs()}
    return [name for name in chosen(settings, "host_keys") if name in known]


def address_of(host: Host) -> str:
    """What a host is reached by: its address, else its name."""
    return str(host.address or host.name)
