"""Where runner keeps what outlives single runs: locks, and which saved plans were used.

It is the XDG state folder, the parent of the default runs folder; where a runs folder is named, it is ``.state`` in it,
so that whoever shares a runs folder shares its locks.

**Why the mode follows the runs folder.** Locks that a colleague can't open lock nobody out: a runs folder that a group
can write has a state folder of that group, any other one for its owner alone. In one that everybody can write, like
``/tmp``, what others put there is not to be trusted: each user has their own.
"""

import os
import shlex
import stat
from collections.abc import Mapping
from pathlib import Path

from runner import run_folder
from runner.errors import JournalError

SHARED = stat.S_IRWXU | stat.S_IRWXG | stat.S_ISGID | stat.S_ISVTX
"""Bits of a group's runs folder that its state folder takes over."""


def state_folder(
    runs_dir: Path | None, name: str, *, environ: Mapping[str, str], home: Path, make: bool = True
) -> Path:
    """The folder of that name, made where it is missing; with ``make`` False it may not be there.

    Raises JournalError where it can't be used or trusted.
    """
    root = runs_dir or run_folder.default_root(environ, home).parent
    try:
        if make:
            run_folder.make_root(root)
        own, group = _owner(root) if runs_dir is not None else ("", None)
        folder = root / own / name
        for path in dict.fromkeys((folder.parent, folder)):
            if path != root and (make or path.exists()):
                _make(path, group)
        return folder
    except OSError as error:
        words = f'cannot use the state folder: "{error.filename or root}": {error.strerror or error}'
        raise JournalError(words, hint="name another runs folder with --runs-dir") from error


def file_mode(folder: Path) -> int:
    """The mode of files in a state folder: for those who can write the folder, and nobody else."""
    return 0o660 if folder.stat().st_mode & stat.S_IWGRP else run_folder.FILE_MODE


def share(descriptor: int, folder: Path) -> None:
    """Open a new file to the group whose folder it is in, if it is a group's: the umask may have closed it."""
    found = folder.stat()
    if found.st_mode & stat.S_IWGRP:
        os.fchown(descriptor, -1, found.st_gid)
        os.fchmod(descriptor, file_mode(folder))


def _owner(root: Path) -> tuple[str, os.stat_result | None]:
    """The name of the state folder in a runs folder, and that one's status where it is a group's."""
    try:
        found = root.stat()
    except FileNotFoundError:
        return ".state", None
    if found.st_mode & stat.S_IWGRP and not found.st_mode & stat.S_IWOTH:
        return ".state", found
    return (".state" if os.geteuid() == found.st_uid else f".state-{os.geteuid()}"), None


def _make(path: Path, group: os.stat_result | None) -> None:
    """Make a folder of ours, or of the group that has the runs folder with this status; check one that is there."""
    try:
        path.mkdir(mode=run_folder.FOLDER_MODE)
    except FileExistsError:
        _check(path, group)
        return
    if group is not None:
        os.chown(path, -1, group.st_gid, follow_symlinks=False)
        path.chmod(stat.S_IMODE(group.st_mode) & SHARED)


def _check(path: Path, group: os.stat_result | None) -> None:
    """Refuse what somebody else can have put there."""
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(20, "Not a directory", str(path))
    is_ours = found.st_uid in {os.geteuid(), 0} if group is None else found.st_gid == group.st_gid
    if not is_ours:
        raise JournalError(
            f'the state folder "{path}" belongs to another user', hint="name a runs folder of your own with --runs-dir"
        )
    if found.st_mode & (stat.S_IWOTH if group else stat.S_IWOTH | stat.S_IWGRP):
        raise JournalError(
            f'the state folder "{path}" can be written by others', hint=f"chmod go-w {shlex.quote(str(path))}"
        )
