"""The umask: closed for all that runner writes itself, and as a person has it for what they asked for.

Every call that makes a file or folder names a private mode; this is for the one that forgets, or that is a library's.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

CLOSED = 0o077

_given: list[int] = []


@contextmanager
def closed() -> Iterator[None]:
    """Within, files are for their owner alone, whatever the call that makes them says."""
    _given.append(os.umask(CLOSED))
    try:
        yield
    finally:
        os.umask(_given.pop())


@contextmanager
def as_given() -> Iterator[None]:
    """Within, files have the modes that the person's own umask leaves: they are no secrets, and for everybody."""
    before = os.umask(_given[0]) if _given else None
    try:
        yield
    finally:
        if before is not None:
            os.umask(before)


def given() -> int:
    """The umask that this process was started with, for commands of others; -1, as it is now, where it is that."""
    return _given[0] if _given else -1


def in_shell(line: str) -> str:
    """A line for a shell that is started here, under that umask."""
    return f"umask {_given[0]:04o}; {line}" if _given else line
