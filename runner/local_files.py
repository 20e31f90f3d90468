"""Files of the project on this machine: finding them, and knowing their bytes without holding them.

Why a CRC beside the SHA-256: a host without any SHA-256 tool still has ``cksum``, which POSIX asks for.
"""

import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from runner.errors import StepError

CHUNK = 1024 * 1024
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
MOST_FILES = 10_000
"""Files and folders in a folder that is copied, or fetched."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells contents apart: size in bytes, SHA-256 in hex, and what ``cksum`` prints."""

    size: int
    sha256: str
    cksum: str


def inside(project: Path, folder: Path, text: str) -> Path:
    """The local path that ``text`` names, starting at ``folder``, with its links followed.

    Raises StepError when it is missing or, by whatever way, outside the project.
    """
    if not text or "\0" in text:
        raise StepError("the path of a local file is empty" if not text else "a path holds a NUL character")
    try:
        path = (folder / text).resolve()
        is_there = path.exists()
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead to each other
        raise StepError(f'there can be no file "{text}": {getattr(error, "strerror", None) or error}') from None
    if not path.is_relative_to(project.resolve()):
        raise StepError(f'"{text}" is outside the project "{project}"', hint="local files must lie in the project")
    if not is_there:
        raise StepError(f'there is no file "{text}" in "{folder}"')
    return path


def regular(path: Path) -> Path:
    """The path, if it is a readable regular file. Raises StepError otherwise: opening a FIFO would hang."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise StepError(f'"{path}" is no regular file')
    if not os.access(path, os.R_OK):
        raise StepError(f'"{path}" can\'t be read: permission denied')
    return path


def fingerprint(content: bytes | Path) -> Fingerprint:
    """The fingerprint of bytes, or of a file. A file is read once for all hosts, and again when it has changed."""
    if isinstance(content, bytes):
        return _of_chunks(iter((content,)))
    info = content.stat()
    return _of_file(content, info.st_mtime_ns, info.st_size, info.st_ino)


@lru_cache(maxsize=MOST_FILES)
def _of_file(path: Path, _changed: int, _size: int, _inode: int) -> Fingerprint:
    return _of_chunks(_chunks(path))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _of_chunks(chunks: Iterator[bytes]) -> Fingerprint:
    # cksum's CRC takes bits from the other end than zlib's: reversing each byte, and the result, gives the one from
    # the other; its register starts at 0, which zlib calls 0xFFFFFFFF; the length follows the data.
    sha, crc, size = hashlib.sha256(), 0xFFFFFFFF, 0
    for chunk in chunks:
        sha.update(chunk)
        crc = zlib.crc32(chunk.translate(REVERSED), crc)
        size += len(chunk)
    length = size.to_bytes((size.bit_length() + 7) // 8, "little")
    register = zlib.crc32(length.translate(REVERSED), crc) ^ 0xFFFFFFFF
    cksum = int(f"{register:032b}"[::-1], 2) ^ 0xFFFFFFFF
    return Fingerprint(size, sha.hexdigest(), f"{cksum} {size}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder below a folder: its path from there with ``/``, its mode, whether it is a folder."""

    path: str
    mode: int
    is_folder: bool


def tree(root: Path) -> list[Entry]:
    """All files and folders below ``root``, a folder before what is in it.

    Raises StepError for a link or special file, which can't be copied faithfully, and for more than 10,000 entries.
    """
    found: list[Entry] = []
    for path in sorted(root.rglob("*")):
        mode = path.lstat().st_mode
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
            what = "a link" if stat.S_ISLNK(mode) else "no regular file"
            raise StepError(f'"{path}" is {what}; a folder to copy may hold files and folders only')
        found.append(Entry(path.relative_to(root).as_posix(), stat.S_IMODE(mode), stat.S_ISDIR(mode)))
        if len(found) > MOST_FILES:
            raise StepError(f'"{root}" has more than {MOST_FILES} files', hint="pack them into one archive")
    return found
