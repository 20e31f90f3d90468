"""``runner runs list``: every run in a line, whatever became of it."""

import json
import os
import signal
import subprocess
import tracemalloc
from pathlib import Path

import pytest
from commandline import RUNNER, environment, project, runner
from events_builder import run_started
from journals import STORY, folder_with, lines_of

from runner.app import history, journal_ends
from runner.app.journal_ends import latest_start
from runner.model.events import Warned

LOCAL = "connection: local\nhosts: {one: {}, two: {}}\n"


def playbook(command: str) -> str:
    return f"version: 1\nname: Try it\ninventory: hosts.yaml\nhosts: all\nsteps:\n  - command: {command}\n"


def test_runs_are_listed_the_newest_first(tmp_path: Path) -> None:
    """A line says when it started, how long it took, how it and its hosts ended, and of which playbook it was."""
    project(tmp_path, playbook("'true'"), LOCAL)
    (tmp_path / "bad.yaml").write_text(playbook("'false'"))
    for name in ("site.yaml", "bad.yaml"):
        runner("run", name, cwd=tmp_path)

    lines = runner("runs", "list", cwd=tmp_path).out.splitlines()

    assert lines[0].split() == ["RUN", "STARTED", "TOOK", "STATUS", "HOSTS", "USER", "PLAYBOOK"]
    assert [line.split()[-1] for line in lines[1:]] == ["bad.yaml", "site.yaml"]
    assert "failed (1)  2 failed" in lines[1]
    assert "ok          2 changed" in lines[2]


def test_a_list_is_narrowed_by_status_playbook_and_number(tmp_path: Path) -> None:
    """A playbook is named by its path, the end of it, a pattern, or its own name; JSON has the same runs."""
    project(tmp_path, playbook("'true'"), LOCAL)
    (tmp_path / "bad.yaml").write_text(playbook("'false'").replace("Try it", "Break it"))
    for name in ("site.yaml", "bad.yaml", "site.yaml"):
        runner("run", name, cwd=tmp_path)

    def found(*words: str) -> list[str]:
        listed = json.loads(runner("runs", "list", "--format", "json", *words, cwd=tmp_path).out)
        return [f"{run['playbook']} {run['status']} {run['of_hosts']}" for run in listed]

    assert found() == ["site.yaml ok 2", "bad.yaml failed 2", "site.yaml ok 2"]
    assert found("--limit", "1") == ["site.yaml ok 2"]
    assert found("--status", "failed") == ["bad.yaml failed 2"]
    assert found("--playbook", "b*.yaml") == found("--playbook", "Break it") == ["bad.yaml failed 2"]
    assert found("--status", "died") == []


def test_a_run_at_work_is_running_and_one_that_was_killed_has_died(tmp_path: Path) -> None:
    """The first has its process, the second the command that goes on with it, with the folder of the runs."""
    wait = f"sh -c 'until [ -e {tmp_path}/over ]; do sleep 0.1; done'"
    project(tmp_path, playbook(wait), LOCAL.replace(", two: {}", ""))
    words = [*RUNNER, "run", "site.yaml", "--runs-dir", "runs"]
    with subprocess.Popen(words, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()

        at_work = runner("runs", "list", cwd=tmp_path)
        process.send_signal(signal.SIGKILL)
        process.wait()
        died = runner("runs", "list", cwd=tmp_path)
    (tmp_path / "over").touch()

    (run,) = (tmp_path / "runs").glob("2*")
    assert f"running, pid {process.pid}" in at_work.out
    assert "died" in died.out
    assert f"    go on with: runner resume {run.name} --runs-dir {tmp_path}/runs\n" in died.out


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (b'"exit":0', b'"exit":1', "the sum of a record is not right"),
        (b'"seq":0', b'"seq":1', "the sum of a record is not right"),
        (b"}\n", b"}", "the sum of a record is not right"),
        (b',"sum":"', b',"mus":"', "a record has no sum"),
    ],
)
def test_a_damaged_journal_is_a_line_that_says_so(tmp_path: Path, before: bytes, after: bytes, said: str) -> None:
    """The other runs are listed all the same, and the command ends well."""
    project(tmp_path, playbook("'true'"), LOCAL)
    for _ in range(2):
        done = runner("run", "site.yaml", cwd=tmp_path)
    journal = done.folder / "events.jsonl"
    journal.write_bytes(journal.read_bytes().replace(before, after, 1))

    listed = runner("runs", "list", cwd=tmp_path)

    assert (listed.code, listed.out.count("site.yaml")) == (0, 1)
    lines = listed.out.splitlines()
    at = next(at for at, line in enumerate(lines) if line.split() == [done.folder.name, "damaged"])
    assert lines[at + 1].startswith(f"    its journal can't be used: {said}")


def test_the_process_of_a_run_that_is_gone_on_with_is_the_one_of_now(tmp_path: Path) -> None:
    """The one that died first is of no use to anybody."""
    wait = f"until [ -e {tmp_path}/over ]; do sleep 0.1; done"
    text = f"version: 1\ninventory: hosts.yaml\nhosts: one\nsteps: [{{shell: '{wait}', idempotent: true}}]\n"
    project(tmp_path, text, LOCAL)
    runner("run", "site.yaml", cwd=tmp_path, RUNNER_CRASHPOINT="after_sync_before_send")
    words = [*RUNNER, "resume", "last", "--runs-dir", "runs"]
    with subprocess.Popen(words, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()

        at_work = runner("runs", "list", cwd=tmp_path)
        (tmp_path / "over").touch()

    assert f"running, pid {process.pid}" in at_work.out


def test_only_the_ends_of_a_journal_are_looked_at(tmp_path: Path) -> None:
    """So a thousand long runs are listed at once; a terabyte between them is not read."""
    project(tmp_path, playbook("'true'"), LOCAL)
    done = runner("run", "site.yaml", cwd=tmp_path)
    journal = done.folder / "events.jsonl"
    first, second, *_, before, last = journal.read_bytes().splitlines(keepends=True)
    with journal.open("wb") as file:
        file.write(first + second)
        file.seek(1 << 40)  # nothing stands in the file between, and a disk keeps no room for it
        file.write(b"\n" + before + last)

    listed = runner("runs", "list", cwd=tmp_path)

    assert "ok" in listed.out.splitlines()[1].split()


@pytest.mark.parametrize("begin", [b"", b'{"seq":17,', b"\n"], ids=["hole", "torn", "line"])
def test_an_end_of_any_length_costs_no_memory(tmp_path: Path, begin: bytes) -> None:
    """A line of a gibibyte at the end of a journal is no record, and is not read to know that."""
    run = folder_with(tmp_path, b"".join(lines_of()) + begin)
    os.truncate(run.path / "events.jsonl", 1 << 30)

    tracemalloc.start()
    found = history.entry(run)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found.status == "damaged"
    assert "have no end of a line" in found.problem
    assert peak < 4_000_000


@pytest.mark.parametrize("torn", [b"", b'{"seq":17,"ts":'])
def test_the_ends_are_read_over_the_edges_of_the_parts_they_are_read_in(tmp_path: Path, torn: bytes) -> None:
    """Wherever the latest start lies, and the last record, which has the sum of the one before it."""
    for size in range(61_000, 62_600, 11):
        data = b"".join(
            lines_of([*STORY[:-1], Warned(message="x" * size), run_started(resume=True, token=str(size)), STORY[-1]])
        )
        run = folder_with(tmp_path, data + torn)

        assert history.entry(run).status == "failed"
        assert latest_start(run.path / "events.jsonl")["token"] == str(size)


def test_a_start_that_is_far_away_is_not_looked_for(tmp_path: Path) -> None:
    """A run of millions of records is listed at once, without its process."""
    run = folder_with(tmp_path, b"".join(lines_of()))
    os.truncate(run.path / "events.jsonl", 2 * journal_ends.MOST)

    assert latest_start(run.path / "events.jsonl") == {}


def test_a_first_record_that_lacks_its_end_alone_is_one(tmp_path: Path) -> None:
    """The process died while it wrote the end of the line: a resume takes the run up, so the list says that it died."""
    run = folder_with(tmp_path, lines_of()[0][:-1])

    found = history.entry(run)

    assert (found.status, found.playbook) == ("died", "deploy.yaml")
