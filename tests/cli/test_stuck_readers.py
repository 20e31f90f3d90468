"""Readers of a run's output that go away, or stop reading: the run goes on, and ends as it would have."""

import os
import subprocess
import time
from pathlib import Path
from typing import IO

import pytest
from commandline import RUNNER, environment, project

from runner import journal

LOCAL = "connection: local\nhosts: {one: {}}\n"
TALKING = """
version: 1
inventory: hosts.yaml
hosts: all
steps:
  - shell: "seq 200000"
  - shell: "exit 3"
"""


def started(folder: Path, output: str, stdout: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """A run that prints 1.3 MB and then fails; its standard error is kept in a file."""
    project(folder, TALKING, LOCAL)
    with (folder / "stderr").open("wb") as stderr:
        return subprocess.Popen(
            [*RUNNER, "run", "site.yaml", "--output", output],
            cwd=folder,
            env=environment(RUNNER_RUNS_DIR=str(folder / "runs")),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )


def is_over(folder: Path) -> bool:
    """Whether the records of the only run are complete and right."""
    for path in folder.glob("runs/*/events.jsonl"):
        journal.verify(path)
        return b'"event":"run.ended"' in path.read_bytes()
    return False


def wait_until_over(folder: Path) -> None:
    end = time.monotonic() + 30
    while not is_over(folder):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("output", ["plain", "stream", "json", "quiet"])
def test_a_reader_that_goes_away_changes_nothing(tmp_path: Path, output: str) -> None:
    """As with `runner run | head -1`: the exit status is the run's, the records are complete, nobody complains."""
    run = started(tmp_path, output, subprocess.PIPE)
    assert run.stdout is not None
    run.stdout.read(1)
    run.stdout.close()

    assert run.wait(30) == 1
    assert is_over(tmp_path)
    assert "BrokenPipe" not in (tmp_path / "stderr").read_text()
    assert "warning" not in (tmp_path / "stderr").read_text()


@pytest.mark.parametrize("output", ["stream", "json"])
@pytest.mark.parametrize("is_blocking", [True, False])
def test_a_reader_that_stops_reading_holds_nothing_up(tmp_path: Path, output: str, *, is_blocking: bool) -> None:
    """The run comes to its end; what was printed waits for whoever reads on, and is whole."""
    reading, writing = os.pipe()
    os.set_blocking(writing, is_blocking)
    run = started(tmp_path, output, writing)
    os.close(writing)

    wait_until_over(tmp_path)
    was_running = run.poll() is None
    with os.fdopen(reading, "rb") as file:
        text = file.read()

    assert was_running
    assert run.wait(30) == 1
    assert text.count(b"199999\n" if output == "stream" else b"199999\\n") == 1
    assert text.endswith(b"one | 200000\n" if output == "stream" else b'"}\n')


def test_a_standard_output_without_room_changes_nothing(tmp_path: Path) -> None:
    """The run goes on without it, and says so on standard error."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        run = started(tmp_path, "plain", full)
        code = run.wait(30)

    assert code == 1
    assert is_over(tmp_path)
    assert "a view failed and was left out: Plain: [Errno 28] No space left" in (tmp_path / "stderr").read_text()


@pytest.mark.parametrize("closed", ["1", "2", "0"])
def test_a_standard_stream_that_is_closed_changes_nothing(tmp_path: Path, closed: str) -> None:
    """As with `runner run >&-`: the exit status and the records are what they would have been."""
    project(tmp_path, TALKING, LOCAL)

    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}>&-', "sh", *RUNNER, "run", "site.yaml"],
        cwd=tmp_path,
        env=environment(RUNNER_RUNS_DIR=str(tmp_path / "runs")),
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert is_over(tmp_path)
