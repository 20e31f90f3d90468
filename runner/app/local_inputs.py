"""The hashes of the files that steps send: inputs of a plan as much as the playbook is."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from runner.errors import StepError
from runner.loading.documents import shown
from runner.local_files import fingerprint, inside, regular, tree


def hashes_of(named: Iterable[tuple[str, str]], project: Path, cwd: Path) -> Mapping[str, str]:
    """The SHA-256 of each file by its name, which is relative to ``cwd`` where that holds it.

    ``named`` are paths with the folder that each starts at. Of a folder all files are in it, and under its own name,
    with a slash behind it, the names and modes in it. What is not there, or can't be sent, is left out: only the step
    itself can tell whether it is wanted.
    """
    found: dict[str, str] = {}
    for folder, text in named:
        with suppress(StepError, OSError):
            path = inside(project, Path(folder), text)
            found |= dict(_of_folder(path, cwd)) if path.is_dir() else {_name(path, cwd): _of_file(path)}
    return found


def hash_now(name: str, cwd: Path) -> str | None:
    """The hash of what has such a name now, None where nothing has."""
    path = cwd / name
    with suppress(StepError, OSError, ValueError):
        found = dict(_of_folder(path, cwd)) if name.endswith("/") else {name: _of_file(path)}
        return next(iter(found.values()))
    return None


def _name(path: Path, cwd: Path) -> str:
    """As text that can be stored: a name that is no UTF-8 has its odd bytes spelt out."""
    return shown(path, cwd).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _of_file(path: Path) -> str:
    return fingerprint(regular(path)).sha256  # kept, so that the run needs not read it again


def _of_folder(root: Path, cwd: Path) -> Iterator[tuple[str, str]]:
    entries = tree(root)
    listing = [f"{root.stat().st_mode & 0o7777:04o} .", *(f"{entry.mode:04o} {entry.path}" for entry in entries)]
    yield f"{_name(root, cwd)}/", hashlib.sha256("\n".join(listing).encode("utf-8", "surrogateescape")).hexdigest()
    for entry in entries:
        if not entry.is_folder:
            yield _name(root / entry.path, cwd), _of_file(root / entry.path)
