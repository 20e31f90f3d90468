"""The account that runner runs as: its name, its home folder, and paths that begin with ``~``.

In a container it may be a mere number, without either.
"""

import getpass
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def at_home(text: str) -> Path:
    """The path, with ``~`` and ``~user`` for home folders. One of a user that is not there stays as it is written."""
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def home_folder() -> Path:
    """The home of this account; a folder that is not there where it has none, as a number without a name may."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")


def user_name() -> str:
    """The name of this account, as the environment or the system says; empty where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def user_of(number: int) -> str:
    """The name of the account with that number; the number itself, where it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


@contextmanager
def made_up_account() -> Iterator[None]:
    """Inside, the environment tells a name and a home where there is none: libraries want both, and use neither."""
    missing = {"LOGNAME": user_name() or str(os.getuid()), "HOME": str(home_folder())}
    added = {name: value for name, value in missing.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
