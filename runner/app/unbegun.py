"""Folders of runs that never began: their process ended before the first record was whole, so no host was contacted."""

import os
import re
from pathlib import Path

from runner import journal
from runner.disk import open_file
from runner.errors import InputError, JournalError, LockError
from runner.journal.checking import begins_well
from runner.location import Problem
from runner.run_folder import RunFolder, is_being_made

MOST = 1 << 24
"""Bytes in which the end of the first record is looked for: it has the command line and the options, and no more."""

_left = re.compile(r"\.?plan\.json(\.[0-9a-f]{32})?|output|events\.jsonl(\.torn-[0-9]+)?")
"""What a run may leave that never began. All else is a trace of work, whose journal is missing then."""


def check(run: RunFolder) -> None:
    """Refuse a run that never began, whatever is wanted of it. Raises InputError, LockError where it is beginning."""
    is_beginning = is_being_made(run)  # asked first: a run that then has its journal is at work
    if not came_to_nothing(run):
        return
    if is_beginning:
        raise LockError(f"run {run.id} is just beginning", hint="try again")
    words = f"run {run.id} came to nothing: its process ended before the run began, and no host was contacted"
    raise InputError([Problem("E650", words, hint="start a new one")])


def came_to_nothing(run: RunFolder) -> bool:
    """Whether there is no whole first record, nor a trace of work, nor a process that holds the journal."""
    try:
        if journal.is_held(run.path / journal.NAME):
            return False
    except JournalError:
        if os.path.lexists(run.path / journal.NAME):
            return False  # its reader says what is wrong with it
    return _has_no_trace(run.path) and _has_no_record(run.path / journal.NAME)


def _has_no_trace(path: Path) -> bool:
    try:
        return all(map(_left.fullmatch, _names_in(path))) and not _names_in(path / "output")
    except OSError:
        return False


def _names_in(path: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(path)]
    except FileNotFoundError:
        return []


def _has_no_record(path: Path) -> bool:
    try:
        with open_file(path) as file:
            line = file.readline(MOST)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    is_torn = len(line) < MOST and not line.endswith(b"\n") and (begins_well(line) or not line.strip(b"\0"))
    return is_torn and not journal.whole_record(journal.Chain(), line)
