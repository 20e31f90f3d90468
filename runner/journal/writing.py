"""The thread that owns the file of a journal while a run goes on."""

import errno
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from runner.crashpoints import crash_point
from runner.disk import write_all

DOUBT_LIMIT = 4 * 1024 * 1024
"""Bytes that may wait for a sync: so many a power cut can cost, and are kept in memory for a disk that fails."""


class Writer:
    """The thread that owns the file: it writes a batch, syncs it where asked, and says when that is done.

    ``sync`` False leaves out every ``fdatasync``. ``inline`` writes on the spot, without a thread, for a virtual clock
    that must not jump while a thread is writing. ``path`` is where the file has to stay: that it was removed, replaced
    or changed by others is an error at the next write.

    After an error nothing is written to the file any more. ``rescue`` then gets all that may not be on disk, from the
    thread, and each batch that still comes.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        path: Path | None = None,
        sync: bool = True,
        inline: bool = False,
        rescue: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self.descriptor = descriptor
        self.inline = inline
        self.error: OSError | None = None
        self._path = path
        self._sync = sync
        self._rescue = rescue
        self._size = -1
        self._doubt: list[bytes] = []
        self._batches: SimpleQueue[tuple[bytes, bool, Callable[[], None]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, data: bytes, *, sync: bool, done: Callable[[], None]) -> None:
        """Write a batch after those before it; ``done`` is called from the thread, with ``error`` set if it failed."""
        if self.inline:
            self._write(data, sync=sync)
            done()
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
            self._thread.start()
        self._batches.put((data, sync, done))

    def close(self, rest: bytes) -> None:
        """Finish what was submitted, write and sync the rest, and close the file."""
        if self._thread is not None:
            self._batches.put(None)
            self._thread.join()
        if rest or self._doubt:
            self._write(rest, sync=True)
        with suppress(OSError):  # all is synced, or known not to be
            os.close(self.descriptor)

    def _work(self) -> None:
        while (batch := self._batches.get()) is not None:
            data, sync, done = batch
            self._write(data, sync=sync)
            done()

    def _write(self, data: bytes, *, sync: bool) -> None:
        if self.error is not None:
            self._rescue(data)
            return
        self._doubt.append(data)
        try:
            self._store(data, sync=sync)
        except OSError as error:
            self.error = error
            self._rescue(b"".join(self._doubt))

    def _store(self, data: bytes, *, sync: bool) -> None:
        if self._path is not None:
            self._size = _check_place(self.descriptor, self._path, self._size) + len(data)
        crash_point("before_append")
        write_all(self.descriptor, data)
        crash_point("after_append_before_sync")
        if self._sync and (sync or sum(map(len, self._doubt)) > DOUBT_LIMIT):
            os.fdatasync(self.descriptor)
            self._doubt.clear()
        elif not self._sync:
            self._doubt.clear()


def _check_place(descriptor: int, path: Path, size: int) -> int:
    """The size of the open file. Raises OSError where it is not the one at its path, or not ``size``, unless -1."""
    here = os.fstat(descriptor)
    if not here.st_nlink:
        raise OSError(errno.ENOENT, "it was deleted during the run")
    if size not in {-1, here.st_size}:
        raise OSError(errno.EIO, f"another program has changed it: it has {here.st_size} bytes, and had {size}")
    try:
        there = path.stat()
    except FileNotFoundError:
        raise OSError(errno.ENOENT, "it was moved away during the run") from None
    if not os.path.samestat(here, there):
        raise OSError(errno.ESTALE, "another file has come into its place")
    return here.st_size
