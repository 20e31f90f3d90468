"""The bytes of a stored plan: a saved one, or ``plan.json`` of a run. They may come from anywhere."""

import errno
import os
import shlex
import stat
from contextlib import suppress
from pathlib import Path

from runner.errors import InputError
from runner.location import Location, Problem
from runner.model.saved_plan import MOST_BYTES, looks_saved

HEAD = 256
"""Bytes by which a saved plan is told from a playbook."""


def is_saved(path: Path) -> bool:
    """Whether a file is meant to be a saved plan, by what stands in it; its name says nothing."""
    with suppress(OSError, ValueError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb") as file:
            return stat.S_ISREG(os.fstat(descriptor).st_mode) and looks_saved(file.read(HEAD))
    return False


def read(path: Path) -> bytes:
    """The bytes of a regular file of bounded size that nobody else can have put in its place. Raises InputError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        raise _cannot_open(path, error) from None
    try:
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            data = file.read(MOST_BYTES + 1) if stat.S_ISREG(found.st_mode) else b""
    except OSError as error:
        raise _cannot_open(path, error) from None
    if not stat.S_ISREG(found.st_mode):
        raise _wrong("E119", "this is no regular file", path)
    if found.st_mode & stat.S_IWOTH:
        raise _wrong("E611", "everybody can write it", path, f"chmod o-w {shlex.quote(str(path))}")
    if len(data) > MOST_BYTES:
        raise _wrong("E604", f"the file has more than {MOST_BYTES} bytes", path)
    return data


def _cannot_open(path: Path, error: OSError | ValueError) -> InputError:
    if not isinstance(error, OSError):
        return _wrong("E117", f"can't read the file: {error}", path)  # a zero byte in the name
    if error.errno == errno.ELOOP:
        return _wrong("E611", "this is a link, and what it leads to may change", path, "name the file itself")
    if error.errno == errno.ENOENT:
        return _wrong("E116", "there is no such file", path)
    return _wrong("E117", f"can't read the file: {error.strerror}", path)


def _wrong(code: str, message: str, path: Path, hint: str = "") -> InputError:
    return InputError([Problem(code, message, Location(str(path), 1), hint)])
