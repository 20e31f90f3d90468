"""When a record may go from its host: what it tells is on disk here, or no other record can be taken to say "never"."""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from losing import WAITS, controller, keepers, noted, records, settled
from transport_ways import context_in, host_named, until

from runner.errors import JournalError
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
