"""The home folder, and paths that begin with ``~``."""

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
