"""What known_hosts files say about a host: read once, looked up per host. Pure: text in, entries out.

Format: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". A line is ``[@marker] names key-type base64 [comment]``; names are
plain, patterns with ``*`` and ``?``, negated with ``!``, or hashed (``|1|salt|hmac``). A port other than 22 stands as
``[name]:port``.

**Why an index of our own.** Handing a path to the SSH library makes it parse the file at every connect, and scan all
hashed lines for every host. Here a plain name is one look-up in a dict. A hashed line can only be tried, with a hash
of its own for each name: a name is tried once, and a line no more once it has been somebody's. A fleet of 10,000 with
as many hashed lines takes some 4 ms a host, with plain lines nothing.

Like OpenSSH with its defaults, a host is looked up under the name it is reached by and not also under the address that
name leads to: who controls DNS must not choose among the keys we trust.
"""

import base64
import binascii
import hashlib
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

SSH_PORT = 22
MARKERS = {"@cert-authority": "ca", "@revoked": "revoked"}
BLOCK = 64
"""Bytes in a block of SHA-1."""

INNER = bytes(byte ^ 0x36 for byte in range(256))
OUTER = bytes(byte ^ 0x5C for byte in range(256))
SPECIAL = re.compile(r"[*?!]")


@dataclass(frozen=True, slots=True)
class Entry:
    """A key on a line: ``key`` is ``type base64``; ``role`` is ``trusted``, ``ca`` or ``revoked``."""

    key: str
    role: str
    file: str
    line: int

    @property
    def type(self) -> str:
        """The key's type, such as ``ssh-ed25519``."""
        return self.key.partition(" ")[0]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that can't be understood, so that nothing is trusted because of it."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.why}"


@dataclass(frozen=True, slots=True)
class Keys:
    """What is known of one host. ``changed`` says whether an unknown key means that the host's key has changed.

    It is False where all trusted keys stand under the name without its port: they may be another server's.
    """

    trusted: tuple[Entry, ...] = ()
    cas: tuple[Entry, ...] = ()
    revoked: tuple[Entry, ...] = ()
    changed: bool = False

    @property
    def lines(self) -> tuple[Entry, ...]:
        """Everything that was found, in the order of use."""
        return self.trusted + self.cas + self.revoked


@dataclass(frozen=True, slots=True)
class Pattern:
    """A list of names of which at least one is a pattern or negated."""

    wanted: re.Pattern[str]
    unwanted: re.Pattern[str] | None
    entry: Entry

    def matches(self, name: str) -> bool:
        """Whether the list is about this name."""
        return bool(self.wanted.fullmatch(name)) and not (self.unwanted and self.unwanted.fullmatch(name))


class Hashed(NamedTuple):
    """A line with a hashed name. ``inner`` and ``outer`` are the salt as HMAC has it (RFC 2104), made once.

    ``number`` counts such lines over all files.
    """

    number: int
    inner: bytes
    outer: bytes
    digest: bytes
    entry: Entry


@dataclass(slots=True)
class KnownHosts:
    """An index over any number of files. ``bad`` are the lines that can't be understood."""

    bad: list[BadLine] = field(default_factory=list)
    _plain: dict[str, list[Entry]] = field(default_factory=dict)
    _patterns: list[Pattern] = field(default_factory=list)
    _hashed: list[Hashed] = field(default_factory=list)
    _count: int = 0
    _resolved: dict[str, tuple[list[Entry], int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def slow(self) -> bool:
        """Whether looking up a name for the first time takes a while: there are hashed lines."""
        return self._count > 0

    def read(self, text: str, file: str, start: int = 1) -> None:
        """Add the lines of a file, the first of which has the number ``start``."""
        for number, line in enumerate(text.split("\n"), start):
            if line.strip() and not line.lstrip().startswith("#"):
                self._add(line.split(), file, number)

    def _add(self, words: list[str], file: str, number: int) -> None:
        role = "trusted"
        if words[0].startswith("@"):
            role = MARKERS.get(words[0], "")
            words = words[1:]
        try:
            entry = Entry(checked_key(words, role), role, file, number)
            self._file_under(words[0], entry)
        except ValueError as error:
            self.bad.append(BadLine(file, number, str(error)))

    def _file_under(self, names: str, entry: Entry) -> None:
        if names.startswith("|"):
            with self._lock:
                self._hashed.append(hashed(self._count, *hash_parts(names), entry))
                self._count += 1
        elif SPECIAL.search(names):
            self._patterns.append(pattern_of(names.lower().split(","), entry))
        else:
            for name in names.lower().split(","):
                self._plain.setdefault(name, []).append(entry)

    def lookup(self, host: str, port: int = SSH_PORT) -> Keys:
        """What the files say of a host, by the name or address it is reached by.

        As OpenSSH does, a name that is not known with its port may be known without it.
        """
        name = host.lower()
        exact = self._find(name if port == SSH_PORT else f"[{name}]:{port}")
        found, rest = exact, []
        if port != SSH_PORT:
            is_known = any(entry.role != "revoked" for entry in exact)
            rest = self._find(name, only_revoked=is_known)
            found = exact if is_known else exact + rest
        trusted = of_role("trusted", found)
        revoked = of_role("revoked", exact + rest)
        return Keys(trusted, of_role("ca", found), revoked, any(entry.role == "trusted" for entry in exact))

    def _find(self, name: str, *, only_revoked: bool = False) -> list[Entry]:
        """Entries for a name; of those in hashed lines perhaps only the revoked ones, of which there are few."""
        unhashed = self._revoked(name) if only_revoked else self._unhashed(name)
        found = [*self._plain.get(name, ()), *unhashed]
        return found + [pattern.entry for pattern in self._patterns if pattern.matches(name)]

    def _unhashed(self, name: str) -> list[Entry]:
        """Entries of hashed lines for this name; those that were looked at for it before are not looked at again.

        Several threads may look at the same time, and lines may be added meanwhile.
        """
        with self._lock:
            found, seen = self._resolved.get(name, ([], 0))
            if seen < self._count:
                lines = [line for line in self._hashed if line.number >= seen] if seen else self._hashed
                if matching := matches(lines, name):
                    found = found + [line.entry for line in matching]
                    numbers = {line.number for line in matching}
                    self._hashed = [line for line in self._hashed if line.number not in numbers]
                self._resolved[name] = found, self._count
            return found

    def _revoked(self, name: str) -> list[Entry]:
        with self._lock:
            known = self._resolved.get(name, ([], 0))[0]
            lines = [line for line in self._hashed if line.entry.role == "revoked"]
        return [entry for entry in known if entry.role == "revoked"] + [line.entry for line in matches(lines, name)]


def matches(lines: Iterable[Hashed], name: str) -> list[Hashed]:
    """Those hashed lines that are about a name."""
    data, sha1 = name.encode(), hashlib.sha1  # the format has no other hash
    return [line for line in lines if sha1(line[2] + sha1(line[1] + data).digest()).digest() == line[3]]


def checked_key(words: list[str], role: str) -> str:
    """``type base64`` of a line's words behind the marker. Raises ValueError saying what is wrong with them."""
    if not role:
        raise ValueError("unknown marker")
    if len(words) < 3:
        raise ValueError("a name, a key type and a key are needed")
    try:
        data = base64.b64decode(words[2], validate=True)
    except binascii.Error:
        raise ValueError("the key is not base64") from None
    length = int.from_bytes(data[:4], "big")
    if data[4 : 4 + length] != words[1].encode():
        raise ValueError(f'the key is not of type "{words[1]}"')
    return f"{words[1]} {words[2]}"


def hash_parts(names: str) -> tuple[bytes, bytes]:
    """Salt and digest of ``|1|salt|digest``. Raises ValueError."""
    try:
        _, version, salt, digest = names.split("|")
        parts = base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)
    except ValueError:
        raise ValueError("the hashed name is damaged") from None
    if version != "1":
        raise ValueError(f'unknown kind of hashed name "{version}"')
    return parts


def hashed(number: int, salt: bytes, digest: bytes, entry: Entry) -> Hashed:
    """A hashed line with its salt made ready."""
    if len(salt) > BLOCK:
        salt = hashlib.sha1(salt, usedforsecurity=False).digest()
    key = salt.ljust(BLOCK, b"\0")
    return Hashed(number, key.translate(INNER), key.translate(OUTER), digest, entry)


def pattern_of(names: list[str], entry: Entry) -> Pattern:
    """The patterns of one line as two regular expressions."""
    wanted = [name for name in names if not name.startswith("!")]
    unwanted = [name[1:] for name in names if name.startswith("!")]
    return Pattern(union(wanted), union(unwanted) if unwanted else None, entry)


def union(names: Iterable[str]) -> re.Pattern[str]:
    """One expression for any of some shell-like names; none of them is nothing at all."""
    parts = [_expression(name) for name in names]
    return re.compile("|".join(parts) if parts else r"(?!)", re.DOTALL)


def _expression(name: str) -> str:
    """One shell-like name. What a star has passed over it never takes back: many of them would try every way."""
    first, *rest = (re.escape(part).replace(r"\?", ".") for part in re.split(r"\*+", name))
    if not rest:
        return first
    *middle, last = rest
    return first + "".join(f"(?>.*?{part})" for part in middle) + ".*" + last


def of_role(role: str, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Those with a role, each key once."""
    firsts: dict[str, Entry] = {}
    for entry in entries:
        if entry.role == role:
            firsts.setdefault(entry.key, entry)
    return tuple(firsts.values())


def fingerprint(key: str) -> str:
    """The SHA-256 fingerprint of ``type base64``, as ``ssh-keygen -l`` prints it."""
    digest = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def written_name(host: str, port: int = SSH_PORT) -> str:
    """How a host stands in a known_hosts file. Raises ValueError for a name that would mean something else there."""
    if not host or re.search(r"[\s,*?!|#@\[\]\x00-\x1f\x7f]", host):
        raise ValueError(f'"{host}" can\'t stand in a known_hosts file')
    return host.lower() if port == SSH_PORT else f"[{host.lower()}]:{port}"


def types_of(entries: Iterable[Entry]) -> Iterator[str]:
    """The types of some keys, each once, in order."""
    yield from dict.fromkeys(entry.type for entry in entries)
