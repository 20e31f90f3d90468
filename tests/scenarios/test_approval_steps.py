"""Steps that ask a person: what a yes, a no, nobody, and a time that is over mean for the run."""

import asyncio
from pathlib import Path

import pytest
from scenario import Ran, scenario

from runner.model.decision import Answer, Question
from runner.model.events import ApprovalDenied, ApprovalWaiting, BudgetChanged, StepEnded
from runner.transports.fake import Answer as Answered
from runner.transports.fake import answers

STEPS = """
version: 1
hosts: all
strategy: {type: rolling, waves: 2, max_failures: 9}
steps:
  - id: ask
    %s: {message: "fine on {{ host.name }}?"}
    when: host.name == "web01"
    %s
  - id: work
    command: [work]
"""


def run(folder: Path, answer: Answer, kind: str = "approve", more: str = "on_failure: stop", takes: float = 0) -> Ran:
    """Three hosts in waves of two, of which the first asks."""

    async def person(_: Question) -> Answer:
        await asyncio.sleep(takes)
        return answer

    return scenario(STEPS % (kind, more), folder, hosts="web[01-03]", ask=person)


@pytest.mark.parametrize(("kind", "is_approval"), [("approve", True), ("pause", False)])
def test_a_yes_lets_the_host_go_on(tmp_path: Path, kind: str, is_approval: bool) -> None:  # noqa: FBT001
    """The step is ok; the question names host and step, and says whether only a person may approve."""
    asked: list[Question] = []

    async def ada(question: Question) -> Answer:
        asked.append(question)
        return Answer(yes=True, by="ada", how="terminal")

    ran = scenario(STEPS % (kind, "on_failure: stop"), tmp_path, hosts="web[01-03]", ask=ada)

    assert asked == [
        Question(
            play="play", wave=1, about="step", text="fine on web01?", host="web01", step="ask", is_approval=is_approval
        )
    ]
    assert ran.steps("web01") == {"ask": "ok", "work": "changed"}


@pytest.mark.parametrize("kind", ["approve", "pause"])
def test_a_no_stops_the_whole_run(tmp_path: Path, kind: str) -> None:
    """The step has failed, whatever the budget bears: no other wave begins."""
    ran = run(tmp_path, Answer(yes=False, by="ada", how="terminal"), kind)

    assert ran.all(StepEnded, step="ask", host="web01")[0].reason == "denied by ada"
    assert (ran.steps("web01"), ran.statuses()["web03"]) == ({"ask": "failed"}, "not_run")
    assert ran.run.stop.reason == "denied by ada"


@pytest.mark.parametrize("kind", ["approve", "pause"])
def test_where_nobody_is_no_other_host_is_let_in(tmp_path: Path, kind: str) -> None:
    """The step is cancelled with the reason, hosts at work finish, and the question stays open."""
    ran = run(tmp_path, Answer(None), kind)

    (ended,) = ran.all(StepEnded, step="ask", host="web01")
    assert (ended.status, ended.reason) == ("cancelled", "waiting for approval; nobody is here")
    assert ran.statuses() == {"web01": "cancelled", "web02": "changed", "web03": "not_run"}
    assert len(ran.all(ApprovalWaiting)) == 1


def test_one_question_for_all_that_nobody_answers_fails_none_of_them(tmp_path: Path) -> None:
    """Those that wait for the host that asks are cancelled as it is: the budget is as it was."""
    text = """
version: 1
hosts: all
strategy: {type: rolling, waves: 2, max_failures: 0}
steps: [{id: ask, approve: fine?, once: run}]
"""

    async def nobody(_: Question) -> Answer:
        return Answer(None)

    ran = scenario(text, tmp_path, hosts="web[01-03]", ask=nobody)

    assert ran.statuses() == {"web01": "cancelled", "web02": "cancelled", "web03": "not_run"}
    assert not ran.all(BudgetChanged)


def test_nobody_in_time_is_a_no(tmp_path: Path) -> None:
    """The step is timed out and the question closed; it fails this host, and others go on."""
    ran = run(tmp_path, Answer(yes=True, by="ada", how="terminal"), more="timeout: 10m", takes=3600)

    assert ran.steps("web01") == {"ask": "timed_out"}
    assert ran.all(ApprovalDenied) == [
        ApprovalDenied(play="play", wave=1, about="step", host="web01", step="ask", by="nobody", how="timeout")
    ]
    assert ran.statuses()["web03"] == "changed"
    assert ran.seconds == 600


def test_a_sensitive_step_asks_without_telling(tmp_path: Path) -> None:
    """What it would say stands in no record."""
    ran = run(tmp_path, Answer(yes=True, by="ada", how="terminal"), more="sensitive: true")

    assert ran.all(ApprovalWaiting)[0].question == "go on behind ask?"


def test_a_question_that_another_failure_cuts_short_leaves_nothing_open(tmp_path: Path) -> None:
    """The budget ends the play while a person is asked: the run is aborted, and waits for nobody."""
    text = """
version: 1
hosts: all
strategy: {type: parallel, max_failures: 0, on_exceed: stop}
steps:
  - {approve: "go on?", when: host.name == "web01"}
  - {command: fail, when: host.name == "web02"}
"""
    asked = scenario(
        text,
        tmp_path,
        answers({("web02", "fail"): Answered(rc=1, duration=5)}),
        hosts="web[01-02]",
        ask=lambda _: asyncio.sleep(3600, Answer(yes=True)),
    )

    assert asked.summary.status == "aborted"
    assert [event.how for event in asked.all(ApprovalDenied)] == ["stop"]
    assert asked.seconds < 10


def test_a_no_leaves_no_other_question_open(tmp_path: Path) -> None:
    """A host that stood in line with a question of its own asks nobody any more: the run was denied, not paused."""
    text = STEPS.replace("    when: host.name ==", "    when: not host.name ==") % ("approve", "")

    async def ada(_: Question) -> Answer:
        await asyncio.sleep(5)
        return Answer(yes=False, by="ada", how="terminal")

    ran = scenario(text.replace('"web01"', '"web09"'), tmp_path, hosts="web[01-03]", ask=ada)

    assert [event.host for event in ran.all(ApprovalWaiting)] == ["web01"]
    assert not ran.summary.flags.paused
