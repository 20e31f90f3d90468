"""What is certain of a damaged journal: each record whose sum is right behind one that shows the sum before it.

A record that is damaged shows its own sum in most cases, so only that one record is lost, and those behind it are known
again. Records are found by their numbers, wherever they stand.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass

from runner.errors import MismatchError
from runner.journal.checking import SUM, SUM_SIZE, Chain, DamageError, shown
from runner.journal.decoding import decoded
from runner.journal.sealing import Seals
from runner.model.events import Event

LEAST = 180
"""Bytes that a record has at least which tells anything of a step."""

BEGIN = b'{"seq":'

CHUNK = 4096
"""Records that are checked at once."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A record that is certain. ``event`` is None where nobody here knows it; ``line`` is without its end."""

    seq: int
    ts: float
    event: Event | None
    line: bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """Records that are not certain, or not there: ``count`` at most, from number ``first`` on."""

    first: int
    count: int
    reason: str


def survivors(chain: Chain, data: bytes, more: bytes = b"") -> Iterator[Kept | Lost]:
    """What a journal holds, in order. ``more`` are lines that go on behind it; ``chain`` stands at the beginning.

    A torn tail is no loss: nothing was sent that it could tell of. Raises MismatchError for a newer version's.
    """
    *lines, tail = data.split(b"\n")
    lines += [*_whole(tail), *more.split(b"\n")[:-1]]
    at = 0
    while at < len(lines):
        found = _good(chain, lines[at : at + CHUNK])
        yield from found
        at += len(found)
        if len(found) < CHUNK and at < len(lines):
            break
    if at < len(lines):
        yield from _scattered(chain, lines[at:])


def sealed(parts: list[Kept | Lost], seals: Seals, path: str) -> list[Kept | Lost]:
    """The same, but where a seal is wrong: what stands behind the last right one may have been changed, and is lost.

    ``seals`` stand at the beginning; ``path`` is for messages.
    """
    first = next((place for place, part in enumerate(parts) if isinstance(part, Lost)), len(parts))
    good = [part for part in parts[:first] if isinstance(part, Kept)]
    lines = [part.line for part in good]
    try:
        seals.check(b"".join(line + b"\n" for line in lines), lines, [part.event for part in good], Chain(path))
    except DamageError as error:
        last = parts[-1]
        count = last.seq + 1 if isinstance(last, Kept) else last.first + last.count
        return [*good[: seals.good + 1], Lost(seals.good + 1, count - seals.good - 1, error.message)]
    return parts


def _whole(tail: bytes) -> list[bytes]:
    """The whole record that the tail begins with; it is checked like any other."""
    found = SUM.search(tail)
    return [tail[: found.end()]] if found else []


def _good(chain: Chain, lines: list[bytes]) -> list[Kept]:
    """The lines up to the first that is wrong, with the chain behind them."""
    while lines:
        start, count = copy(chain), len(lines)
        try:
            times = chain.follow(lines)
            block = b"".join(line + b"\n" for line in lines)
            events = decoded(block, lines, start)
        except DamageError as error:
            count = error.seq - start.seq
        else:
            numbers = range(start.seq, chain.seq)
            return [Kept(*one) for one in zip(numbers, times, events, lines, strict=True)]
        lines = lines[:count]
        chain.seq, chain.offset, chain.digits = start.seq, start.offset, start.digits
    return []


def _scattered(chain: Chain, lines: list[bytes]) -> Iterator[Kept | Lost]:
    """Lines of which the first is wrong: those that can be known again, and what is missing before each."""
    reason = _reason(chain, lines[0])
    by_number: dict[int, list[int]] = {}
    for place, line in enumerate(lines):
        if (number := shown(line)) is not None and SUM.fullmatch(line[-SUM_SIZE:]):
            by_number.setdefault(number, []).append(place)
    taken: set[bytes] = set()
    last = -1
    for number in sorted(by_number):
        for place in by_number[number] if number >= chain.seq else ():
            sums = [
                lines[other][-10:-2] for other in (*by_number.get(number - 1, ()), *range(max(0, place - 1), place))
            ]
            before = [chain.digits] if number == chain.seq else sums
            if (found := _known(chain, number, lines[place], before)) is not None:
                if number > chain.seq:
                    yield Lost(chain.seq, number - chain.seq, reason)
                yield found
                chain.seq, chain.digits, last = number + 1, found.line[-10:-2], place
                taken.add(found.line)
                break
    rest = [line for line in lines[last + 1 :] if line not in taken]
    if rest:
        yield Lost(chain.seq, sum(map(_records, rest)), reason)


def _records(line: bytes) -> int:
    """How many records a damaged line may have been, at most: one, if it has one beginning and one end."""
    is_one = line.startswith(BEGIN) and line.count(BEGIN) == 1 and SUM.fullmatch(line[-SUM_SIZE:])
    return 1 if is_one else max(1, len(line) // LEAST)


def _known(chain: Chain, number: int, line: bytes, before: list[bytes]) -> Kept | None:
    """The record of that number, if the line is right behind one of the sums."""
    for digits in before:
        found = _good(Chain(chain.path, chain.run, number, chain.offset, digits), [line])
        if found:
            return found[0]
    return None


def _reason(chain: Chain, line: bytes) -> str:
    """Why the next line is not taken."""
    start = copy(chain)
    try:
        copy(chain).follow([line])
        decoded(line + b"\n", [line], start)
    except (DamageError, MismatchError) as error:
        return error.message
    return ""
