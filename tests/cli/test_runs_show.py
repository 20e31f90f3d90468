"""``runner runs show``: a run read back from its journal, however it ended."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commandline import RUNNER, environment, project, runner

FLEET = 'connection: local\nhosts: {"web[1-4]": {}}\n'
ROLLING = """
version: 1
inventory: hosts.yaml
hosts: all
strategy: {type: rolling, waves: 2, max_failures: 1}
steps:
  - id: look
    command: "true"
  - id: change
    shell: "[ {{ host.name }} != web3 ]"
"""


def test_a_run_is_shown_as_at_its_end(tmp_path: Path) -> None:
    """Who ran what, and below it the very summary that was printed then; JSON has what summary.json has."""
    project(tmp_path, ROLLING, FLEET)
    done = runner("run", "site.yaml", "--output", "quiet", cwd=tmp_path)

    shown = runner("runs", "show", "last", cwd=tmp_path)
    data = json.loads(runner("runs", "show", "last", "--format", "json", cwd=tmp_path).out)

    assert (done.code, shown.code) == (1, 0)
    assert shown.out.endswith(done.out)
    assert re.match(
        r"started 20[-0-9]+ [:0-9]+ by \S+ on \S+, pid \d+\n  runner run site.yaml --output quiet\n", shown.out
    )
    assert {key: data[key] for key in done.summary()} == done.summary()
    assert data["starts"][0]["playbook"] == "site.yaml"


def test_of_a_run_that_was_killed_no_host_is_lost(tmp_path: Path) -> None:
    """Each has ended, or is unknown, or did not run; the command that goes on with the run is there."""
    project(tmp_path, ROLLING, FLEET)
    runner("run", "site.yaml", cwd=tmp_path, RUNNER_CRASHPOINT="after_sync_before_send:3")
    run = next((tmp_path / "runs").glob("2*")).name

    shown = runner("runs", "show", "last", cwd=tmp_path)
    data = json.loads(runner("runs", "show", "last", "--format", "json", cwd=tmp_path).out)

    assert shown.code == 0
    assert data["status"] == "died"
    assert sorted(name for names in data["hosts"].values() for name in names) == ["web1", "web2", "web3", "web4"]
    assert data["hosts"]["not_run"] == ["web3", "web4"]
    assert "web1" in data["hosts"]["unknown"]
    assert re.search(r"web\[3-4\]  not_run in play \S+: the run was over before it came to it", shown.out)
    assert f"to go on\n  runner resume {run} --runs-dir {tmp_path}/runs\n" in shown.out


def test_every_step_on_every_host_is_shown_on_demand(tmp_path: Path) -> None:
    """Host by host, with the time it began and took, and what came of it."""
    project(tmp_path, ROLLING, FLEET)
    runner("run", "site.yaml", cwd=tmp_path)

    lines = runner("runs", "show", "last", "--steps", cwd=tmp_path).out.splitlines()
    deeds = json.loads(runner("runs", "show", "last", "--steps", "--format", "json", cwd=tmp_path).out)["deeds"]

    change = [line for line in lines if re.fullmatch(r"  [:0-9]{8}  (changed|failed)  .*  change.*", line)]
    assert [deed["host"] for deed in deeds] == [f"web{number}" for number in (1, 1, 2, 2, 3, 3, 4, 4)]
    assert [deed["status"] for deed in deeds if deed["step"] == "change"] == ["changed", "changed", "failed", "changed"]
    assert len(change) == 4
    assert change[2].endswith("change  rc 1: exit status 1")


def test_a_step_whose_end_nobody_heard_is_unknown(tmp_path: Path) -> None:
    """It had begun when the run was killed, so it is neither well nor failed."""
    project(tmp_path, ROLLING, FLEET)
    runner("run", "site.yaml", cwd=tmp_path, RUNNER_CRASHPOINT="after_sync_before_send:3")

    shown = runner("runs", "show", "last", "--steps", cwd=tmp_path)

    assert len(re.findall(r"\d  unknown +change\n", shown.out)) > 0


def test_a_run_at_work_is_shown_as_it_is_now(tmp_path: Path) -> None:
    """It is running, and nothing is to be typed."""
    with at_work(tmp_path):
        data = json.loads(runner("runs", "show", "last", "--steps", "--format", "json", cwd=tmp_path).out)

    assert (data["status"], data["go_on"]) == ("running", [])
    assert [deed["status"] for deed in data["deeds"]] == ["running"]


def test_a_damaged_journal_is_refused(tmp_path: Path) -> None:
    """One changed byte is found, and the record named; the exit status is 11."""
    project(tmp_path, ROLLING, FLEET)
    done = runner("run", "site.yaml", cwd=tmp_path)
    journal = done.folder / "events.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"wave":1', b'"wave":7', 1))

    shown = runner("runs", "show", "last", cwd=tmp_path)

    assert (shown.code, shown.out) == (11, "")
    assert re.search(r"the journal is damaged: .*: record \d+, at byte \d+", shown.err)


@contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """As long as the block lasts, a run is at work at its only step."""
    wait = f"touch {folder}/begun; until [ -e {folder}/over ]; do sleep 0.05; done"
    project(folder, f'version: 1\ninventory: hosts.yaml\nhosts: web1\nsteps: [{{shell: "{wait}"}}]\n', FLEET)
    words = [*RUNNER, "run", "site.yaml", "--runs-dir", "runs"]
    with subprocess.Popen(words, cwd=folder, env=environment(), stdout=subprocess.DEVNULL) as process:
        while not (folder / "begun").exists():
            assert process.poll() is None
        yield
        (folder / "over").touch()
