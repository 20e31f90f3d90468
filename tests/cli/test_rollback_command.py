"""``runner rollback``: take back what a run has done, because somebody asks for it."""

import fcntl
import json
from pathlib import Path

import pytest
from commandline import Done, project, runner

FLEET = 'connection: local\nhosts: {"web[1-3]": {}}\n'
PLAYBOOK = """
version: 1
inventory: hosts.yaml
plays:
  - name: db
    hosts: web1
    steps:
      - {id: migrate, shell: "echo migrate >> FOLDER/log"}
    rollback:
      - {id: unmigrate, shell: "echo unmigrate >> FOLDER/log"}
  - name: web
    hosts: all
    strategy: {type: rolling, waves: 1, max_failures: 0}
    steps:
      - {id: look, command: "true", read_only: true}
      - {id: change, shell: "echo change {{ host.name }} >> FOLDER/log; [ {{ host.name }} != web2 ]"}
    rollback:
      - {id: back, shell: "echo back {{ host.name }} >> FOLDER/log"}
    always:
      - {id: tidy, shell: "echo tidy {{ host.name }} >> FOLDER/log"}
"""


def started(folder: Path, playbook: str = PLAYBOOK) -> Done:
    """A run that fails on the second of three hosts; what its steps did is in ``log``."""
    project(folder, playbook.replace("FOLDER", str(folder)), FLEET)
    return runner("run", "site.yaml", cwd=folder)


def log(folder: Path) -> list[str]:
    return (folder / "log").read_text().splitlines()


def test_a_run_is_taken_back_the_last_play_first(tmp_path: Path) -> None:
    """The latest wave first, on touched hosts only, then their always; in the records of the same run."""
    first = started(tmp_path)
    done = log(tmp_path)

    back = runner("rollback", "last", cwd=tmp_path)

    assert (first.code, back.code) == (5, 8)
    assert done == ["migrate", "change web1", "tidy web1", "change web2", "tidy web2"]
    assert log(tmp_path)[len(done) :] == ["back web2", "tidy web2", "back web1", "tidy web1", "unmigrate"]
    starts = back.events("run.started")
    assert [(start["mode"], start.get("resume", False)) for start in starts] == [("run", False), ("rollback", True)]
    assert [event["play"] for event in back.events("rollback.started")] == ["web", "db"]
    assert back.summary()["status"] == "rolled_back"
    assert back.summary()["hosts"] == {"rolled_back": ["web1", "web2"], "not_run": ["web3"]}


def test_what_is_back_stays_back(tmp_path: Path) -> None:
    """A second rollback, and a resume, have nothing to do."""
    started(tmp_path)
    runner("rollback", "last", cwd=tmp_path)
    was = log(tmp_path)

    again = runner("rollback", "last", cwd=tmp_path)
    on = runner("resume", "last", cwd=tmp_path)

    assert (again.code, again.out) == (0, "nothing to do: no host has anything to be taken back\n")
    assert (on.code, log(tmp_path)) == (0, was)


def test_a_rollback_that_fails_says_so(tmp_path: Path) -> None:
    """The exit status is 9, the host is told, the others are back; tried again, it goes on where it failed."""
    started(tmp_path, PLAYBOOK.replace("echo back", "[ -e FOLDER/ready -o {{ host.name }} = web1 ] && echo back"))

    failed = runner("rollback", "last", cwd=tmp_path)
    (tmp_path / "ready").touch()
    again = runner("rollback", "last", cwd=tmp_path)

    assert (failed.code, again.code) == (9, 8)
    assert "rollback failures\n  web2  rollback back" in failed.out
    assert [line for line in log(tmp_path) if line.startswith("back")] == ["back web1", "back web2"]


@pytest.mark.parametrize("command", ["rollback", "resume"])
def test_a_rollback_that_is_killed_is_gone_on_with(tmp_path: Path, command: str) -> None:
    """By the same command, and by a resume: no step back is done twice, none is left out."""
    started(tmp_path, PLAYBOOK.replace("id: tidy,", "id: tidy, idempotent: true,"))
    runner("rollback", "last", cwd=tmp_path, RUNNER_CRASHPOINT="after_sync_before_send:2")
    was = log(tmp_path)

    left = runner("resume", "last", "--plan", cwd=tmp_path)
    back = runner(command, "last", cwd=tmp_path)

    assert left.code == 0, left.err
    assert left.out.splitlines()[1:] == [
        "play web, wave 2 of 3 goes back",
        "  tidy (always)  web2",
        "play web, wave 1 of 3 goes back",
        "  back  web1",
        "  tidy (always)  web1",
        "play db, wave 1 of 1 goes back",
        "  unmigrate  web1",
    ]
    assert was[-1] == "back web2"
    assert back.code == 8
    assert log(tmp_path)[len(was) :] == ["tidy web2", "back web1", "tidy web1", "unmigrate"]


def test_without_rollback_steps_nothing_is_taken_back(tmp_path: Path) -> None:
    """It is refused before anything is contacted."""
    started(tmp_path, PLAYBOOK.replace("rollback:", "handlers:"))
    was = log(tmp_path)

    back = runner("rollback", "last", cwd=tmp_path)

    assert back.code == 2
    assert "can't be rolled back: no play that has changed a host has rollback steps" in back.err
    assert log(tmp_path) == was


def test_what_can_go_back_is_back(tmp_path: Path) -> None:
    """A play without rollback steps stays as it is, and a second rollback has nothing to do."""
    no_way_back = PLAYBOOK.replace("    rollback:\n      - {id: unmigrate", "    handlers:\n      - {id: unmigrate")
    started(tmp_path, no_way_back)

    first = runner("rollback", "last", cwd=tmp_path)
    second = runner("rollback", "last", cwd=tmp_path)

    assert (first.code, second.code) == (8, 0)
    assert "unmigrate" not in log(tmp_path)
    assert second.out.startswith("nothing to do")


def test_a_run_at_work_is_not_taken_back(tmp_path: Path) -> None:
    """The exit status is 10."""
    started(tmp_path)
    (journal,) = tmp_path.glob("runs/2*/events.jsonl")
    with journal.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        back = runner("rollback", "last", cwd=tmp_path)

    assert back.code == 10


def test_the_steps_back_are_those_of_today(tmp_path: Path) -> None:
    """What the run did forwards may have changed since, and its way back may have been mended; hosts may not differ."""
    started(tmp_path)
    project(
        tmp_path,
        PLAYBOOK.replace("echo change", "echo other")
        .replace("echo back", "echo mended")
        .replace("FOLDER", f"{tmp_path}"),
        FLEET,
    )
    moved = FLEET.replace("{}", "{address: elsewhere}")
    (tmp_path / "hosts.yaml").write_text(moved)

    refused = runner("rollback", "last", cwd=tmp_path)
    (tmp_path / "hosts.yaml").write_text(FLEET)
    back = runner("rollback", "last", cwd=tmp_path)

    assert (refused.code, back.code) == (12, 8)
    assert "mended web2" in log(tmp_path)


def test_inputs_have_to_be_what_they_were(tmp_path: Path) -> None:
    """A release that is taken back is the one that was rolled out; whoever knows better says so."""
    playbook = PLAYBOOK.replace("plays:", 'inputs: {release: {type: string, default: "1"}}\nplays:')
    started(tmp_path, playbook.replace("echo back", "echo back {{ inputs.release }}"))

    refused = runner("rollback", "last", "-e", "release=2", cwd=tmp_path)
    back = runner("rollback", "last", "-e", "release=2", "--accept-changes", cwd=tmp_path)

    assert (refused.code, back.code) == (12, 8)
    assert "back 2 web1" in log(tmp_path)


def test_hosts_may_be_left_as_they_are(tmp_path: Path) -> None:
    """One that is gone for good, say."""
    started(tmp_path)

    back = runner("rollback", "last", "--drop-hosts", "web2", cwd=tmp_path)

    assert "back web2" not in log(tmp_path)
    assert "back web1" in log(tmp_path)
    assert json.loads((back.folder / "summary.json").read_text())["hosts"]["rolled_back"] == ["web1"]


GOES_BACK = """
version: 1
inventory: hosts.yaml
hosts: all
strategy: {type: rolling, waves: [2, 1], concurrency: 1, max_failures: 0, on_exceed: rollback}
steps:
  - {id: change, shell: "echo change {{ host.name }} >> FOLDER/log; [ {{ host.name }} != web3 ]"}
rollback:
  - {id: back, shell: "echo back {{ host.name }} >> FOLDER/log"}
  - block: [{id: clean, shell: "echo clean {{ host.name }} >> FOLDER/log"}]
  - {id: announce, once: wave, shell: "echo announce {{ host.name }} >> FOLDER/log"}
  - {id: report, once: run, shell: "echo report {{ host.name }} >> FOLDER/log"}
always:
  - {id: tidy, shell: "echo tidy {{ host.name }} >> FOLDER/log", idempotent: true}
  - {id: unlock, once: run, shell: "echo unlock {{ host.name }} >> FOLDER/log"}
"""


@pytest.mark.parametrize("sent", [8, 13])
def test_what_is_left_of_the_way_back_is_what_a_resume_does(tmp_path: Path, sent: int) -> None:
    """A run died while it rolled itself back: ``--plan`` names, step by step, what the resume then runs."""
    project(tmp_path, GOES_BACK.replace("FOLDER", str(tmp_path)), FLEET)
    runner("run", "site.yaml", cwd=tmp_path, RUNNER_CRASHPOINT=f"after_sync_before_send:{sent}")
    was = log(tmp_path)

    left = runner("resume", "last", "--plan", "--format", "json", cwd=tmp_path)
    told = runner("resume", "last", "--plan", cwd=tmp_path)
    on = runner("resume", "last", cwd=tmp_path)

    steps = json.loads(left.out)["left"]
    assert on.code == 8
    assert len(was) == sent - 1
    assert log(tmp_path)[len(was) :] == [f"{one['step']} {one['host']}" for one in steps]
    assert {one["section"] for one in steps} == {"rollback", "always"}
    assert told.out.splitlines()[0].endswith(" hosts, on its way back")


def test_nothing_is_left_of_a_run_that_is_back(tmp_path: Path) -> None:
    """Its plan says so, whoever asked for its way back."""
    started(tmp_path)
    runner("rollback", "last", cwd=tmp_path)

    left = runner("resume", "last", "--plan", cwd=tmp_path)

    assert left.out.endswith(": 0 steps on 0 hosts\n")
