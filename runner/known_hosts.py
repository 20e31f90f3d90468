"""What known_hosts files say about a host: read once, looked up per host. Pure: text in, entries out.

Format: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". A line is ``[@marker] names key-type base64 [comment]``; names are
plain, patterns with ``*`` and ``?``, negated with ``!``, or hashed (``|1|salt|hmac``). A port other than 22 stands as
``[name]:port``.

**Why an index of our own.** Handing a path to the SSH library makes it parse the file at every connect, and scan all
hashed lines for every host. Here a plain name is one look-up in a dict, and hashed lines are gone through once
for each name. Like OpenSSH with its defaults, a host is looked up under the name it is reached by and not
also under the address that name leads to: who controls DNS must not choose among the keys we trust.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

SSH_PORT = 22
MARKERS = {"@cert-authority": "ca", "@revoked": "revoked"}
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


@dataclass(slots=True)
class KnownHosts:
    """An index over any number of files. ``bad`` are the lines that can't be understood."""

    bad: list[BadLine] = field(default_factory=list)
    _plain: dict[str, list[Entry]] = field(default_factory=dict)
    _patterns: list[Pattern] = field(default_factory=list)
    _hashed: list[tuple[bytes, bytes, Entry]] = field(default_factory=list)
    _resolved: dict[tuple[str, int], list[Entry]] = field(default_factory=dict)

    @property
    def slow(self) -> bool:
        """Whether looking up a name for the first time takes a while: there are hashed lines."""
        return bool(self._hashed)

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
            self._hashed.append((*hash_parts(names), entry))
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
            rest = self._find(name)
            found = exact if any(entry.role != "revoked" for entry in exact) else exact + rest
        trusted = of_role("trusted", found)
        revoked = of_role("revoked", exact + rest)
        return Keys(trusted, of_role("ca", found), revoked, any(entry.role == "trusted" for entry in exact))

    def _find(self, name: str) -> list[Entry]:
        found = [*self._plain.get(name, ()), *self._unhashed(name)]
        return found + [pattern.entry for pattern in self._patterns if pattern.matches(name)]

    def _unhashed(self, name: str) -> list[Entry]:
        """Entries of hashed lines for this name, looked for once.

        Several threads may look at the same time, and lines may be added meanwhile: what was found stands under the
        number of lines that were looked at.
        """
        count = len(self._hashed)
        if (name, count) not in self._resolved:
            data, lines = name.encode(), self._hashed[:count]
            found = [entry for salt, digest, entry in lines if hmac.digest(salt, data, "sha1") == digest]
            self._resolved[name, count] = found
        return self._resolved[name, count]


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


def pattern_of(names: list[str], entry: Entry) -> Pattern:
    """The patterns of one line as two regular expressions."""
    wanted = [name for name in names if not name.startswith("!")]
    unwanted = [name[1:] for name in names if name.startswith("!")]
    return Pattern(union(wanted), union(unwanted) if unwanted else None, entry)


def union(names: Iterable[str]) -> re.Pattern[str]:
    """One expression for any of some shell-like names; none of them is nothing at all."""
    parts = ["".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in name) for name in names]
    return re.compile("|".join(parts) if parts else r"(?!)", re.DOTALL)


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
