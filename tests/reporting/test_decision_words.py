"""What the chronicle says of gates, bakes, questions, rollback, handlers and steps done elsewhere."""

from datetime import UTC

import msgspec
import pytest
from events_builder import (
    a_plan,
    asked,
    bake,
    budget_exceeded,
    denied,
    ended,
    gate_checked,
    gate_failed,
    gate_passed,
    granted,
    host_ended,
    host_started,
    intent,
    plan_ready,
    play,
    record,
    rollback_ended,
    rollback_started,
    run_started,
    show,
    turn,
    wave_ended,
    wave_started,
)

from runner.model.playbook import Block, Step
from runner.reporting.plain import Plain
from runner.reporting.wording import step_names

HOSTS = ("web01", "web02", "web03")
OPENING = [run_started(), plan_ready(play(hosts=3)), wave_started(*HOSTS, of=3)]
PLAN = a_plan(
    *HOSTS,
    steps={"upload": "upload the release", "ask": "the graphs"},
    handlers={"restart": "restart app"},
    rollback={"previous": "previous release"},
    always={"unsilence": None},
)


def lines_of(*events, opening=OPENING):
    """What plain writes for these events, without their times."""
    written = []
    view = Plain(written.append, zone=UTC)
    now = show(view, *opening, plan=PLAN)
    view.tick(now)
    written.clear()
    for seq, event in enumerate(events):
        view.see(record(event, now + seq, seq))
    view.tick(now + len(events))
    return [line[10:] if line[2:3] == ":" else line for line in "".join(written).splitlines()]


def test_a_gate_that_passes_says_how_often_it_was_asked():
    """For the hosts together, and how long it took; single answers are not told."""
    answers = [gate_checked(host, number=n, successes=n, of=7) for n in range(1, 8) for host in HOSTS]

    assert lines_of(*answers, gate_passed(*HOSTS, duration=14.0)) == [
        "web  wave 1/3  gate: healthy on web[01-03] after 7 checks  14s"
    ]


def test_a_gate_that_fails_says_which_check_and_why():
    """With its place in the file, and how often that check was asked."""
    answers = [gate_checked("web03", "unhealthy", n) for n in (1, 2)]
    others = [gate_checked("web03", number=9, check="queue"), gate_checked("web01", number=5)]

    lines = lines_of(*answers, *others, gate_failed("web03", duration=4.0))

    assert lines == [
        "web  wave 1/3  gate: healthz unhealthy on web03 after 2 checks: status 503, not 200 (deploy.yaml:5)  4.0s"
    ]


def test_a_budget_that_a_gate_exceeds_is_told_as_such():
    """Whoever reads it looks at the gate."""
    assert lines_of(budget_exceeded(by_gate=True, action="rollback")) == [
        "web  1 failure, the last of a gate, is more than the 0 allowed: rollback"
    ]


def test_a_bake_says_how_long():
    """Before the next wave."""
    assert lines_of(wave_ended(ok=3), bake(90.0)) == [
        "web  wave 1/3  ended  ok  ok 3  1.0s",
        "web  wave 1/3  bake: 1m 30s before the next",
    ]


def test_a_question_is_told_at_once_with_what_to_type():
    """It does not wait for a tick, for somebody may be looking on; the answers follow."""
    written = []
    view = Plain(written.append, zone=UTC)
    opening = [run_started(argv=("runner", "run", "a.yaml", "--runs-dir", "my runs")), *OPENING[1:], wave_ended(ok=3)]

    show(view, *opening, asked(question="go on with wave 2: web[04-06]?"), plan=PLAN)

    assert "".join(written).splitlines()[-2:] == [
        "10:00:04  web  wave 1/3  asks: go on with wave 2: web[04-06]?",
        "    answer with: runner approve r1 --runs-dir 'my runs' (--deny says no)",
    ]


def test_where_nobody_is_there_no_answer_is_asked_for():
    """The run ends at its question, so there is nothing to type."""
    written = []
    view = Plain(written.append, zone=UTC, answers=False)

    show(view, *OPENING, wave_ended(ok=3), asked(question="go on with wave 2: web[04-06]?"), plan=PLAN)

    assert "".join(written).splitlines()[-1] == "10:00:04  web  wave 1/3  asks: go on with wave 2: web[04-06]?"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (granted(by="ada", how="command"), "web  wave 1/3  approved by ada (command)"),
        (denied(by="ada", how="terminal"), "web  wave 1/3  denied by ada (terminal)"),
        (
            denied("step", by="nobody", how="timeout", host="web01", step="ask"),
            "web  wave 1/3  the graphs  web01  no answer in time",
        ),
    ],
)
def test_who_answered_is_told(answer, words):
    """And how; a question whose time is over has no answer."""
    assert lines_of(answer) == [words]


def test_steps_say_where_they_stand_and_where_they_run():
    """A handler, a step delegated to another host, one that was rescued; equal ones of several hosts are one line."""
    lines = lines_of(
        host_started("web01"),
        intent("web01", delegate="lb1"),
        ended("web01", "failed", delegate="lb1", rescued=True, reason="exit status 1", rc=1),
        intent("web01", "restart", section="handlers"),
        ended("web01", "changed", "restart", section="handlers"),
    )

    assert lines[1:] == [
        "web  wave 1/3  upload the release on lb1  failed (rescued): exit status 1  web01  0.0s",
        "web  wave 1/3  handler restart app  changed  web01  0.0s",
    ]


def test_hosts_that_skip_what_runs_once_are_one_line():
    """Folded, with the host that did it."""
    skipped = {"status": "skipped", "reason": "run once, on web01"}
    events = [event for host in HOSTS[1:] for event in (host_started(host), ended(host, **skipped))]

    assert lines_of(*events)[1] == "web  wave 1/3  upload the release  skipped: run once, on web01  web[02-03]  0.0s"


def test_a_rollback_is_told_from_its_start_to_its_end():
    """Why, of whom, its steps, what became of the hosts."""
    opening = [*OPENING, *turn("web01", "upload"), *turn("web02", "upload"), wave_ended(ok=2)]
    lines = lines_of(
        rollback_started("web01", "web02", reason="a gate failed"),
        *turn("web01", "previous", section="rollback", end="rolled_back"),
        *turn("web02", "previous", section="rollback", end="rolled_back"),
        rollback_ended(rolled_back=2, duration=65.0),
        opening=opening,
    )

    assert lines == [
        "web  rollback  started: a gate failed  web[01-02]",
        "web  wave 1/3  host started again: rollback  web[01-02]",
        "web  wave 1/3  rollback previous release  ok  web[01-02]  0.0s",
        "web  wave 1/3  host ended  rolled_back  web[01-02]  0.0s",
        "web  rollback  ended  rolled_back  rolled_back 2  1m 5s",
    ]


def test_a_host_that_preflight_could_not_reach_took_no_time():
    """It was never let to work."""
    assert lines_of(host_ended("web01", "unreachable", reason="refused: connection refused")) == [
        "web  wave 1/3  host ended  unreachable: refused: connection refused  web01"
    ]


def test_steps_in_blocks_have_names_too():
    """Those that rescue, and those that come always, say so."""
    place = PLAN.plays[0].location
    rescue = (Step("mend", "mend it", "command", {}, place, section="rescue"),)
    always = (Step("tidy", None, "command", {}, place, section="always"),)
    inner = (Step("try", "try it", "command", {}, place),)
    block = Block("block", None, inner, place, rescue=rescue, always=always)
    plan = a_plan("web01", handlers={"restart": "restart app"})
    web = msgspec.structs.replace(plan.plays[0], steps=(block,))

    assert step_names(msgspec.structs.replace(plan, plays=(web,))) == {
        ("web", "try"): "try it",
        ("web", "mend"): "rescue mend it",
        ("web", "tidy"): "always tidy",
        ("web", "restart"): "handler restart app",
    }
