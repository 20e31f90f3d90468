"""The key that seals saved plans and journals: 32 random bytes that only this account on this machine can read.

It is made when the first plan is saved, or the first run begins. Where no key can be kept, plans are saved without a
seal, and only their SHA-256, named by a person, vouches for them; and journals bear none.
"""

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from runner import whole_file
from runner.errors import JournalError
from runner.home import home_folder
from runner.state_folder import state_folder

SIZE = 32


def ours(*, make: bool = True) -> bytes | None:
    """The key of whoever runs this, made now where it is missing unless ``make`` is False; None where there is none."""
    return (find_or_make if make else find)(os.environ, home_folder())


def find(environ: Mapping[str, str], home: Path) -> bytes | None:
    """The key, or None where there is none that can be trusted."""
    try:
        return _read(state_folder(None, "keys", environ=environ, home=home, make=False) / "seals")
    except (JournalError, OSError):
        return None


def find_or_make(environ: Mapping[str, str], home: Path) -> bytes | None:
    """The key, made now where it is missing; None where it can't be kept."""
    try:
        path = state_folder(None, "keys", environ=environ, home=home) / "seals"
        if not path.exists():
            whole_file.create(path, secrets.token_bytes(SIZE))
        return _read(path)
    except (JournalError, OSError):
        return None


def _read(path: Path) -> bytes | None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        is_ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        is_private = not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        key = file.read(SIZE + 1) if is_ours and is_private else b""
    return key if len(key) == SIZE else None
