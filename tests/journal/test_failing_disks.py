"""A disk that fails once, at any call, and a power cut at any: noticed or mended, never read wrongly."""

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from disk import ERRORS, SHORT, Disk
from journals import STORY, folder_with, lines_of, recovered

from runner.errors import JournalError
from runner.journal import DamageError, Journal, Recovered, Rescue, Writer
from runner.journal.beginning import begin
from runner.model.events import Event
from runner.run_folder import RunFolder, create

GROUPS = (STORY[:1], STORY[1:4], STORY[4:9], STORY[9:])
"""What is stored together."""


def journal_in(folder: RunFolder, start: Recovered, rescue: Rescue) -> Journal:
    path = folder.path / "events.jsonl"
    writer = Writer(start.descriptor, path=path, inline=True, rescue=rescue)
    return Journal(writer, run="r1", path=str(path), wall=lambda: 2e9, seq=start.seq, previous=start.previous)


def write_run(root: Path, stored: list[Event]) -> None:
    """A run of four groups of records, with a plan before; ``stored`` grows by what is known to be on disk."""
    folder = create(root / "runs", "r1")
    folder.write("plan.json", b"the plan", sync=True)
    rescue = Rescue([folder.path / "events.jsonl.rescued", root / "elsewhere"])
    journal = journal_in(folder, Recovered(begin(folder), 0, "00000000"), rescue)

    async def story() -> None:
        for group in GROUPS:
            for event in group:
                journal.append(event)
            await journal.stored()
            stored.extend(group)

    try:
        asyncio.run(story())
    finally:
        journal.close()
        rescue.close()
    journal.check()


def kept_of(root: Path) -> list[Event]:
    """What can be had of the journal afterwards; nothing where there is none."""
    folder = RunFolder(root / "runs" / "r1", "r1")
    if not (folder.path / "events.jsonl").exists():
        return []
    found, events = recovered(folder)
    os.close(found.descriptor)
    return events


def calls_of(work: Callable[[Path], None], root: Path) -> int:
    root.mkdir()
    with Disk(root).watching() as disk:
        work(root)
    return len(disk.calls)


def test_a_call_that_fails_while_a_run_is_written_loses_nothing(tmp_path: Path) -> None:
    """Every call from making the folder to the last sync, with every error: what was called stored is there later.

    What is read later is what was written, from its beginning on; a failure that is not mended on the spot is told.
    """
    count = calls_of(lambda root: write_run(root, []), tmp_path / "count")
    outcomes = set()
    for number in range(count):
        for error in (*ERRORS, SHORT):
            root, stored = tmp_path / f"{number}.{error}", []
            root.mkdir()
            is_told = False
            with Disk(root).failing(number, error).watching():
                try:
                    write_run(root, stored)
                except JournalError:
                    is_told = True
            events = kept_of(root)

            assert events[: len(stored)] == stored, (number, error)
            assert events == list(STORY[: len(events)]), (number, error)
            assert is_told or len(stored) == len(STORY), (number, error)
            outcomes.add((is_told, len(events)))

    ways = len(ERRORS) + 1
    print(f"\n{count} system calls of a run's journal and plan, each failing in {ways} ways: nothing stored is lost")
    assert len({kept for _, kept in outcomes}) > 3
    assert (False, len(STORY)) in outcomes


def test_what_the_disk_did_not_take_is_taken_in_later(tmp_path: Path) -> None:
    """A write fails in the middle of the run: the records are kept beside, and the next process has all of them."""
    with Disk(tmp_path).watching() as disk:
        write_run(tmp_path, [])
    second = [number for number, call in enumerate(disk.calls) if call.startswith("write runs/r1/events.jsonl")][1]
    root = tmp_path / "again"
    root.mkdir()

    with Disk(root).failing(second, errno.ENOSPC).watching(), pytest.raises(JournalError, match="No space left"):
        write_run(root, [])

    folder = RunFolder(root / "runs" / "r1", "r1")
    assert (folder.path / "events.jsonl.rescued").exists()
    found, events = recovered(folder)
    os.close(found.descriptor)
    assert events == list(STORY[:4])
    assert found.warnings == ('3 records that the disk did not take were taken in from "events.jsonl.rescued"',)
    assert not (folder.path / "events.jsonl.rescued").exists()


def test_a_power_cut_at_any_call_costs_nothing_that_was_stored(tmp_path: Path) -> None:
    """Whatever survives of what was not synced: the plan is whole or absent, and the journal can be gone on with."""
    marks: list[int] = []
    disk = Disk(tmp_path / "run")
    disk.root.mkdir()

    class Marked(list):
        def extend(self, events) -> None:
            super().extend(events)
            marks.append(len(disk.ops))

    stored = Marked()
    with disk.watching():
        write_run(disk.root, stored)
    seen = set()
    for cut in range(len(disk.ops) + 1):
        done = sum(len(group) for group, mark in zip(GROUPS, marks, strict=True) if mark <= cut)
        for number, state in enumerate(disk.crashes(disk.ops[:cut])):
            root = disk.put(state, tmp_path / f"{cut}.{number}")
            plan = root / "runs" / "r1" / "plan.json"
            events = kept_of(root)

            assert list(STORY[:done]) == events[:done], (cut, number)
            assert events == list(STORY[: len(events)]), (cut, number)
            assert not plan.exists() or plan.read_bytes() == b"the plan", (cut, number)
            assert not done or plan.exists(), (cut, number)
            seen.add(len(events))

    print(f"\n{len(disk.ops) + 1} power cuts, behind each of those calls: nothing stored is lost")
    assert len(seen) > 4


def torn(root: Path) -> RunFolder:
    lines = lines_of()
    folder = folder_with(root, b"".join(lines[:-3]) + lines[-3][:-30])
    (folder.path / "events.jsonl.rescued").write_bytes(b"".join(lines[-4:]))
    return folder


def test_a_call_that_fails_in_a_repair_is_harmless(tmp_path: Path) -> None:
    """Every call of taking a torn journal up: it works, or is refused and works the next time, with nothing lost."""

    def repair(root: Path) -> None:
        found, _ = recovered(torn(root))
        os.close(found.descriptor)

    count = calls_of(repair, tmp_path / "count")
    refused = 0
    for number in range(count):
        for error in (*ERRORS, SHORT):
            folder = torn(tmp_path / f"{number}.{error}")
            with Disk(folder.path).failing(number, error).watching():
                try:
                    os.close(recovered(folder)[0].descriptor)
                except JournalError:
                    refused += 1
            found, events = recovered(folder)
            os.close(found.descriptor)

            assert events == list(STORY), (number, error)
            assert (folder.path / "events.jsonl").read_bytes() == b"".join(lines_of())
            assert (folder.path / "events.jsonl.torn-1").read_bytes() == lines_of()[-3][:-30]

    assert refused > count


def test_a_power_cut_in_a_repair_ten_times_over_is_harmless(tmp_path: Path) -> None:
    """At any call, whatever survives; then again in the repair of that, and so on: at last it is whole."""
    for cut in range(12):
        for way in range(8):
            folder = torn(tmp_path / f"{cut}.{way}")
            for turn in range(10):
                disk = Disk(folder.path)
                disk.ops = [("mkdir", folder.path), *already(folder.path)]
                before = len(disk.ops)
                with disk.watching():
                    os.close(recovered(folder)[0].descriptor)
                state = list(disk.crashes(disk.ops[: before + cut]))[way]
                folder = RunFolder(disk.put(state, folder.path.parent / f"turn{turn}"), "r1")
            found, events = recovered(folder)
            os.close(found.descriptor)

            assert events == list(STORY), (cut, way)
            assert all(path.read_bytes().rstrip(b"\0") in b"".join(lines_of()) for path in folder.path.glob("*.torn-*"))


def already(folder: Path) -> list[tuple]:
    """The calls that would have made what is in a folder, all of it synced."""
    ops: list[tuple] = []
    for path in sorted(folder.iterdir()):
        ops += [("create", path), ("write", path, path.read_bytes()), ("sync", path)]
    return [*ops, ("sync", folder)]


def test_damage_that_a_disk_made_of_unsynced_writes_is_refused(tmp_path: Path) -> None:
    """A later page came to disk and an earlier one did not: zeros amid the records are no torn tail."""
    lines = lines_of()
    data = bytearray(b"".join(lines))
    data[len(lines[0]) : len(lines[0]) + 40] = bytes(40)

    with pytest.raises(DamageError, match="record 1"):
        recovered(folder_with(tmp_path, bytes(data)))
