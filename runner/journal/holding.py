"""Who works on a run: whoever holds the lock on its journal, for as long as the file is open.

**Why flock and no file with a pid.** It goes with the process, however that ends, so nobody has to judge whether a lock
is stale. A look at the lock takes it for a moment, so whoever wants it tries for a little while.
"""

import errno
import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from runner.errors import JournalError, LockError, RunnerError
from runner.journal.reading import open_journal, read, unreadable
from runner.model.events import RunStarted

TRIES = 10
PAUSE = 0.01
"""Seconds between two tries."""

BUSY = {errno.EWOULDBLOCK, errno.EACCES}


def hold(descriptor: int, path: Path) -> None:
    """Take the lock on an open journal. Raises LockError where another process has it."""
    for _ in range(TRIES):
        if _try(descriptor, fcntl.LOCK_EX, path):
            _check_place(descriptor, path)
            return
        time.sleep(PAUSE)
    raise LockError(f"run {path.parent.name} is being worked on{holder(path)}")


def is_held(path: Path) -> bool:
    """Whether a process works on this run now. Raises JournalError where that can't be told."""
    descriptor = open_journal(path, os.O_RDONLY)
    try:
        return not _try(descriptor, fcntl.LOCK_SH, path)
    finally:
        os.close(descriptor)


def holder(path: Path) -> str:
    """In words, who wrote the latest start into a journal; empty where it can't be told."""
    found: tuple[float, RunStarted] | None = None
    with suppress(RunnerError):
        for _, ts, event in read(path):
            if type(event) is RunStarted:
                found = ts, event
    if found is None:
        return ""
    ts, start = found
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ts))
    command = f": {' '.join(start.argv)}" if start.argv else ""
    return f" by process {start.pid} of {start.user} on {start.controller}, since {since}{command}"


def _check_place(descriptor: int, path: Path) -> None:
    """Raise LockError where another file has come into the place of the one that is locked."""
    try:
        is_there = os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        is_there = False
    except OSError as error:
        raise unreadable(str(path), error) from error
    if not is_there:
        raise LockError(f'the journal was replaced just now: "{path}"', hint="try again")


def _try(descriptor: int, how: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in BUSY:
            return False
        raise JournalError(f'cannot lock the journal: "{path}": {error.strerror or error}') from error
    return True
