"""What decides how a play goes on: gates, waits, questions to a person."""

import pytest
from events_builder import (
    START,
    asked,
    bake,
    budget_exceeded,
    denied,
    folded,
    gate_checked,
    gate_failed,
    gate_passed,
    granted,
    host_started,
    plan_ready,
    play,
    rollback_started,
    run_started,
    turn,
    wave_ended,
    wave_started,
)

from runner.model.progress import IllegalEventError

OPENING = [run_started(), plan_ready(), wave_started("a1", "a2")]
WORKED = [*OPENING, *turn("a1", "upload", "reload"), *turn("a2", "upload", "reload")]


def test_a_gate_keeps_its_last_answers_until_the_wave_ends():
    """Since when it is asked, how often, what each host said last, and its verdicts."""
    asking = [gate_checked("a1", "unhealthy", 1), gate_checked("a2"), gate_checked("a1", "healthy", 2)]

    gate = folded(*WORKED, *asking).plays["web"].waves[1].gate
    over = folded(*WORKED, *asking, gate_failed("a2"), gate_passed("a1"), wave_ended(ok=2)).plays["web"].waves[1].gate

    assert (gate.since, gate.number, gate.is_over) == (START + len(WORKED), 2, False)
    assert {host: answer.verdict for (_, host), answer in gate.answers.items()} == {"a1": "healthy", "a2": "healthy"}
    assert (over.passed, [failed.hosts for failed in over.failed], over.is_over) == (("a1",), [("a2",)], True)
    assert over.answers == {}


def test_a_bake_lasts_until_what_follows_it():
    """The next wave, a question or a rollback."""
    events = [*WORKED, wave_ended(ok=2), bake(30.0)]
    since = START + len(events) - 1

    assert folded(*events).plays["web"].bake == (since, since + 30)
    for following in (wave_started("a3", wave=2, of=2), asked(), rollback_started("a1")):
        assert folded(*events, following).plays["web"].bake is None


def test_a_question_waits_for_its_own_answer():
    """An answer to another question does not settle it."""
    events = [*OPENING, asked("step", host="a1", step="ask"), asked("step", host="a2", step="ask")]

    progress = folded(*events, granted("step", host="a2", step="ask"))

    assert [question.asked.host for question in progress.questions.values()] == ["a1"]
    refused = folded(*events, denied("step", host="a1", step="ask", by="eve"))
    assert [question.asked.host for question in refused.questions.values()] == ["a2"]
    assert [answer.by for answer in refused.denied] == ["eve"]


def test_a_budget_that_a_gate_exceeds_is_known_as_such():
    """The run ends otherwise then."""
    assert folded(*OPENING, budget_exceeded(by_gate=True)).plays["web"].by_gate
    assert not folded(*OPENING, budget_exceeded()).plays["web"].by_gate


@pytest.mark.parametrize(
    ("before", "event", "words"),
    [
        ([*WORKED, wave_ended(ok=2)], gate_checked("a1"), "wave 1 is not open"),
        ([*WORKED, wave_ended(ok=2)], gate_failed("a1"), "wave 1 is not open"),
        (WORKED, bake(1.0), "wave 1 is open"),
        (WORKED, bake(1.0, play="db"), 'no play "db" was planned'),
    ],
)
def test_illegal_decisions_are_refused_and_change_nothing(before, event, words):
    """An event that cannot follow is named, and the progress is as it was."""
    progress = folded(*before)
    untouched = folded(*before)

    with pytest.raises(IllegalEventError, match=words):
        progress.apply(event, START + 100)

    assert progress == untouched


def test_a_gate_counts_the_checks_that_are_met():
    """Often enough in a row; a bad answer takes that back, and is remembered."""
    often = {"of": 2, "check": "healthz"}
    answers = [
        gate_checked("a1", number=1, successes=1, **often),
        gate_checked("a2", number=1, successes=1, **often),
        gate_checked("a1", number=2, successes=2, **often),
        gate_checked("a2", number=2, successes=2, **often),
        gate_checked("a1", "unhealthy", number=3, **often),
    ]

    met = [folded(*WORKED, *answers[:n]).plays["web"].waves[1].gate.met for n in range(1, 6)]

    assert met == [0, 0, 1, 2, 1]
    assert folded(*WORKED, *answers).plays["web"].waves[1].gate.last.number == 3


def test_a_question_whose_time_is_over_was_not_answered_with_no():
    """The step that asked has failed; nobody has denied anything."""
    progress = folded(*OPENING, asked("step", host="a1"), denied("step", host="a1", by="nobody", how="timeout"))

    assert (progress.questions, progress.denied) == ({}, [])


def test_time_in_which_only_a_person_or_a_bake_is_waited_for_is_counted():
    """From when nobody works any more to when somebody does."""
    first = [run_started(), plan_ready(play(), play("db")), wave_started("a1", of=2), *turn("a1"), wave_ended()]
    waits = [bake(2.0), asked(), granted(), wave_started("a2", wave=2, of=2)]  # a second after each other

    baked = folded(*first, *waits)
    beside = folded(*first, wave_started("a1", play="db"), host_started("a1", play="db"), *waits)

    assert (baked.waited, baked.waiting_since) == (2.0, None)
    assert (beside.waited, beside.waiting_since) == (0.0, None)
    assert folded(*first, *waits[:2]).waiting_since == START + len(first)
