"""The processor time and memory that one rendering, or one look into a template, may take.

Time is taken by a signal (SIGVTALRM) of the process's own clock of processor time: so it counts whatever the template
does, in Python, in a loop or in a regular expression, and a busy machine ends nobody's template early. Signals reach
the main thread alone, where runner renders; in another thread there is no such limit.

**Why a BaseException.** What jinja2, a filter or a ``default`` catches must not keep a template going whose time is
over. It becomes a RenderError where the rendering began.
"""

import signal
import threading
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import Any, TypeVar

from runner.location import Location
from runner.templating.limits import TooLargeError

T = TypeVar("T")

SECONDS = 0.6
"""Processor time of one rendering. An ordinary template takes some microseconds."""

AGAIN = 0.01
"""Seconds of processor time until it rings again where it came at a bad moment."""

_LOCKING = {"threading", "logging", "coverage", "importlib", "_frozen_importlib"}
"""Modules that must not be left in the middle: a lock would be held for ever."""

MEMORY = 64 << 20
"""Bytes that all texts and lists together may take that one rendering makes, those it dropped again among them.

A character counts as four, the most that it may take.
"""

WEIGHT = 16 << 20
"""Characters and items that one rendering may turn into text, or give as data; shared parts count as often as shown."""

SHARE = 8
"""Characters that an item counts as."""

ITEM = 64
"""Bytes that an item of a list takes, itself among them: about."""


class OutOfTimeError(BaseException):
    """The time is over. ``location`` is that of the template that was at work."""

    location: Location | None = None


class _Watch:
    """Rings once, in the main thread, while a piece of work is at it."""

    def __init__(self) -> None:
        self._is_on = False
        self._main = threading.main_thread().ident
        self._is_ready = False

    def during(self, work: Callable[[], T]) -> T:
        """Do it in the time that there is. Raises OutOfTimeError."""
        if self._is_on or threading.get_ident() != self._main:
            return work()
        if not self._is_ready:
            signal.signal(signal.SIGVTALRM, self._ring)
            self._is_ready = True
        self._is_on = True
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        try:
            return work()
        finally:
            self._is_on = False
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def _ring(self, _number: int, frame: FrameType | None) -> None:
        if not self._is_on:
            return
        if frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _LOCKING:
            signal.setitimer(signal.ITIMER_VIRTUAL, AGAIN)
            return
        self._is_on = False
        raise OutOfTimeError


in_time = _Watch().during
"""Does a piece of work in the processor time that a template has. Raises OutOfTimeError."""


class Budget:
    """What one rendering has made and given so far."""

    __slots__ = ("_made", "_weight")

    def __init__(self) -> None:
        self._made = 0
        self._weight = 0

    def made(self, value: T) -> T:
        """Count a value that was made. Raises TooLargeError."""
        if isinstance(value, str | bytes):
            self._made += 4 * len(value)
        elif isinstance(value, list | tuple | dict):
            self._made += ITEM * len(value)
        if self._made > MEMORY:
            raise TooLargeError(f"all that it makes would take more than {MEMORY >> 20} MiB")
        return value

    def weigh(self, value: Any) -> None:
        """Count a value that is to be turned into text, down to its last part. Raises TooLargeError."""
        if isinstance(value, str | bytes):
            self.add(len(value))
        elif isinstance(value, Mapping):
            self.add(SHARE * len(value))
            self.weigh_all(value.values())
        elif isinstance(value, list | tuple):
            self.add(SHARE * len(value))
            self.weigh_all(value)

    def weigh_all(self, parts: Iterable[Any]) -> None:
        """The same for the parts of a value."""
        for part in parts:
            self.weigh(part)

    def add(self, count: int) -> None:
        """So many characters or items more. Raises TooLargeError."""
        self._weight += count
        if self._weight > WEIGHT:
            raise TooLargeError(f"its values have more than {WEIGHT} characters and items")
