"""Whether a host's key is the one we know, and what to say when it is not.

The known_hosts files of a run are read once, off the loop. A key that is not known is refused (``strict``), or written
down when the host has none yet (``accept-new``). A key that is known to be another one is refused under both.

**Why the file itself is locked.** A lock file beside it would stay behind in people's ``~/.ssh``. After taking the lock
the file is read on from where we stopped, so several processes that meet the same new host write one line between them.
"""

import asyncio
import errno
import fcntl
import os
import shlex
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from runner.errors import ConnectError
from runner.known_hosts import Entry, Keys, KnownHosts, fingerprint, types_of, written_name
from runner.transports.ssh_once import Once

USUAL = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")
"""Files that count where a host names none; the first is the one that new keys go to."""

LEAST_RSA_BITS = 2048
LARGEST = 64 * 1024 * 1024
"""Bytes of a known_hosts file: half a million hosts."""

LOCK_WAIT = 2.0
"""Seconds that another process may hold the lock of a known_hosts file."""

SHOWN_BAD_LINES = 5


@dataclass(slots=True)
class Store:
    """One set of files. ``size`` is how many bytes of the first have been read, ``lines`` how many lines that was."""

    files: tuple[Path, ...]
    index: KnownHosts = field(default_factory=KnownHosts)
    size: int = 0
    lines: int = 0

    def read(self) -> None:
        """Read all files; one that is not there is empty. Raises ConnectError for one that can't be read."""
        for file in self.files:
            data = contents(file)
            self.index.read(data.decode("utf-8", "surrogateescape"), str(file))
            if file == self.files[0]:
                self.size, self.lines = len(data), data.count(b"\n")

    def read_on(self, descriptor: int) -> None:
        """Take in what the first file has gained since it was read; all of it where it was made anew."""
        size = os.fstat(descriptor).st_size
        if size < self.size:
            self.size = self.lines = 0
        data = os.pread(descriptor, size - self.size, self.size)
        self.index.read(data.decode("utf-8", "surrogateescape"), str(self.files[0]), self.lines + 1)
        self.size, self.lines = size, self.lines + data.count(b"\n")

    def append(self, host: str, port: int, key: str) -> Keys:
        """Write a new host's key down, unless someone has done so; what is known afterwards. Raises ConnectError."""
        try:
            self.files[0].parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.files[0], os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "rb+", buffering=0) as file:
                lock(file.fileno())
                self._append_to(file.fileno(), f"{written_name(host, port)} {key}\n".encode(), host, port)
        except (OSError, ValueError) as error:
            raise ConnectError("host_key", f"cannot write down the new key of {host}: {error}") from None
        return self.index.lookup(host, port)

    def _append_to(self, descriptor: int, line: bytes, host: str, port: int) -> None:
        self.read_on(descriptor)
        if not self.index.lookup(host, port).lines:
            whole = self.size == 0 or os.pread(descriptor, 1, self.size - 1) == b"\n"
            line = line if whole else b"\n" + line
            if os.write(descriptor, line) < len(line):
                os.ftruncate(descriptor, self.size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.read_on(descriptor)


def lock(descriptor: int) -> None:
    """Lock the file against other first connects, which hold it for a moment. Raises OSError where it stays locked.

    It is the event loop that waits, as the library asks about a key in the middle of the key exchange: not for long.
    """
    end = time.monotonic() + LOCK_WAIT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(0.005)
        else:
            return


def contents(file: Path) -> bytes:
    """The bytes of a known_hosts file, none where there is no file. Raises ConnectError.

    A FIFO is not waited for, and of a file that is no such file not everything is read.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise ConnectError("host_key", f'cannot read "{file}": {error.strerror}') from None
    try:
        return whole(descriptor)
    except OSError as error:
        raise ConnectError("host_key", f'cannot read "{file}": {error.strerror}') from None
    finally:
        os.close(descriptor)


def whole(descriptor: int) -> bytes:
    """All of an open file. Raises OSError, also for what is no regular file, or too large."""
    info = os.fstat(descriptor)
    if stat.S_ISDIR(info.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(info.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    if info.st_size > LARGEST:
        raise OSError(errno.EFBIG, f"it has {info.st_size} bytes; at most {LARGEST} are read")
    parts = []
    while part := os.read(descriptor, LARGEST):
        parts.append(part)
    return b"".join(parts)


class Trust:
    """The known_hosts files of a run: each set of them read once, however many hosts ask at the same time."""

    def __init__(self, home: Path, warn: Callable[[str], None]) -> None:
        self._home = home
        self._warn = warn
        self._stores: Once[tuple[str, ...], Store] = Once()
        self._keys: dict[str, asyncssh.SSHKey | None] = {}

    async def store(self, names: tuple[str, ...]) -> Store:
        """The files of that name, or the usual ones. Raises ConnectError."""
        return await self._stores.get(names, lambda: self._open(names or USUAL))

    async def _open(self, names: tuple[str, ...]) -> Store:
        store = Store(tuple(expanded(name, self._home) for name in names))
        await asyncio.to_thread(store.read)
        bad = store.index.bad
        if bad:
            more = f" and {len(bad) - SHOWN_BAD_LINES} more" if len(bad) > SHOWN_BAD_LINES else ""
            self._warn("lines that are not understood: " + "; ".join(map(str, bad[:SHOWN_BAD_LINES])) + more)
        return store

    async def lookup(self, store: Store, host: str, port: int) -> Keys:
        """What is known of a host. Off the loop where the files have hashed names."""
        if store.index.slow:
            return await asyncio.to_thread(store.index.lookup, host, port)
        return store.index.lookup(host, port)

    def loaded(self, entries: tuple[Entry, ...]) -> list[asyncssh.SSHKey]:
        """The keys as objects; one that the library does not know, or that is too short, is none."""
        keys = [self._load(entry.key) for entry in entries]
        return [key for key in keys if key]

    def _load(self, text: str) -> asyncssh.SSHKey | None:
        if text not in self._keys:
            if len(self._keys) > 1000:  # fleets have a key a host: keep those of authorities and of one wave
                self._keys.clear()
            self._keys[text] = load_key(text)
        return self._keys[text]


def expanded(name: str, home: Path) -> Path:
    """A path with ``~`` as the home it starts at."""
    return home / name[2:] if name.startswith("~/") else Path(name)


def load_key(text: str) -> asyncssh.SSHKey | None:
    """A public key from ``type base64``, or None where it is of no use."""
    try:
        key = asyncssh.import_public_key(text)
    except asyncssh.KeyImportError:
        return None
    bits = getattr(getattr(key, "pyca_key", None), "key_size", LEAST_RSA_BITS)
    return None if text.startswith("ssh-rsa ") and bits < LEAST_RSA_BITS else key


@dataclass(slots=True)
class Verdict:
    """What to do about one host's key during one login: the library asks here about keys that are not trusted."""

    store: Store
    keys: Keys
    host: str
    port: int
    policy: str

    def accept(self, key: asyncssh.SSHKey) -> bool:
        """True for a key that may be trusted from now on. Raises ConnectError, which says all there is to say."""
        text = " ".join(key.export_public_key().decode().split()[:2])
        if not self.keys.lines and self.policy == "accept-new" and load_key(text):
            self.keys = self.store.append(self.host, self.port, text)
        if text in {entry.key for entry in self.keys.trusted}:
            return True
        raise self.changed(text) if self.keys.changed else self.unknown(text)

    def unknown(self, key: str) -> ConnectError:
        """Nothing is known of this host."""
        words = (
            f'the host key of "{self.host}" port {self.port} is not known: '
            f"{key.split(maxsplit=1)[0]} {fingerprint(key)}; looked in {', '.join(map(str, self.store.files))}"
        )
        hint = f"compare the fingerprint with the host's own (ssh-keygen -l), then trust it: {self.command(key)}"
        return ConnectError("host_key", words, hint=hint)

    def changed(self, key: str) -> ConnectError:
        """The host shows another key than it did: perhaps it is another host."""
        known = ", ".join(f"{entry.type} {fingerprint(entry.key)} ({entry})" for entry in self.keys.trusted)
        words = (
            f'THE HOST KEY OF "{self.host}" port {self.port} HAS CHANGED: it shows {key.split(maxsplit=1)[0]} '
            f"{fingerprint(key)}, known is {known}; someone may be listening in"
        )
        name = shlex.quote(self.name)
        file = shlex.quote(self.keys.trusted[0].file)
        hint = f"if the host was set up anew: ssh-keygen -R {name} -f {file}, then {self.command(key)}"
        return ConnectError("host_key", words, hint=hint)

    def command(self, key: str) -> str:
        """A command line that trusts exactly this key."""
        return f"echo {shlex.quote(f'{self.name} {key}')} >> {shlex.quote(str(self.store.files[0]))}"

    @property
    def name(self) -> str:
        """How the host stands in the file."""
        try:
            return written_name(self.host, self.port)
        except ValueError:
            return self.host

    @property
    def types(self) -> list[str]:
        """Types of the trusted keys, to ask the host for."""
        return list(types_of(self.keys.trusted))
