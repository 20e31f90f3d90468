"""A journal of 200 records, each bit flipped and cut at each byte: refused or mended, never read wrongly."""

import os
from collections.abc import Iterator
from copy import copy
from pathlib import Path

import pytest
from disk import Disk
from journals import FIXTURE, folder_with, recovered

from runner.errors import JournalError
from runner.journal import DamageError
from runner.journal.checking import Chain
from runner.journal.recovering import whole_record

RUN = "20261121-094501-k3f9"


def records() -> Iterator[tuple[Chain, bytes]]:
    """Each record without its end, and where it stands."""
    chain = Chain("events.jsonl", RUN.encode())
    for line in FIXTURE.read_bytes().splitlines():
        yield copy(chain), line
        chain.follow([line])


def is_refused(at: Chain, lines: list[bytes]) -> bool:
    """Whether lines that stand there are found to be wrong."""
    try:
        copy(at).follow(lines)
    except DamageError:
        return True
    return False


@pytest.mark.long
def test_no_flipped_bit_is_read() -> None:
    """Every bit of every record and of every line's end but the last: the record that it is in is refused.

    Those before it are as they were, so that it is enough to begin there.
    """
    known = list(records())
    flips = 0
    for number, (at, line) in enumerate(known):
        behind = known[number + 1][1] if number + 1 < len(known) else None
        data = bytearray(line)
        for place in range(len(line)):
            for bit in range(8):
                data[place] ^= 1 << bit
                assert is_refused(at, bytes(data).split(b"\n")), (number, place, bit)
                data[place] ^= 1 << bit
                flips += 1
        for bit in range(8) if behind is not None else ():
            assert is_refused(at, [line + bytes([0x0A ^ 1 << bit]) + (behind or b"")]), (number, bit)
            flips += 1

    print(f"\n{flips:,} bits of 200 records flipped, one at a time: each found")
    assert flips == 8 * (len(FIXTURE.read_bytes()) - 1)


def test_a_flipped_bit_of_the_last_line_s_end_is_mended(tmp_path: Path) -> None:
    """The record before it is whole, and kept; the byte is set aside."""
    data = FIXTURE.read_bytes()
    for bit in range(8):
        folder = folder_with(tmp_path, data[:-1] + bytes([0x0A ^ 1 << bit]), run=RUN)
        found, events = recovered(folder)
        os.close(found.descriptor)

        assert (found.seq, len(events)) == (200, 200)
        assert (folder.path / "events.jsonl").read_bytes() == data


def test_a_record_that_is_cut_anywhere_is_whole_or_not_there() -> None:
    """At every byte of every record: only where nothing but the end of its line is missing it is kept."""
    cuts = 0
    for at, line in records():
        for length in range(1, len(line) + 1):
            kept = whole_record(at, line[:length])
            assert kept == (line + b"\n" if length == len(line) else b""), (at.seq, length)
            cuts += 1

    print(f"\n{cuts:,} cuts, at each byte of 200 records: the records before are whole, and none is made up")
    assert cuts == len(FIXTURE.read_bytes()) - 200


@pytest.mark.parametrize("start", range(5))
def test_files_are_refused_and_mended_alike(tmp_path: Path, start: int) -> None:
    """A sample of both, in a file: what is read is what was written up to there, or nothing is."""
    data = FIXTURE.read_bytes()
    for place in range(start * 7, len(data), 911):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        cut = data[:place]
        with Disk(tmp_path).watching():  # which leaves out the syncs
            with pytest.raises(JournalError):
                recovered(folder_with(tmp_path, bytes(flipped), run=RUN))
            found, events = recovered(folder_with(tmp_path, cut, run=RUN))
            os.close(found.descriptor)

        assert len(events) == found.seq == cut.count(b"\n") + (data[place : place + 1] == b"\n")
