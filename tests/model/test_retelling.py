"""A run whose records are lost in part, told again: what is certain stays, what may have begun is unknown."""

from events_builder import (
    START,
    a_plan,
    asked,
    ended,
    granted,
    host_ended,
    host_started,
    intent,
    notified,
    plan_ready,
    play,
    rollback_started,
    run_started,
    turn,
    wave_ended,
    wave_started,
)

from runner.model.certain import Gap
from runner.model.events import Event, RollbackStarted, StepEnded, StepIntent
from runner.model.past import Past
from runner.model.retelling import Retold, retell

STEPS = {"upload": "upload", "migrate": "migrate", "restart": "restart"}


def told(before: list[Event], *after: Event | Gap, hosts: tuple[str, ...] = ("web1", "web2"), **parts) -> Retold:
    """The story behind a good part, of a play of three steps."""
    plan = a_plan(*hosts, steps=STEPS, **parts)
    opening = [run_started(), plan_ready(play(hosts=len(hosts), steps=3)), wave_started(*hosts)]
    good = [(START + place, event) for place, event in enumerate([*opening, *before])]
    return retell(plan, good, after, ready=plan_ready(play()), start=run_started(resume=True))


def unknown(retold: Retold) -> set[tuple[str, str]]:
    """Host and step of what may have begun."""
    return {(host, step) for _, step, host in retold.doubtful}


def done(retold: Retold) -> set[tuple[str, str]]:
    """Host and step of what is told to have ended well."""
    return {(one.host, one.step) for one in retold.events if isinstance(one, StepEnded) and one.status == "ok"}


def test_the_one_record_lost_is_the_next_start_of_whoever_is_between_steps() -> None:
    """A host that is at work may have lost its end, no more; that step is open as it was."""
    found = told(
        [host_started("web1"), intent("web1"), host_started("web2"), intent("web2"), ended("web2")],
        Gap(1),
    )

    assert unknown(found) == {("web1", "upload"), ("web2", "migrate")}
    assert found.unfit == 0


def test_more_records_may_be_more_steps() -> None:
    """With three lost, a host may have come three steps on, and the try that is known may not be the last."""
    found = told([host_started("web1"), intent("web1")], Gap(3), hosts=("web1",))

    assert unknown(found) == {("web1", "upload"), ("web1", "migrate"), ("web1", "restart")}
    guesses = [one for one in found.events if isinstance(one, StepIntent)]
    assert all(one.is_guess and (one.attempt or 0) > 1 for one in guesses)


def test_what_stands_before_a_step_that_is_heard_of_has_begun() -> None:
    """The later step's own end is certain, and kept."""
    found = told(
        [host_started("web1"), intent("web1"), ended("web1")],
        Gap(2),
        intent("web1", "restart"),
        ended("web1", step="restart"),
        hosts=("web1",),
    )

    assert unknown(found) == {("web1", "migrate")}
    assert done(found) == {("web1", "restart")}


def test_a_host_that_ended_well_leaves_nothing_in_doubt() -> None:
    """Whatever is lost of it went well."""
    found = told([host_started("web1"), intent("web1")], Gap(4), host_ended("web1"), hosts=("web1",))

    assert unknown(found) == set()


def test_a_host_that_began_behind_the_loss_is_as_it_tells() -> None:
    """Nothing of it can have been lost."""
    found = told([], Gap(1), *turn("web1", "upload", status="failed"), hosts=("web1",))

    assert unknown(found) == set()
    assert found.events[-1].status == "failed"  # the wave


def test_hosts_may_have_begun_without_a_word_in_their_order() -> None:
    """Being let to work and a first step are two records: of three, one host."""
    found = told([], Gap(3), hosts=("web1", "web2", "web3"))

    assert {host for host, _ in unknown(found)} == {"web1"}


def test_a_lost_end_of_a_wave_does_not_undo_the_next() -> None:
    """What happened in the second wave is told in it."""
    first = [host_started("web1"), *turn("web1", *STEPS)[1:]]
    found = told(first, Gap(2), *turn("web2", *STEPS, wave=2), hosts=("web1", "web2"))

    assert done(found) >= {("web2", step) for step in STEPS}


def test_answers_and_notices_are_kept() -> None:
    """A wave that was approved is not asked for again; a handler that is due runs."""
    found = told(
        [host_started("web1"), intent("web1")],
        Gap(1),
        notified("web1"),
        wave_ended(),
        asked(),
        granted(),
        hosts=("web1",),
        handlers={"restart-app": "restart"},
    )
    past = Past()
    for event in found.events:
        past.apply(event, 0)

    assert past.plays["web"].waves[1].is_approved
    assert past.plays["web"].hosts["web1"].pending == {"restart": None}


def test_a_rollback_goes_on_as_one() -> None:
    """Its start may be lost: that a host was being taken back tells it."""
    before = [*turn("web1", *STEPS), wave_ended()]
    back = [intent("web1", "undo", section="rollback"), ended("web1", step="undo", section="rollback")]
    for after in ([Gap(2), *back], [Gap(1), rollback_started("web1"), *back]):
        found = told(before, *after, hosts=("web1",), rollback={"undo": "undo", "tell": "tell"})

        assert [one.hosts for one in found.events if isinstance(one, RollbackStarted)] == [("web1",)]
        assert ("web1", "undo") in done(found)


def test_an_item_of_a_loop_is_in_doubt_by_its_number() -> None:
    """Items before one that is heard of have begun; the loop itself is not at its end."""
    found = told(
        [host_started("web1"), intent("web1", item=1), ended("web1", item=1)],
        Gap(2),
        intent("web1", item=3),
        ended("web1", item=3),
        hosts=("web1",),
    )

    assert unknown(found) == {("web1", "upload")}
