import random

import pytest
from events_builder import (
    START,
    budget_changed,
    budget_exceeded,
    ended,
    folded,
    gate_checked,
    gate_failed,
    host_ended,
    host_started,
    intent,
    note,
    notified,
    output,
    plan_ready,
    play,
    retry,
    run_ended,
    run_started,
    turn,
    wave_ended,
    wave_started,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.model import summary
from runner.model.events import HostConnected, HostConnecting, HostLost, Progressed, Signalled, Warned
from runner.model.outcome import HostStatus
from runner.model.progress import IllegalEventError
from runner.model.state import merged_status

OPENING = [run_started(), plan_ready(), wave_started("a1", "a2", "a3")]


def test_a_step_counts_once_a_host():
    """Attempts and items of a loop do not count, the end of the step does."""
    progress = folded(
        *OPENING,
        host_started("a1"),
        intent("a1", attempt=1),
        retry("a1", attempt=1),
        intent("a1", attempt=2),
        ended("a1"),
        intent("a1", "reload", item=1),
        ended("a1", "ok", "reload", item=1),
        ended("a1", "skipped", "reload", item=2),
        intent("a1", "reload", item=3),
        ended("a1", "changed", "reload", item=3),
        ended("a1", "changed", "reload"),
        host_ended("a1", "changed"),
    )

    assert (progress.done, progress.total, progress.retries) == (2, 6, 1)
    assert progress.steps == {"ok": 1, "changed": 1}
    assert progress.status_of == {"a1": "changed"}


def test_steps_that_will_never_run_are_no_longer_left():
    """A host that ends early leaves nothing to wait for."""
    progress = folded(*OPENING, *turn("a1", "upload", status="failed"), host_ended("a2", "not_run"))

    assert (progress.total, progress.done, progress.left) == (6, 1, 2)


def test_hosts_at_work_are_known_by_step_with_their_time():
    """Who works at what since when, oldest first, over the attempts of a step."""
    events = [*OPENING, host_started("a1"), host_started("a2"), intent("a2"), intent("a1")]

    progress = folded(*events, retry("a2"), intent("a2", attempt=2))

    assert progress.active == 2
    assert progress.at_work == {("web", "upload"): {"a2": START + 5, "a1": START + 6}}
    assert folded(*events, ended("a2"), ended("a1")).at_work == {}


def test_a_loop_whose_first_item_is_skipped_is_at_work():
    """An item may be the first that starts, whatever its number."""
    progress = folded(*OPENING, host_started("a1"), ended("a1", "skipped", item=1), intent("a1", item=2))

    assert list(progress.at_work) == [("web", "upload")]


def test_the_last_line_of_a_step_at_work_is_kept():
    """Output and notes say what a host is busy with."""
    events = [*OPENING, host_started("a1"), intent("a1")]

    assert folded(*events, output("a1", "one\ntwo\n")).host("web", "a1").last == "two"
    assert folded(*events, output("a1", "one\n"), output("a1", "")).host("web", "a1").last == "one"
    assert folded(*events, note("a1", "port 80 is closed")).host("web", "a1").last == "port 80 is closed"
    assert folded(*events).host("db", "a1") is None


def test_a_failure_keeps_what_explains_it():
    """Reason, status, last lines and files; of a loop those of the item that failed."""
    item = ended("a1", "failed", item=2, rc=4, reason="exit status 4", tail="no space", output={"stdout": "o/a1"})
    progress = folded(
        *OPENING,
        host_started("a1"),
        intent("a1", item=2),
        item,
        ended("a1", "failed", reason="item 2 failed"),
    )

    (failure,) = progress.failures
    assert (failure.reason, failure.rc, failure.tail) == ("item 2 failed", 4, "no space")
    assert failure.output == {"stdout": "o/a1"}
    assert progress.remote == {"a1": 4}


def test_ignored_failures_stand_apart():
    """They are known as such and decide no remote status."""
    progress = folded(
        *OPENING, host_started("a1"), intent("a1"), ended("a1", "failed", ignored=True, rc=1), host_ended("a1")
    )

    assert [failure.ignored for failure in progress.failures] == [True]
    assert progress.remote == {}


def test_a_host_that_fails_outside_steps_is_a_failure():
    """What a host's end alone tells is not lost."""
    progress = folded(*OPENING, host_started("a1"), host_ended("a1", "unreachable", reason="connection refused"))

    (failure,) = progress.failures
    assert (failure.step, failure.status, failure.reason) == ("", "unreachable", "connection refused")


def test_connections_budget_signals_and_warnings():
    """What stands beside the steps is kept too."""
    progress = folded(
        *OPENING,
        HostConnecting(host="a1", address="10.0.0.1", attempt=1),
        HostLost(host="a1", cause="refused", reason="connection refused"),
        HostConnecting(host="a2", address="10.0.0.2", attempt=1),
        HostLost(host="a3", cause="dns", reason="no such name"),
        HostConnecting(host="a3", address="a3", attempt=2),
        HostConnected(host="a3", duration=0.1),
        budget_changed("a1", 1, 1),
        budget_exceeded(2, 1, "drain"),
        Signalled(signal="INT", action="stop"),
        Warned(message="clock differs"),
        Progressed(active=0, done=0, total=6),
    )

    assert (progress.connecting, list(progress.lost)) == ({"a2"}, ["a1"])
    web = progress.plays["web"]
    assert (web.failures, web.allowed, web.exceeded) == (2, 1, "drain")
    assert [event.signal for event in progress.signals] == ["INT"]
    assert [event.message for event in progress.warnings] == ["clock differs"]


STARTED = [*OPENING, host_started("a1")]
AT_WORK = [*STARTED, intent("a1")]


@pytest.mark.parametrize(
    ("before", "event", "words"),
    [
        (STARTED, ended("a1", "changed"), "it cannot follow in phase idle"),
        (STARTED, ended("a1", "unknown"), "it cannot follow in phase idle"),
        (STARTED, ended("a1", "timed_out"), "it cannot follow in phase idle"),
        (STARTED, output("a1", "x"), "it cannot follow in phase idle"),
        (STARTED, retry("a1", status="timed_out"), "it cannot follow in phase idle"),
        (STARTED, ended("a1", rc=0), "it cannot follow in phase idle"),
        (STARTED, ended("a1", duration=0.1), "it cannot follow in phase idle"),
        (STARTED, host_started("a1"), "it cannot follow in phase idle"),
        (STARTED, host_ended("a1", "not_run"), "it cannot follow in phase idle"),
        (STARTED, intent("a9"), "the host has not been started in this play"),
        (STARTED, intent("a1", play="db"), "the host has not been started in this play"),
        (STARTED, wave_ended(), "1 of its hosts are at work"),
        (STARTED, wave_started("a4", wave=2, of=2), "wave 1 was started before"),
        (AT_WORK, intent("a1"), "it cannot follow in phase running"),
        (AT_WORK, ended("a1", step="reload"), 'the host is at work in step "upload"'),
        (AT_WORK, host_ended("a1"), "it cannot follow in phase running"),
        ([*AT_WORK, ended("a1")], intent("a1"), "already ended"),
        ([*AT_WORK, ended("a1")], ended("a1", "skipped"), "already ended"),
        ([*AT_WORK, ended("a1")], retry("a1", status="unreachable"), "already ended"),
        ([*AT_WORK, retry("a1")], intent("a1", attempt=1), "attempt 1 follows attempt 1"),
        ([*AT_WORK, retry("a1")], retry("a1", status="timed_out"), "it cannot follow in phase delayed"),
        ([*STARTED, intent("a1", item=1), ended("a1", item=1)], host_ended("a1"), "phase looping"),
        (OPENING, host_ended("a1"), "it cannot follow in phase waiting"),
        (OPENING, intent("a1"), "the host has not been started in this play"),
        (OPENING, host_started("a1", wave=2), "wave 2 is not open"),
        (OPENING, wave_ended(2), "wave 2 is not open"),
        ([*OPENING, wave_ended()], wave_started("a1"), "wave 1 was started before"),
        ([*OPENING, host_ended("a1", "not_run")], host_started("a1"), "it cannot follow in phase ended"),
        (OPENING, host_started("a1", play="db"), 'no play "db" was planned'),
        (OPENING, plan_ready(), "it follows run.started, once"),
        (OPENING, run_started(), "the run has already started"),
        ([], plan_ready(), "it follows run.started, once"),
        ([*OPENING, run_ended()], Warned(message="late"), "the run has ended"),
    ],
)
def test_illegal_events_are_refused_and_change_nothing(before, event, words):
    """An event that cannot follow is named, and the progress is as it was."""
    progress = folded(*before)
    untouched = folded(*before)

    with pytest.raises(IllegalEventError, match=words):
        progress.apply(event, START + 100)

    assert progress == untouched


def test_a_gap_in_the_records_is_refused():
    """Records come one by one, from 0."""
    progress = folded()
    progress.apply(run_started(), START, 0)

    with pytest.raises(IllegalEventError, match="record 2 follows record 0"):
        progress.apply(plan_ready(), START, 2)


def test_what_was_never_sent_may_fail_or_be_skipped():
    """A template that can't be rendered and a host that can't be reached need no intent."""
    for status in ("skipped", "failed", "unreachable", "cancelled"):
        assert folded(*STARTED, ended("a1", status)).done == 1


def test_a_host_that_cannot_be_reached_is_tried_again_without_an_intent():
    """Nothing was sent; it is at work all the same, and may get through later."""
    refused = [retry("a1", attempt=n, status="unreachable") for n in (1, 2)]

    trying = folded(*STARTED, *refused)
    through = folded(*STARTED, *refused, intent("a1", attempt=3), ended("a1"))

    assert trying.at_work == {("web", "upload"): {"a1": START + 4}}
    assert (through.done, through.retries, through.at_work) == (1, 2, {})
    assert folded(*STARTED, ended("a1", "skipped", item=1), retry("a1", status="unreachable", item=2)).retries == 1


def test_a_loop_over_nothing_is_well():
    """It ends without a start."""
    assert folded(*STARTED, ended("a1"), host_ended("a1")).steps == {"ok": 1}


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["ok", "changed"], "changed"),
        (["changed", "ok"], "changed"),
        (["ok", "failed"], "failed"),
        (["changed", "unreachable"], "unreachable"),
        (["failed", "not_run"], "failed"),
        (["failed", "unreachable"], "failed"),
        (["failed", "unknown"], "unknown"),
        (["unknown", "failed"], "unknown"),
        (["not_run", "ok"], "ok"),
        (["ok", "not_run"], "ok"),
        (["cancelled", "ok"], "cancelled"),
        (["not_run", "not_run"], "not_run"),
    ],
)
def test_a_hosts_status_over_several_plays(statuses, expected):
    """Unknown if one is, else what first went wrong, else whether it changed."""
    status = None
    for new in statuses:
        status = merged_status(status, new)

    assert status == expected


@given(st.permutations(range(4)), st.lists(st.sampled_from(list(HostStatus)), min_size=4, max_size=4))
def test_a_hosts_status_is_the_same_whichever_of_its_plays_ends_first(order, statuses):
    """The order of the plan counts."""
    ids = ["a", "b", "c", "d"]
    opening = [run_started(), plan_ready(*(play(one) for one in ids)), *(wave_started("a1", play=one) for one in ids)]
    ends = [
        [*([] if status == "not_run" else [host_started("a1", play=one)]), host_ended("a1", status, play=one)]
        for one, status in zip(ids, statuses, strict=True)
    ]
    progress = folded(*opening, *(event for place in order for event in ends[place]))

    expected = None
    for status in statuses:
        expected = merged_status(expected, status)
    assert progress.status_of == {"a1": expected}


FIRST = ["ok", "changed", "failed", "timed_out", "unknown", "ignored", "loop", "not_run", "unreachable"]
LATER = ["rescued", "handler", "pending", "gate", "again"]
TURNS = st.sampled_from([*FIRST, *LATER])


def _events(host: str, kind: str, seconds: float) -> list:
    match kind:
        case "not_run":
            return [host_ended(host, "not_run", reason="the budget was exceeded")]
        case "unreachable":
            return [host_started(host), ended(host, "unreachable", reason="refused"), host_ended(host, "unreachable")]
        case "ignored":
            return turn(host, "upload", "reload", status="failed", end="ok", ignored=True, duration=seconds)
        case "loop":
            items = [e for i in (1, 2) for e in (intent(host, item=i), ended(host, "changed", item=i))]
            return [host_started(host), *items, ended(host, "changed", duration=seconds), host_ended(host, "changed")]
        case _:
            return _later_events(host, kind, seconds)


def _later_events(host: str, kind: str, seconds: float) -> list:
    match kind:
        case "rescued":
            return turn(host, "upload", status="failed", end="changed", rescued=True, duration=seconds)
        case "handler" | "pending":
            own = [host_started(host), intent(host), ended(host, "changed"), notified(host)]
            ran = [intent(host, "restart", section="handlers"), ended(host, "ok", "restart", section="handlers")]
            return [*own, *(ran if kind == "handler" else []), host_ended(host, "changed", duration=seconds)]
        case "gate":
            answers = [gate_checked(host, "unhealthy", n) for n in (1, 2)]
            return [*turn(host, "upload"), *answers, gate_failed(host), host_ended(host, "gate_failed")]
        case "again":
            late = turn(host, "unsilence", section="always", status="failed", duration=seconds)
            return [*turn(host, "upload", "reload"), *late]
        case _:
            return turn(host, "upload", "reload", status=kind, reason=f"it is {kind}", duration=seconds)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TURNS, st.floats(0, 1000)), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_any_legal_order_gives_the_same_summary(turns, chance: random.Random):
    """Hosts may come in any order, as long as each one's own events keep theirs."""
    hosts = [f"web{n}" for n in range(1, len(turns) + 1)]
    opening = [run_started(), plan_ready(play(hosts=len(hosts))), wave_started(*hosts)]
    one_by_one = [_events(host, *chosen) for host, chosen in zip(hosts, turns, strict=True)]

    mixed, waiting = [], [list(events) for events in one_by_one]
    while any(waiting):
        mixed.append(chance.choice([events for events in waiting if events]).pop(0))

    straight = folded(*opening, *(event for events in one_by_one for event in events), wave_ended(), seconds=0)
    assert summary.of(folded(*opening, *mixed, wave_ended(), seconds=0)) == summary.of(straight)
