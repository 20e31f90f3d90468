"""A budget that pauses: a person says whether the play goes on, and is asked again at a further failure."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from scenario import Ran, scenario, stopping

from runner.engine.stop import Level
from runner.model.decision import Answer as Said
from runner.model.decision import Question
from runner.model.events import ApprovalDenied, ApprovalGranted, ApprovalWaiting, BudgetExceeded, HostEnded
from runner.transports.fake import Answer, answers

PLAY = """
version: 1
hosts: all
strategy: {type: rolling, waves: rest, concurrency: 2, max_failures: 0, on_exceed: pause, preflight: false}
steps:
  - command: one
  - command: two
always:
  - {command: tidy, changed_when: false}
"""
LOCKSTEP = PLAY.replace("concurrency: 2,", "concurrency: 2, sync: lockstep,")
Person = Callable[[Question], Awaitable[Said]]


def says(*yes: bool, after: float = 60) -> Person:
    """Somebody who thinks about each question for a while; the last answer is for all that come after it."""
    left = list(yes)

    async def ask(_: Question) -> Said:
        await asyncio.sleep(after)
        return Said(left.pop(0) if len(left) > 1 else left[0], by="ada", how="terminal")

    return ask


def ran(folder: Path, *failing: str, ask: Person | None = None, text: str = PLAY, **more: object) -> Ran:
    """Six hosts, two at work at once, each step ten seconds; these fail at their first one."""
    table = {(name, "one"): Answer(rc=1, duration=5) for name in failing}
    script = answers({**table, ("*", "t*y"): Answer(), ("*", "*"): Answer(duration=10)})
    return scenario(text, folder, script, hosts="web[01-06]", ask=ask, **more)  # type: ignore[arg-type]


def begun(run: Ran, start: float, end: float) -> set[str]:
    """Hosts that were sent their first step in this time."""
    return {sent.host for sent in run.fake.sent if sent.text == "one" and start <= sent.time < end}


def test_while_a_person_thinks_those_at_work_go_on_and_nobody_begins(tmp_path: Path) -> None:
    """The second host is through with its steps long before the answer; the third begins when it has come."""
    run = ran(tmp_path, "web01", ask=says(True))

    assert begun(run, 0, 65) == {"web01", "web02"}
    assert begun(run, 65, 66) == {"web03", "web04"}
    assert run.at(run.all(HostEnded, host="web02")[0]) == 20
    assert run.statuses() == {"web01": "failed", **{f"web0{number}": "changed" for number in range(2, 7)}}
    assert [event.by for event in run.all(ApprovalGranted)] == ["ada"]
    assert not run.summary.flags.aborted


def test_a_further_failure_asks_again(tmp_path: Path) -> None:
    """Each is one question; failures that come while somebody is asked belong to that one."""
    run = ran(tmp_path, "web01", "web02", "web05", ask=says(True))

    assert [(event.failures, event.allowed) for event in run.all(BudgetExceeded)] == [(1, 0), (3, 0)]
    assert len(run.all(ApprovalWaiting)) == 2
    assert len(run.all(ApprovalGranted)) == 2
    assert run.statuses()["web06"] == "changed"


def test_a_no_stops_the_play(tmp_path: Path) -> None:
    """Whoever is still at work ends behind its running step, and nobody begins."""
    text = PLAY.replace("  - command: two\n", "  - command: two\n  - command: three\n  - command: four\n")
    run = ran(tmp_path, "web01", ask=says(False, after=12), text=text)

    assert run.commands("web02") == ["one", "two", "tidy"]
    assert run.statuses()["web02"] == "cancelled"
    assert run.statuses()["web03"] == "not_run"
    assert [event.by for event in run.all(ApprovalDenied)] == ["ada"]
    assert run.summary.status == "aborted"


@pytest.mark.parametrize("text", [PLAY, LOCKSTEP])
def test_where_nobody_is_there_those_at_work_finish_and_the_run_is_paused(tmp_path: Path, text: str) -> None:
    """All their steps; the question stays open."""
    run = ran(tmp_path, "web01", text=text)

    done = [name for name, status in run.statuses().items() if status == "changed"]
    assert done
    assert all(run.commands(name) == ["one", "two", "tidy"] for name in done)
    assert set(run.statuses().values()) == {"changed", "failed", "not_run"}
    assert run.summary.flags.paused
    assert run.summary.status == "paused"


def test_in_lockstep_hosts_that_have_begun_go_on_while_a_person_thinks(tmp_path: Path) -> None:
    """A failure at the second step holds nobody back: all have begun."""
    table = {("web01", "two"): Answer(rc=1), ("*", "t*y"): Answer()}
    run = scenario(LOCKSTEP, tmp_path, answers(table), hosts="web[01-06]", ask=says(True, after=3600))

    assert {sent.time for sent in run.fake.sent} == {0.0}
    assert run.seconds == 3600


def test_in_lockstep_those_that_have_not_begun_wait_for_the_answer(tmp_path: Path) -> None:
    """A failure at the first step, with a window of two: the second pair begins when somebody has said yes."""
    run = ran(tmp_path, "web01", text=LOCKSTEP, ask=says(True))

    assert begun(run, 0, 65) <= {"web01", "web02", "web03"}
    assert run.statuses() == {"web01": "failed", **{f"web0{number}": "changed" for number in range(2, 7)}}


def test_a_host_that_has_to_tidy_up_does_not_wait_for_the_answer(tmp_path: Path) -> None:
    """In lockstep a second failure gives its place up at each step, and still gets one to tidy up."""
    run = ran(tmp_path, "web01", "web02", text=LOCKSTEP, ask=says(True, after=3600))

    assert max(sent.time for sent in run.fake.sent if sent.text == "tidy" and sent.host in {"web01", "web02"}) < 20


def test_the_next_wave_waits_for_the_answer(tmp_path: Path) -> None:
    """Also where the failure that is one too many comes at the very end of a wave."""
    text = PLAY.replace("waves: rest, concurrency: 2", "waves: 2")
    run = ran(tmp_path, "web01", "web02", text=text, ask=says(True))

    assert begun(run, 0, 65) == {"web01", "web02"}
    assert begun(run, 65, 66) == {"web03", "web04"}


def test_what_comes_once_at_the_end_of_a_wave_asks_too(tmp_path: Path) -> None:
    """A late step that fails is its host's failure; nobody of the next wave begins before the answer."""
    text = PLAY.replace("waves: rest, concurrency: 2", "waves: 3") + "  - {command: tell, once: wave}\n"
    script = answers({("web01", "tell"): Answer(rc=1)})
    run = scenario(text, tmp_path, script, hosts="web[01-06]", ask=says(True))

    assert {sent.time for sent in run.fake.sent if sent.host in {"web04", "web05", "web06"}} == {60.0}


def test_an_interrupt_ends_the_question(tmp_path: Path) -> None:
    """Nobody waits for the person any more, and the run is interrupted."""
    run = ran(tmp_path, "web01", ask=says(True, after=3600), during=stopping((100, Level.STOP)))

    assert run.seconds == 100
    assert begun(run, 0, 3600) == {"web01", "web02"}
    assert run.all(HostEnded, host="web06")[0].reason == "interrupted"


def test_a_budget_of_each_wave_asks_in_each(tmp_path: Path) -> None:
    """What was allowed in the first wave does not hold in the second."""
    text = PLAY.replace("waves: rest, concurrency: 2", "waves: 3, failure_scope: wave")
    run = ran(tmp_path, "web01", "web04", text=text, ask=says(True))

    assert [event.wave for event in run.all(ApprovalWaiting)] == [1, 2]
