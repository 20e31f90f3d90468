"""Text for people and pipes, written by a thread of its own: nobody who reads slowly, or not at all, holds a run up.

What waits to be read is kept, up to a limit; behind that whole pieces are left out, and their lines counted. A reader
that has gone is told to whoever writes next.

**Why not write and wait.** The loop that shows what happens also keeps connections alive, hears hosts and notices
Ctrl-C; a terminal stopped with Ctrl-S, or a full pipe, would stop all of it.
"""

import errno
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from runner.app.loop import Hurry, hurried
from runner.reporting.escape import tame

LIMIT = 64 << 20
"""Bytes that may wait to be read."""

PATIENCE = 60.0
"""Seconds without a byte read after which nobody is thought to read any more, when all else is done."""

SOON = 0.3
"""Seconds that somebody in a hurry has."""

BLOCK = 1 << 16
"""Bytes written at once."""

GONE = frozenset({errno.EPIPE, errno.EIO, errno.ECONNRESET})
"""Errors of a pipe, terminal or socket that nobody reads any more."""


class Outlet:
    """Writes to one descriptor, in order. ``lost`` counts the lines that were left out."""

    def __init__(self, descriptor: int, *, limit: int = LIMIT) -> None:
        self.lost = 0
        self._descriptor = descriptor
        self._limit = limit
        self._parts: deque[bytes] = deque()
        self._waiting = 0
        self._error: OSError | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def write(self, data: bytes) -> None:
        """Queue it. Raises OSError where an earlier write failed: BrokenPipeError where nobody reads any more."""
        with self._changed:
            if self._error is not None:
                raise BrokenPipeError if self._error.errno in GONE else self._error
            if self._waiting + len(data) > self._limit:
                self.lost += max(data.count(b"\n"), 1)
                return
            self._parts.append(data)
            self._waiting += len(data)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="outlet", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def drain(self, *, patience: float = PATIENCE, most: float = float("inf")) -> bool:
        """Wait until all is written; False where for ``patience`` seconds nothing was, or ``most`` seconds are over."""
        end = time.monotonic() + most
        with self._changed:
            while self._waiting:
                before = self._waiting
                self._changed.wait(min(patience, end - time.monotonic()))
                if self._waiting == before or time.monotonic() > end:
                    return False
        return True

    def _work(self) -> None:
        try:
            while True:
                self._put(self._next())
        except OSError as error:
            with self._changed:
                self._error = error
                self._parts.clear()
                self._waiting = 0
                self._changed.notify_all()

    def _next(self) -> memoryview:
        with self._changed:
            self._changed.wait_for(lambda: self._parts)
            data = b"".join(self._parts)
            self._parts.clear()
        return memoryview(data)

    def _put(self, data: memoryview) -> None:
        while data:
            done = self._some(data[:BLOCK])
            data = data[done:]
            with self._changed:
                self._waiting -= done
                self._changed.notify_all()

    def _some(self, data: memoryview) -> int:
        """Write what goes; a descriptor that somebody else made non-blocking is waited for."""
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                select.select([], [self._descriptor], [])


class Outlets:
    """The outlets of a process: streams that end in the same place share one, so that their texts keep their order."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int], Outlet] = {}
        self._streams: list[TextIO] = []

    def to(self, stream: TextIO | None) -> Callable[[str], None]:
        """Write text to a stream, tamed; what its encoding lacks is an escape. A closed one takes nothing.

        Runner's own colours and movements stay only where the stream is a terminal.
        """
        if stream is None:
            return lambda _: None
        self._streams.append(stream)  # one that is dropped closes its descriptor, which is then another file's
        stream.flush()
        descriptor, encoding = stream.fileno(), stream.encoding or "utf-8"
        place = os.fstat(descriptor)
        outlet = self._found.setdefault((place.st_dev, place.st_ino), Outlet(descriptor))
        ours = stream.isatty()
        return lambda text: outlet.write(tame(text, ours=ours).encode(encoding, "backslashreplace"))

    def drain(self, *, patience: float = PATIENCE, most: float = float("inf")) -> bool:
        """Wait as one outlet does, for all of them."""
        drained = [outlet.drain(patience=patience, most=most) for outlet in self._found.values()]
        return all(drained)

    def let_read(self, instead: str) -> None:
        """All else is done: wait for whoever reads, as long as they do; say what they missed, and how to get it."""
        try:
            with hurried():
                is_read = self.drain()
        except Hurry:
            is_read = self.drain(most=SOON)
        lost = sum(outlet.lost for outlet in self._found.values())
        if not is_read or lost:
            what = f"{lost} lines of it were" if lost else "the end of it was"
            with suppress(OSError):
                self.to(sys.stderr)(f"warning: output was not read in time, and {what} left out; see {instead}\n")
            self.drain(most=1.0)
