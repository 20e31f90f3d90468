"""The lock of a playbook and its inventory: one run at a time, and none while a person holds it.

A run holds it by flock on an open file, so that it is free the moment the process is gone, however that ended. The file
stays, and what stands in it informs only: who holds it, or did last. Nothing here goes by age or by process ids.

A person's hold is a file beside it that stays until it is released, over logouts and reboots.

**Why the file is never removed.** Whoever opened it before it was removed, and whoever made it anew, would each hold a
lock of their own.
"""

import errno
import fcntl
import hashlib
import json
import os
import secrets
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self, TypeVar

from runner.disk import sync_folder
from runner.errors import JournalError, LockError
from runner.state_folder import file_mode, share

TRIES = 6
"""Times that a lock is asked for: whoever only looks at it holds it for a moment, too."""

PAUSE = 0.02
"""Seconds between two of them."""

LONGEST = 64 * 1024
"""Bytes that are read of a file that says who holds something."""

OPEN = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
UNSUPPORTED = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS})


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock: a run, by one process. ``since`` is RFC 3339, UTC; ``command`` has no values in it."""

    pid: int = 0
    user: str = ""
    host: str = ""
    run: str = ""
    since: str = ""
    command: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.pid:
            return "a process that has not said who it is"
        return f"run {self.run} of {self.user} on {self.host} (process {self.pid}), since {self.since}"


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold by a person, with why."""

    message: str = ""
    user: str = ""
    host: str = ""
    since: str = ""

    def __str__(self) -> str:
        why = f": {self.message}" if self.message else ""
        return f"on hold by {self.user or 'somebody'} on {self.host or 'some machine'}, since {self.since}{why}"


@dataclass(frozen=True, slots=True)
class Lock:
    """The lock of one playbook with one inventory.

    ``id`` names it. ``shown`` is the playbook as people write it, ``options`` what names the same lock behind it.
    """

    folder: Path
    id: str
    shown: str
    options: str = ""

    @property
    def file(self) -> Path:
        """What a run holds."""
        return self.folder / f"{self.id}.lock"

    @property
    def hold_file(self) -> Path:
        """What a person's hold is."""
        return self.folder / f"{self.id}.hold"

    def command(self, name: str) -> str:
        """The command of that name on this lock, as it is typed."""
        return f"runner lock {name} {self.shown}{self.options}"


class Held:
    """The lock is ours until ``release``, or until this process ends."""

    def __init__(self, lock: Lock, descriptor: int) -> None:
        self.lock = lock
        self._descriptor: int | None = descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Give it back."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def id_of(playbook: Path, inventories: Iterable[Path]) -> str:
    """The same for the same files, by whatever way and in whatever order they are named."""
    names = [os.path.realpath(playbook), *sorted(os.path.realpath(path) for path in inventories)]
    return hashlib.sha256(b"\0".join(os.fsencode(name) for name in names)).hexdigest()[:32]


def take(lock: Lock, holder: Holder) -> Held:
    """Hold it for a run. Raises LockError where a run or a person does; JournalError where it can't be had at all."""
    _refuse_hold(lock)
    descriptor = _taken(lock)
    held = Held(lock, descriptor)
    try:
        _refuse_hold(lock)  # it may have come just before the lock was ours
        data = json.dumps(asdict(holder)).encode() + b"\n"
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, data, 0)
    except OSError as error:
        held.release()
        raise _unusable(lock.file, error) from error
    except LockError:
        held.release()
        raise
    return held


def holder_of(lock: Lock) -> Holder | None:
    """The run that holds it now; None where none does. Raises JournalError."""
    try:
        descriptor = os.open(lock.file, os.O_RDONLY | OPEN)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(lock.file, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _said(lock)
    except OSError as error:
        raise _unusable(lock.file, error) from error
    finally:
        os.close(descriptor)
    return None


def hold_of(lock: Lock) -> Hold | None:
    """The hold of a person, if there is one; one that can't be read is one all the same. Raises JournalError."""
    try:
        data = _read(lock.hold_file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(lock.hold_file, error) from error
    return _decoded(Hold, data)


def hold(lock: Lock, wanted: Hold) -> None:
    """Keep all runs out until ``release_hold``. Raises LockError where somebody does already, JournalError."""
    temporary = lock.folder / f".{lock.id}.{secrets.token_hex(16)}"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | OPEN
        descriptor = os.open(temporary, flags, file_mode(lock.folder))
        try:
            with os.fdopen(descriptor, "wb") as file:
                share(descriptor, lock.folder)
                file.write(json.dumps(asdict(wanted)).encode() + b"\n")
                file.flush()
                os.fsync(descriptor)
            os.link(temporary, lock.hold_file)  # it is there whole, or another one is
        finally:
            temporary.unlink()
        sync_folder(lock.folder)
    except FileExistsError:
        _refuse_hold(lock)
        raise LockError(f"somebody else is holding {lock.shown} just now", hint=lock.command("status")) from None
    except OSError as error:
        raise _unusable(lock.hold_file, error) from error


def release_hold(lock: Lock) -> Hold | None:
    """End the hold of a person; gives it, or None where there was none. Raises JournalError."""
    found = hold_of(lock)
    try:
        lock.hold_file.unlink()
        sync_folder(lock.folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(lock.hold_file, error) from error
    return found or Hold()


def _refuse_hold(lock: Lock) -> None:
    found = hold_of(lock)
    if found is not None:
        raise LockError(f"{lock.shown} is {found}", hint=f"when it may run again: {lock.command('release')}")


def _taken(lock: Lock) -> int:
    for _ in range(TRIES):
        descriptor = _opened(lock)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same(lock.file, descriptor):
                return descriptor
        except BlockingIOError:
            pass
        except OSError as error:
            os.close(descriptor)
            raise _unusable(lock.file, error) from error
        os.close(descriptor)
        time.sleep(PAUSE)
    words = f"{lock.shown} is being run with this inventory: {_said(lock)}"
    hint = f"one run at a time, whatever --limit says; {lock.command('status')} shows it"
    raise LockError(words, hint=hint)


def _opened(lock: Lock) -> int:
    """The lock's file, made where it is missing; it is nobody else's, and no link to something else."""
    try:
        try:
            descriptor = os.open(lock.file, os.O_RDWR | OPEN)
        except FileNotFoundError:
            descriptor = os.open(lock.file, os.O_RDWR | os.O_CREAT | OPEN, file_mode(lock.folder))
            share(descriptor, lock.folder)
        found = os.fstat(descriptor)
    except OSError as error:
        raise _unusable(lock.file, error) from error
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        os.close(descriptor)
        raise JournalError(f'cannot use the lock: "{lock.file}" is not a file of its own', hint="remove it")
    return descriptor


def _is_same(path: Path, descriptor: int) -> bool:
    """Whether the file at a path is the one that is open: somebody may have removed it meanwhile."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _said(lock: Lock) -> Holder:
    """What the holder says of itself; it may be about to."""
    for _ in range(TRIES):
        with suppress(OSError):
            found = _decoded(Holder, _read(lock.file))
            if found.pid:
                return found
        time.sleep(PAUSE)
    return Holder()


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | OPEN)
    try:
        return os.read(descriptor, LONGEST)
    finally:
        os.close(descriptor)


T = TypeVar("T", Holder, Hold)


def _decoded(kind: type[T], data: bytes) -> T:
    """What a file says; what it says wrongly is left out."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return kind()
    known: dict[str, Any] = {}
    for one in fields(kind):
        value = found.get(one.name) if isinstance(found, dict) else None
        if isinstance(value, list):
            value = tuple(str(word) for word in value)
        if type(value) is type(one.default):
            known[one.name] = value
    return kind(**known)


def _unusable(path: Path, error: OSError) -> JournalError:
    if error.errno in UNSUPPORTED:
        words = f'cannot lock "{path}": this file system has no locks ({error.strerror})'
        return JournalError(words, hint="keep runs on a local disk: --runs-dir, or XDG_STATE_HOME")
    return JournalError(
        f'cannot use the lock: "{path}": {error.strerror or error}', hint="name another runs folder with --runs-dir"
    )
