"""When a record may go from its host: what it tells is on disk here, or no other record can be taken to say "never"."""

import asyncio
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from losing import WAITS, controller, end, keepers, noted, records, settled
from sshd import descendants
from transport_ways import context_in, host_named, until

from runner.errors import JournalError, LostError
from runner.framing import Hello
from runner.host_record import MOST
from runner.shell.records import HostRecords
from runner.transport import Recalled
from runner.transports import load


@pytest.fixture
def token() -> Iterator[str]:
    """The token of a run, whose records are gone at the end, whatever happened."""
    word = secrets.token_hex(16)
    yield word
    for path in records(word):
        path.unlink(missing_ok=True)


def killed(token: str, folder: Path, key: str, **more: Any) -> None:
    """A process of the run is killed while a command runs, which then ends by itself, unless the loss is its end."""
    (folder / "began").unlink(missing_ok=True)
    (folder / "go").unlink(missing_ok=True)
    with controller(token, folder, key, f'touch "$1/began"; {WAITS} exit 7', **more) as process:
        asyncio.run(until((folder / "began").exists))
        process.kill()
    asyncio.run(until(lambda: any(f"l {key}" in path.read_text() for path in records(token))))
    (folder / "go").touch()
    asyncio.run(until(lambda: not keepers(token)))


def resumed(token: str, folder: Path, *keys: str, go_on: bool = False, **more: object) -> list[Recalled]:
    """What a later process finds; it ends in order, after a command of its own if it is to ``go_on``."""

    async def main() -> list[Recalled]:
        context = context_in(folder, token=token, is_resumed=True, **{"warn": lambda _: None, **more})
        async with load("local").start(context) as transport:
            session = await transport.connect(host_named())
            found = [await settled(session, key) for key in keys]
            if go_on:
                await session.run(noted("another", "true"))
            await session.close()
            return found

    return asyncio.run(main())


def test_a_record_that_was_read_goes_when_that_is_on_disk(token: str, tmp_path: Path) -> None:
    """The file is there while the journal writes, and not after it."""
    killed(token, tmp_path, "step")
    there: list[int] = []

    async def stored() -> None:
        there.append(len(records(token)))

    [found] = resumed(token, tmp_path, "step", stored=stored)

    assert found.state == "done"
    assert there
    assert min(there) > 0
    assert records(token) == []


def test_a_record_stays_where_the_journal_can_not_be_written(token: str, tmp_path: Path) -> None:
    """The next process finds there what this one could not keep; and that it is left is said."""
    killed(token, tmp_path, "step")
    warnings: list[str] = []

    async def stored() -> None:
        raise JournalError("no space left")

    [first] = resumed(token, tmp_path, "step", stored=stored, warn=warnings.append)
    [second] = resumed(token, tmp_path, "step", go_on=True)

    assert (first.state, second.state) == ("done", "done")
    assert any("records of this run are left" in text for text in warnings)
    assert records(token) == []


def test_a_host_that_goes_on_keeps_the_record_of_what_is_not_known_yet(token: str, tmp_path: Path) -> None:
    """A step that another host has run there may be looked for later, when that one's turn comes."""
    killed(token, tmp_path, "step")

    resumed(token, tmp_path, go_on=True, awaited=frozenset({"step"}))
    [found] = resumed(token, tmp_path, "step", go_on=True, awaited=frozenset({"step"}))

    assert found.state == "done"
    assert records(token) == []


def test_what_nobody_could_tell_is_never_said_not_to_have_begun(token: str, tmp_path: Path) -> None:
    """It ran and has no end: with its record gone the one of an earlier shell, which lacks it, vouches for nothing."""
    killed(token, tmp_path, "first")
    killed(token, tmp_path, "second", on_loss="kill", resumed=True)

    [found] = resumed(token, tmp_path, "second")
    [again] = resumed(token, tmp_path, "second")

    assert found.state == "gone"
    assert again.state == "none"


def test_an_ordinary_run_does_not_wait_for_its_disk(token: str, tmp_path: Path) -> None:
    """A shell whose notes are no file takes them along, and nobody believes anything of whom there is no record."""
    asked: list[None] = []

    async def stored() -> None:
        asked.append(None)

    async def main() -> None:
        async with load("local").start(context_in(tmp_path, token=token, stored=stored)) as transport:
            session = await transport.connect(host_named())
            await session.run(noted("step", "true"))
            await session.close()

    asyncio.run(main())

    assert asked == []
    assert records(token) == []


def test_notes_that_start_anew_vouch_for_nothing(token: str, tmp_path: Path) -> None:
    """They forget commands whose ends the journal may not have: only what they still mention is known."""
    with controller(token, tmp_path, before=MOST + 1) as process:
        process.kill()

    forgotten, last = resumed(token, tmp_path, "before1", f"before{MOST}")

    assert forgotten.state == "none"
    assert (last.state, last.result and last.result.rc) == ("done", 0)


def test_only_the_first_shell_of_a_user_vouches() -> None:
    """Whatever became of it: a later one may lack what an earlier one ran, and nobody heard the end of."""
    records = HostRecords("web1", ".runner-token-abcd1234", lambda _: None)
    first = records.fresh(None)
    assert first is not None
    records.opened(first, None, Hello("setsid", record="/tmp/a", pid=1))
    records.lost("/tmp/a", None, "step")
    records.settled("step", None, "/tmp/a")

    second, other = records.fresh(None), records.fresh("app")

    assert [one is not None and one.is_first for one in (first, second, other)] == [True, False, True]


def test_a_shell_at_work_vouches_no_more_when_nobody_could_tell_of_another_s_command(
    token: str, tmp_path: Path
) -> None:
    """The first shell never saw the command that ran beside it, and lives on when the record of that is gone."""

    async def main() -> bytes:
        async with load("local").start(context_in(tmp_path, token=token, warn=lambda _: None)) as transport:
            session = await transport.connect(host_named())
            await session.run(noted("before", "true"))
            beside = session.beside()
            command = noted("step", "sleep 61")
            task = asyncio.create_task(beside.run(command))
            await until(lambda: command.fate.group is not None)
            first, shell = (one._channels[None].hello.pid for one in (session, beside))  # type: ignore[attr-defined]
            end([shell, *descendants(shell)], signal.SIGSTOP)
            end([shell, *descendants(shell)])
            with pytest.raises(LostError):
                await task
            found = await session.recall("step", None)
            assert found.state in {"gone", "none"}
            notes = notes_of(first)
            await beside.close()
            await session.close()
            return notes

    assert b"\nv\n" in asyncio.run(main())


def notes_of(shell: int) -> bytes:
    """What stands in the pipe that holds a shell's record."""
    descriptor = os.open(f"/proc/{shell}/fd/8", os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(descriptor, 65536)
    finally:
        os.close(descriptor)


def test_a_record_that_this_process_has_not_read_yet_stays(token: str, tmp_path: Path) -> None:
    """Its command was lost sight of, and another session of the same host ends in order meanwhile."""
    killed(token, tmp_path, "first")

    async def main() -> None:
        more = {"is_resumed": True, "awaited": frozenset({"first"}), "warn": lambda _: None}
        async with load("local").start(context_in(tmp_path, token=token, **more)) as transport:
            session = await transport.connect(host_named())
            command = noted("second", f'touch "$1/second"; {WAITS} exit 3', args=(str(tmp_path),))
            (tmp_path / "go").unlink()
            task = asyncio.create_task(session.run(command))
            await until((tmp_path / "second").exists)
            await session._channels[None].pipe.close()  # type: ignore[attr-defined]
            with pytest.raises(LostError):
                await task
            (tmp_path / "go").touch()
            again = await transport.connect(host_named())
            await again.run(noted("third", "sleep 1"))
            await again.close()

    asyncio.run(main())
    [found] = resumed(token, tmp_path, "second")

    assert found.state in {"done", "gone"}  # as its keepers could note it; never "never"
