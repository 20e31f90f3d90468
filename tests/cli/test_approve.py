"""``runner approve``: which runs it finds, and what it says of one that does not wait."""

import fcntl
import getpass
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from commandline import project, runner

ASKED = {"play": "web", "wave": 1, "about": "wave", "question": "go on to wave 2?"}
STARTED = {"event": "run.started"}
WAITING = {"event": "approval.waiting", **ASKED}


def a_run(runs: Path, name: str, *records: dict[str, Any]) -> None:
    """The folder of a run with these records."""
    (runs / name).mkdir(parents=True)
    lines = [json.dumps({"seq": seq, **record}, separators=(",", ":")) for seq, record in enumerate(records)]
    (runs / name / "events.jsonl").write_text("".join(f"{line}\n" for line in lines))


@contextmanager
def at_work(runs: Path, name: str) -> Iterator[None]:
    """As long as the block lasts, a process is at work at the run."""
    with (runs / name / "events.jsonl").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


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
        ([{"event": "run.ended", "status": "ok"}], "has ended: ok; it does not wait for anybody\n"),
        ([{"event": "run.ended", "status": "failed"}], "has ended: failed; it does not wait for anybody\nhint: go on"),
        ([{"event": "wave.started", "play": "web"}], "has died; it does not wait for anybody\nhint: go on with it: "),
        ([WAITING, {"event": "approval.granted", **ASKED}], "does not wait for anybody"),
    ],
)
def test_a_run_that_does_not_wait_is_not_approved(tmp_path: Path, records: list[dict[str, Any]], said: str) -> None:
    """The exit status is 1, and the message says how it stands; nothing is left in its folder."""
    a_run(tmp_path / "runs", "r1", STARTED, *records)

    done = runner("approve", "last", cwd=tmp_path)

    assert done.code == 1
    assert said in done.err
    assert not (tmp_path / "runs/r1/requests").exists()


@pytest.mark.parametrize(
    "records",
    [
        [{"event": "wave.started", "play": "web"}],
        [WAITING, {"event": "run.ended", "status": "paused"}, {"event": "run.started", "resume": True}],
    ],
)
def test_a_run_at_work_that_asks_nothing_now_is_not_approved(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    """So it is where a run that goes on has not yet come to the question that it was paused with."""
    a_run(tmp_path / "runs", "r1", STARTED, *records)

    with at_work(tmp_path / "runs", "r1"):
        done = runner("approve", "last", cwd=tmp_path)

    assert (done.code, done.err) == (1, "error: run r1 does not wait for anybody now\n")


@pytest.mark.parametrize(
    ("end", "words", "left", "said"),
    [
        ([{"event": "run.ended", "status": "paused"}], [], "approve ", "approved by"),
        ([], ["--deny"], "deny ", "denied by"),
    ],
)
def test_a_paused_run_is_answered_before_it_goes_on(
    tmp_path: Path, end: list[dict[str, Any]], words: list[str], left: str, said: str
) -> None:
    """It ended with 20, or died while it waited: the answer is kept for it, and what goes on with it is said."""
    a_run(tmp_path / "runs", "r1", STARTED, WAITING, *end)

    done = runner("approve", "r1", *words, cwd=tmp_path)

    assert (done.code, done.err) == (0, "")
    assert f'{said} {getpass.getuser()}: run r1, web, wave 1: "go on to wave 2?"\n' in done.out
    assert f"to go on: runner resume r1 --runs-dir {tmp_path}/runs\n" in done.out
    assert (tmp_path / "runs/r1/requests/1").read_text().startswith(left)


def test_a_paused_run_is_answered_once(tmp_path: Path) -> None:
    """Who comes second is told what the first has said, and the first answer stands."""
    a_run(tmp_path / "runs", "r1", STARTED, WAITING)

    runner("approve", "r1", cwd=tmp_path)
    second = runner("approve", "r1", "--deny", cwd=tmp_path)

    assert second.code == 1
    assert f"run r1 is answered already by {getpass.getuser()}: approved\nhint: to go on: runner resume" in second.err
    assert (tmp_path / "runs/r1/requests/1").read_text().startswith("approve ")


def test_of_several_open_questions_the_first_is_answered(tmp_path: Path) -> None:
    """The answer says which one it was, and how many are left for the same command."""
    questions = [{**WAITING, "about": "step", "step": "ask", "host": host} for host in ("web1", "web2", "web3")]
    a_run(tmp_path / "runs", "r1", STARTED, *questions)

    said = [runner("approve", "r1", cwd=tmp_path).out for _ in questions]

    assert "web, wave 1, web1: " in said[0]
    assert "2 more questions are open: runner approve r1" in said[0]
    assert "web, wave 1, web2: " in said[1]
    assert "1 more question is open: " in said[1]
    assert "more" not in said[2]


def test_a_record_that_only_looks_like_a_question_is_none(tmp_path: Path) -> None:
    """What a step has registered may hold any words."""
    a_run(tmp_path / "runs", "r1", STARTED, {"event": "step.ended", "register": {"json": WAITING}})

    assert "does not wait" in runner("approve", "last", cwd=tmp_path).err


def test_where_nobody_is_an_approval_is_not_waited_for(tmp_path: Path) -> None:
    """The run ends with 20, also under --yes, and is approved afterwards."""
    project(
        tmp_path,
        "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{approve: true}, {command: 'true'}]\n",
        "connection: local\nhosts: {one: {}}\n",
    )

    done = runner("run", "site.yaml", "--yes", cwd=tmp_path)
    late = runner("approve", "last", cwd=tmp_path)

    assert (done.code, done.statuses()) == (20, {"one": "cancelled"})
    assert (late.code, "approved by" in late.out) == (0, True)


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


ROLLING = """
version: 1
inventory: hosts.yaml
hosts: all
strategy: {type: rolling, waves: 1, approve: after-first}
steps: [{shell: "echo {{ host.name }} >> FOLDER/log"}]
"""


@pytest.mark.parametrize(
    ("words", "code", "done", "event"),
    [
        ([], 0, ["one", "two", "three"], "approval.granted"),
        (["--deny"], 7, ["one"], "approval.denied"),
    ],
)
def test_a_paused_run_goes_on_as_it_was_answered(
    tmp_path: Path, words: list[str], code: int, done: list[str], event: str
) -> None:
    """The first wave is not run again; the others run, or not, and it is recorded who said so."""
    hosts = "connection: local\nhosts: {one: {}, two: {}, three: {}}\n"
    project(tmp_path, ROLLING.replace("FOLDER", str(tmp_path)), hosts)

    paused = runner("run", "site.yaml", "--batch", cwd=tmp_path)
    runner("approve", "last", *words, cwd=tmp_path)
    ended = runner("resume", "last", "--batch", cwd=tmp_path)

    assert (paused.code, ended.code) == (20, code)
    assert (tmp_path / "log").read_text().split() == done
    assert [(answer["by"], answer["how"]) for answer in ended.events(event)] == [(getpass.getuser(), "command")]
    if code:
        assert ended.summary()["counts"] == {"changed": 1, "not_run": 2}


def test_a_paused_run_without_an_answer_is_paused_again(tmp_path: Path) -> None:
    """Going on does not answer for anybody; what is said then is heard the time after."""
    project(
        tmp_path, ROLLING.replace("FOLDER", str(tmp_path)), "connection: local\nhosts: {one: {}, two: {}, three: {}}\n"
    )
    runner("run", "site.yaml", "--batch", cwd=tmp_path)

    again = runner("resume", "last", "--batch", cwd=tmp_path)
    runner("approve", "last", cwd=tmp_path)
    ended = runner("resume", "last", "--batch", cwd=tmp_path)

    assert (again.code, ended.code) == (20, 0)
    assert (tmp_path / "log").read_text().split() == ["one", "two", "three"]
