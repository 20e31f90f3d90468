"""What the journal could not take, kept elsewhere: nothing that a host has said is lost with a disk."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from runner.disk import write_all
from runner.run_folder import FILE_MODE


class Rescue:
    """Keeps records in a new file: at the first of some places that can be written.

    It is called with lines, from the thread that writes the journal. ``path`` is the file, None where there is none up
    to now: each call tries again. ``lines`` are all that it got.
    """

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = places
        self._descriptor: int | None = None
        self.path: Path | None = None
        self.lines = b""

    def __call__(self, data: bytes) -> None:
        """Keep lines, on disk."""
        self.lines += data
        if self._descriptor is not None and self._is_stored(self._descriptor, data):
            return
        self._begin_again()

    def close(self) -> None:
        """No more lines come."""
        if self.lines and self.path is None:
            self._begin_again()  # there may be room by now, or a descriptor
        self._give_up()

    def _begin_again(self) -> None:
        """Write all that there is to the first place that takes it."""
        self._give_up()
        for place in self._places:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            with suppress(OSError):
                self._descriptor = os.open(place, flags, FILE_MODE)
                if self._is_stored(self._descriptor, self.lines):
                    self.path = place
                    return
                place.unlink()
            self._give_up()
        self.path = None

    def _is_stored(self, descriptor: int, data: bytes) -> bool:
        """Write and sync it; says whether that went well."""
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        except OSError:
            return False
        return True

    def _give_up(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None
