"""The first and last records of a journal, without those between: enough to say what a run is and how it stands."""

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from runner.disk import open_file
from runner.journal import FIRST_SUM, Chain, whole_record
from runner.journal.checking import SUM_SIZE as SUM

FIRST = FIRST_SUM.encode()

HEAD = 1 << 24
"""Bytes in which the first records are looked for."""

BLOCK = 1 << 16
"""Bytes that are read at once, from the end backwards."""

MOST = 1 << 26
"""Bytes of the longest line that is taken for a record, and of the end in which the latest start is looked for."""

START = b'"event":"run.started"'

MOST_BEFORE = 512
"""Bytes that may stand before what a record calls its event: number, time and the run's id."""

AFTER_END = frozenset({"decision", "lock.released"})
"""Events that may follow ``run.ended``, from processes that did not carry the run out."""

Fields = Mapping[str, Any]


class DamagedError(Exception):
    """The journal can't be right; the text says why."""


@dataclass(frozen=True, slots=True)
class Ends:
    """``started`` and ``ready`` are the records that a run begins with, empty where it did not come to write them.

    ``last`` is the last record of all, ``ended`` the ``run.ended`` that the run closed with, None where it did not.
    """

    started: Fields
    ready: Fields
    last: Fields
    ended: Fields | None


def read_ends(path: Path) -> Ends:
    """Read both ends, and check the sums of what is read. Raises OSError and DamagedError."""
    with open_file(path) as file:
        started, ready = _head(file)
        last, ended = _tail(file)
    if started and started.get("event") != "run.started":
        raise DamagedError("its first record is no run.started")
    return Ends(started, ready, last or started, ended)


def latest_start(path: Path) -> Fields:
    """The start of the process that wrote last, empty where none is near the end. Raises OSError and DamagedError."""
    with open_file(path) as file:
        size = file.seek(0, 2)
        for begin, block in _blocks(file, size, overlap=len(START)):
            if (at := block.rfind(START)) >= 0:
                return _start_at(file, begin + at)
            if size - begin > MOST:
                break
    return {}


def _start_at(file: BinaryIO, mark: int) -> Fields:
    """The record with the mark in its beginning."""
    begin = max(0, mark - MOST_BEFORE)
    at = _part(file, begin, mark).rfind(b"\n") + 1
    file.seek(begin + at)
    line = file.readline(MOST)
    is_whole = (at or not begin) and line.endswith(b"\n")
    return _record(line[:-1], _sum_before(file, begin + at)) if is_whole else {}


def _head(file: BinaryIO) -> tuple[Fields, Fields]:
    first, second = file.readline(HEAD), file.readline(HEAD)
    if not first.endswith(b"\n"):
        kept = whole_record(Chain(), first)  # it may lack its end alone
        return (_record(kept[:-1], FIRST) if kept else {}), {}
    started = _record(first[:-1], FIRST)
    if not second.endswith(b"\n"):
        return started, {}
    ready = _record(second[:-1], _sum(first[:-1]))
    return started, ready if ready.get("event") == "plan.ready" else {}


def _tail(file: BinaryIO) -> tuple[Fields, Fields | None]:
    last: Fields = {}
    for line, before in _backwards(file):
        record = _record(line, before)
        last = last or record
        if record.get("event") not in AFTER_END:
            return last, record if record.get("event") == "run.ended" else None
    return last, None


def _backwards(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Whole lines from the last to the first, each with the sum before it; what follows the last line end is not read.

    Raises DamagedError for a line that is longer than any record.
    """
    ends = _line_ends(file, file.seek(0, 2))
    end = next(ends, -1)
    while end >= 0:
        before = next(ends, -1)
        yield _part(file, before + 1, end), _sum_before(file, before + 1)
        end = before


def _line_ends(file: BinaryIO, size: int) -> Iterator[int]:
    """Where lines end, from the last; the line that is looked for is never in memory."""
    last = size
    for begin, block in _blocks(file, size):
        at = len(block)
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            last = begin + at
            yield last
        if last - begin > MOST:
            raise DamagedError(f"{last - begin} bytes and more before byte {last} have no end of a line")


def _blocks(file: BinaryIO, size: int, *, overlap: int = 0) -> Iterator[tuple[int, bytes]]:
    """The file in parts, from the last, each with where it begins, and with some bytes of the part behind it."""
    for begin in range((size - 1) // BLOCK * BLOCK, -1, -BLOCK) if size else ():
        yield begin, _part(file, begin, min(size, begin + BLOCK + overlap))


def _part(file: BinaryIO, begin: int, end: int) -> bytes:
    file.seek(begin)
    return file.read(end - begin)


def _sum_before(file: BinaryIO, begin: int) -> bytes:
    """The sum of the record that ends where a line begins."""
    return _sum(_part(file, max(0, begin - SUM), begin - 1)) if begin else FIRST


def _record(line: bytes, before: bytes) -> Fields:
    if not line.endswith(b'"}') or line[-SUM : -SUM + 8] != b',"sum":"':
        raise DamagedError(f"a record has no sum: {_beginning(line)}")
    if f"{zlib.crc32(line[:-SUM], zlib.crc32(before)):08x}".encode() != _sum(line):
        raise DamagedError(f"the sum of a record is not right: {_beginning(line)}")
    try:
        record: Fields = json.loads(line)
    except ValueError:
        raise DamagedError(f"a record is no JSON: {_beginning(line)}") from None
    return record


def _sum(line: bytes) -> bytes:
    return line[-10:-2]


def _beginning(line: bytes) -> str:
    return line[:40].decode("utf-8", "backslashreplace")
