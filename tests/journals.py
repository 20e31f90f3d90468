"""Journals for tests: made of events, as a run writes them."""

import zlib
from collections.abc import Iterable
from pathlib import Path

from events_builder import START, plan_ready, run_ended, run_started, turn, wave_ended, wave_started

from runner.journal import FIRST_SUM, Recovered, Seals, encode, recover
from runner.model.events import Event
from runner.run_folder import RunFolder

FIXTURE = Path(__file__).parent / "data" / "journal-1.0.jsonl"
"""A journal of 200 records, with one of every event at least, as the first version of the schema has them."""

STORY: tuple[Event, ...] = (
    run_started(),
    plan_ready(),
    wave_started("web01", "web02"),
    *turn("web01", "upload", "restart"),
    *turn("web02", "upload", "restart", status="failed", rc=3, tail="no such unit"),
    wave_ended(status="failed", ok=1, failed=1),
    run_ended(status="failed", exit=1),
)
"""A run of two steps on two hosts, of which one fails."""


def lines_of(
    events: Iterable[Event] = STORY,
    *,
    run: str = "r1",
    seq: int = 0,
    previous: str = FIRST_SUM,
    key: bytes | None = None,
) -> list[bytes]:
    """The records, each a line with its end, a second apart; sealed where there is a key."""
    lines = []
    seals = Seals(key) if key else None
    for number, event in enumerate(events, seq):
        line, previous = encode(event, seq=number, ts=START + number, run=run, previous=previous, seals=seals)
        lines.append(line)
    return lines


def chained(*bodies: bytes) -> list[bytes]:
    """Lines with right sums, whatever they say."""
    digits, lines = b"00000000", []
    for body in bodies:
        digits = b"%08x" % zlib.crc32(body, zlib.crc32(digits))
        lines.append(body + b',"sum":"' + digits + b'"}\n')
    return lines


def rechained(lines: Iterable[bytes]) -> list[bytes]:
    """The same lines with sums that are right: what whoever can write the file can always make of it."""
    return chained(*(line.rstrip(b"\n")[:-18] for line in lines))


def folder_with(root: Path, data: bytes, *, run: str = "r1") -> RunFolder:
    """A run folder whose journal holds these bytes."""
    folder = RunFolder(root / run, run)
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder.path / "events.jsonl").write_bytes(data)
    return folder


def recovered(folder: RunFolder, key: bytes | None = None) -> tuple[Recovered, list[Event]]:
    """Take the journal up; gives what it says, too."""
    events: list[Event] = []
    found = recover(folder, lambda batch: events.extend(event for _, _, event in batch), key=key)
    return found, events
