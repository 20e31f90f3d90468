import random

import msgspec
import pytest
from events_builder import (
    START,
    asked,
    bake,
    budget_changed,
    budget_exceeded,
    denied,
    ended,
    folded,
    gate_checked,
    gate_failed,
    gate_passed,
    host_ended,
    host_started,
    intent,
    note,
    plan_ready,
    play,
    retry,
    rollback_ended,
    rollback_started,
    run_ended,
    run_started,
    turn,
    wave_ended,
    wave_started,
)
from resumed_streams import process, world

from runner.model import summary
from runner.model.events import Decision, HostConnecting, HostLost, LockReleased, LockTaken, Signalled
from runner.model.progress import IllegalEventError, Progress

TOLD_APART = {
    "started",
    "ended",
    "duration",
    "slowest_steps",
    "slowest_hosts",
    "sections",
    "resumed",
    "settled",
    "unknown",
}
"""What says how a run came to its end, not to which."""


def fold(*parts: list) -> Progress:
    progress = Progress()
    for seq, event in enumerate(event for part in parts for event in part):
        progress.apply(event, START + seq, seq)
    return progress


def outcome(progress: Progress) -> dict:
    data = msgspec.to_builtins(summary.of(progress))
    (play,) = data.pop("plays")
    unknown = [(one["step"], one["hosts"]) for one in data["unknown"]]
    waves = [{**wave, "duration": 0} for wave in play["waves"]]
    return {"waves": waves, "counts of play": play["counts"], "gates": play["gates"], "open": unknown} | {
        name: value for name, value in data.items() if name not in TOLD_APART
    }


@pytest.mark.parametrize("seed", range(60))
def test_a_run_cut_anywhere_and_gone_on_with_comes_to_the_same(seed):
    """After every event a process may die: whoever goes on ends with the counts of a run that nothing befell."""
    straight = process(world(seed))
    expected = outcome(fold(straight))

    for cut in range(1, len(straight)):
        first = straight[:cut]
        progress = fold(first, process(world(seed), first))

        assert outcome(progress) == expected, cut
        assert progress.left == 0


@pytest.mark.parametrize("seed", range(60))
def test_a_run_cut_ten_times_over_comes_to_the_same(seed):
    """Each process takes up what is left, wherever the one before it died; steps gone add up for what is left."""
    chance = random.Random(seed)
    straight = process(world(seed))
    told = []

    for _ in range(10):
        part = process(world(seed), told)
        told = [*told, *part[: chance.randint(1, len(part))]]
    progress = fold(told, process(world(seed), told))

    assert outcome(progress) == outcome(fold(straight))
    assert progress.processes == 11
    web = progress.plays["web"]
    assert {stats.gone for stats in web.steps.values()} == {web.of_hosts}
    assert (progress.done + progress.dropped, progress.active, progress.at_work) == (progress.total, 0, {})


OPENING = [run_started(), plan_ready(), wave_started("a1", "a2", "a3")]
STARTED = [*OPENING, host_started("a1")]
AT_WORK = [*STARTED, intent("a1")]
AGAIN = [run_started(resume=True), wave_started("a1", "a2", "a3"), host_started("a1")]


def decision(what: str, step: str = "upload", host: str = "a1", how: str = "resolve", **fields) -> Decision:
    return Decision(play="web", wave=1, host=host, step=step, what=what, by="ops", how=how, **fields)


def test_nothing_is_at_work_open_or_asked_when_a_process_begins():
    """What the process before was about is over with it: only those who ask again wait for an answer."""
    events = [
        *AT_WORK,
        HostConnecting(host="a2", address="a2", attempt=1),
        HostLost(host="a3", cause="refused", reason="refused"),
        asked(),
        denied("step", host="a2", step="ask"),
        Signalled(signal="SIGINT", action="stop"),
        budget_changed("a3", 1),
        budget_exceeded(1, action="stop"),
    ]

    progress = folded(*events, run_started(resume=True))

    assert (progress.active, progress.at_work, progress.connecting, progress.lost) == (0, {}, set(), {})
    assert (progress.questions, progress.denied, progress.signals) == ({}, [], [])
    web = progress.plays["web"]
    assert (web.open_wave, web.working, web.waves[1].working, web.exceeded) == (None, 0, 0, "")


def test_a_host_that_runs_again_counts_by_its_new_end():
    """Its status, its failure, its place in the budget and its bad ends are taken back as it starts."""
    first = [*OPENING, *turn("a1", "upload", status="failed", rc=3), budget_changed("a1", 1), wave_ended(1, "failed")]

    begun = folded(*first, run_ended(), *AGAIN)
    done = folded(*first, run_ended(), *AGAIN, intent("a1", attempt=2), ended("a1", "changed"), host_ended("a1"))

    assert (begun.done, begun.dropped, begun.remote, begun.status_of) == (0, 0, {}, {})
    assert (begun.plays["web"].failures, +begun.plays["web"].counts) == (0, {})
    assert (done.done, +done.steps, done.status_of) == (1, {"changed": 1}, {"a1": "ok"})
    assert summary.of(done).failures == ()


def test_a_host_that_does_not_run_again_stays_as_it_was():
    """Only what is taken up counts anew."""
    first = [*OPENING, *turn("a1", "upload", status="failed", rc=3), *turn("a2", "upload", status="unknown")]

    progress = folded(*first, run_started(resume=True))

    assert (progress.status_of, progress.remote) == ({"a1": "failed", "a2": "unknown"}, {"a1": 3, "a2": 0})
    assert [failure.hosts for failure in summary.of(progress).failures] == [("a1",), ("a2",)]
    assert (progress.kept, progress.done) == (0, 2)


def test_a_step_that_is_done_again_though_it_ended_well_counts_once():
    """As it ended last, were that worse."""
    first = [*STARTED, intent("a1"), ended("a1", "changed"), intent("a1", "reload")]

    again = folded(*first, *AGAIN, intent("a1", attempt=2), ended("a1", "changed"))
    worse = folded(*first, *AGAIN, intent("a1", attempt=2), ended("a1", "failed"))

    assert (again.kept, again.done, +again.steps) == (1, 1, {"changed": 1})
    assert (worse.done, +worse.steps) == (1, {"failed": 1})


def test_an_ignored_failure_stands_until_its_step_ends_anew():
    """Nobody waits for a better end; where it comes all the same, the failure is past."""
    first = [*STARTED, intent("a1"), ended("a1", "failed", ignored=True), intent("a1", "reload")]

    kept = folded(*first, *AGAIN, ended("a1", "ok", "reload", late=True), host_ended("a1"))
    anew = folded(*first, *AGAIN, intent("a1", attempt=2), ended("a1", "ok"))

    assert (kept.kept, kept.done, len(summary.of(kept).ignored)) == (1, 2, 1)
    assert (+anew.steps, summary.of(anew).ignored) == ({"ok": 1}, ())


def test_an_end_read_from_the_host_needs_no_start_in_this_process():
    """A late end is that of a step, or an item, which an earlier process began."""
    first = [*AT_WORK, retry("a1"), intent("a1", attempt=2)]
    loop = [*STARTED, intent("a1", item=1)]

    step = folded(*first, *AGAIN, ended("a1", "changed", late=True))
    item = folded(*loop, *AGAIN, ended("a1", "ok", item=1, late=True), intent("a1", item=2))

    assert (step.done, step.recalled) == (1, [("web", "a1", "upload")])
    assert item.host("web", "a1").phase == "running"


def test_a_step_that_still_runs_on_the_host_is_waited_for():
    """What is heard of it is no start of its own; then it ends, or is tried again."""
    events = [*AT_WORK, *AGAIN, note("a1", "it still runs"), note("a1", "it still runs")]

    waiting = folded(*events)

    assert list(waiting.at_work) == [("web", "upload")]
    assert folded(*events, ended("a1", "changed", late=True)).done == 1
    assert folded(*events, decision("rerun"), intent("a1", attempt=2), ended("a1", "unknown")).done == 1


def test_a_late_end_settles_a_step_that_was_declared_unknown():
    """It comes when its host has ended already, and takes the failure with it; the host's own end follows."""
    events = [*OPENING, *turn("a1", "upload", status="unknown"), ended("a1", "ok", late=True)]

    progress = folded(*events)

    assert (+progress.steps, progress.done, progress.host("web", "a1").phase) == ({"ok": 1}, 1, "ended")
    assert summary.of(progress).failures == ()


@pytest.mark.parametrize(("what", "steps"), [("ok", {"ok": 1}), ("failed", {"failed": 1}), ("skip", {"skipped": 1})])
def test_a_decision_settles_a_step_when_the_run_has_ended(what, steps):
    """Whether it was declared unknown, or the process died over it."""
    told = [*OPENING, *turn("a1", "upload", status="unknown"), run_ended()]

    declared = folded(*told, decision(what))
    cut = folded(*AT_WORK, run_started(resume=True), run_ended(), decision(what))

    for progress in (declared, cut):
        assert (+progress.steps, progress.done) == (steps, 1)
        assert [one.what for one in progress.decisions] == [what]
    assert declared.left == 6 - 2
    assert declared.status_of == {"a1": "unknown"}


def test_a_step_that_is_to_be_run_again_stays_unknown_until_then():
    """A person says so; the resume does it."""
    events = [*OPENING, *turn("a1", "upload", status="unknown"), run_ended(), decision("rerun")]

    progress = folded(*events)
    after = folded(*events, *AGAIN, intent("a1", attempt=2), ended("a1", "changed"))

    assert +progress.steps == {"unknown": 1}
    assert +after.steps == {"changed": 1}


def test_a_step_at_work_may_be_settled_and_tried_again():
    """The connection was lost, and the step itself says that it may run once more."""
    events = [*AT_WORK, decision("rerun", how="idempotent"), retry("a1"), intent("a1", attempt=2), ended("a1")]

    assert folded(*events).done == 1
    assert folded(*AT_WORK, decision("ok", how="verify"), ended("a1")).done == 1


def test_what_a_decision_settles_may_end_so_without_a_start():
    """A check on the host said that it was done: the end that follows counts once."""
    events = [*AT_WORK, *AGAIN, decision("ok", how="verify")]

    assert (folded(*events).done, folded(*events, ended("a1", "ok", rc=0)).done) == (1, 1)


def test_hosts_of_a_gate_that_passes_on_resume_end_well():
    """What was not met is past, unless it is found again."""
    first = [*OPENING, *turn("a1", "upload"), *turn("a2", "upload"), gate_failed("a1", "a2")]
    first += [host_ended("a1", "gate_failed"), host_ended("a2", "gate_failed"), wave_ended(1, "failed"), run_ended()]
    again = [run_started(resume=True), wave_started("a1", "a2", "a3"), gate_checked("a1"), gate_passed("a1")]

    progress = folded(*first, *again, host_ended("a1", "ok"))

    assert progress.status_of == {"a1": "ok", "a2": "gate_failed"}
    assert [gate.hosts for gate in summary.of(progress).plays[0].gates] == [("a2",)]
    found = folded(*first, *again, run_started(resume=True), wave_started("a1", "a2"), gate_failed("a2"))
    assert [gate.hosts for gate in summary.of(found).plays[0].gates] == [("a2",)]


def test_a_host_that_runs_again_has_its_gate_before_it():
    """What its gate had not met is past, even where it then fails at a step; its wave has it at work again."""
    first = [*OPENING, *turn("a1", "upload"), gate_failed("a1"), host_ended("a1", "gate_failed"), wave_ended()]

    progress = folded(*first, *AGAIN)

    assert progress.plays["web"].waves[1].ended == 0
    assert summary.of(progress).plays[0].gates == ()


def test_a_rollback_that_was_cut_is_begun_again():
    """Its hosts go back in the process that takes it up; once they go forward again it is past."""
    back = [rollback_started("a1"), host_started("a1", section="rollback")]
    first = [*OPENING, *turn("a1", "upload", status="failed"), wave_ended(), *back]

    done = [*first, run_started(resume=True), *back, host_ended("a1", "rolled_back"), rollback_ended()]
    forward = folded(*done, run_ended(), *AGAIN)

    assert folded(*first, run_started(resume=True)).plays["web"].rollback.is_cut
    assert summary.of(folded(*done)).status == "rolled_back"
    assert forward.plays["web"].rollback is None


def test_times_of_a_resumed_run_leave_out_that_nobody_was_there():
    """A day between two processes is no part of how long run and wave took, nor of what a person was waited for."""
    progress = Progress()
    for event in [*OPENING, wave_ended(duration=1.0), bake(60)]:
        progress.apply(event, START)
    progress.apply(Signalled(signal="SIGUSR1", action="status"), START + 10)
    progress.apply(run_started(resume=True), START + 86_400)
    for event in [wave_started("a1"), wave_ended(duration=2.0)]:
        progress.apply(event, START + 86_403)

    assert summary.of(progress).duration == 13
    assert (progress.waited, progress.began_at) == (10, START + 86_400)
    assert progress.plays["web"].waves[1].duration == 3.0


def test_a_decision_between_two_processes_takes_no_time_of_the_run():
    """Whoever made it may have thought for a day, and then waited for another."""
    progress = Progress()
    for event in [*OPENING, *turn("a1", "upload", status="unknown"), run_ended()]:
        progress.apply(event, START)
    progress.apply(decision("rerun"), START + 86_400)
    ended_at = summary.of(progress).ended
    progress.apply(run_started(resume=True), START + 172_800)
    progress.apply(wave_started("a1"), START + 172_802)

    assert ended_at == "2026-11-21T10:00:00.000000Z"
    assert summary.of(progress).duration == 2


def test_a_lock_is_given_back_when_the_run_has_ended():
    """Both tell those who read the records, and change nothing."""
    assert folded(*OPENING, LockTaken(scope="controller"), run_ended(), LockReleased(scope="controller")).done == 0


@pytest.mark.parametrize(
    ("before", "event", "words"),
    [
        ([], run_started(resume=True), "no run has been started before"),
        (OPENING, run_started(), "the run has already started"),
        ([*OPENING, run_ended()], run_started(), "the run has ended"),
        (AT_WORK[:-1], decision("ok", host="a9"), "the host has not been started in this play"),
        ([*AT_WORK, run_started(resume=True)], host_started("a1"), "wave 1 is not open"),
        ([*AT_WORK, run_started(resume=True)], intent("a1"), "it cannot follow in phase cut"),
        (
            [*STARTED, ended("a1", "skipped"), *AGAIN],
            ended("a1", "changed", "reload"),
            "it cannot follow in phase idle",
        ),
        ([*AT_WORK, *AGAIN], host_started("a1"), "it cannot follow in phase idle"),
        ([*AT_WORK, *AGAIN], wave_started("a1"), "wave 1 was started before"),
        ([*AT_WORK, *AGAIN, intent("a1"), ended("a1")], intent("a1"), "already ended"),
        ([*AT_WORK, ended("a1"), *AGAIN, intent("a1"), ended("a1")], intent("a1"), "already ended"),
    ],
)
def test_what_a_later_process_may_not_do_is_refused(before, event, words):
    """It takes up hosts and waves once, and ends nothing that no process began."""
    with pytest.raises(IllegalEventError, match=words):
        folded(*before).apply(event, START + 100)


def test_a_process_that_plans_other_steps_counts_by_them():
    """A step more on each host is waited for; it is not planned anew by the process that began."""
    progress = folded(run_started(), plan_ready(play(hosts=2, steps=1)))
    progress.apply(run_started(resume=True), START)
    progress.apply(plan_ready(play(hosts=2, steps=3)), START)

    assert (progress.total, progress.plays["web"].of_steps) == (6, 3)
    with pytest.raises(IllegalEventError, match="its plays are not those of the run"):
        progress.apply(plan_ready(play("other", hosts=2, steps=3)), START)
