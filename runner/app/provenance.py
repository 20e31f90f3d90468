"""Who runs what, from where: the first record of a run."""

import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner import __version__
from runner.home import user_name
from runner.model.events import EVENT_SCHEMA, RunStarted
from runner.model.plan import Plan

GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false")
"""It only looks: it neither writes to the repository, nor runs the program that its settings may name for looking."""

GIT_TIMEOUT = 5.0
"""Seconds to wait for git; a run is not held up by a slow disk."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Where Linux has a name for the time since this machine was started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What the first record holds for whoever goes on with the run. Fields as in :class:`RunStarted`.

    ``salt`` and ``token`` are the same over all processes of a run.
    """

    salt: bytes
    token: str
    plan: str
    options: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    durability: str = "full"
    resume: bool = False
    saved_plan: str = ""
    mode: str = "run"


def run_started(plan: Plan, marks: Marks, *, argv: tuple[str, ...], seed: int) -> RunStarted:
    """The record; secrets are names in it, and values after ``-e`` are masked like everything else."""
    commit, clean = git_state(Path(plan.folder))
    return RunStarted(
        schema=EVENT_SCHEMA,
        tool=__version__,
        mode=marks.mode,
        playbook=plan.playbook,
        name=plan.name,
        inventory=plan.inventory,
        inputs=plan.given,
        hashes=plan.inputs,
        argv=argv,
        user=user(),
        controller=socket.gethostname(),
        pid=os.getpid(),
        cwd=str(Path.cwd()),
        git_commit=commit,
        git_clean=clean,
        seed=seed,
        resume=marks.resume,
        options=marks.options,
        plan=marks.plan,
        digests=marks.digests,
        salt=marks.salt.hex(),
        token=marks.token,
        boot_id=boot_id(),
        durability=marks.durability,
        saved_plan=marks.saved_plan,
    )


def boot_id() -> str:
    """What tells one start of this machine from another; empty where the system has no such name."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def git_state(folder: Path) -> tuple[str | None, bool | None]:
    """The commit that is checked out at a folder, and whether nothing differs from it; None where there is no git."""
    command = [*GIT, "-C", str(folder), "status", "--porcelain=v2", "--branch", "--untracked-files=normal"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=GIT_TIMEOUT, check=True, text=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None, None
    lines = done.stdout.splitlines()
    oid = next((line.split()[-1] for line in lines if line.startswith("# branch.oid ")), None)
    clean = not any(line for line in lines if not line.startswith("#"))
    return (None if oid in {None, "(initial)"} else oid), clean


def user() -> str:
    """The name of who is at work; the number, where that has none."""
    return user_name() or str(os.getuid())


def without_values(argv: Sequence[str]) -> tuple[str, ...]:
    """A command line without what was given as ``NAME=VALUE``: secrets that nobody declared may be among that."""
    return tuple(_without_value(word) for word in argv)


def _without_value(word: str) -> str:
    option, separator, rest = word.partition("=") if word.startswith("--") else ("", "", word)
    name, found, _ = rest.partition("=")
    return f"{option}{separator}{name}=***" if found else word
