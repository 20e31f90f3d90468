"""The first and last records of a journal, without those between: enough to say what a run is and how it stands."""

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from runner.disk import open_file

FIRST_SUM = b"00000000"
SUM = len(',"sum":"xxxxxxxx"}')

HEAD = 1 << 24
"""Bytes in which the first records are looked for."""

TAIL = 1 << 16
"""Bytes read from the end at first; twice as many each time that is too little."""

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
    return Ends(started, ready, last, ended)


def latest_start(path: Path) -> Fields:
    """The start of the process that wrote last, empty where there is none. Raises OSError and DamagedError."""
    with open_file(path) as file:
        for line, before in _backwards(file):
            if b'"event":"run.started"' in line[:MOST_BEFORE]:
                return _record(line, before)
    return {}


def _head(file: BinaryIO) -> tuple[Fields, Fields]:
    first, second = file.readline(HEAD), file.readline(HEAD)
    if not first.endswith(b"\n"):
        return {}, {}
    started = _record(first[:-1], FIRST_SUM)
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

    Each time more has to be read the part is twice as large, so that no byte is read more than a few times.
    """
    size, span, given = file.seek(0, 2), TAIL, 0
    while True:
        start = max(0, size - span)
        file.seek(start)
        lines = file.read(size - start).split(b"\n")[:-1]
        if start > 0:
            lines = lines[1:]  # its beginning is not here
        whole = len(lines) if start == 0 else len(lines) - 1
        for back in range(given + 1, whole + 1):
            at = len(lines) - back
            yield lines[at], _sum(lines[at - 1]) if at else FIRST_SUM
        given = max(given, whole)
        if start == 0:
            return
        span *= 2


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
