"""What the journal could not take, kept elsewhere: nothing that a host has said is lost with a disk."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from runner.disk import write_all
from runner.run_folder import FILE_MODE


class Rescue:
    """Keeps records in a new file: at the first of some places that can be written.

    It is called with lines, from the thread that writes the journal. ``path`` is the file, None where there is none.
    ``lines`` are all that it got.
    """

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = list(places)
        self._descriptor: int | None = None
        self.path: Path | None = None
        self.lines = b""

    def __call__(self, data: bytes) -> None:
        """Keep lines, on disk."""
        self.lines += data
        if self._descriptor is not None and self._stored(data):
            return
        while self._places:
            self.path = self._places.pop(0)
            if self._opened() and self._stored(self.lines):
                return
        self.path = None

    def close(self) -> None:
        """No more lines come."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> bool:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        with suppress(OSError):
            self._descriptor = os.open(str(self.path), flags, FILE_MODE)
            return True
        return False

    def _stored(self, data: bytes) -> bool:
        """Whether it is on disk; where not, the file is given up."""
        descriptor = -1 if self._descriptor is None else self._descriptor
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        except OSError:
            self.close()
            with suppress(OSError):
                (self.path or Path()).unlink()
            return False
        return True
