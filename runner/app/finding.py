"""Which run of the runs folder is meant: its id, a unique beginning of one, or ``last``; and whether it is at work."""

import json
import os
import re
import shlex
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from runner import journal, run_folder
from runner.app import unbegun
from runner.disk import open_file
from runner.errors import InputError, JournalError
from runner.home import home_folder
from runner.location import Problem
from runner.model.go_on import Commands
from runner.run_folder import RunFolder
from runner.words import suggest

LISTED = 5
"""Runs that a message names."""

HEAD = 1 << 20
"""Bytes in which the first record of a run is looked for."""

NOT_REAL = frozenset({"check", "simulate"})
"""Modes of runs that have changed nothing: ``last`` passes them over."""

_dated = re.compile(r"[0-9]{8}-[0-9]{6}-[a-z0-9]{4}")


def root_of(runs_dir: Path | None) -> Path:
    """The folder of all runs: the one given, else the default one."""
    return runs_dir or run_folder.default_root(os.environ, home_folder())


def all_runs(root: Path) -> tuple[RunFolder, ...]:
    """Every run in a folder, the newest last; none where the folder is not there. Raises JournalError.

    A run is a folder with a run's name, or with a journal or plan in it. Links to folders are none.
    """
    try:
        found = [entry.name for entry in os.scandir(root) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise JournalError(f'cannot read the runs folder "{root}": {error.strerror}') from None
    runs = [name for name in found if _dated.fullmatch(name) or _has_records(root / name)]
    return tuple(RunFolder(root / name, name) for name in sorted(runs, key=lambda name: _age(root / name)))


def find(root: Path, wanted: str) -> RunFolder:
    """The run with that id or unique beginning of one, or the ``last`` that was no check.

    Raises InputError, also for one that came to nothing; LockError for one that is just beginning.
    """
    found = named(root, wanted)
    unbegun.check(found)
    return found


def named(root: Path, wanted: str) -> RunFolder:
    """The same, whatever became of it. Raises InputError where there is none."""
    runs = all_runs(root)
    names = [run.id for run in runs]
    if not runs:
        raise _unknown(f'there are no runs in "{root}"', "name the folder with --runs-dir")
    if wanted == "last":
        return _last(root, runs)
    fit = [run for run in runs if run.id == wanted] or [run for run in runs if wanted and run.id.startswith(wanted)]
    if len(fit) == 1:
        return fit[0]
    if fit:
        raise _unknown(
            f'"{wanted}" may be any of {len(fit)} runs', f"write more of it: {_listed([run.id for run in fit])}"
        )
    if "/" in wanted:
        raise _unknown(f'"{wanted}" is no id of a run', f"name its id, not its path; the latest are {_listed(names)}")
    hint = suggest(wanted, names) or f"the latest are {_listed(names)}"
    raise _unknown(f'there is no run "{wanted}"', hint)


def ours(runs_dir: Path | None, wanted: str) -> RunFolder:
    """The same, for whoever is to act on what is in it. Raises JournalError where others can have put that there."""
    found = find(root_of(runs_dir), wanted)
    run_folder.check_ours(found)
    return found


def is_live(run: RunFolder) -> bool:
    """Whether a process is at work at a run: it holds the lock on the journal, which ends with it."""
    try:
        return journal.is_held(run.path / journal.NAME)
    except JournalError:
        return False  # there is none, or it can't be read: its reader says so


def command(verb: str, run: RunFolder) -> str:
    """What a person types to do something about a run that is found, for a shell: ``runner resume RUN``."""
    return commands(run).line(verb)


def commands(run: RunFolder) -> Commands:
    """The command lines about a run that is found."""
    return Commands(run.id, run_folder.where(run.path.parent))


def _last(root: Path, runs: Sequence[RunFolder]) -> RunFolder:
    """The newest that began; where none did, the newest."""
    real = (run for run in reversed(runs) if _mode(run) not in NOT_REAL)
    newest = next(real, None)
    if newest is None:
        listing = shlex.join(["runner", "runs", "list", *run_folder.where(root)])
        raise _unknown("no run here has done anything but check", f"name one by its id: {listing}")
    return next((run for run in chain([newest], real) if not unbegun.came_to_nothing(run)), newest)


def _mode(run: RunFolder) -> str:
    """What its first record says; nothing where that can't be read, which its reader will say."""
    try:
        with open_file(run.path / journal.NAME) as file:
            return str(json.loads(file.readline(HEAD))["mode"])
    except (OSError, ValueError, TypeError, KeyError):
        return ""


def _age(path: Path) -> tuple[str, int]:
    """Sorts runs by the second in their names, and those of the same second by when they were planned."""
    try:
        planned = (path / "plan.json").stat().st_mtime_ns
    except OSError:
        planned = 0
    return path.name[: len("20261121-094501")], planned


def _has_records(path: Path) -> bool:
    return any((path / name).exists() for name in (journal.NAME, "plan.json"))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[-LISTED:])


def _unknown(words: str, hint: str) -> InputError:
    return InputError([Problem("E616", words, hint=hint)])
