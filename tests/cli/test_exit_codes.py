"""The exit status of a run, from what holds of it."""

import pytest
from events_builder import (
    asked,
    budget_exceeded,
    denied,
    folded,
    gate_failed,
    host_ended,
    plan_ready,
    play,
    rollback_ended,
    rollback_started,
    run_started,
    turn,
    wave_ended,
    wave_started,
)

from runner.app.ending import Ending
from runner.cli.exit_codes import of_ending, of_run
from runner.errors import JournalError
from runner.model import summary

ONE = [run_started(), plan_ready(play(hosts=2)), wave_started("a", "b")]
FAILED = turn("a", "upload", status="failed")
BAD_GATE = [*turn("a", "upload"), gate_failed("a"), host_ended("a", "gate_failed")]


def ending_of(*events, **fields) -> Ending:
    """How a run of these events ended, without interrupts and faults."""
    return Ending(summary.of(folded(*ONE, *events)), **{"interrupted": None, "has_bug": False, "fatal": None, **fields})


@pytest.mark.parametrize(
    ("events", "code", "word"),
    [
        (turn("a", "upload"), 0, "ok"),
        (FAILED, 1, "failed"),
        (turn("a", "upload", status="unreachable"), 4, "failed"),
        ([*FAILED, budget_exceeded()], 5, "aborted"),
        (BAD_GATE, 1, "failed"),
        ([*BAD_GATE, budget_exceeded(by_gate=True)], 7, "aborted"),
        ([asked(), denied()], 7, "aborted"),
        ([*turn("a", "upload"), asked()], 20, "paused"),
        ([*FAILED, budget_exceeded(action="pause"), asked("budget")], 20, "paused"),
        ([*turn("a", "upload", status="unknown"), budget_exceeded()], 6, "unknown"),
    ],
)
def test_each_end_has_its_status_and_word(events, code, word):
    """A bad gate that the budget bears is a failure; one that exceeds it, or a no, stops the run."""
    ending = ending_of(*events)

    assert of_ending(ending, "any") == (code, word)
    assert ending.summary.status == word


@pytest.mark.parametrize(
    ("before", "end", "status", "code"),
    [
        (FAILED, "rolled_back", "rolled_back", 8),
        (FAILED, "rollback_failed", "rollback_failed", 9),
        (turn("a", "upload", status="changed"), "rolled_back", "rolled_back", 8),
    ],
)
def test_a_rollback_decides_whatever_failed_before(before, end, status, code):
    """It worked although another host, that was never touched, is failed; or it did not."""
    events = [
        *before,
        *turn("b", status="failed"),
        budget_exceeded(action="rollback"),
        wave_ended(status="failed", failed=1),
        rollback_started("a"),
        *turn("a", "previous", section="rollback", end=end),
        rollback_ended(status, **{end: 1}),
    ]

    assert of_ending(ending_of(*events), "any") == (code, status)


@pytest.mark.parametrize(
    ("fields", "code", "word"),
    [
        ({"has_bug": True}, 3, "failed"),
        ({"fatal": JournalError("disk full")}, 11, "failed"),
        ({"interrupted": 143}, 143, "interrupted"),
    ],
)
def test_faults_and_interrupts_come_before_a_pause(fields, code, word):
    """Nobody is told to answer a run that broke down."""
    assert of_ending(ending_of(asked(), **fields), "any") == (code, word)


def test_the_first_that_holds_is_the_runs():
    """Of all at once, each in turn when those before it are taken away."""
    order = [3, 11, 130, 143, 9, 6, 20, 8, 7, 5, 1, 4]

    assert [of_run(order[place:]) for place in range(len(order))] == order
    assert of_run([]) == 0


@pytest.mark.parametrize(
    ("policy", "code"), [("any", 1), ("all", 0), ("worst", 1), ("main=a", 1), ("main=b", 0), ("main-any=b", 1)]
)
def test_a_bad_gate_counts_under_every_policy(policy, code):
    """Its host has the status 1."""
    assert of_ending(ending_of(*BAD_GATE, *turn("b", "upload")), policy)[0] == code


def test_no_policy_hides_a_pause():
    """It decides only where 0, 1 or 4 would stand."""
    assert of_ending(ending_of(*FAILED, asked()), "main=b")[0] == 20
