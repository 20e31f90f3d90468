"""A file that is there whole or not at all, whatever fails and wherever power is lost.

It is written beside its place under a name of its own, synced, and put there at once; then the folder is synced, so
that its name is as lasting as its bytes. A failure on the way leaves what was there before. Files are private (0600)
from the call that makes them.
"""

import errno
import os
import re
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from runner.crashpoints import crash_point

_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{32}")
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def replace(path: Path, data: bytes) -> None:
    """Write a file in place of the one that is there, if any; a link is replaced, not followed. Raises OSError.

    What is there and no regular file stays: ``-o /dev/null`` must not make a file of it.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
    try:
        _put(path, data, os.replace)
    except _NotLastingError as error:
        raise error.cause from None


def create(path: Path, data: bytes) -> bool:
    """Write a file that is not there yet; False, and nothing changed, where it is. Raises OSError."""
    try:
        _put(path, data, os.link)
    except FileExistsError:
        return False
    except _NotLastingError as error:
        path.unlink(missing_ok=True)  # it was never said to be there
        raise error.cause from None
    return True


def sweep(folder: Path) -> None:
    """Remove what a process that died while it wrote a file has left; whoever calls it has the folder to itself."""
    for path in folder.iterdir():
        if _UNFINISHED.fullmatch(path.name):
            with suppress(OSError):
                path.unlink()


class _NotLastingError(Exception):
    """The file is in its place, and a power cut may take it away again."""

    def __init__(self, cause: OSError) -> None:
        super().__init__()
        self.cause = cause


def _put(path: Path, data: bytes, place: Callable[[Path, Path], None]) -> None:
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(16)}")
        descriptor = os.open(temporary, NEW, 0o600)
        try:
            _fill(descriptor, data)
            crash_point("in_plan_write")
            place(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink()
        try:
            os.fsync(folder)
        except OSError as error:
            raise _NotLastingError(error) from None
    finally:
        os.close(folder)


def _fill(descriptor: int, data: bytes) -> None:
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
