"""The journal: lines that can be checked, in order, on disk when it says so."""

import asyncio
import errno
import json
import os
import threading
import zlib
from pathlib import Path

import pytest

from runner.errors import JournalError
from runner.journal import FIRST_SUM, Journal, Writer, encode
from runner.model.events import RunEnded, Warned


def journal_at(path: Path, *, inline: bool = False) -> Journal:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return Journal(Writer(descriptor, inline=inline), run="r1", path=str(path), wall=lambda: 1.5)


def test_a_record_begins_and_ends_as_readers_expect() -> None:
    """``seq``, ``ts``, ``run`` and ``event`` come first, ``sum`` last, and there are no spaces."""
    line, _ = encode(Warned(message="slow disk"), seq=7, ts=0.0001, run="r1", previous=FIRST_SUM)

    assert line.startswith(b'{"seq":7,"ts":"1970-01-01T00:00:00.000100Z","run":"r1","event":"warning","message":')
    assert line[-19:-11] == b',"sum":"'
    assert line.endswith(b'"}\n')


def test_sums_chain_from_record_to_record() -> None:
    """Each sum is the CRC-32 of the digits before it and of its own line up to the sum."""
    first, digits = encode(Warned(message="a"), seq=0, ts=0, run="r", previous=FIRST_SUM)
    second, last = encode(Warned(message="b"), seq=1, ts=0, run="r", previous=digits)

    assert digits == f"{zlib.crc32(FIRST_SUM.encode() + first[:-19]):08x}"
    assert last == f"{zlib.crc32(digits.encode() + second[:-19]):08x}"


def test_the_sum_of_a_known_record_is_known() -> None:
    """The published test vector comes out, so that other programs can check a journal."""
    body = b'{"seq":0,"ts":"2030-01-01T00:00:00.000000Z","run":"r1","event":"run.started","schema":"1.0"'

    assert f"{zlib.crc32(body, zlib.crc32(FIRST_SUM.encode())):08x}" == "350017be"


@pytest.mark.parametrize("text", ["é", "\U0001f600", "a\nb\x00\x7f", '"\\', "\u2028"])
def test_a_record_is_one_line_of_ascii(text: str) -> None:
    """Whatever a host prints, a record stays one line of printable ASCII, and reads back the same."""
    line, _ = encode(Warned(message=text), seq=0, ts=0, run="r", previous=FIRST_SUM)

    assert all(0x20 <= byte < 0x7F for byte in line[:-1])
    assert json.loads(line)["message"] == text


def test_a_lone_surrogate_is_written_as_its_escape() -> None:
    """Text that no UTF-8 can hold does not end the journal."""
    line, _ = encode(Warned(message="a\udc80"), seq=0, ts=0, run="r", previous=FIRST_SUM)

    assert json.loads(line)["message"] == "a\\udc80"


def test_what_is_stored_is_in_the_file(tmp_path: Path) -> None:
    """When ``stored`` returns, all records before it are in the file, in order and without gaps."""
    journal = journal_at(tmp_path / "events.jsonl")

    async def story() -> list[int]:
        for number in range(100):
            journal.append(Warned(message=str(number)))
        await journal.stored()
        lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
        return [json.loads(line)["seq"] for line in lines]

    assert asyncio.run(story()) == list(range(100))
    journal.close()


def test_many_who_wait_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand waiting records cost a handful of syncs, not a thousand."""
    syncs: list[int] = []
    monkeypatch.setattr(os, "fdatasync", syncs.append)
    journal = journal_at(tmp_path / "events.jsonl")

    async def one(number: int) -> None:
        journal.append(Warned(message=str(number)))
        await journal.stored()

    async def story() -> None:
        await asyncio.gather(*(one(number) for number in range(1000)))

    asyncio.run(story())
    journal.close()

    assert 1 <= len(syncs) < 50


def test_a_failed_write_is_told_to_all_who_wait_and_stays(tmp_path: Path) -> None:
    """After a failed write nothing is taken as stored any more."""
    journal = journal_at(tmp_path / "events.jsonl")
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    journal._writer.descriptor = os.open(full, os.O_WRONLY)

    async def story() -> None:
        journal.append(Warned(message="x"))
        with pytest.raises(JournalError, match="No space left on device"):
            await journal.stored()
        with pytest.raises(JournalError):
            await journal.stored()

    asyncio.run(story())
    journal.close()


def test_a_failed_sync_is_never_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second would succeed and mean nothing. All that may not be on disk is handed over, and what comes after."""
    syncs: list[int] = []
    rescued: list[bytes] = []

    def fails(descriptor: int) -> None:
        syncs.append(descriptor)
        if len(syncs) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", fails)
    path = tmp_path / "events.jsonl"
    writer = Writer(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), path=path, rescue=rescued.append)
    journal = Journal(writer, run="r1", path=str(path), wall=lambda: 1.5)

    async def story() -> None:
        journal.append(Warned(message="safe"))
        await journal.stored()
        for message in ("in doubt", "too"):
            journal.append(Warned(message=message))
            with pytest.raises(JournalError, match=f'cannot write the journal: "{path}": Input/output error'):
                await journal.stored()

    asyncio.run(story())
    journal.append(Warned(message="the last"))
    journal.close()

    assert len(syncs) == 2
    messages = [json.loads(line)["message"] for line in b"".join(rescued).splitlines()]
    assert messages == ["in doubt", "too", "the last"]


def test_a_slow_disk_lets_starts_wait_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a sync takes its time the loop goes on: who waits for it waits, records gather, none is dropped."""
    is_free = threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda _: is_free.wait(20))
    path = tmp_path / "events.jsonl"
    journal = journal_at(path)

    async def story() -> None:
        journal.append(Warned(message="intent"))
        start = asyncio.ensure_future(journal.stored())
        for number in range(1000):  # what connections are kept alive and read with
            await asyncio.sleep(0)
            journal.append(Warned(message=str(number)))
            journal.flush()
        assert not start.done()
        is_free.set()
        await start

    asyncio.run(story())
    journal.close()

    messages = [json.loads(line)["message"] for line in path.read_bytes().splitlines()]
    assert messages == ["intent", *map(str, range(1000))]


def test_what_nobody_waits_for_is_synced_when_it_is_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that prints megabytes does not keep them all at risk until its next step."""
    syncs: list[int] = []
    monkeypatch.setattr(os, "fdatasync", syncs.append)
    journal = journal_at(tmp_path / "events.jsonl", inline=True)

    async def story() -> None:
        for _ in range(5):
            journal.append(Warned(message="x" * 2**20))
            journal.flush()

    asyncio.run(story())
    assert len(syncs) == 1
    journal.close()


def test_closing_writes_what_is_left(tmp_path: Path) -> None:
    """The last record is in the file though nobody waited for it."""
    journal = journal_at(tmp_path / "events.jsonl")

    journal.append(RunEnded(status="ok", exit=0))
    journal.close()

    assert json.loads((tmp_path / "events.jsonl").read_text())["exit"] == 0


def test_records_nobody_waits_for_come_out_when_flushed(tmp_path: Path) -> None:
    """Whoever follows the file sees a record before somebody needs it on disk."""
    path = tmp_path / "events.jsonl"
    journal = journal_at(path)

    async def story() -> None:
        journal.append(Warned(message="x"))
        journal.flush()
        while not path.stat().st_size:  # noqa: ASYNC110 - the writer is a thread
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(story(), 10))
    journal.close()


def test_inline_writes_on_the_spot(tmp_path: Path) -> None:
    """Under a virtual clock no thread is needed, and stored returns at once."""
    journal = journal_at(tmp_path / "events.jsonl", inline=True)

    async def story() -> int:
        journal.append(Warned(message="x"))
        await journal.stored()
        return (tmp_path / "events.jsonl").stat().st_size

    assert asyncio.run(story()) > 0
    journal.close()
