"""The one table that turns what goes wrong while connecting into a ConnectError with its cause.

Only what time can mend is temporary. A refused login or an unknown key never is: trying again helps nobody, and newer
servers lock out an address for it.
"""

import errno
import os
import re
import socket
from dataclasses import dataclass, field

import asyncssh

from runner.errors import ConnectError

CROWDED = "server refused the connection (too many unauthenticated sessions?)"
BANNED = re.compile(rb"not allowed at this time", re.IGNORECASE)
"""What OpenSSH 9.8 and later say to an address that they have locked out for failed logins."""

LONGEST = 300
"""Characters of a host's words in a message."""

LISTS = re.compile(r"No matching (.+) algorithm found, sent (\S+) and received (.*)")
"""What the library says of two lists with nothing in common."""

FOREVER = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
"""Answers of name resolution that will be the same next time."""

PHASES = {
    "tcp": "connecting",
    "banner": "greeting",
    "kex": "key exchange",
    "auth": "authentication",
    "channel": "session",
}


@dataclass(slots=True)
class Progress:
    """How far one login has come, filled in on the way, for the words of its failure.

    ``phase`` is a key of PHASES; ``greeting`` what the server said before its version, ``banner`` what it said during
    authentication; ``allowed`` the methods it would take; ``tried`` what we tried, ``keys`` how many of them keys.
    """

    where: str
    user: str
    phase: str = "tcp"
    greeting: bytes = b""
    banner: str = ""
    allowed: tuple[str, ...] = ()
    tried: list[str] = field(default_factory=list)
    refusal: ConnectError | None = None


class CrowdedError(ConnectError):
    """The server hung up before it said who it is: it may have too many logins under way. Worth another try soon."""

    def __init__(self, where: str) -> None:
        super().__init__("closed_midway", f"{where}: {CROWDED}", temporary=True)


def translate(error: BaseException, progress: Progress) -> ConnectError:
    """Any exception of a connect as a ConnectError. ``progress`` says how far it came."""
    if isinstance(error, ConnectError):
        return error
    if progress.refusal:
        return progress.refusal
    for kind, make in TABLE:
        if isinstance(error, kind):
            return make(error, progress)
    # A fault of the library's on bytes it did not expect: it is the host that sent them.
    words = f"{progress.where}: the host does not speak SSH as it should ({said(error)})"
    return ConnectError("protocol", words)


def said(error: BaseException) -> str:
    """The words of a foreign exception, on one line and not longer than a person reads."""
    text = " ".join(str(getattr(error, "reason", "") or error).split())
    return text[:LONGEST] or type(error).__name__


def timed_out(progress: Progress, limit: float) -> ConnectError:
    """The login took longer than its limit in seconds."""
    reached = PHASES[progress.phase]
    words = f"{progress.where}: no login within {limit:g} s (reached: {reached})"
    return ConnectError("timeout", words, temporary=True)


def silent(where: str, limit: float) -> ConnectError:
    """Nobody answered at an address within its limit in seconds."""
    return ConnectError("timeout", f"{where}: no answer within {limit:g} s", temporary=True)


def unresolved(name: str, place: str, error: OSError | None, limit: float) -> ConnectError:
    """A name gave no address; ``place`` is where it stands in the inventory.

    ``error`` says why, or is None when there was no answer within the limit in seconds.
    """
    why = f"no answer within {limit:g} s" if error is None else str(error.strerror or error)
    lasting = error is not None and error.errno in FOREVER
    hint = f"check the address at {place}" if lasting else ""
    return ConnectError("dns", f'cannot resolve "{name}": {why}', hint=hint, temporary=not lasting)


def unreachable(tries: list[tuple[str, ConnectError | OSError]]) -> ConnectError:
    """No address of a host let us in: all that were tried, with what each said."""
    errors = [error if isinstance(error, ConnectError) else from_os(error, where) for where, error in tries]
    refused = [error for error in errors if error.cause == "refused"]
    words = "; ".join(error.message for error in errors)
    return ConnectError((refused or errors)[0].cause, words, temporary=any(error.temporary for error in errors))


def from_os(error: OSError, where: str) -> ConnectError:
    """What the operating system says of an address."""
    cause = "timeout" if error.errno == errno.ETIMEDOUT else "refused"
    words = os.strerror(error.errno).lower() if error.errno else said(error)
    return ConnectError(cause, f"{where}: {words}", temporary=True)


def denied(error: BaseException, progress: Progress) -> ConnectError:
    """The server knows no way in for us; before a login has begun it may say so as well as any other reason."""
    if progress.phase != "auth":
        return strange(error, progress)
    tried = ", ".join(dict.fromkeys(progress.tried)) or "nothing"
    allowed = ", ".join(progress.allowed) or "unknown"
    words = f'{progress.where}: login as "{progress.user}" refused (tried: {tried}; the host allows: {allowed})'
    words += f'; it says: "{" ".join(progress.banner.split())[:200]}"' if progress.banner.strip() else ""
    hint = "no key is offered: name one with identity, or start an agent" if tried == "nothing" else ""
    return ConnectError("auth", words, hint=hint)


def lost(error: BaseException, progress: Progress) -> ConnectError:
    """The server, or something on the way, hung up."""
    if progress.phase == "banner":
        if BANNED.search(progress.greeting):
            words = f"{progress.where}: the server refuses this address for a while, after failed logins"
            return ConnectError("closed_midway", words, hint="wait some minutes; PerSourcePenalties in its sshd_config")
        return CrowdedError(progress.where)
    words = f"{progress.where}: closed during {PHASES[progress.phase]}: {said(error)}"
    return ConnectError("closed_midway", words, temporary=True)


def no_algorithm(error: BaseException, progress: Progress) -> ConnectError:
    """Key exchange failed: mostly because both sides have nothing in common; then both lists are named."""
    text = said(error)
    if lists := LISTS.fullmatch(" ".join(str(getattr(error, "reason", "")).split())):
        kind, ours, theirs = lists.groups()
        text = f"no common algorithm for {kind}: sent {ours} and received {theirs[:LONGEST]}"
    words = f"{progress.where}: {text}"
    hint = "older algorithms can be allowed for a host with ssh: {algorithms: {kex|ciphers|macs|host_keys: [+NAME]}}"
    return ConnectError("kex", words, hint=hint)


def unverified(error: BaseException, progress: Progress) -> ConnectError:
    """The host's key or certificate was refused, for a reason that the library words well."""
    return ConnectError("host_key", f"{progress.where}: {said(error)[:1].lower()}{said(error)[1:]}")


def strange(error: BaseException, progress: Progress) -> ConnectError:
    """The other side does not speak SSH as it should."""
    return ConnectError("protocol", f"{progress.where}: {said(error)}")


def no_channel(error: BaseException, progress: Progress) -> ConnectError:
    """A gateway could not open the way to a host behind it."""
    text = said(error)
    cause, temporary = "refused", True
    if re.search(r"resolve|not known|Name or service", text, re.IGNORECASE):
        cause, temporary = "dns", False
    elif re.search(r"timed out|timeout", text, re.IGNORECASE):
        cause = "timeout"
    elif getattr(error, "code", None) == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        temporary, text = False, f"forwarding is prohibited there: {text}"
    return ConnectError(cause, f"{progress.where}: {text}", temporary=temporary)


def reset(error: BaseException, progress: Progress) -> ConnectError:
    """The network gave up on an open connection."""
    if progress.phase != "tcp":
        return lost(error, progress)
    return from_os(error, progress.where) if isinstance(error, OSError) else strange(error, progress)


TABLE = (
    (asyncssh.PermissionDenied, denied),
    (asyncssh.HostKeyNotVerifiable, unverified),
    (asyncssh.KeyExchangeFailed, no_algorithm),
    (asyncssh.ConnectionLost, lost),
    (asyncssh.ChannelOpenError, no_channel),
    (asyncssh.DisconnectError, strange),
    (OSError, reset),
)
"""First match wins; all else is a matter of protocol."""
