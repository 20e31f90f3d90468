"""The lock of a run: which one it is, and who takes it."""

import os
import shlex
import socket
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from runner import host_lock
from runner import lock as locks
from runner.app.provenance import without_values
from runner.app.requests import user
from runner.app.settings import Settings
from runner.home import home_folder
from runner.host_lock import Claim
from runner.loading.project import inventory_paths
from runner.lock import Held, Hold, Holder, Lock
from runner.state_folder import state_folder


def named(playbook: Path, inventories: Sequence[str], runs_dir: Path | None, *, make: bool = False) -> Lock:
    """The lock of a playbook and ``-i``, as they are typed. Raises InputError, JournalError."""
    paths = inventory_paths(playbook, inventories=inventories, cwd=Path.cwd())
    return lock_of(playbook, paths, inventories, runs_dir, make=make)


def lock_of(
    playbook: Path, paths: Iterable[Path], typed: Sequence[str], runs_dir: Path | None, *, make: bool = True
) -> Lock:
    """The lock of a playbook with the files and folders of an inventory; ``typed`` are the words behind ``-i``.

    Its folder is made where ``make`` says so. Raises JournalError.
    """
    folder = state_folder(runs_dir, "locks", environ=os.environ, home=home_folder(), make=make)
    return Lock(
        folder=folder,
        id=locks.id_of(Path.cwd() / playbook, paths),
        shown=shlex.quote(str(playbook)),
        options=_options(typed, runs_dir),
    )


def _options(typed: Sequence[str], runs_dir: Path | None) -> str:
    words = [word for text in typed for word in ("-i", text)]
    words += ["--runs-dir", str(runs_dir)] if runs_dir is not None else []
    return "".join(f" {shlex.quote(word)}" for word in words)


def take(lock: Lock, run_id: str, argv: Sequence[str]) -> Held:
    """Take it for a run of this process. Raises LockError where another run or a person has it, JournalError."""
    holder = Holder(
        pid=os.getpid(),
        user=user(),
        host=socket.gethostname(),
        run=run_id,
        since=_now(),
        command=without_values(argv),
    )
    return locks.take(lock, holder)


def claim_of(settings: Settings, token: str, run_id: str) -> Claim:
    """What the run with that token puts on its hosts; whoever goes on with it has the same."""
    which = f"{shlex.quote(str(settings.playbook))}{_options(settings.inventory, None)}"
    return Claim(
        id=host_lock.id_of(token),
        run=run_id,
        user=user(),
        controller=socket.gethostname(),
        release=f"runner lock release {which} --host-lock ",
    )


def hold(lock: Lock, message: str) -> Hold:
    """Keep all runs out until it is released. Raises LockError where somebody does already."""
    wanted = Hold(message=message, user=user(), host=socket.gethostname(), since=_now())
    locks.hold(lock, wanted)
    return wanted


def _now() -> str:
    return datetime.fromtimestamp(int(time.time()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
