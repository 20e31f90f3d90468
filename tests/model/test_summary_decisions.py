"""What a summary says of gates, rescue, handlers, questions and rollback."""

import msgspec
import pytest
from events_builder import (
    asked,
    budget_exceeded,
    denied,
    ended,
    folded,
    gate_failed,
    granted,
    host_ended,
    host_started,
    intent,
    notified,
    plan_ready,
    play,
    rollback_ended,
    rollback_started,
    run_started,
    turn,
    wave_ended,
    wave_started,
)

from runner.model import summary
from runner.model.account import Flags, HandlerGroup, OpenQuestion
from runner.model.events import Signalled
from runner.model.go_on import approve_command

OPENING = [run_started(), plan_ready(play(hosts=4, waves=2)), wave_started("web1", "web2", "web10", of=2)]
FAILED = turn("web1", "upload", status="failed")


def test_hosts_are_counted_in_the_order_of_their_statuses():
    """The good first, then what went wrong, the hosts that a gate or a rollback judged too."""
    ends = ("not_run", "gate_failed", "ok", "rolled_back", "failed")
    turns = [
        host_ended("a", "not_run"),
        *turn("b", "upload", end="ok"),
        host_ended("b", "gate_failed"),
        *turn("c", "upload"),
        *turn("d", "upload", status="failed"),
    ]

    result = summary.of(folded(*OPENING, *turns, wave_ended(status="failed", **dict.fromkeys(ends, 1))))

    assert list(result.counts) == list(result.hosts) == ["ok", "failed", "gate_failed", "not_run"]
    (web,) = result.plays
    assert list(web.counts) == ["ok", "failed", "gate_failed", "not_run"]
    assert list(web.waves[0].counts) == ["ok", "failed", "gate_failed", "rolled_back", "not_run"]


@pytest.mark.parametrize(
    ("events", "flags"),
    [
        ([*turn("web1", "upload"), host_ended("web1", "gate_failed")], {"failed"}),
        ([*FAILED, budget_exceeded()], {"failed", "aborted"}),
        ([*FAILED, budget_exceeded(by_gate=True)], {"failed", "gate"}),
        ([*FAILED, budget_exceeded(action="pause"), asked("budget")], {"failed", "paused"}),
        ([*FAILED, budget_exceeded(action="pause"), asked("budget"), granted("budget")], {"failed"}),
        ([*FAILED, budget_exceeded(action="pause"), asked("budget"), denied("budget")], {"failed", "denied"}),
        ([*turn("web1", "upload", end="cancelled"), asked()], {"paused"}),
        ([*turn("web1", "upload", end="cancelled"), asked(), denied()], {"denied"}),
    ],
)
def test_why_a_run_did_not_end_well(events, flags):
    """A budget that pauses leaves it to a person: a yes is no abort. Cancelled hosts have their reason elsewhere."""
    result = summary.of(folded(*OPENING, *events))

    held = msgspec.structs.asdict(result.flags)
    assert {name for name, holds in held.items() if holds} == flags


def test_gates_are_grouped_by_check_and_reason():
    """Over the waves, hosts in natural order; equal reasons are one group."""
    result = summary.of(
        folded(
            *OPENING,
            *turn("web1", "upload"),
            gate_failed("web10", "web2", reason="status 503, not 200"),
            gate_failed("web1", check="queue", verdict="inconclusive", reason="connection refused"),
            wave_ended(),
            wave_started("web3", wave=2, of=2),
            gate_failed("web3", wave=2, reason="status 503, not 200"),
        )
    )

    assert [(g.check, g.verdict, g.reason, g.hosts) for g in result.plays[0].gates] == [
        ("healthz", "unhealthy", "status 503, not 200", ("web2", "web3", "web10")),
        ("queue", "inconclusive", "connection refused", ("web1",)),
    ]


def test_rescued_and_rollback_failures_stand_apart():
    """What a block rescued is not among the failures, nor is what failed while it was rolled back, always too."""
    result = summary.of(
        folded(
            *OPENING,
            host_started("web1"),
            intent("web1"),
            ended("web1", "failed", rescued=True, reason="exit status 1"),
            intent("web1", "reload"),
            ended("web1", "failed", "reload", reason="exit status 2", delegate="lb1"),
            host_ended("web1", "failed"),
            wave_ended(status="failed", failed=1),
            rollback_started("web1"),
            host_started("web1", section="rollback"),
            intent("web1", "previous", section="rollback"),
            ended("web1", "failed", "previous", section="rollback", reason="exit status 3"),
            intent("web1", "unsilence", section="always"),
            ended("web1", "failed", "unsilence", section="always", reason="exit status 4"),
            host_ended("web1", "rollback_failed"),
            rollback_ended("rollback_failed", rollback_failed=1, duration=9.0),
        )
    )

    assert [(g.step, g.reason) for g in result.rescued] == [("upload", "exit status 1")]
    assert [(g.step, g.delegate) for g in result.failures] == [("reload", "lb1")]
    assert [(g.step, g.section) for g in result.rollback_failures] == [
        ("previous", "rollback"),
        ("unsilence", "rollback"),
    ]
    rollback = result.plays[0].rollback
    assert (rollback.status, rollback.hosts, rollback.counts) == ("rollback_failed", 1, {"rollback_failed": 1})
    assert (result.done, result.sections) == (2, {"always": 1, "rollback": 1})
    assert (result.status, result.hosts) == ("rollback_failed", {"rollback_failed": ("web1",)})


def test_handlers_that_did_not_run_are_listed_with_the_reason():
    """The host ended before; a handler that ran is not listed."""
    changed = [intent("web1"), ended("web1", "changed"), notified("web1"), notified("web1", "reload")]
    result = summary.of(
        folded(
            *OPENING,
            host_started("web1"),
            *changed,
            intent("web1", "restart", section="handlers"),
            ended("web1", "changed", "restart", section="handlers"),
            host_ended("web1", "failed"),
            host_started("web2"),
            intent("web2"),
            ended("web2", "changed"),
            notified("web2"),
        )
    )

    assert result.handlers == (
        HandlerGroup(play="web", handler="reload", reason="the host ended failed", hosts=("web1",)),
        HandlerGroup(play="web", handler="restart", reason="the run ended while the host was at work", hosts=("web2",)),
    )


def test_a_play_that_never_ran_says_why():
    """In the words that most of its hosts have; a play that began says nothing of the kind."""
    result = summary.of(
        folded(
            run_started(),
            plan_ready(play(hosts=1), play("db", hosts=3), play("cache", hosts=1)),
            wave_started("a"),
            *turn("a", "upload", status="failed"),
            host_ended("a", "not_run", play="db", reason="failed in play web, which it needs, and so it never began"),
            host_ended("b", "not_run", play="db", reason="dependency failed: web"),
            host_ended("c", "not_run", play="db", reason="dependency failed: web"),
        )
    )

    assert [(p.id, p.not_run) for p in result.plays] == [("web", ""), ("db", "dependency failed: web"), ("cache", "")]


def test_a_paused_run_says_what_is_asked_and_how_to_go_on():
    """The question, the command that answers it and the one that then goes on."""
    result = summary.of(
        folded(*OPENING, *turn("web1", "upload"), asked(question="go on with wave 2?"), host_ended("web3", "not_run")),
        run="20261121-1",
    )

    assert result.status == "paused"
    assert result.questions == (OpenQuestion(play="web", wave=1, about="wave", question="go on with wave 2?"),)
    assert result.go_on == (
        "runner approve 20261121-1",
        "runner resume 20261121-1",
        "runner rerun 20261121-1 --only not_run",
    )


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (("runner", "run", "a.yaml", "--runs-dir", "my runs"), "runner approve r1 --runs-dir 'my runs'"),
        (("runner", "run", "--runs-dir=runs", "a.yaml"), "runner approve r1 --runs-dir=runs"),
    ],
)
def test_the_command_to_answer_finds_the_run(argv, command):
    """Where the run was kept in a folder of its own choice, it is looked for there."""
    assert approve_command(argv, "r1") == command


def test_a_host_that_waits_for_a_person_is_not_unknown():
    """A step that asks has sent nothing; other hosts at work in a step are unknown all the same."""
    at_work = [host_started("web1"), intent("web1", "ask"), host_started("web2"), intent("web2")]
    question = asked("step", host="web1", step="ask")

    result = summary.of(folded(*OPENING, *at_work, question))

    assert result.hosts == {"unknown": ("web2",), "cancelled": ("web1",)}
    assert [(g.reason, g.hosts) for g in result.unfinished] == [
        ("it waits for a person", ("web1",)),
        ("the run ended while it was at work", ("web2",)),
    ]


def test_who_said_no_is_kept():
    """With how they said it."""
    (denial,) = summary.of(folded(*OPENING, asked(), denied(by="ada", how="command"))).denied

    assert (denial.about, denial.by, denial.how) == ("wave", "ada", "command")


def test_an_interrupt_decides_before_a_rollback():
    """All that holds is in the flags; the status is the first of them."""
    events = [*FAILED, wave_ended(), rollback_started("web1"), Signalled(signal="SIGTERM", action="kill")]

    result = summary.of(folded(*OPENING, *events, rollback_ended("rolled_back")))

    assert result.status == "interrupted"
    assert result.flags == Flags(failed=True, rolled_back=True, interrupted="SIGTERM")


def test_hosts_that_a_gate_or_a_rollback_judged_may_go_on():
    """In a new run, as they lack the release; what could not be rolled back a person looks at first."""
    turns = [
        *turn("web1", "upload"),
        *turn("web2", "upload"),
        *turn("web10", "upload"),
        host_ended("web2", "gate_failed"),
    ]
    rolled = [
        rollback_started("web1", "web10"),
        *turn("web1", "previous", section="rollback", end="rolled_back"),
        *turn("web10", "previous", section="rollback", status="failed", end="rollback_failed"),
        rollback_ended("rollback_failed"),
    ]

    result = summary.of(folded(*OPENING, *turns, wave_ended(), *rolled), run="r1")

    assert result.go_on == ("runner resume r1", "runner rerun r1 --only gate_failed,rolled_back")


def test_slow_handlers_are_named_too():
    """What takes long is worth knowing wherever it stands."""
    steps = [
        intent("web1", "restart", section="handlers"),
        ended("web1", "ok", "restart", section="handlers", duration=9.0),
    ]

    result = summary.of(folded(*OPENING, host_started("web1"), *steps))

    assert [slow.step for slow in result.slowest_steps] == ["restart"]
