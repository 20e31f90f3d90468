"""The user's ssh_config, for hosts that say ``config: true``: what it says of them, below the inventory.

Read are Host, Match, Include, and of the settings HostName, Port, User, IdentityFile, IdentityAgent, HostKeyAlias,
UserKnownHostsFile, GlobalKnownHostsFile, ProxyJump, ConnectTimeout, ServerAliveInterval and ServerAliveCountMax.
Nothing in it can turn the checking of host keys off, have anything forwarded or change the algorithms. No command in it
is run: a ProxyCommand and a ``Match exec`` are refused, for going without them could lead somewhere else.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
from asyncssh.config import SSHClientConfig, SSHConfig

from runner.errors import ConnectError
from runner.home import user_name
from runner.model.inventory import Host
from runner.transports.ssh_options import address_of, texts
from runner.transports.ssh_trust import USUAL, expanded

PLAIN = {
    "Port": "port",
    "User": "user",
    "ConnectTimeout": "connect_timeout",
    "HostKeyAlias": "host_key_alias",
    "IdentityAgent": "identity_agent",
}
"""Settings that mean the same as one of our options."""

JUMP = re.compile(r"(?:(?P<user>[^@]+)@)?(?P<host>\[[^\]]+\]|[^:]+)(?::(?P<port>\d+))?")


class Config(SSHClientConfig):
    """The library's reader, without running anything."""

    def _match_val(self, match: str) -> object:
        """The value that a condition is about."""
        if match == "exec":
            raise asyncssh.ConfigParseError("it has a Match exec, whose command runner does not run")
        return super()._match_val(match)


def with_user_config(host: Host, home: Path) -> Host:
    """The host with what ssh_config adds, where it asks for that. Blocks. Raises ConnectError for a bad file."""
    if not host.options.get("config"):
        return host
    found = settings(host, home)
    options = {**dict(from_config(found, home)), **host.options}
    address = str(found.get("Hostname", None) or address_of(host))
    return Host(host.name, host.index, address, host.location, options=options, become=host.become)


def settings(host: Host, home: Path) -> SSHConfig:
    """What the file says of this host, asked for by its address. Raises ConnectError."""
    file = home / ".ssh" / "config"
    own = host.options.get("user", ()), address_of(host), host.options.get("port", ())
    try:
        paths = [file] if file.is_file() else []
        found = Config.load(None, paths, False, False, False, user_name(), *own)
    except (OSError, ValueError, asyncssh.ConfigParseError) as error:
        raise ConnectError("protocol", f'cannot read "{file}": {error}') from None
    if str(found.get("ProxyCommand", "none")).lower() != "none":
        words = f'"{file}" names a ProxyCommand for "{address_of(host)}", which runner does not run'
        raise ConnectError("protocol", words, hint="name a jump host with jump, or a ProxyJump")
    return found


def from_config(found: SSHConfig, home: Path) -> Iterator[tuple[str, Any]]:
    """Options by our names."""
    for theirs, ours in PLAIN.items():
        value = found.get(theirs, "")
        if value != "":
            yield ours, "none" if value is None else value
    yield from several("identity", existing(found.get("IdentityFile", ()), home))
    yield from several("known_hosts", known_hosts(found))
    if found.get("ServerAliveInterval") is not None:
        count = found.get("ServerAliveCountMax", 3)
        yield "keepalive", {"interval": found.get("ServerAliveInterval"), "count": count}
    jump = str(found.get("ProxyJump", "none"))
    if jump.lower() != "none":
        yield "jump", [name.strip() for name in jump.split(",")]


def several(name: str, values: list[str]) -> Iterator[tuple[str, list[str]]]:
    """An option with a list, where there is anything in it."""
    if values:
        yield name, values


def existing(files: Any, home: Path) -> list[str]:
    """Identity files that are there: ssh passes over the others too."""
    return [file for file in texts(files) if expanded(file, home).is_file()]


def known_hosts(found: SSHConfig) -> list[str]:
    """The files it names. ``none`` is no file, and never no checking."""
    user = [name for name in texts(found.get("UserKnownHostsFile", ())) if name.lower() != "none"]
    system = list(texts(found.get("GlobalKnownHostsFile", ())))
    return [*(user or USUAL[:1]), *(system or USUAL[1:])] if user or system else []


def hop(name: str, host: Host) -> Host | None:
    """The gateway that ProxyJump writes as ``user@host:port``, itself looked up in ssh_config; None if it is none."""
    match = JUMP.fullmatch(name)
    if not host.options.get("config") or match is None:
        return None
    own = {key: value for key, value in (("user", match["user"]), ("port", match["port"])) if value}
    return Host(name, 0, match["host"].strip("[]"), host.location, options={"config": True, **own})
