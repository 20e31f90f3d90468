"""``runner approve``: which runs it finds, and what it says of one that does not wait."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from commandline import project, runner

HERE = {"controller": socket.gethostname()}
ASKED = {"play": "web", "wave": 1, "about": "wave", "question": "go on to wave 2?"}


def a_run(runs: Path, name: str, *records: dict[str, Any]) -> None:
    """The folder of a run with these records."""
    (runs / name).mkdir(parents=True)
    lines = [json.dumps({"seq": seq, **record}, separators=(",", ":")) for seq, record in enumerate(records)]
    (runs / name / "events.jsonl").write_text("".join(f"{line}\n" for line in lines))


def test_a_run_that_is_not_there_is_a_mistake_on_the_command_line(tmp_path: Path) -> None:
    """The exit status is 2, and the runs that are there are named; so it is where several begin like that."""
    a_run(tmp_path / "runs", "20261121-094501-k3f9")
    a_run(tmp_path / "runs", "20261121-094502-aaaa")

    unknown = runner("approve", "20271121", cwd=tmp_path)
    several = runner("approve", "20261121", cwd=tmp_path)
    none = runner("approve", "last", "--runs-dir", "elsewhere", cwd=tmp_path)

    assert (unknown.code, several.code, none.code) == (2, 2, 2)
    assert 'there is no run "20271121"' in unknown.err
    assert "20261121-094501-k3f9" in unknown.err
    assert "20261121-094501-k3f9, 20261121-094502-aaaa" in several.err
    assert 'there are no runs in "elsewhere"' in none.err


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([{"event": "run.ended", "status": "ok"}], "has ended\nhint: start it again"),
        ([{"event": "approval.waiting", **ASKED}, {"event": "run.ended", "status": "paused"}], "nobody was there"),
        ([{"event": "wave.started", "play": "web"}], "does not wait for anybody now"),
        ([{"event": "approval.waiting", **ASKED}, {"event": "approval.granted", **ASKED}], "does not wait"),
    ],
)
def test_a_run_that_does_not_wait_is_not_approved(tmp_path: Path, records: list[dict[str, Any]], said: str) -> None:
    """The exit status is 1, and the message says how it stands; nothing is left in its folder."""
    a_run(tmp_path / "runs", "r1", {"event": "run.started", "pid": os.getpid(), **HERE}, *records)

    done = runner("approve", "last", cwd=tmp_path)

    assert done.code == 1
    assert said in done.err
    assert not (tmp_path / "runs/r1/requests").exists()


def test_a_run_whose_process_is_gone_is_not_approved(tmp_path: Path) -> None:
    """Nobody would ever hear it."""
    a_run(
        tmp_path / "runs",
        "r1",
        {"event": "run.started", "pid": 2**22 + 1, **HERE},  # beyond the largest number of a process
        {"event": "approval.waiting", **ASKED},
    )

    done = runner("approve", "r1", cwd=tmp_path)

    assert (done.code, "its process 4194305 is gone" in done.err) == (1, True)


def test_a_record_that_only_looks_like_a_question_is_none(tmp_path: Path) -> None:
    """What a step has registered may hold any words."""
    said = {"event": "step.ended", "register": {"json": {"event": "approval.waiting", **ASKED}}}
    a_run(tmp_path / "runs", "r1", {"event": "run.started", "pid": os.getpid(), **HERE}, said)

    assert "does not wait" in runner("approve", "last", cwd=tmp_path).err


def test_where_nobody_is_an_approval_is_not_waited_for(tmp_path: Path) -> None:
    """The run ends with 20, also under --yes, and can't be approved any more."""
    project(
        tmp_path,
        "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{approve: true}, {command: 'true'}]\n",
        "connection: local\nhosts: {one: {}}\n",
    )

    done = runner("run", "site.yaml", "--yes", cwd=tmp_path)
    late = runner("approve", "last", cwd=tmp_path)

    assert (done.code, done.statuses()) == (20, {"one": "cancelled"})
    assert (late.code, "nobody was there" in late.err) == (1, True)


@pytest.mark.parametrize(("words", "code", "answers"), [((), 20, []), (("--yes",), 0, ["option"])])
def test_where_nobody_is_only_yes_lets_a_pause_go_on(
    tmp_path: Path, words: tuple[str, ...], code: int, answers: list[str]
) -> None:
    """Without it the question stays open; with it the records say that an option answered."""
    steps = "[{pause: {message: look at it}}]"
    project(
        tmp_path,
        f"version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: {steps}\n",
        "connection: local\nhosts: {one: {}}\n",
    )

    done = runner("run", "site.yaml", *words, cwd=tmp_path)

    assert done.code == code
    assert [record["how"] for record in done.events("approval.granted")] == answers


def test_the_last_of_two_runs_of_the_same_second_is_the_later_one(tmp_path: Path) -> None:
    """Their names do not tell; when they were planned does."""
    for number, name in enumerate(("20261121-094501-zzzz", "20261121-094501-aaaa")):
        a_run(tmp_path / "runs", name)
        (tmp_path / "runs" / name / "plan.json").touch()
        os.utime(tmp_path / "runs" / name / "plan.json", (number, number))

    assert "20261121-094501-aaaa" in runner("approve", "last", cwd=tmp_path).err


def test_a_secret_in_a_question_is_masked(tmp_path: Path) -> None:
    """What a person is asked is in records and views, as all text is: without secrets."""
    project(
        tmp_path,
        """
version: 1
inventory: hosts.yaml
hosts: all
secrets: {token: {env: TOKEN}}
steps: [{approve: "use {{ secrets.token }}?"}]
""",
        "connection: local\nhosts: {one: {}}\n",
    )

    done = runner("run", "site.yaml", cwd=tmp_path, TOKEN="Tr0ub4dor-54723075")

    assert done.events("approval.waiting")[0]["question"] == "use ***?"
    assert "54723075" not in done.out + done.err + (done.folder / "events.jsonl").read_text()
