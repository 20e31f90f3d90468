import pytest
from events_builder import (
    asked,
    bake,
    budget_exceeded,
    denied,
    ended,
    gate_failed,
    gate_passed,
    granted,
    host_ended,
    host_started,
    intent,
    notified,
    rollback_ended,
    rollback_started,
    run_ended,
    run_started,
    turn,
    wave_ended,
    wave_started,
)
from resumed_streams import process, world

from runner.model.events import Decision, Event, Progressed
from runner.model.past import HostPast, Past, StepPast

OPENING = [run_started(), wave_started("a1", "a2")]
AT_WORK = [*OPENING, host_started("a1"), intent("a1")]


def past_of(*events: Event) -> Past:
    past = Past()
    for seq, event in enumerate(events):
        past.apply(event, seq)
    return past


def step_of(*events: Event, step: str = "upload", item: int | None = None) -> StepPast:
    found = past_of(*events).step("web", "a1", step, item)
    assert found is not None
    return found


def host_of(*events: Event) -> HostPast:
    found = past_of(*events).host("web", "a1")
    assert found is not None
    return found


def decision(what: str, **fields) -> Decision:
    return Decision(play="web", wave=1, host="a1", step="upload", what=what, by="ops", how="resolve", **fields)


# steps


def test_a_step_that_began_and_has_no_end_is_open():
    """With its attempt, and where it ran."""
    begun = step_of(*AT_WORK)
    local = step_of(*OPENING, intent("a1", attempt=3, is_local=True, delegate="controller", section="rescue"))

    assert (begun.is_open, begun.attempt, begun.has_acted, begun.is_well) == (True, 1, True, False)
    assert (local.attempt, local.is_local, local.delegate, local.section) == (3, True, "controller", "rescue")


@pytest.mark.parametrize(
    ("status", "killed", "is_open"),
    [
        ("ok", None, False),
        ("failed", None, False),
        ("unreachable", None, False),
        ("unknown", None, True),
        ("timed_out", "yes", False),
        ("timed_out", "no", True),
        ("cancelled", "unknown", True),
        ("cancelled", None, False),
        ("failed", "unknown", False),
    ],
)
def test_an_end_is_definite_unless_something_may_still_run(status, killed, is_open):
    """What was to be killed and is not known to be gone is as unknown as what was never heard of again."""
    assert step_of(*AT_WORK, ended("a1", status, killed=killed)).is_open is is_open


def test_how_a_step_ended_is_kept():
    """All that a resume decides by, and what it gives to later steps."""
    end = ended("a1", "changed", rc=2, reason="as told", changed=True, register={"rc": 2}, values={"x": 1}, masked=True)

    past = step_of(*AT_WORK, end)

    assert (past.status, past.rc, past.reason, past.changed, past.masked) == ("changed", 2, "as told", True, True)
    assert (past.register, past.values, past.is_well, past.attempt) == ({"rc": 2}, {"x": 1}, True, 1)


def test_what_an_attempt_changed_stays_changed():
    """The next attempt may find nothing left to do."""
    again = [intent("a1", attempt=2), ended("a1", "ok")]

    assert step_of(*AT_WORK, ended("a1", "failed", changed=True), *again).changed
    assert step_of(*AT_WORK, ended("a1", "failed", changed=True), *again).status == "ok"


@pytest.mark.parametrize("fate", ["ignored", "rescued"])
def test_a_failure_that_was_taken_care_of_is_known_as_such(fate):
    """It is not well, and over all the same."""
    past = step_of(*AT_WORK, ended("a1", "failed", **{fate: True}))

    assert (past.is_taken, past.is_well) == (True, False)
    assert not step_of(*AT_WORK, ended("a1", "failed")).is_taken


def test_a_step_that_was_skipped_was_never_tried():
    """It ended well without an attempt."""
    past = step_of(*OPENING, host_started("a1"), ended("a1", "skipped", reason="its condition is false"))

    assert (past.is_well, past.has_acted) == (True, False)


def test_attempts_count_on_over_processes():
    """The last one that began is known, whoever began it; it is open until its own end."""
    again = [run_started(resume=True), intent("a1", attempt=2)]

    assert (step_of(*AT_WORK, *again).attempt, step_of(*AT_WORK, *again).is_open) == (2, True)
    assert step_of(*AT_WORK, ended("a1", "failed"), *again).is_open
    assert step_of(*AT_WORK, *again, ended("a1", late=True)).is_well


def test_the_items_of_a_loop_are_known_one_by_one():
    """The loop itself stays open until it ends, and later items leave the ends of earlier ones alone."""
    items = [intent("a1", item=1), ended("a1", "ok", item=1), intent("a1", item=2, attempt=3)]
    events = [*OPENING, host_started("a1"), *items]

    assert step_of(*events).is_open
    assert (step_of(*events, item=1).is_well, step_of(*events, item=2).is_open) == (True, True)
    assert step_of(*events, item=2).attempt == 3
    done = [*events, ended("a1", "failed", item=2), ended("a1", "failed")]
    assert [step_of(*done, item=item).status for item in (1, 2)] == ["ok", "failed"]
    assert (step_of(*done).is_open, step_of(*done).status) == (False, "failed")
    assert past_of(*done).step("web", "a1", "upload", 3) is None


def test_what_is_known_of_one_host_is_not_taken_for_another():
    """Hosts that did alike share what is kept, and go their own ways from there."""
    alike = [event for host in ("a1", "a2") for event in (host_started(host), intent(host), ended(host, "failed"))]
    past = past_of(*OPENING, *alike, intent("a2", attempt=2), ended("a2", "ok"), intent("a1", "loop", item=1))

    assert [past.host("web", host).steps["upload"].status for host in ("a1", "a2")] == ["failed", "ok"]
    assert past.step("web", "a2", "loop", 1) is None


# decisions


@pytest.mark.parametrize(("what", "status"), [("ok", "ok"), ("failed", "failed"), ("skip", "skipped"), ("rerun", "")])
def test_a_decision_settles_a_step_whose_end_is_not_known(what, status):
    """It is open no longer, and whoever goes on does as was said."""
    past = step_of(*AT_WORK, ended("a1", "unknown"), run_ended(), decision(what, reason="I looked"))

    assert (past.is_open, past.status, past.decided, past.reason) == (False, status, what, "I looked")
    assert past.is_well is (what in {"ok", "skip"})


def test_a_decision_is_for_one_attempt():
    """When it begins again it is open again, and nothing is decided of that."""
    past = step_of(*AT_WORK, decision("failed"), intent("a1", attempt=2))

    assert (past.is_open, past.decided) == (True, "")


def test_a_step_that_is_to_run_again_gives_nothing_any_more():
    """Nor is its host done."""
    done = [*AT_WORK, ended("a1", "ok", register={"rc": 0}), host_ended("a1")]

    assert step_of(*done, decision("rerun")).register is None
    assert host_of(*done, decision("rerun")).status == ""


def test_a_decision_about_an_item_is_about_that_item_alone():
    """The others keep their ends."""
    items = [intent("a1", item=1), ended("a1", "ok", item=1), intent("a1", item=2)]
    events = [*OPENING, host_started("a1"), *items, decision("skip", item=2)]

    assert [step_of(*events, item=item).status for item in (1, 2)] == ["ok", "skipped"]
    assert step_of(*events).is_open


# hosts


def test_how_a_host_ended_is_kept_until_it_is_let_to_work_again():
    """With its wave, why, and how long it was at work."""
    end = host_ended("a1", "failed", wave=2, reason="upload", ignored=1, duration=2.5)
    over = host_of(*AT_WORK, ended("a1", "failed"), end)
    again = host_of(*AT_WORK, ended("a1", "failed"), end, run_started(resume=True), host_started("a1", wave=2))

    assert (over.status, over.reason, over.wave, over.ignored, over.seconds) == ("failed", "upload", 2, 1, 2.5)
    assert (again.status, again.is_started, again.seconds) == ("", True, 2.5)


def test_a_host_that_never_began_has_not_started():
    """It ended all the same."""
    host = host_of(*OPENING, host_ended("a1", "not_run", reason="the budget was exceeded"))

    assert (host.is_started, host.status) == (False, "not_run")


def test_handlers_wait_until_they_have_run_well():
    """A failed one runs again; each host has its own."""
    told = [*AT_WORK, ended("a1", "changed"), notified("a1"), notified("a1", "reload"), notified("a2")]
    run = intent("a1", "restart", section="handlers")

    assert list(host_of(*told).pending) == ["restart", "reload"]
    for status, left in (("ok", ["reload"]), ("failed", ["restart", "reload"]), ("unknown", ["restart", "reload"])):
        events = [*told, run, ended("a1", status, "restart", section="handlers")]
        assert list(host_of(*events).pending) == left
        assert list(past_of(*events).host("web", "a2").pending) == ["restart"]
    loop = ended("a1", "ok", "restart", section="handlers", item=1)
    assert "restart" in host_of(*told, run, loop).pending


def test_a_handler_that_runs_once_has_run_for_all():
    """In its own turn behind the last host: for those of its wave while that is open, else for the whole play."""
    waves = [run_started(), *(event for one in (1, 2) for event in _notified_in(one))]
    once = turn("a1", "restart", section="handlers", wave=1)

    late = past_of(*waves, *once)
    first = [*_notified_in(1)][:-1]
    of_wave = past_of(run_started(), notified("b9", wave=2), host_started("b9", wave=2), *first, *once)

    assert [list(late.host("web", name).pending) for name in ("a1", "b1", "a2", "b2")] == [[], [], [], []]
    assert [list(of_wave.host("web", name).pending) for name in ("a1", "b1", "b9")] == [[], [], ["restart"]]


def _notified_in(wave: int) -> list[Event]:
    names = [f"a{wave}", f"b{wave}"]
    turns = [
        event
        for name in names
        for event in (host_started(name, wave=wave), notified(name, wave=wave), host_ended(name, wave=wave))
    ]
    return [wave_started(*names, wave=wave, of=2), *turns, wave_ended(wave)]


def test_a_host_on_its_way_back_is_known_as_such():
    """Also in a later process that lets it to work for something else."""
    back = host_of(*AT_WORK, host_started("a1", section="rollback"))

    assert (back.is_back, back.section) == (True, "rollback")
    assert host_of(*AT_WORK, host_started("a1", section="rollback"), host_started("a1")).is_back
    assert not host_of(*AT_WORK).is_back


def test_what_was_changed_last_may_have_more_to_say():
    """Until anything else is heard of the host: the notice of a handler comes behind the end of a step."""
    ends = [*AT_WORK, ended("a1", "changed", changed=True)]

    assert host_of(*ends).fresh == "upload"
    assert host_of(*ends, notified("a1")).fresh == "upload"
    assert host_of(*ends, host_started("a2"), intent("a2")).fresh == "upload"
    for more in (intent("a1", "reload"), ended("a1", "skipped", "reload"), host_ended("a1")):
        assert host_of(*ends, more).fresh == ""
    assert host_of(*AT_WORK, ended("a1", "ok")).fresh == ""
    assert host_of(*AT_WORK, ended("a1", "changed", changed=True, item=1)).fresh == ""


# waves and plays


def wave_of(*events: Event, wave: int = 1):
    return past_of(*events).plays["web"].waves[wave]


def test_a_wave_is_over_until_it_is_started_again():
    """A later process opens it for hosts that go on."""
    assert not wave_of(*OPENING).is_over
    assert wave_of(*OPENING, wave_ended()).is_over
    assert not wave_of(*OPENING, wave_ended(), run_started(resume=True), wave_started("a1")).is_over


def test_who_passed_a_gate_is_known_as_it_was_last_asked():
    """A host is on one side alone."""
    asked_once = wave_of(*OPENING, gate_passed("a1"), gate_failed("a2"))
    asked_again = wave_of(*OPENING, gate_passed("a1"), gate_failed("a2"), gate_passed("a2"), gate_failed("a1"))

    assert (asked_once.passed, asked_once.failed) == ({"a1"}, {"a2"})
    assert (asked_again.passed, asked_again.failed) == ({"a2"}, {"a1"})


def test_a_wave_has_baked_when_something_came_behind_it():
    """The next wave, or the question that follows; until then the wait was cut short."""
    waiting = [*OPENING, wave_ended(), bake(60)]

    assert (wave_of(*waiting).is_baked, wave_of(*waiting).is_baking) == (False, True)
    assert wave_of(*waiting, wave_started("a2", wave=2)).is_baked
    assert wave_of(*waiting, asked()).is_baked
    assert not wave_of(*waiting, run_ended(), run_started(resume=True)).is_baked


def test_a_yes_to_a_wave_is_for_good():
    """No other answer is; nor is a yes to another question."""
    assert wave_of(*OPENING, asked(), granted()).is_approved
    assert not wave_of(*OPENING, asked(), denied()).is_approved
    assert not wave_of(*OPENING, asked("budget"), granted("budget")).is_approved


def test_questions_without_an_answer_are_kept_with_their_record():
    """By what they are about; asked again they have a new one."""
    place = ("web", 1, "wave", "", "")

    assert past_of(*OPENING, asked()).open == {place: 2}
    assert past_of(*OPENING, asked(), run_ended(), run_started(resume=True)).open == {place: 2}
    assert past_of(*OPENING, asked(), run_started(resume=True), asked()).open == {place: 4}
    assert past_of(*OPENING, asked(), granted()).open == {}
    assert past_of(*OPENING, asked(), denied()).open == {}
    both = past_of(*OPENING, asked("step", host="a1", step="ask"), asked(), granted())
    assert both.open == {("web", 1, "step", "a1", "ask"): 2}


def test_a_budget_and_a_way_back_are_kept_with_their_reason():
    """How far a rollback came, and of which hosts it was."""
    events = [*OPENING, budget_exceeded(action="rollback"), rollback_started("a2", "a1", reason="too many")]
    play = past_of(*events).plays["web"]

    assert (play.exceeded, play.rollback) == ("rollback", "started")
    assert (play.rollback_reason, play.rollback_hosts) == ("too many", ("a2", "a1"))
    assert past_of(*events, rollback_ended("rollback_failed")).plays["web"].rollback == "rollback_failed"


# the run


def test_the_processes_of_a_run_are_told_apart():
    """How it began first and last, and whether the last one said how it ended."""
    first, later = run_started(cwd="one"), run_started(cwd="two", resume=True)

    past = past_of(first, run_ended("failed", 1), later)

    assert (past.first, past.last, past.processes, past.seq) == (first, later, 2, 2)
    assert past.ended is None
    assert past_of(first, run_ended("failed", 1)).ended == run_ended("failed", 1)


def test_what_decides_nothing_is_passed_over():
    """And of what was never come to nothing is known."""
    past = past_of(run_started(), Progressed(active=0, done=0, total=6))

    assert (past.plays, past.seq) == ({}, 1)
    assert past.host("web", "a1") is None
    assert past.step("web", "a1", "upload") is None


@pytest.mark.parametrize("seed", range(40))
def test_a_run_cut_anywhere_and_gone_on_with_leaves_the_same(seed):
    """Whoever would go on next finds every host and step as it would after a run that nothing befell."""
    straight = process(world(seed))
    expected = _left(past_of(*straight))

    for cut in range(2, len(straight)):
        first = straight[:cut]
        assert _left(past_of(*first, *process(world(seed), first))) == expected, cut


def _left(past: Past) -> dict:
    return {
        (name, step): (host.status, found.status, found.is_open, found.is_taken)
        for name, host in past.plays["web"].hosts.items()
        for step, found in host.steps.items()
    }
