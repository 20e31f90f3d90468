"""The host as a step kind sees it: blocking work, and writing files, on a real ``/bin/sh``."""

import asyncio
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner.engine.target import PUT, StepTarget
from runner.errors import StepError
from runner.model.outcome import Captured
from runner.transport import Command, CommandResult


class Sh:
    """A session that runs each script with ``/bin/sh``; ``cut`` bytes of what it is sent get lost."""

    cut = 0

    async def run(self, command: Command) -> CommandResult:
        assert isinstance(command.stdin, bytes)
        given = command.stdin[: len(command.stdin) - self.cut]
        argv = ["/bin/sh", "-c", command.script, "sh", *command.args]
        done = subprocess.run(argv, input=given, capture_output=True, check=False)  # noqa: ASYNC221 - it is alone
        return CommandResult(
            done.returncode, stdout=Captured(done.stdout, size=1), stderr=Captured(done.stderr, size=1)
        )


def target_on(session: Any) -> StepTarget:
    """A step's target with that session."""
    nothing: Any = SimpleNamespace(output_limit=1024, timeout=None, on_disconnect="finish")
    return StepTarget(nothing, nothing, nothing, {}, session, None, {}, None, None)


def test_a_file_is_written_private_and_whole(tmp_path: Path) -> None:
    """Its size is compared, its mode is 0600."""
    asyncio.run(target_on(Sh()).put(b"hello", str(tmp_path / "a b")))

    assert (tmp_path / "a b").read_bytes() == b"hello"
    assert (tmp_path / "a b").stat().st_mode & 0o777 == 0o600


def test_a_file_that_arrives_cut_short_is_removed(tmp_path: Path) -> None:
    """Nobody would know it for what it is."""
    session = Sh()
    session.cut = 2

    with pytest.raises(StepError, match="has 3 bytes on the host; 5 were sent"):
        asyncio.run(target_on(session).put(b"hello", str(tmp_path / "new")))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_neither_written_nor_removed(tmp_path: Path) -> None:
    """The name is not ours."""
    (tmp_path / "old").write_text("old")

    with pytest.raises(StepError, match="cannot write"):
        asyncio.run(target_on(Sh()).put(b"hello", str(tmp_path / "old")))
    assert (tmp_path / "old").read_text() == "old"


@pytest.mark.parametrize("name", ["HUP", "INT", "TERM"])
def test_a_write_that_is_ended_half_way_leaves_nothing(tmp_path: Path, name: str) -> None:
    """A signal to all of it, as when a step is stopped, takes the partial file with it."""
    path = tmp_path / "new"
    argv = ["/bin/sh", "-c", PUT, "sh", str(path), "100"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, process_group=0) as writing:
        assert writing.stdin
        writing.stdin.write(b"half")
        writing.stdin.flush()
        while not path.exists() or path.stat().st_size < 4:
            assert writing.poll() is None
            time.sleep(0.001)
        os.killpg(writing.pid, signal.Signals[f"SIG{name}"])
        assert writing.wait(10) != 0
    assert list(tmp_path.iterdir()) == []


def test_work_that_hangs_holds_up_neither_a_timeout_nor_the_end() -> None:
    """The thread is left behind, and what it says later is heard by nobody."""
    go_on = threading.Event()
    threads: list[threading.Thread] = []

    def work() -> None:
        threads.append(threading.current_thread())
        go_on.wait(20)

    async def story() -> None:
        hanging = asyncio.ensure_future(target_on(None).in_thread(work))
        while not threads:  # noqa: ASYNC110 - a thread can not set an event of the loop; a busy machine takes its time
            await asyncio.sleep(0.01)
        async with asyncio.timeout(0.1):
            await hanging

    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(story())

    assert time.monotonic() - begun < 5
    go_on.set()
    threads[0].join(10)
    assert threads[0].daemon
    assert not threads[0].is_alive()


def test_what_work_gives_or_raises_comes_back() -> None:
    """As if it had been called here."""

    async def story() -> int:
        with pytest.raises(StepError, match="no"):
            await target_on(None).in_thread(fail)
        return int(await target_on(None).in_thread(lambda: 7))

    assert asyncio.run(story()) == 7


def fail() -> None:
    raise StepError("no")
