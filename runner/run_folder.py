"""``runs/<run-id>/``: where a run keeps what it writes. Folders are 0700 and files 0600 from the call that makes them.

**Why not chmod afterwards.** Between making a file and closing it to others, others can open it.
"""

import fcntl
import os
import secrets
import shlex
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from runner.crashpoints import crash_point
from runner.disk import sync_folder, write_all
from runner.errors import JournalError
from runner.home import home_folder, user_of

LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
FOLDER_MODE = 0o700
FILE_MODE = 0o600

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
"""Flags for a file that must not be there yet: neither a file nor a link that somebody put there is written to."""


def new_id(now: datetime, random_bytes: bytes) -> str:
    """A run id that sorts by time: ``20261121-094501-k3f9``. ``random_bytes`` are at least four."""
    return f"{now:%Y%m%d-%H%M%S}-" + "".join(LETTERS[byte % len(LETTERS)] for byte in random_bytes[:4])


def default_root(environ: Mapping[str, str], home: Path) -> Path:
    """Where runs are kept when nobody says: the XDG state folder (XDG Base Directory Specification 0.8)."""
    state = environ.get("XDG_STATE_HOME", "")
    base = Path(state) if state.startswith("/") else home / ".local" / "state"
    return base / "runner" / "runs"


def where(root: Path) -> tuple[str, ...]:
    """The option that says where runs are kept; nothing where that goes without saying."""
    return () if root == default_root(os.environ, home_folder()) else ("--runs-dir", str(root))


def salvage_command(journal: Path) -> str:
    """What a person types about the damaged journal of a run: its folder's name, whatever its records say."""
    run = journal.parent
    return shlex.join(["runner", "runs", "salvage", run.name, *where(run.parent)])


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
        try:
            descriptor = os.open(self.path / name, NEW | os.O_APPEND, FILE_MODE)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _unusable(self.path / name, error) from error
        return descriptor

    def write(self, name: str, data: bytes, *, sync: bool = False) -> None:
        """Write a whole file, replacing an older one at once; with ``sync`` it outlives a power cut from then on.

        Raises JournalError.
        """
        target = self.path / name
        temporary = _beside(target)
        try:
            target.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
            descriptor = os.open(temporary, NEW, FILE_MODE)
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
        try:
            with ExitStack() as opened:
                above = opened.enter_context(_folder(self.path))
                owner = os.fstat(above).st_uid
                with suppress(FileExistsError):
                    os.mkdir(target.parent.name, FOLDER_MODE, dir_fd=above)
                    _give(above, target.parent.name, owner)
                folder = opened.enter_context(_folder(target.parent.name, above))
                _write_once(folder, target.name, data, owner)
        except FileExistsError:
            return False
        except OSError as error:
            raise _unusable(target, error) from error
        return True


@contextmanager
def _folder(path: Path | str, above: int | None = None) -> Iterator[int]:
    """A descriptor of a folder, which is no link to one."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write_once(folder: int, name: str, data: bytes, owner: int) -> None:
    """A new file of that name and owner in an open folder, whole from its first moment on."""
    temporary = _beside(Path(name)).name
    descriptor = os.open(temporary, NEW, FILE_MODE, dir_fd=folder)
    try:
        try:
            write_all(descriptor, data)
            if owner != os.geteuid():
                os.fchown(descriptor, owner, -1)
        finally:
            os.close(descriptor)
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    finally:
        os.unlink(temporary, dir_fd=folder)


def _give(above: int, name: str, owner: int) -> None:
    """Give a folder that root has just made to whoever has the one it is in."""
    if owner != os.geteuid():
        with _folder(name, above) as made:
            os.fchown(made, owner, -1)


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


@contextmanager
def making(run: RunFolder) -> Iterator[None]:
    """Hold a new folder until there is a journal to hold, so that nobody takes it for what a dead process has left."""
    with ExitStack() as opened:
        with suppress(OSError):  # where folders can't be locked it goes unprotected, for some milliseconds
            fcntl.flock(opened.enter_context(_folder(run.path)), fcntl.LOCK_EX)
        yield


def is_being_made(run: RunFolder) -> bool:
    """Whether a process holds it so."""
    with suppress(OSError), _folder(run.path) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def check_ours(run: RunFolder) -> None:
    """Refuse the folder of a run that somebody else made, or can write: what is in it would be carried out as ours.

    Whoever shares a runs folder can put a folder there, with a plan and a journal in it, that looks like a run.
    Raises JournalError.
    """
    try:
        _check_writers(run.path.parent, run.path.parent.stat())
        found = run.path.lstat()
    except OSError as error:
        raise _unusable(run.path, error) from error
    if found.st_uid != os.geteuid():
        owner = user_of(found.st_uid)
        raise JournalError(
            f"run {run.id} is one of user {owner}, and what is in its folder is not taken from others",
            hint=f'become that user to go on with it, or start a run of your own; its folder is "{run.path}"',
        )
    if found.st_mode & (stat.S_IWOTH | stat.S_IWGRP):
        raise JournalError(
            f'the folder of run {run.id} can be written by others: "{run.path}"',
            hint=f"if nobody has changed it: chmod go-w {shlex.quote(str(run.path))}",
        )


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
    _check_writers(root, found)


def _check_writers(root: Path, found: os.stat_result) -> None:
    if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        raise JournalError(
            f'the runs folder "{root}" can be written by everybody', hint=f"chmod o-w {shlex.quote(str(root))}"
        )


def _beside(target: Path) -> Path:
    """A name that nobody can guess, for a file on its way to its place."""
    return target.with_name(f".{target.name}.{secrets.token_hex(16)}")


def _unusable(path: Path, error: OSError) -> JournalError:
    return JournalError(
        f'cannot use the run folder: "{path}": {error.strerror or error}', hint="name another with --runs-dir"
    )
