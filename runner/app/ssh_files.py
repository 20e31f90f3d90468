"""Keys and known_hosts files that an inventory names, looked at before anything is contacted.

A login says late, and host by host, that a key can't be used. What can be told from the files alone is told at once.
"""

import base64
import binascii
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from runner.errors import InputError
from runner.home import at_home
from runner.known_hosts import KnownHosts
from runner.location import Location, Problem
from runner.model.plan import Plan
from runner.model.template import Value

MOST_KEY = 1 << 20
"""Bytes of a private key, more than any has."""

MOST_KNOWN = 16 << 20
"""Bytes of a known_hosts file up to which its lines are looked at here; each login looks at what it needs."""

PUBLIC = ("ssh-", "ecdsa-", "sk-", "---- BEGIN SSH2 PUBLIC KEY")
OPENSSH = b"openssh-key-v1\0\0\0\0\x04none"
"""How a key in OpenSSH's own form begins that needs no passphrase."""


def check_ssh_files(plan: Plan, *, may_ask: bool, environ: Mapping[str, str]) -> None:
    """Refuse keys that no login could use, and known_hosts files in which lines mean nothing.

    A locked key is fine where somebody ``may_ask`` for its passphrase or an agent may hold it. Raises InputError.
    """
    keys: dict[str, Location] = {}
    known: dict[str, Location] = {}
    agents = {str(environ.get("SSH_AUTH_SOCK", ""))}
    for host in plan.hosts.values():
        if host.connection == "ssh":
            keys.update(dict.fromkeys(_texts(host.options.get("identity")), host.location))
            known.update(dict.fromkeys(_texts(host.options.get("known_hosts")), host.location))
            agents.update(_texts(host.options.get("identity_agent")))
    is_fine = may_ask or bool(agents - {"", "none"})
    problems = [
        Problem("E506", f'the key "{name}" {why[0]}', place, why[1])
        for name, place in keys.items()
        if (why := why_not_key(at_home(name), may_be_locked=is_fine))
    ]
    problems += [problem for name in known for problem in _bad_lines(at_home(name))]
    if problems:
        raise InputError(problems)


def _texts(value: Value) -> list[str]:
    """Paths as they are written; those in templates only the login knows."""
    return [part for part in (value if isinstance(value, list | tuple) else [value]) if isinstance(part, str)]


def why_not_key(path: Path, *, may_be_locked: bool) -> tuple[str, str] | None:
    """Why a file is no private key that can be used, and what to do; None where nothing speaks against it."""
    try:
        found, data = _read(path, MOST_KEY)
    except OSError as error:
        return f"can't be read: {error.strerror}", "name the private key, by its path from the inventory file on"
    if not stat.S_ISREG(found.st_mode):
        return "is no regular file", "name the private key itself"
    if found.st_mode & 0o077 and found.st_uid == os.getuid():
        return f"can be read by others (mode {stat.S_IMODE(found.st_mode):04o})", f"chmod 600 {path}"
    return _why_not_text(data.decode("ascii", "replace").lstrip(), path, may_be_locked=may_be_locked)


def _why_not_text(text: str, path: Path, *, may_be_locked: bool) -> tuple[str, str] | None:
    if text.startswith(PUBLIC):
        return "is a public key", "name the private one, which has no .pub at its end"
    if text.startswith("PuTTY-User-Key-File"):
        return "is in the form of PuTTY", "puttygen KEY -O private-openssh -o NEW makes one that can be used"
    if not text.startswith("-----BEGIN ") or "PRIVATE KEY-----" not in text.partition("\n")[0]:
        return "is no private key" if text else "is empty", "ssh-keygen makes one"
    if "\r" in text:
        return "has lines that end with CR and LF", f"sed -i 's/\\r$//' {path}"
    if not may_be_locked and _is_locked(text):
        return "needs a passphrase, and nobody is there to ask", "start an agent and ssh-add it, or take one without"
    return None


def _is_locked(text: str) -> bool:
    if "OPENSSH" not in text.partition("\n")[0]:
        return "ENCRYPTED" in text
    try:
        body = base64.b64decode("".join(text.splitlines()[1:-1]))
    except (binascii.Error, ValueError):
        return False  # the login says what is wrong with it
    return not body.startswith(OPENSSH)


def _bad_lines(path: Path) -> Iterator[Problem]:
    """What is wrong in a known_hosts file; one that is not there is empty."""
    try:
        found, data = _read(path, MOST_KNOWN)
    except FileNotFoundError:
        return
    except OSError as error:
        yield Problem("E617", f"can't read the known_hosts file: {error.strerror}", Location(str(path), 1))
        return
    if not stat.S_ISREG(found.st_mode):
        yield Problem("E617", "this is no regular file, and so no known_hosts file", Location(str(path), 1))
    elif found.st_mode & stat.S_IWOTH:
        words = f"everybody may write this known_hosts file (mode {stat.S_IMODE(found.st_mode):04o})"
        yield Problem("E617", words, Location(str(path), 1), f"chmod o-w {path}")
    index = KnownHosts()
    index.read(data.decode("utf-8", "surrogateescape"), str(path))
    for bad in index.bad[:SHOWN]:
        yield Problem("E617", f"this line of known_hosts says nothing: {bad.why}", Location(bad.file, bad.line), REMOVE)


SHOWN = 50
"""Bad lines of one file that are told."""

REMOVE = "remove the line: the host it was meant for would pass as one that nobody knows"


def _read(path: Path, most: int) -> tuple[os.stat_result, bytes]:
    """What a file is, and up to so many of its bytes where it is a regular one. Waits for nothing."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        found = os.fstat(handle)
        return found, os.read(handle, most) if stat.S_ISREG(found.st_mode) else b""
    finally:
        os.close(handle)
