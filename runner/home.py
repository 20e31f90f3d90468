"""Paths that begin with ``~``."""

from pathlib import Path


def at_home(text: str) -> Path:
    """The path, with ``~`` and ``~user`` for home folders. One of a user that is not there stays as it is written."""
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:
        return path
