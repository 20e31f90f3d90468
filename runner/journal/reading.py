"""The records of a journal, checked and read back, a block at a time: no lock is taken, and the file stays as it is."""

import os
import stat
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path

from runner.disk import open_file
from runner.errors import JournalError
from runner.home import user_of
from runner.journal.checking import DAMAGED, Chain, begins_well
from runner.journal.decoding import decoded
from runner.journal.sealing import Seals
from runner.model.events import Event, RunStarted

BLOCK = 1 << 16
"""Bytes that are read at once: what fits into the cache of a core costs least."""

LONGEST = 1 << 28
"""Bytes of the longest record that is read: more than any has, whatever ``output_limit`` says."""

UNLIKELY = 1 << 20
"""Bytes of a line without an end after which it is asked whether it begins as a record does, before more is read."""

HELD = 1 << 24
"""Bytes of a line that are held before it is looked whether it ends within ``LONGEST``."""

Seen = tuple[int, float, Event]
"""What is read of a record: its number, its time (seconds since 1970) and its event."""


class Scan:
    """The records in an open file, from its beginning.

    When the iteration is done, ``chain`` stands behind the last whole record and ``tail`` has the bytes there: those
    of a record that was being written when its process died, or is just now. ``seals`` are checked where given.
    """

    def __init__(self, descriptor: int, chain: Chain, seals: Seals | None = None) -> None:
        self._descriptor = descriptor
        self.chain = chain
        self.seals = seals
        self.tail = b""

    def __iter__(self) -> Iterator[Seen]:
        """Each record whose event is known. Raises JournalError and MismatchError for what can't be read."""
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[list[Seen]]:
        """The same, as lists."""
        for block in self._blocks():
            yield self.take(block)

    def take(self, block: bytes) -> list[Seen]:
        """What the lines that come next say."""
        lines = block.split(b"\n")
        lines.pop()
        start = copy(self.chain)
        times = self.chain.follow(lines)
        events = decoded(block, lines, start)
        if lines and not start.seq and not isinstance(events[0], RunStarted):
            raise start.damage("it is not the start of a run")
        if self.seals is not None:
            self.seals.check(block, lines, events, start)
        numbers = range(start.seq, self.chain.seq)
        return [(seq, ts, event) for seq, ts, event in zip(numbers, times, events, strict=True) if event is not None]

    def _blocks(self) -> Iterator[bytes]:
        """The file in parts that end where a line does."""
        rest: list[bytes] = []
        offset = length = 0
        is_looked_at = False
        while chunk := self._read(offset):
            offset += len(chunk)
            cut = chunk.rfind(b"\n") + 1
            if cut:
                yield b"".join([*rest, chunk[:cut]])
                rest, length, is_looked_at = [], 0, False
            rest.append(chunk[cut:])
            length += len(rest[-1])
            if length > UNLIKELY and not begins_well(rest[0]):
                raise self.chain.damage("it is longer than any record, and has no end")
            if length > HELD and not is_looked_at:
                self._look_ahead(offset, offset + LONGEST - length)
                is_looked_at = True
        self.tail = b"".join(rest)
        if self.tail.strip(b"\0") and not self.chain.seq and not begins_well(self.tail):
            raise self.chain.damage("it does not begin as a record does")

    def _look_ahead(self, offset: int, limit: int) -> None:
        """Find the end of a long line, or of the file, without holding what is between. Raises DamageError."""
        while chunk := self._read(offset):
            if b"\n" in chunk:
                return
            offset += len(chunk)
            if offset > limit:
                raise self.chain.damage("it is longer than any record, and has no end")

    def _read(self, offset: int) -> bytes:
        try:
            return os.pread(self._descriptor, BLOCK, offset)
        except OSError as error:
            raise unreadable(self.chain.path, error) from error


def read(path: Path) -> Iterator[Seen]:
    """The records of a journal that may be another process's, but for a torn tail. Raises as ``batches`` does."""
    for batch in batches(path):
        yield from batch


def batches(path: Path, *, ours: bool = False, seals: Seals | None = None) -> Iterator[list[Seen]]:
    """The same, as lists.

    With ``ours`` it must not be another user's; ``seals`` are checked where given. Raises JournalError for one that is
    damaged or can't be read, MismatchError for one of a newer version.
    """
    descriptor = open_journal(path, os.O_RDONLY, ours=ours)
    try:
        yield from Scan(descriptor, Chain(str(path)), seals).batches()
    finally:
        os.close(descriptor)


def read_lines(path: Path) -> bytes:
    """All of a journal, for whoever looks for what is certain of it; of an over-long line its beginning, with an end.

    Raises OSError.
    """
    found = bytearray()
    with open_file(path) as file:
        while line := file.readline(LONGEST + 1):
            if len(line) <= LONGEST:
                found += line
                continue
            found += line[:HELD].rstrip(b"\n") + b"\n"
            while line and not line.endswith(b"\n"):
                line = file.readline(BLOCK)
    return bytes(found)


@dataclass(frozen=True, slots=True)
class Report:
    """What a journal holds: whole records, and bytes of a torn one behind them."""

    records: int
    torn: int


def verify(path: Path, seals: Seals | None = None) -> Report:
    """Read all of a journal; raises as ``read`` does."""
    descriptor = open_journal(path, os.O_RDONLY)
    try:
        scan = Scan(descriptor, Chain(str(path)), seals)
        for _ in scan.batches():
            pass
    finally:
        os.close(descriptor)
    return Report(scan.chain.seq, len(scan.tail))


def open_journal(path: Path, flags: int, *, ours: bool = False) -> int:
    """A descriptor of it. Raises JournalError, also for what is no regular file and could hang whoever reads it.

    With ``ours`` also for another user's: whoever goes on with a run believes its journal.
    """
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and (not ours or found.st_uid == os.geteuid()):
            return descriptor
        os.close(descriptor)
    except OSError as error:
        raise unreadable(str(path), error) from error
    wrong = f"it belongs to user {user_of(found.st_uid)}" if stat.S_ISREG(found.st_mode) else "it is no regular file"
    raise JournalError(f'cannot read the journal: "{path}": {wrong}', code=DAMAGED)


def unreadable(path: str, error: OSError) -> JournalError:
    """The journal can't be opened or read."""
    return JournalError(f'cannot read the journal: "{path}": {error.strerror or error}', code=DAMAGED)
