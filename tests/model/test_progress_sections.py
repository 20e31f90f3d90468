"""Hosts that are started again, steps that count in no progress, failures that are not the host's, and handlers."""

import pytest
from events_builder import (
    START,
    ended,
    folded,
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

from runner.model.progress import IllegalEventError

OPENING = [run_started(), plan_ready(), wave_started("a1", "a2", "a3")]


def test_a_rolled_back_host_is_counted_by_its_last_end():
    """From ok over a bad gate to rolled back: the old status is taken back each time, in play, wave and run."""
    turns = [*turn("a1", "upload", "reload"), *turn("a2", "upload", "reload", status="changed")]
    events = [*OPENING, *turns, host_ended("a1", "gate_failed", reason="healthz: unhealthy")]

    gated = folded(*events)
    rolled = folded(
        *events,
        wave_ended(status="failed", gate_failed=1, changed=1),
        rollback_started("a1", "a2"),
        *turn("a1", "previous", section="rollback", status="changed", end="rolled_back"),
        *turn("a2", "previous", section="rollback", status="failed", end="rollback_failed"),
        rollback_ended("rollback_failed", rolled_back=1, rollback_failed=1),
    )

    assert +gated.plays["web"].counts == {"gate_failed": 1, "changed": 1}
    web = rolled.plays["web"]
    assert +web.counts == +web.waves[1].counts == {"rolled_back": 1, "rollback_failed": 1}
    assert (web.waves[1].ended, web.rollback.status) == (2, "rollback_failed")
    assert rolled.status_of == {"a1": "rolled_back", "a2": "rollback_failed"}


def test_steps_with_a_section_count_in_no_progress():
    """A handler, rescue and always do not count, and may run a second time on the same host."""
    again = [intent("a1", "restart", attempt=2, section="handlers"), ended("a1", "ok", "restart", section="handlers")]
    progress = folded(
        *OPENING,
        host_started("a1"),
        intent("a1"),
        ended("a1"),
        intent("a1", "restart", section="handlers"),
        ended("a1", "changed", "restart", section="handlers"),
        *again,
        intent("a1", "reload"),
        ended("a1", step="reload"),
        host_ended("a1"),
    )

    assert (progress.done, progress.left, progress.dropped) == (2, 4, 0)
    assert (progress.steps, progress.sections) == ({"ok": 2}, {"handlers": 2})
    assert "restart" not in progress.plays["web"].steps


def test_a_step_with_a_section_is_at_work_like_any_other():
    """Who waits for a handler is told so."""
    progress = folded(*OPENING, host_started("a1"), intent("a1", "restart", section="handlers"))

    assert progress.at_work == {("web", "restart"): {"a1": START + 4}}


def test_a_late_step_runs_when_no_wave_is_open():
    """A step that runs once comes when the last host is done; its host is at work meanwhile, and ends again."""
    events = [*OPENING, *turn("a1", "upload", "reload"), wave_ended(ok=1), host_started("a1", section="always")]

    late = folded(*events, intent("a1", "unsilence", section="always"))
    over = folded(*events, host_ended("a1", "failed", reason="unsilence: exit status 1"))

    assert (late.active, late.plays["web"].working) == (1, 1)
    assert (over.active, over.plays["web"].working, over.status_of) == (0, 0, {"a1": "failed"})
    assert [failure.section for failure in over.failures] == ["always"]


def test_a_host_that_ends_well_with_steps_left_leaves_nothing_to_wait_for():
    """The rest of a block that was rescued never runs; what the host does later drops nothing twice."""
    events = [*OPENING, *turn("a1", "upload", end="changed"), host_ended("a2", "not_run"), host_ended("a3", "not_run")]

    progress = folded(*events, *turn("a1", "unsilence", section="always", status="ok", end="changed"))

    assert (progress.done, progress.dropped, progress.left) == (1, 5, 0)


def test_what_preflight_could_not_reach_ends_without_a_start():
    """It is unreachable and a failure with its reason; the rest of the wave never runs."""
    progress = folded(
        *OPENING,
        host_ended("a1", "unreachable", reason="connection refused"),
        host_ended("a2", "not_run"),
    )

    (failure,) = progress.failures
    assert (failure.host, failure.status, failure.reason) == ("a1", "unreachable", "connection refused")
    assert (progress.left, progress.active, progress.plays["web"].waves[1].ended) == (2, 0, 2)


def test_rescued_failures_are_not_the_hosts():
    """They are kept, marked, and decide no remote status; a failure of the rescue itself is the host's."""
    rescued = ended("a1", "failed", rc=1, rescued=True, reason="exit status 1")
    events = [*OPENING, host_started("a1"), intent("a1"), rescued, intent("a1", "mend", section="rescue")]

    well = folded(*events, ended("a1", "ok", "mend", section="rescue"), host_ended("a1", "changed"))
    badly = folded(*events, ended("a1", "failed", "mend", section="rescue", rc=3), host_ended("a1", "failed"))

    assert [(failure.rescued, failure.counts) for failure in well.failures] == [(True, False)]
    assert well.remote == {}
    assert [(failure.step, failure.section) for failure in badly.failures] == [("upload", ""), ("mend", "rescue")]
    assert badly.remote == {"a1": 3}


def test_a_host_lost_before_its_rollback_is_a_failure_of_the_rollback():
    """No step tells it, so the host's end does."""
    progress = folded(
        *OPENING,
        *turn("a1", "upload", status="failed"),
        wave_ended(failed=1),
        rollback_started("a1"),
        host_started("a1", section="rollback"),
        host_ended("a1", "rollback_failed", reason="connection refused"),
        rollback_ended("rollback_failed", rollback_failed=1),
    )

    assert [(failure.step, failure.section) for failure in progress.failures] == [("upload", ""), ("", "rollback")]


def test_plays_may_be_under_way_at_the_same_time():
    """Each has a wave open; a host at work in both is one host at work, and its status is that of both."""
    both = [run_started(), plan_ready(play(), play("db", hosts=1)), wave_started("a1"), wave_started("a1", play="db")]
    events = [*both, host_started("a1"), host_started("a1", play="db"), intent("a1"), intent("a1", play="db")]

    going = folded(*events)
    half = folded(*events, ended("a1", play="db"), host_ended("a1", "changed", play="db"))
    over = folded(*events, ended("a1", play="db"), host_ended("a1", play="db"), ended("a1"), host_ended("a1", "failed"))

    assert (going.active, [p.open_wave for p in going.plays.values()]) == (1, [1, 1])
    assert list(going.at_work) == [("web", "upload"), ("db", "upload")]
    assert (half.active, half.status_of) == (1, {"a1": "changed"})
    assert (over.active, over.status_of) == (0, {"a1": "failed"})


def test_a_hosts_status_follows_the_order_of_the_plan():
    """Of two plays that went wrong on it the first of the plan stands, whichever ended first."""
    both = [run_started(), plan_ready(play(), play("db", hosts=1)), wave_started("a1"), wave_started("a1", play="db")]
    web, db = turn("a1", "upload", status="failed"), [host_ended("a1", "unreachable", play="db")]

    assert folded(*both, *web, *db).status_of == folded(*both, *db, *web).status_of == {"a1": "failed"}


@pytest.mark.parametrize(
    ("section", "status", "pending"),
    [("handlers", "changed", ()), ("handlers", "skipped", ()), ("handlers", "cancelled", ("restart",))],
)
def test_a_handler_is_pending_until_it_has_run(section, status, pending):
    """From its notification to its end; one that was cancelled still has to run."""
    events = [*OPENING, host_started("a1"), intent("a1"), ended("a1", "changed"), notified("a1"), notified("a1")]

    assert folded(*events).host("web", "a1").pending == ("restart",)
    run = [intent("a1", "restart", section=section), ended("a1", status, "restart", section=section)]
    assert folded(*events, *run).host("web", "a1").pending == pending


def test_a_handler_that_runs_once_has_run_for_all():
    """It comes when the last host is done, on one of them."""
    hosts = [[host_started(host), intent(host), ended(host, "changed"), notified(host), host_ended(host)]
             for host in ("a1", "a2")]  # fmt: skip
    events = [*OPENING, *hosts[0], *hosts[1]]

    progress = folded(*events, *turn("a1", "restart", section="handlers", status="changed", end="changed"))

    assert progress.host("web", "a2").pending == ()


def test_a_rollback_takes_back_what_handlers_were_to_follow():
    """They are no longer pending; one that the rollback notifies runs on its own host, and for it alone."""
    changed = [intent("a1"), ended("a1", "changed"), notified("a1"), host_ended("a1", "failed")]
    both = [host_started("a1"), *changed, *turn("a2", "upload"), wave_ended(), rollback_started("a1", "a2")]
    back = [
        host_started("a1", section="rollback"),
        host_started("a2", section="rollback"),
        notified("a1"),
        notified("a2"),
    ]

    ran = [intent("a1", "restart", section="handlers"), ended("a1", "ok", "restart", section="handlers")]
    progress = folded(*OPENING, *both, *back, *ran)

    assert folded(*OPENING, *both, *back[:2]).host("web", "a1").pending == ()
    assert [progress.host("web", host).pending for host in ("a1", "a2")] == [(), ("restart",)]


def test_preflight_comes_before_the_wave():
    """A host that it could not reach has ended when its wave begins, and is counted there."""
    lost = host_ended("a1", "unreachable", reason="refused")
    progress = folded(run_started(), plan_ready(), lost, wave_started("a1", "a2", "a3"), wave_ended(unreachable=1))

    assert (progress.plays["web"].waves[1].ended, progress.status_of) == (1, {"a1": "unreachable"})


def test_a_host_took_as_long_as_its_last_end_says():
    """Each end tells the time of all its turns."""
    gated = host_ended("a1", "gate_failed", duration=5.0)
    events = [*OPENING, host_started("a1"), host_ended("a1", duration=5.0), gated, host_started("a1", section="always")]

    assert folded(*events, host_ended("a1", "gate_failed", duration=7.0)).host("web", "a1").micros == 7_000_000


ENDED = [*OPENING, *turn("a1", "upload", "reload")]
CLOSED = [*ENDED, wave_ended(ok=1)]
ROLLING = [*CLOSED, rollback_started("a1")]


@pytest.mark.parametrize(
    ("before", "event", "words"),
    [
        (ENDED, host_started("a1"), "it cannot follow in phase ended"),
        (ENDED, host_ended("a1"), "it cannot follow in phase ended"),
        (ENDED, host_ended("a1", "rolled_back"), "it cannot follow in phase ended"),
        (ENDED, intent("a1", section="always"), "it cannot follow in phase ended"),
        (OPENING, host_started("a1", section="always"), "it cannot follow in phase waiting"),
        (OPENING, host_ended("a1", "failed"), "it cannot follow in phase waiting"),
        (OPENING, notified("a1"), "the host has not been started in this play"),
        (CLOSED, host_started("a1", section="rollback"), "no rollback has been started"),
        (CLOSED, rollback_ended(), "no rollback has been started"),
        (ROLLING, rollback_started("a1"), "the play is being rolled back already"),
        ([*ROLLING, host_started("a1", section="rollback")], rollback_ended(), "1 of its hosts are at work"),
        ([*ROLLING, host_started("a1", section="rollback")], intent("a1"), "for its rollback steps alone"),
    ],
)
def test_illegal_events_around_sections_are_refused_and_change_nothing(before, event, words):
    """An event that cannot follow is named, and the progress is as it was."""
    progress = folded(*before)
    untouched = folded(*before)

    with pytest.raises(IllegalEventError, match=words):
        progress.apply(event, START + 100)

    assert progress == untouched
