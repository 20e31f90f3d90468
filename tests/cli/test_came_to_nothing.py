"""Runs whose process ended before their first record was whole: all commands say so, and prune takes them."""

import subprocess
import sys
from pathlib import Path

import pytest
from commandline import environment, project, runner
from in_process import printed

from runner import run_folder
from runner.app import history, pruning
from runner.app.finding import find
from runner.errors import InputError, LockError
from runner.run_folder import RunFolder

PLAYBOOK = "version: 1\ninventory: hosts.yaml\nhosts: one\nsteps: [{command: 'true'}]\n"
LOCAL = "connection: local\nhosts: {one: {}}\n"
NAME = "20301121-094501-k3f9"
COMMANDS = (
    ("resume", NAME),
    ("resume", NAME, "--plan"),
    ("rollback", NAME),
    ("rerun", NAME, "--only", "failed"),
    ("resolve", NAME, "one", "step", "--ok"),
    ("runs", "show", NAME),
    ("runs", "verify", NAME),
    ("runs", "salvage", NAME),
)


def left(root: Path, journal: bytes | None = None, name: str = NAME) -> RunFolder:
    """What a process leaves that dies between making its folder and writing its first record."""
    run = run_folder.create(root, name)
    run.write("plan.json", b"{}")
    if journal is not None:
        run.write("events.jsonl", journal)
    return run


def status(run: RunFolder) -> str:
    return history.entry(run).status


def removed(root: Path) -> list[str]:
    found = pruning.prune(root, keep=0, older_than=None, unfinished=False, dry_run=False)
    return [one.kept or "removed" for one in found]


@pytest.mark.parametrize("where", ["in_plan_write", "before_append:1"])
def test_a_process_that_dies_at_the_start_leaves_a_run_that_came_to_nothing(tmp_path: Path, where: str) -> None:
    """Resume says so and ends with 2, the list has the word, ``last`` is the run before it, and prune removes it."""
    project(tmp_path, PLAYBOOK, LOCAL)
    before = runner("run", "site.yaml", cwd=tmp_path).folder.name
    died = runner("run", "site.yaml", cwd=tmp_path, RUNNER_CRASHPOINT=where).code
    (name,) = {path.name for path in (tmp_path / "runs").glob("2*")} - {before}

    resumed = runner("resume", name, cwd=tmp_path)
    run = RunFolder(tmp_path / "runs" / name, name)

    assert died == -9
    assert (resumed.code, resumed.err.split(": ")[1]) == (2, f"run {name} came to nothing")
    assert "hint: start a new one" in resumed.err
    assert status(run) == "came_to_nothing"
    assert find(tmp_path / "runs", "last").id == before
    assert removed(tmp_path / "runs") == ["removed", "removed"]


@pytest.mark.parametrize("journal", [None, b"", b"\0" * 300, b'{"se', b'{"seq":0,"ts":"2030-11-21T09:45:01.'])
def test_every_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, journal: bytes | None) -> None:
    """In the same words, and none of them calls it damaged, or would salvage it."""
    left(tmp_path, journal)

    said = {" ".join(words): printed(monkeypatch, *words, runs=tmp_path) for words in COMMANDS}
    listed = printed(monkeypatch, "runs", "list", runs=tmp_path)

    assert [words for words, out in said.items() if f"run {NAME} came to nothing" not in out] == []
    assert listed.split("\n")[1].split("  ", 1)[1].strip() == "came to nothing"
    assert removed(tmp_path) == ["removed"]


@pytest.mark.parametrize(
    ("journal", "trace"),
    [
        (None, "summary.json"),
        (b"", "hosts/ok"),
        (None, "output/one"),
        (b"", "events.jsonl.rescued"),
        (b"#\n", "plan.json"),
    ],
)
def test_a_run_whose_journal_is_lost_is_another_thing(tmp_path: Path, journal: bytes | None, trace: str) -> None:
    """What it wrote beside its journal tells that it was at work: that is damage, and nothing of it is removed."""
    run = left(tmp_path, journal)
    run.write(trace, b"")

    assert status(run) == "damaged"
    assert find(tmp_path, NAME) == run
    assert len(removed(tmp_path)) == 1
    assert run.path.exists()


def test_what_is_lost_is_not_called_salvageable(tmp_path: Path) -> None:
    """Salvage has nothing to go by without a journal."""
    left(tmp_path).write("summary.json", b"{}")

    assert removed(tmp_path) == ["its journal is lost, but what it wrote beside it is there"]


def test_a_run_that_is_just_beginning_is_let_be(tmp_path: Path) -> None:
    """Its folder is there before its journal: it is taken for a run at work, and stays."""
    run = left(tmp_path)

    with run_folder.making(run):
        assert status(run) == "running"
        assert removed(tmp_path) == ["it is at work"]
        with pytest.raises(LockError):
            find(tmp_path, NAME)

    assert status(run) == "came_to_nothing"


LOOKING = """
import sys
from runner.app import history
from runner.cli import main
from runner.run_folder import RunFolder
write = RunFolder.write
def looking(run, *words, **keys):
    print(history.entry(run).status, file=sys.stderr)
    write(run, *words, **keys)
RunFolder.write = looking
main.cli.main(["run", "site.yaml"], standalone_mode=False)
"""
"""A run that says what the list calls it whenever it writes a file."""


def test_a_run_holds_its_folder_until_it_holds_its_journal(tmp_path: Path) -> None:
    """Before there is a journal it is on the list as a run at work."""
    project(tmp_path, PLAYBOOK, LOCAL)

    words, env = [sys.executable, "-c", LOOKING], environment(RUNNER_RUNS_DIR="runs")
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    assert done.stderr.split()[0] == "running"
    assert "came_to_nothing" not in done.stderr


def test_last_is_the_run_that_came_to_nothing_where_there_is_no_other(tmp_path: Path) -> None:
    """So that whoever types it hears what became of it."""
    left(tmp_path, name="20301121-094501-aaaa")
    left(tmp_path, name="20301121-094502-aaaa")

    with pytest.raises(InputError) as refused:
        find(tmp_path, "last")

    assert "20301121-094502-aaaa came to nothing" in str(refused.value)
