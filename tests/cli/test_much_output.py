"""Commands that print without end, or much at once: memory, records and files stay at their caps."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from commandline import RUNNER, Done, environment, peak_of, project
from sshd import need

LOCAL = "connection: local\nhosts: {h1: {}}\n"
MEGA = 1 << 20


def run(folder: Path, step: str, inventory: str = LOCAL, *, memory: int = 0) -> tuple[Done, int]:
    """A run of one step, and the most memory it had at any time, in bytes. ``memory`` is a limit on addresses."""
    project(folder, f"version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{step}]\n", inventory)
    runs = folder / "runs"
    limit = ["prlimit", f"--as={memory}"] if memory else []
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen(
            [*limit, *RUNNER, "run", "site.yaml", "--output", "quiet"],
            cwd=folder,
            env=environment(RUNNER_RUNS_DIR=str(runs)),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        most = peak_of(process)
    done = Done(process.returncode, (folder / "out").read_text(), (folder / "err").read_text(), runs)
    return done, most


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> int:
    """The most memory of a run that prints nothing."""
    done, most = run(tmp_path_factory.mktemp("usual"), "{shell: 'true'}")
    assert done.code == 0
    return most


@pytest.mark.long
def test_a_gigabyte_takes_no_memory(tmp_path: Path, usual: int) -> None:
    """It is counted, its two ends are kept in the records, and the file stops at its cap."""
    done, most = run(tmp_path, "{shell: 'head -c 1073741824 /dev/zero'}")

    [ended] = done.events("step.ended")
    assert done.code == 0, done.err
    assert ended["stdout"] == 1 << 30
    assert most - usual < 30 * MEGA
    assert next(done.folder.glob("output/h1/*.out")).stat().st_size == 256 * MEGA
    assert (done.folder / "events.jsonl").stat().st_size < MEGA


def test_output_without_end_ends_with_the_timeout(tmp_path: Path, usual: int) -> None:
    """The process group is ended in time, whatever still comes; memory and records stay small."""
    start = time.monotonic()
    done, most = run(tmp_path, "{shell: 'yes & yes >&2 & wait', timeout: 1s}")

    [ended] = done.events("step.ended")
    assert done.code == 1, done.err
    assert (ended["status"], ended["killed"]) == ("timed_out", "yes")
    assert time.monotonic() - start < 15
    assert most - usual < 30 * MEGA
    assert (done.folder / "events.jsonl").stat().st_size < MEGA


def test_forty_hosts_that_print_at_once_take_little_memory(tmp_path: Path, usual: int) -> None:
    """Eight megabytes each at the same time: what is on its way is bounded, and nothing is kept but the ends."""
    hosts = 'connection: local\nhosts: {"h[01-40]": {}}\n'

    done, most = run(tmp_path, "{shell: 'head -c 8000000 /dev/zero'}", hosts)

    assert done.code == 0, done.err
    assert {record["stdout"] for record in done.events("step.ended")} == {8_000_000}
    assert most - usual < 40 * 4 * MEGA
    assert (done.folder / "events.jsonl").stat().st_size < 12 * MEGA


def test_a_limit_on_memory_is_enough(tmp_path: Path) -> None:
    """Under a gigabyte of addresses, threads included, fifty megabytes of output come through."""
    need(shutil.which("prlimit"), "no prlimit here: install util-linux")
    done, _ = run(tmp_path, "{shell: 'head -c 50000000 /dev/zero'}", memory=1024 * MEGA)

    assert done.code == 0, done.err
