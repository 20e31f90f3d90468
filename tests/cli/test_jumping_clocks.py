"""A clock of the controller that jumps about: deadlines, pauses and the order of records do not follow it."""

import subprocess
import sys
import time
from pathlib import Path

from commandline import Done, environment, project, runner

from runner import journal

JUMPING = """
import itertools, sys, time
real, calls = time.time, itertools.count()
time.time = lambda: real() + 86400 * (next(calls) % 3 - 1)
from runner.cli.main import main
sys.argv[0] = "runner"
main()
"""
"""The command line with a clock that is a day late, right, a day early, and so on from call to call."""

STEPS = """
version: 1
inventory: {connection: local, hosts: {one: {}, two: {}}}
hosts: all
steps:
  - {id: slow, shell: sleep 30, timeout: 300ms, on_failure: ignore}
  - {id: again, shell: "test -e FOLDER/{{ host.name }} || { touch FOLDER/{{ host.name }}; exit 1; }",
     retry: {attempts: 3, delay: 200ms}}
  - {id: pause, pause: 200ms}
"""


def test_a_clock_that_jumps_a_day_changes_nothing_but_times_shown(tmp_path: Path) -> None:
    """Timeouts, delays and pauses are as long as ever, no duration is negative, and the journal is in order."""
    project(tmp_path, STEPS.replace("FOLDER", str(tmp_path)), "")
    start = time.monotonic()

    done = subprocess.run(
        [sys.executable, "-c", JUMPING, "run", "site.yaml"],
        cwd=tmp_path,
        env=environment(RUNNER_RUNS_DIR=str(tmp_path / "runs")),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    run = Done(done.returncode, done.stdout, done.stderr, tmp_path / "runs")

    assert run.code == 0, run.out + run.err
    assert time.monotonic() - start < 20
    assert [record["seq"] for record in run.events()] == list(range(len(run.events())))
    journal.verify(run.folder / "events.jsonl")
    ends = run.events("step.ended")
    assert all(0 <= record.get("duration", 0.0) < 10 for record in ends)
    assert {record["status"] for record in ends if record["step"] == "slow"} == {"timed_out"}
    assert {record.get("attempts") or record.get("attempt") for record in ends if record["step"] == "again"} == {2}
    days = {record["ts"][:10] for record in run.events()}
    assert len(days) > 1  # the clock did jump
    assert runner("runs", "show", run.folder.name, cwd=tmp_path).code == 0
