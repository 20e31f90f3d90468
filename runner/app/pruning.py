"""Removes the folders of old runs: never one that is at work, and none that can be gone on with unless told to."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runner.app import finding, history
from runner.errors import JournalError
from runner.journal import NAME
from runner.model.history import RunEntry
from runner.run_folder import RunFolder

HALF = ".removed"
"""The end of a folder's name while it is removed: what a crash leaves of it is no run, and goes the next time."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """One run that is old enough. ``kept`` says why it stays all the same; empty: it goes."""

    entry: RunEntry
    kept: str = ""


def prune(
    root: Path, *, keep: int | None, older_than: float | None, unfinished: bool, dry_run: bool
) -> Iterator[Pruned]:
    """Remove the runs that are neither among the ``keep`` newest nor younger than ``older_than`` seconds.

    Each is told of when it is gone, the oldest first. Raises JournalError for a folder that can't be removed.
    """
    runs = finding.all_runs(root)
    old = runs[: max(0, len(runs) - keep)] if keep is not None else runs
    before = None if older_than is None else time.time() - older_than
    if not dry_run:
        _remove_halves(root)
    for run in old:
        if before is None or _started(run) < before:
            yield _pruned(run, unfinished=unfinished, dry_run=dry_run)


def _pruned(run: RunFolder, *, unfinished: bool, dry_run: bool) -> Pruned:
    entry = history.entry(run)
    with _held(run.path, os.O_DIRECTORY) as is_made, _held(run.path / NAME) as is_held:
        if not (is_made and is_held):
            return Pruned(entry, kept="it is at work")
        if entry.status == "damaged" and not unfinished:
            return Pruned(entry, kept=_why_damaged(run))
        if entry.is_left and not unfinished:
            return Pruned(entry, kept="it can be gone on with")
        if not dry_run:
            _remove(run)
    return Pruned(entry)


def _why_damaged(run: RunFolder) -> str:
    with suppress(OSError):
        if (run.path / NAME).lstat().st_size:
            return "its journal may yet be salvaged"
    return "its journal is lost, but what it wrote beside it is there"


@contextmanager
def _held(path: Path, flags: int = 0) -> Iterator[bool]:
    """Keep everybody from going on with a run; False where somebody is at work at it. What is not there is free."""
    try:
        descriptor = os.open(path, flags | os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        yield True
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def _remove(run: RunFolder) -> None:
    half = run.path.with_name(f".{run.id}{HALF}")
    try:
        run.path.rename(half)
        # It goes down by descriptors and follows no link, whatever somebody puts in its way meanwhile.
        shutil.rmtree(half)
    except OSError as error:
        raise JournalError(f'cannot remove the run folder "{run.path}": {error.strerror}') from None


def _remove_halves(root: Path) -> None:
    for name in _names(root):
        if name.startswith(".") and name.endswith(HALF):
            shutil.rmtree(root / name, ignore_errors=True)


def _names(root: Path) -> Sequence[str]:
    try:
        return [entry.name for entry in os.scandir(root) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return ()


def _started(run: RunFolder) -> float:
    """When a run was begun, in seconds since 1970: its name says so, and its folder where it has another name."""
    try:
        return datetime.strptime(run.id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return run.path.stat().st_mtime
