"""Bytes of a file, once, and the text in them.

Only regular files are read. They are opened without blocking, so a FIFO in place of a playbook is an error and not a
wait without end; and what was opened is looked at, never the name a second time.
"""

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from runner.loading.limits import Limits
from runner.loading.problems_list import Problems
from runner.location import Location

KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
STDIN = "<stdin>"
"""How messages call standard input."""

RENAME = "rename the file, or the folder on the way to it that is shown with \\x"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
UTF_32 = b"\xff\xfe\x00\x00"
UTF_8_MARK = b"\xef\xbb\xbf"


def read_bytes(path: Path, name: str, problems: Problems, *, what: str, limits: Limits) -> bytes | None:
    """The bytes of a regular file, or None and a problem that says why not. ``what`` the file should be."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        problems.error(*_cannot_open(path, name, error, what))
        return None
    try:
        if not _is_text(path):
            problems.error("E117", "can't read the file: its path is no UTF-8 text", Location(name, 1), RENAME)
            return None
        return _content(handle, name, problems, limits, what)
    finally:
        os.close(handle)


def read_standard_input(problems: Problems, limits: Limits) -> bytes | None:
    """What comes through standard input, or None and a problem: nobody types a playbook."""
    place = Location(STDIN, 1)
    hint = "name a file, or write: runner validate - < FILE"
    number = -1 if sys.stdin is None else 0  # where it was closed from the start, another file may have its number
    if os.isatty(number):
        problems.error("E620", "standard input is a terminal, and no file", place, hint)
        return None
    try:
        data = _read_up_to(number, limits.size + 1)
    except OSError as error:
        problems.error("E620", f"standard input is closed, or can't be read: {error.strerror}", place, hint)
        return None
    if len(data) > limits.size:
        problems.error("E120", f"what comes has more than {limits.size} bytes, the limit", place)
        return None
    return data


def _is_text(path: Path) -> bool:
    """Whether the records of a run can hold the path."""
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError:
        return False
    return True


def _content(handle: int, name: str, problems: Problems, limits: Limits, what: str) -> bytes | None:
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        kind = next((word for test, word in KINDS if test(mode)), "no regular file")
        problems.error("E119", f"this is {kind}, not {a_file(what)}", Location(name, 1))
        return None
    try:
        data = _read_up_to(handle, limits.size + 1)
    except OSError as error:
        problems.error("E117", f"can't read the file: {error.strerror}", Location(name, 1))
        return None
    if len(data) > limits.size:
        size = os.fstat(handle).st_size
        problems.error("E120", f"the file has {size} bytes; the limit is {limits.size}", Location(name, 1))
        return None
    return data


def _read_up_to(handle: int, count: int) -> bytes:
    parts = []
    while count > 0 and (part := os.read(handle, min(count, 1 << 20))):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _cannot_open(path: Path, name: str, error: OSError | ValueError, what: str) -> tuple[str, str, Location]:
    where = Location(name, 1)
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return "E118", f"the link leads to nothing: {path.readlink()}", where
    if isinstance(error, FileNotFoundError):
        return "E116", f"there is no such {what} file", where
    if _is_socket(path):
        return "E119", f"this is a socket, not {a_file(what)}", where
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return "E117", f"can't read the file: {reason}", where


def a_file(what: str) -> str:
    """What a file should be: ``an inventory file``."""
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what} file"


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def decode(data: bytes, name: str, problems: Problems) -> str | None:
    """The text of a file, or None and a problem that says what encoding it looks like."""
    if data.startswith(UTF_16) and not data.startswith(UTF_32):
        problems.sources[name] = tuple(data.decode("utf-16", "replace").splitlines())
        problems.error("E103", "file is UTF-16; save it as UTF-8", Location(name, 1), "UTF-8 is what every editor can")
        return None
    if b"\x00" in data:
        problems.sources[name] = _for_excerpts(data)
        place = _place(data, data.index(b"\x00"), name)
        problems.error("E104", "NUL byte in the file", place, "is this a binary file, or UTF-16 or UTF-32?")
        return None
    if data.startswith(UTF_8_MARK):
        problems.warning("W102", "the file starts with a byte order mark, which is ignored", Location(name, 1))
        data = data.removeprefix(UTF_8_MARK)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        problems.sources[name] = _for_excerpts(data)
        byte = f"not valid UTF-8 (byte 0x{data[error.start]:02X})"
        problems.error("E105", byte, _place(data, error.start, name), "is the file Latin-1? save it as UTF-8")
        return None


def _for_excerpts(data: bytes) -> tuple[str, ...]:
    """The lines of what is no text, with a sign for each byte that is none."""
    return tuple(data.decode("utf-8", "replace").split("\n"))


def _place(data: bytes, index: int, name: str) -> Location:
    """The place of a byte; what is before it on its line is counted in characters."""
    start = data.rfind(b"\n", 0, index) + 1
    return Location(name, data.count(b"\n", 0, index) + 1, len(data[start:index].decode("utf-8", "replace")) + 1)
