"""Bytes on their way to disk and back: all of them, and the names of files too."""

import errno
import os
from pathlib import Path


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it, in as many parts as it takes. Raises OSError."""
    view = memoryview(data)
    while view:
        try:
            written = os.write(descriptor, view)
        except InterruptedError:
            continue
        if not written:  # by POSIX it can't be; a loop without an end would be the worse answer
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        view = view[written:]


def read_all(path: Path) -> bytes:
    """A whole file that is not large. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        parts = []
        while part := os.read(descriptor, 1 << 20):
            parts.append(part)
    finally:
        os.close(descriptor)
    return b"".join(parts)


def sync_folder(path: Path) -> None:
    """Make the names in a folder last: those of files that were made, renamed or removed. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that knows no such thing
            raise
    finally:
        os.close(descriptor)
