"""Taking up the journal of a run whose process is gone: all that was whole is kept, and nothing else."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from disk import Disk
from events_builder import run_started
from journals import FIXTURE, STORY, folder_with, lines_of, recovered

from runner.errors import JournalError, LockError
from runner.journal import DamageError, Journal, Writer, is_held, verify


def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    """The next record has the next number and a sum that follows; all of it reads as one journal."""
    folder = folder_with(tmp_path, b"".join(lines_of()))
    found, events = recovered(folder)
    path = folder.path / "events.jsonl"
    journal = Journal(
        Writer(found.descriptor), run="r1", path=str(path), wall=lambda: 2e9, seq=found.seq, previous=found.previous
    )

    async def story() -> None:
        journal.append(run_started(resume=True))
        await journal.stored()

    asyncio.run(story())
    journal.close()

    assert tuple(events) == STORY
    assert found.warnings == ()
    assert verify(path).records == len(STORY) + 1


def test_a_tail_cut_anywhere_is_set_aside(tmp_path: Path) -> None:
    """At every byte of the last record: the records before it are kept, its bytes are in a file beside, once."""
    lines = lines_of()
    whole, last = b"".join(lines[:-1]), lines[-1]
    for cut in range(1, len(last) - 1):
        folder = folder_with(tmp_path, whole + last[:cut], run="r1")
        with Disk(tmp_path).watching():  # which leaves out the syncs
            found, events = recovered(folder)
            os.close(found.descriptor)
        torn = folder.path / "events.jsonl.torn-1"

        assert tuple(events) == STORY[:-1]
        assert (folder.path / "events.jsonl").read_bytes() == whole
        assert torn.read_bytes() == last[:cut]
        assert found.warnings[0].startswith(f"the journal ended in {cut} bytes of a record")
        assert found.warnings[0].endswith('set aside in "events.jsonl.torn-1" [W613]')
        torn.unlink()


def test_a_whole_record_without_its_end_is_kept(tmp_path: Path) -> None:
    """Only the end of the line is missing: the record counts."""
    folder = folder_with(tmp_path, b"".join(lines_of())[:-1])

    found, events = recovered(folder)
    os.close(found.descriptor)

    assert tuple(events) == STORY
    assert found.warnings == (f"record {len(STORY) - 1} of the journal had no end, and has it now [W613]",)
    assert (folder.path / "events.jsonl").read_bytes() == b"".join(lines_of())


def test_a_whole_record_before_rubbish_is_kept(tmp_path: Path) -> None:
    """What stands behind it is set aside; that it looks like a sum misleads nobody."""
    rubbish = b'\0\0,"sum":"00000000"}\0'
    folder = folder_with(tmp_path, b"".join(lines_of())[:-1] + rubbish)

    found, events = recovered(folder)
    os.close(found.descriptor)

    assert tuple(events) == STORY
    assert (folder.path / "events.jsonl").read_bytes() == b"".join(lines_of())
    assert (folder.path / "events.jsonl.torn-1").read_bytes() == rubbish


def test_a_second_torn_tail_does_not_take_the_place_of_the_first(tmp_path: Path) -> None:
    """Each is kept under a number of its own; the same one is kept once."""
    lines = lines_of()
    for tail in (b"first", b"second", b"second"):
        os.close(recovered(folder_with(tmp_path, lines[0] + tail))[0].descriptor)

    kept = {path.name: path.read_bytes() for path in (tmp_path / "r1").glob("*.torn-*")}

    assert kept == {"events.jsonl.torn-1": b"first", "events.jsonl.torn-2": b"second"}


def test_damage_before_the_tail_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    """Not even the torn tail behind it is cut off."""
    lines = lines_of()
    lines[3] = lines[3].replace(b"web01", b"web09")
    folder = folder_with(tmp_path, b"".join(lines) + b"torn")
    before = (folder.path / "events.jsonl").read_bytes()

    with pytest.raises(DamageError, match="record 3"):
        recovered(folder)

    assert [path.name for path in folder.path.iterdir()] == ["events.jsonl"]
    assert (folder.path / "events.jsonl").read_bytes() == before


def test_the_last_record_is_not_dropped_though_it_is_damaged(tmp_path: Path) -> None:
    """It is whole, so it was on disk: it may be the intent of a step that was sent."""
    lines = lines_of()
    lines[-1] = lines[-1].replace(b"failed", b"foiled")

    with pytest.raises(DamageError, match=f"record {len(STORY) - 1}"):
        recovered(folder_with(tmp_path, b"".join(lines)))


def test_the_journal_of_another_run_is_refused(tmp_path: Path) -> None:
    """A folder that was renamed or a journal that was copied is not gone on with."""
    with pytest.raises(JournalError, match='it belongs to run "r2"'):
        recovered(folder_with(tmp_path, b"".join(lines_of(run="r2"))))


def test_a_run_that_is_at_work_is_left_alone(tmp_path: Path) -> None:
    """The second process is told who has it; when the first has gone, however it did, the lock is free."""
    started = run_started(argv=("runner", "run", "deploy.yaml"))
    folder = folder_with(tmp_path, b"".join(lines_of([started])))
    path = folder.path / "events.jsonl"
    hold = (
        "import os, sys; from pathlib import Path; from runner.journal import hold;"
        "path = Path(sys.argv[1]); hold(os.open(path, os.O_RDWR), path); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout
        assert first.stdout.readline() == "held\n"
        is_held_before = is_held(path)
        with pytest.raises(LockError) as caught:
            recovered(folder)
        first.kill()

    assert is_held_before
    assert caught.value.message == (
        "run r1 is being worked on by process 7 of ops on desk, since 2026-11-21T10:00:00Z: runner run deploy.yaml"
    )
    assert not is_held(path)
    os.close(recovered(folder)[0].descriptor)


def test_who_looks_at_the_lock_does_not_take_it(tmp_path: Path) -> None:
    """A look by another process at the wrong moment does not refuse a run."""
    folder = folder_with(tmp_path, b"".join(lines_of()))
    path = folder.path / "events.jsonl"

    assert not is_held(path)
    found, _ = recovered(folder)
    assert is_held(path)
    os.close(found.descriptor)


def test_a_journal_of_nothing_but_a_torn_record_begins_again(tmp_path: Path) -> None:
    """The process died in its first write."""
    found, events = recovered(folder_with(tmp_path, lines_of()[0][:50]))
    os.close(found.descriptor)

    assert (found.seq, found.previous, events) == (0, "00000000", [])


def test_a_journal_of_the_first_schema_reads_to_this_day(tmp_path: Path) -> None:
    """All of its 200 records, and one of every event that there was."""
    found, events = recovered(folder_with(tmp_path, FIXTURE.read_bytes(), run="20261121-094501-k3f9"))
    os.close(found.descriptor)

    assert found.seq == len(events) == 200
    assert len({type(event) for event in events}) == 34
