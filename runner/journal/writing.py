"""The thread that owns the file of a journal while a run goes on."""

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

from runner.crashpoints import crash_point


class Writer:
    """The thread that owns the file: it writes a batch, syncs it where asked, and says when that is done.

    ``sync`` False leaves out every ``fdatasync``. ``inline`` writes on the spot, without a thread, for a virtual clock
    that must not jump while a thread is writing.
    """

    def __init__(self, descriptor: int, *, sync: bool = True, inline: bool = False) -> None:
        self.descriptor = descriptor
        self.inline = inline
        self.error: OSError | None = None
        self._sync = sync
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
        self._write(rest, sync=True)
        os.close(self.descriptor)

    def _work(self) -> None:
        while (batch := self._batches.get()) is not None:
            data, sync, done = batch
            self._write(data, sync=sync)
            done()

    def _write(self, data: bytes, *, sync: bool) -> None:
        if self.error is not None:
            return
        try:
            crash_point("before_append")
            view = memoryview(data)
            while view:
                view = view[os.write(self.descriptor, view) :]
            crash_point("after_append_before_sync")
            if sync and self._sync:
                os.fdatasync(self.descriptor)
        except OSError as error:
            self.error = error
