"""A run whose journal can't be written any more: nothing new starts, nothing that was heard is lost."""

import json
import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest
from commandline import RUNNER, Done, environment, project, runner
from journals import recovered

from runner.app import seal_key
from runner.model.events import StepEnded
from runner.run_folder import RunFolder

LOCAL = "connection: local\nhosts: {h1: {}}\n"
LIMIT = 40_000
"""Bytes that a file may have where a disk is to be full: enough for the plan, not for the journal."""


def playbook(*steps: str) -> str:
    lines = "".join(f"- {step}\n" for step in steps)
    return f"version: 1\ninventory: hosts.yaml\nhosts: all\nsteps:\n{lines}"


def limited(*argv: str, cwd: Path, **environ: str) -> Done:
    """Run a command that may make no file larger than LIMIT."""
    done = subprocess.run(
        [*RUNNER, *argv],
        cwd=cwd,
        env=environment(RUNNER_RUNS_DIR=str(cwd / "runs"), **environ),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr, cwd / "runs")


def test_a_full_disk_stops_the_run_and_costs_no_result(tmp_path: Path) -> None:
    """No step starts whose start is not on disk; what is heard after that is on standard error and in a file beside.

    When there is room again the file is taken in, and the journal has the end of every step that ran.
    """
    numbers = list(range(1, 121))
    project(tmp_path, playbook(f"{{id: one, loop: {numbers}, shell: 'echo {{{{item}}}} >> {tmp_path}/done'}}"), LOCAL)

    done = limited("run", "site.yaml", cwd=tmp_path)
    folder = RunFolder(done.folder, done.folder.name)
    ran = (tmp_path / "done").read_text().split()
    found, events = recovered(folder, seal_key.ours())
    os.close(found.descriptor)

    assert done.code == 11
    assert 0 < len(ran) < 120
    assert f'error: cannot write the journal: "{folder.path}/events.jsonl": File too large\n' in done.err
    assert f'what the journal lacks is in "{folder.path}/events.jsonl.rescued"' in done.err
    ends = {event.item: event.status for event in events if isinstance(event, StepEnded) and event.item}
    assert ends == {**{int(number): "changed" for number in ran}, len(ran) + 1: "cancelled"}
    assert "taken in" in found.warnings[-1]


def test_a_run_goes_on_when_the_disk_has_room_again(tmp_path: Path) -> None:
    """What the disk did not take is taken in, and the rest runs: every item once, and none is missing."""
    numbers = list(range(1, 81))
    project(tmp_path, playbook(f"{{id: one, loop: {numbers}, shell: 'echo {{{{item}}}} >> {tmp_path}/done'}}"), LOCAL)

    first = limited("run", "site.yaml", cwd=tmp_path)
    second = runner("resume", "last", cwd=tmp_path)

    assert (first.code, second.code) == (11, 0), second.err
    assert "taken in" in second.events("warning")[-1]["message"]
    assert [int(number) for number in (tmp_path / "done").read_text().split()] == numbers
    assert not (second.folder / "events.jsonl.rescued").exists()


def test_where_the_folder_takes_nothing_the_rest_is_kept_elsewhere(tmp_path: Path) -> None:
    """The whole folder is gone: the file is in the folder for temporary files, and its name is told."""
    text = playbook(f"{{id: gone, shell: 'rm -r {tmp_path}/runs; echo over'}}", "{shell: never}")
    project(tmp_path, text, LOCAL)
    (tmp_path / "tmp").mkdir()

    done = runner("run", "site.yaml", cwd=tmp_path, TMPDIR=str(tmp_path / "tmp"))
    (kept,) = (tmp_path / "tmp").glob("runner-*.jsonl")

    assert done.code == 11
    assert kept.stat().st_mode & 0o777 == 0o600
    assert f'what the journal lacks is in "{kept}"; `runner resume` takes it in when it is copied to' in done.err
    assert '"gone" ended changed on h1' in done.err
    records = [json.loads(line) for line in kept.read_text().splitlines()]
    ends = [(record["step"], record["status"]) for record in records if record["event"] == "step.ended"]
    assert ends == [("gone", "changed"), ("shell", "cancelled")]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("rm runs/*/events.jsonl", "it was deleted during the run"),
        ("for f in runs/*; do mv $f/events.jsonl $f/other; done", "it was moved away during the run"),
        ("for f in runs/*; do mv $f $f-moved; done", "it was moved away during the run"),
        ("for f in runs/*/events.jsonl; do cp $f copy; mv copy $f; done", "it was deleted during the run"),
        ("for f in runs/*/events.jsonl; do ln $f here; cp $f copy; mv copy $f; done", "another file has come into its"),
        ("for f in runs/*/events.jsonl; do : > $f; done", "another program has changed it: it has 0 bytes"),
        ("for f in runs/*/events.jsonl; do echo >> $f; done", "another program has changed it"),
    ],
)
def test_a_journal_that_others_touch_ends_the_run(tmp_path: Path, change: str, words: str) -> None:
    """Deleted, moved, replaced, cut or written to: the next step does not start."""
    text = playbook(f"{{id: harm, shell: 'cd {tmp_path}; {change}'}}", f"{{shell: touch {tmp_path}/never}}")
    project(tmp_path, text, LOCAL)

    done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 11
    assert words in done.err
    assert '"harm" ended changed on h1' in done.err
    assert not (tmp_path / "never").exists()


def test_output_files_alone_that_can_not_be_written_cost_only_themselves(tmp_path: Path) -> None:
    """The run goes on; the records say of which steps the output is lost, and the summary how many."""
    text = playbook(f"{{id: full, shell: 'rm -r {tmp_path}/runs/*/output; echo a'}}", "{id: next, shell: echo b}")
    project(tmp_path, text, LOCAL)

    done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 0
    assert [record["step"] for record in done.events("step.ended", output_lost=True)] == ["full", "next"]
    assert "the output of 2 steps could not be kept" in done.out


def test_a_runs_folder_that_may_not_be_written_is_found_first(tmp_path: Path) -> None:
    """In a folder of mode 0500: path and reason are told, and nothing runs."""
    # Root may write everywhere, but not without its capabilities.
    before = ["setpriv", "--bounding-set", "-all"] if os.getuid() == 0 else []
    if before and not shutil.which("setpriv"):
        pytest.skip("no setpriv here")
    project(tmp_path, playbook(f"{{shell: touch {tmp_path}/done}}"), LOCAL)
    (tmp_path / "runs").mkdir(mode=0o500)

    done = subprocess.run(
        [*before, *RUNNER, "run", "site.yaml"],
        cwd=tmp_path,
        env=environment(RUNNER_RUNS_DIR=str(tmp_path / "runs"), XDG_STATE_HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 11
    assert f'"{tmp_path}/runs' in done.stderr
    assert "Permission denied" in done.stderr
    assert not (tmp_path / "done").exists()


def test_a_runs_folder_that_can_not_be_used_is_found_first(tmp_path: Path) -> None:
    """A file in its place, or in that of a folder above: nothing runs, and path and reason are told."""
    project(tmp_path, playbook(f"{{shell: touch {tmp_path}/done}}"), LOCAL)
    (tmp_path / "file").write_text("")

    for runs in ("file", "file/below"):
        done = runner("run", "site.yaml", "--runs-dir", runs, cwd=tmp_path)

        assert done.code == 11
        assert f'folder: "{runs}": Not a directory' in done.err
        assert "--runs-dir" in done.err
        assert not (tmp_path / "done").exists()


def test_the_command_that_takes_the_rest_in_says_where_the_run_is(tmp_path: Path) -> None:
    """It is printed as it is to be typed."""
    project(tmp_path, playbook(f"{{id: one, loop: {list(range(1, 81))}, shell: 'true'}}"), LOCAL)

    done = limited("run", "site.yaml", "--runs-dir", str(tmp_path / "mine"), cwd=tmp_path)

    (run,) = (tmp_path / "mine").glob("2*")
    assert f"is taken in by `runner resume {run.name} --runs-dir {tmp_path}/mine`" in done.err
