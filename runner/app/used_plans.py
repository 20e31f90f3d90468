"""Which saved plans were used, and by which run: a file for each, made in one step before anything is contacted.

A plan stays used whatever came of its run, also where that ended before its first step: ``runner resume`` goes on with
a run, and a new plan is quickly made.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from runner import whole_file
from runner.disk import open_file
from runner.errors import JournalError
from runner.home import home_folder
from runner.state_folder import state_folder

MOST = 4096
"""Bytes of such a file that are looked at."""


def claim(plan: str, run: str, *, by: str, at: str, runs_dir: Path | None) -> bool:
    """Mark a plan as used by a run, for good; False where it is already. Raises JournalError where that can't be kept.

    ``by`` is who runs it, ``at`` the time, for people.
    """
    path = _path(plan, runs_dir, make=True)
    try:
        return whole_file.create(path, json.dumps({"run": run, "by": by, "at": at}).encode() + b"\n")
    except OSError as error:
        words = f'cannot keep that the plan is used: "{path}": {error.strerror or error}'
        raise JournalError(words, hint="name another runs folder with --runs-dir") from error


@dataclass(frozen=True, slots=True)
class Use:
    """By which run, when and by whom a plan was used, in words; ``run`` is empty where its record can't be read."""

    words: str
    run: str = ""


def used(plan: str, *, runs_dir: Path | None) -> Use | None:
    """How a plan was used, None where it was not. Raises JournalError."""
    path = _path(plan, runs_dir, make=False)
    try:
        with open_file(path) as file:
            found = json.loads(file.read(MOST))
        return Use(f"by run {found['run']} ({found['at']}, {found['by']})", str(found["run"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        return Use(f"by a run whose record can't be read: {error.strerror}")
    except (ValueError, KeyError, TypeError):
        return Use("by a run whose record makes no sense")


def _path(plan: str, runs_dir: Path | None, *, make: bool) -> Path:
    """``plan`` is 32 hex digits, as was checked when it was read."""
    return state_folder(runs_dir, "used-plans", environ=os.environ, home=home_folder(), make=make) / plan
