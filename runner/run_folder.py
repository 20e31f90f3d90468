"""``runs/<run-id>/``: where a run keeps what it writes. Folders are 0700 and files 0600 from the call that makes them.

**Why not chmod afterwards.** Between making a file and closing it to others, others can open it.
"""

import fcntl
import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from runner.crashpoints import crash_point
from runner.disk import sync_folder, write_all
from runner.errors import JournalError

LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
FOLDER_MODE = 0o700
FILE_MODE = 0o600


def new_id(now: datetime, random_bytes: bytes) -> str:
    """A run id that sorts by time: ``20261121-094501-k3f9``. ``random_bytes`` are at least four."""
    return f"{now:%Y%m%d-%H%M%S}-" + "".join(LETTERS[byte % len(LETTERS)] for byte in random_bytes[:4])


def default_root(environ: Mapping[str, str], home: Path) -> Path:
    """Where runs are kept when nobody says: the XDG state folder (XDG Base Directory Specification 0.8)."""
    state = environ.get("XDG_STATE_HOME", "")
    base = Path(state) if state.startswith("/") else home / ".local" / "state"
    return base / "runner" / "runs"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run."""

    path: Path
    id: str

    def create_file(self, name: str) -> int:
        """Make a new private file and give its descriptor, open for appending and locked. Raises JournalError.

        Whoever looks can tell by the lock whether this process is still there: it ends with the process, however that
        ends.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path / name, flags, FILE_MODE)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _unusable(self.path / name, error) from error
        return descriptor

    def write(self, name: str, data: bytes, *, sync: bool = False) -> None:
        """Write a whole file, replacing an older one at once; with ``sync`` it outlives a power cut from then on.

        Raises JournalError.
        """
        target = self.path / name
        temporary = target.with_name(f".{target.name}.new")
        try:
            target.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
            try:
                write_all(descriptor, data)
                if sync:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            crash_point("in_plan_write")
            temporary.replace(target)
            if sync:
                sync_folder(target.parent)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise _unusable(target, error) from error

    def remove(self, names: Iterable[str]) -> None:
        """Remove files that are there. Raises JournalError."""
        for name in names:
            try:
                (self.path / name).unlink(missing_ok=True)
            except OSError as error:
                raise _unusable(self.path / name, error) from error

    def write_once(self, name: str, data: bytes) -> bool:
        """Write a whole file that appears at once; False where it is there already. Raises JournalError.

        It is for another process to read, and so belongs to whoever the run's folder does, though root writes it.
        """
        target = self.path / name
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            target.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
            try:
                try:
                    write_all(descriptor, data)
                finally:
                    os.close(descriptor)
                if (owner := self.path.stat().st_uid) != os.geteuid():
                    os.chown(target.parent, owner, -1)
                    os.chown(temporary, owner, -1)
                os.link(temporary, target)
            finally:
                temporary.unlink()
        except FileExistsError:
            return False
        except OSError as error:
            raise _unusable(target, error) from error
        return True


def create(root: Path, run_id: str) -> RunFolder:
    """Make the folder of a new run, and those above it that are missing. Raises JournalError before any contact."""
    path = root / run_id
    try:
        make_root(root)
        path.mkdir(mode=FOLDER_MODE)
        (path / "output").mkdir(mode=FOLDER_MODE)
        sync_folder(path)
        sync_folder(root)
    except OSError as error:
        raise _unusable(path, error) from error
    return RunFolder(path, run_id)


def output_name(host: str, step: str, *, item: int | None, attempt: int, stream: str) -> str:
    """The path of an output file inside the run folder; ``stream`` is ``stdout`` or ``stderr``.

    Host names and step ids are checked when files are loaded, so neither can lead out of the folder; the slash of an
    included step's id becomes a dot.
    """
    middle = "" if item is None else f"{item}."
    suffix = "out" if stream == "stdout" else "err"
    return f"output/{host}/{step.replace('/', '.')}.{middle}{attempt}.{suffix}"


def make_root(root: Path) -> None:
    """Make a folder, and those above it that are missing. Raises OSError, JournalError where others could write it."""
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        sync_folder(folder.parent)
    _check_owner(root)


def _check_owner(root: Path) -> None:
    found = root.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(20, "Not a directory", str(root))
    if found.st_uid not in {os.geteuid(), 0}:
        raise JournalError(
            f'the runs folder "{root}" belongs to another user', hint="name a folder of your own with --runs-dir"
        )
    if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        raise JournalError(f'the runs folder "{root}" can be written by everybody', hint=f"chmod o-w {root}")


def _unusable(path: Path, error: OSError) -> JournalError:
    return JournalError(
        f'cannot use the run folder: "{path}": {error.strerror or error}', hint="name another with --runs-dir"
    )
