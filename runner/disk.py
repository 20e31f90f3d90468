"""Bytes on their way to disk and back: all of them, and the names of files too."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


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


def open_file(path: Path) -> BinaryIO:
    """A regular file, open for reading. Raises OSError, also for a link or a FIFO that somebody put in its place.

    A FIFO would hold up whoever opens it until somebody writes to it.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is no regular file", str(path))


def read_all(path: Path) -> bytes:
    """A whole file that is not large. Raises OSError."""
    with open_file(path) as file:
        return file.read()


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
