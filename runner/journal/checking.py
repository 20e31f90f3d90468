"""Whether records are as they were written, and none is missing: sums, numbers and run ids, on raw bytes.

**Why a list of lines at a time.** A journal of a large run has half a million records; taken one by one they cost twice
what they cost in a list, in which loops run inside the interpreter. A list that does not hold is gone through again,
record by record, to find the first that is wrong and say why.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zlib import crc32

from runner.errors import JournalError
from runner.run_folder import salvage_command

FIRST_SUM = "00000000"
"""What stands for the sum before the first record."""

SUM_SIZE = 18
"""Bytes of ``,"sum":"xxxxxxxx"}``, with which a record ends."""

SUM = re.compile(rb',"sum":"[0-9a-f]{8}"\}')

TIME_SIZE = 26
"""Bytes of a time without its ``Z``."""

UNKNOWN = b"?"
"""Stands for the run of records that do not say whose they are."""

DAMAGED = "E614"
"""The code of what is said about a journal that can't be used."""

_HEAD = re.compile(rb'\{"seq":(\d+),"ts":"([-0-9T:.]{26})Z","run":"([^"\\]*)","event":"')


class DamageError(JournalError):
    """A complete record is not as it was written, or not the one that comes next.

    ``seq`` is the number it should have, ``offset`` where it begins, in bytes. ``expected`` and ``actual`` are its sum
    as reckoned and as written, empty where something else is wrong.
    """

    def __init__(self, at: "Chain", reason: str, *, expected: str = "", actual: str = "") -> None:
        super().__init__(
            f'the journal is damaged: "{at.path}": record {at.seq}, at byte {at.offset}: {reason}',
            hint=f"`{salvage_command(Path(at.path))}` keeps what is certain of it, in a new file",
            code=DAMAGED,
        )
        self.seq = at.seq
        self.offset = at.offset
        self.expected = expected
        self.actual = actual


@dataclass(slots=True)
class Chain:
    """How far a journal has been checked: the number of the next record, where it begins, the digits of the last sum.

    ``run`` is the id that all records bear; empty, it is the first one's. ``path`` is for messages.
    """

    path: str = ""
    run: bytes = b""
    seq: int = 0
    offset: int = 0
    digits: bytes = FIRST_SUM.encode()

    def follow(self, lines: list[bytes]) -> list[float]:
        """Check the lines that come next, without their ends, and go behind them; gives their times.

        Raises DamageError for the first that is wrong, with the chain at its beginning.
        """
        times: list[float] = []
        while lines:
            self.run = self.run or _run_of(lines[0])
            same = 10 ** len(str(self.seq)) - self.seq  # so many have numbers of the same length
            part, lines = (lines, []) if len(lines) <= same else (lines[:same], lines[same:])
            found = self._all_at_once(part)
            times += [self._one(line) for line in part] if found is None else found
        return times

    def _all_at_once(self, lines: list[bytes]) -> list[float] | None:
        """The times of lines that are right, going behind them; None where something is wrong."""
        count = len(lines)
        digits = [line[-10:-2] for line in lines]
        before = [self.digits, *digits]
        before.pop()
        sums = tuple(map(crc32, [line[:-SUM_SIZE] for line in lines], map(crc32, before)))
        start = len(b'{"seq":%d,"ts":"' % self.seq)
        middle = b'Z","run":"%b","event":"' % self.run
        begin, end = start + TIME_SIZE, start + TIME_SIZE + len(middle)
        numbers = tuple(range(self.seq, self.seq + count))
        if (
            b"".join([line[-SUM_SIZE:] for line in lines]) != b',"sum":"%08x"}' * count % sums
            or b"".join([line[:start] for line in lines]) != b'{"seq":%d,"ts":"' * count % numbers
            or [line[begin:end] for line in lines].count(middle) != count
        ):
            return None
        try:
            second = _seconds
            times = [second[line[start : start + 19]] + int(line[start + 20 : begin]) / 1e6 for line in lines]
        except ValueError:
            return None
        self._go(lines)
        return times

    def _one(self, line: bytes) -> float:
        """The time of the next line. Raises DamageError where it is wrong."""
        expected, actual = f"{crc32(line[:-SUM_SIZE], crc32(self.digits)):08x}", line[-10:-2].decode("ascii", "replace")
        head = _HEAD.match(line)
        if not SUM.fullmatch(line[-SUM_SIZE:]):
            raise self.damage("it does not end as a record does")
        if expected != actual:
            raise self.damage(f'its sum is "{actual}" and should be "{expected}"', expected=expected, actual=actual)
        if head is None:
            raise self.damage("it does not begin as a record does")
        number, time, run = head.groups()
        if number != b"%d" % self.seq:
            raise self.damage(f"it is numbered {number.decode()}")
        if run != self.run:
            raise self.damage(f'it belongs to run "{run.decode(errors="backslashreplace")}"')
        try:
            seconds = _seconds[time[:19]] + int(time[20:]) / 1e6
        except ValueError:
            raise self.damage("it has no time") from None
        self._go([line])
        return seconds

    def damage(self, reason: str, *, expected: str = "", actual: str = "") -> DamageError:
        """What is wrong with the next record."""
        return DamageError(self, reason, expected=expected, actual=actual)

    def _go(self, lines: list[bytes]) -> None:
        self.seq += len(lines)
        self.offset += sum(map(len, lines)) + len(lines)
        self.digits = lines[-1][-10:-2]


def begins_well(line: bytes) -> bool:
    """Whether a line that may be unfinished begins as a record does."""
    head = b'{"seq":'
    return line[: len(head)] == head[: len(line)]


def shown(line: bytes) -> int | None:
    """What number a line bears, whatever else it says; None for what begins as no record does."""
    found = _HEAD.match(line)
    return int(found[1]) if found else None


class _Seconds(dict[bytes, float]):
    """Seconds since 1970 by their text; a thousand records share one."""

    def __missing__(self, text: bytes) -> float:
        if len(self) > 100_000:  # a day and more; a longer run begins again
            self.clear()
        return self.setdefault(text, datetime.fromisoformat(f"{text.decode('ascii')}+00:00").timestamp())


_seconds = _Seconds()


def _run_of(line: bytes) -> bytes:
    found = _HEAD.match(line)
    return found[3] if found else UNKNOWN
