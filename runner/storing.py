"""Writing what hosts sent below a local folder, and nowhere else.

A host chooses the names of files, so each part of a name is looked at, and each folder is opened relative to the one
above it, without following links: no name, and no link that somebody put there, leads out. A file appears whole, by a
rename, or not at all.
"""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from runner.errors import StepError

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
LONGEST_PART = 255
DEEPEST = 64


def parts_of(path: str) -> tuple[str, ...]:
    """The parts of a relative path that a host sent. Raises StepError for one that is no plain name."""
    parts = tuple(path.split("/"))
    if len(parts) > DEEPEST:
        raise StepError(f"the host sent a path of {len(parts)} folders; at most {DEEPEST} are taken")
    for part in parts:
        if not is_plain(part):
            raise StepError(f"the host sent a name that can't be used here: {path!a:.300}")
    return parts


def is_plain(part: str) -> bool:
    """Whether a part of a name is one name: not empty, ``.`` or ``..``, no separator or control character in it."""
    size = len(part.encode("utf-8", "surrogateescape"))
    odd = any(letter in "/\\" or ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in part)
    return part not in {"", ".", ".."} and size <= LONGEST_PART and not odd


@contextmanager
def opened(root: Path, parts: tuple[str, ...]) -> Iterator[int]:
    """A descriptor of a folder below ``root``; it and those above it are made, private, where they are missing.

    Raises StepError where a link, or anything but a folder, is in the way.
    """
    with _ours(root):
        for folder in reversed([one for one in (root, *root.parents) if not one.exists()]):
            folder.mkdir(mode=0o700, exist_ok=True)  # mkdir's own "parents" would leave those above open to others
        descriptor = os.open(root, FOLDER)
    try:
        for part in parts:
            with _ours(root / part), suppress(FileExistsError):
                os.mkdir(part, 0o700, dir_fd=descriptor)
            with _ours(root / part):
                below = os.open(part, FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _ours(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StepError(f'"{path}" can\'t be written here: {error.strerror}') from None


class NewFile:
    """A file on its way: ``write`` bytes, then ``keep`` it; as a context it removes what was not kept."""

    def __init__(self, folder: int, name: str) -> None:
        self._folder = folder
        self._name = name
        self._temp = f".runner-{secrets.token_hex(16)}"
        with _ours(Path(name)):
            self._file = os.fdopen(os.open(self._temp, NEW_FILE, 0o600, dir_fd=folder), "wb")
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._file.close()
        with suppress(FileNotFoundError):
            os.unlink(self._temp, dir_fd=self._folder)

    def write(self, chunk: bytes) -> None:
        """Take the next bytes. Raises StepError when this machine can't."""
        with _ours(Path(self._name)):
            self._file.write(chunk)
        self.size += len(chunk)

    def keep(self, mode: int) -> bool:
        """Put it in its place with ``mode``, and say whether contents or mode there are other than before."""
        with _ours(Path(self._name)):
            os.fchmod(self._file.fileno(), mode)
            self._file.flush()
            os.fsync(self._file.fileno())
            same = self._is_there()
            os.replace(self._temp, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        return not same

    def _is_there(self) -> bool:
        try:
            there = os.open(self._name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._folder)
        except OSError:
            return False
        with os.fdopen(there, "rb") as old:
            info, ours = os.fstat(old.fileno()), os.fstat(self._file.fileno())
            if not stat.S_ISREG(info.st_mode) or (info.st_mode, info.st_size) != (ours.st_mode, ours.st_size):
                return False
            ours_again = os.open(self._temp, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self._folder)
            with os.fdopen(ours_again, "rb") as new:
                return all(chunk == new.read(len(chunk)) for chunk in iter(lambda: old.read(1 << 20), b""))
