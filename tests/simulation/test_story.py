"""What happened when, folded from the events of a simulation."""

from runner.model.events import (
    ApprovalDenied,
    ApprovalWaiting,
    BudgetChanged,
    GateFailed,
    GatePassed,
    HostEnded,
    HostLost,
    HostStarted,
    RollbackEnded,
    RollbackStarted,
    StepEnded,
    WaveEnded,
    WaveStarted,
)
from runner.model.simulation import Moment
from runner.simulation.story import Story

WHERE = {"play": "web", "wave": 1}


def told(*events) -> tuple[Moment, ...]:
    """The moments that come of events, each a second after the one before; a list happens at once."""
    story = Story()
    for at, some in enumerate(events):
        for event in some if isinstance(some, list) else [some]:
            story.see(event, float(at))
    return story.timeline()


def failed(host: str, reason: str = "exit status 1", **more) -> StepEnded:
    """A step that failed."""
    return StepEnded(**WHERE, host=host, step="one", kind="command", status="failed", reason=reason, **more)


def test_a_wave_stands_where_it_begins_and_says_when_it_ended():
    """Though the rest happened between."""
    moments = told(
        WaveStarted(**WHERE, of=2, hosts=("a",)),
        failed("a"),
        WaveEnded(**WHERE, status="failed", counts={"failed": 1}, duration=2.0),
    )

    assert [(moment.what, moment.at, moment.until) for moment in moments] == [
        ("wave", 0.0, 2.0),
        ("failure", 1.0, None),
    ]
    assert (moments[0].status, moments[0].counts) == ("failed", {"failed": 1})


def test_equal_failures_at_one_time_are_one_moment():
    """Hosts are listed in order; another reason or time is another moment."""
    moments = told([failed("a"), failed("b", "other"), failed("c"), failed("d", ignored=True)], failed("e"))

    assert [(moment.at, moment.hosts, moment.mark) for moment in moments] == [
        (0.0, ("a", "c"), ""),
        (0.0, ("b",), ""),
        (0.0, ("d",), "ignored"),
        (1.0, ("e",), ""),
    ]


def test_a_gate_began_before_its_verdict():
    """Its time is that of its first look."""
    passed, unmet = told(
        [],
        [],
        [],
        GatePassed(**WHERE, hosts=("a",), duration=2.0),
        GateFailed(**WHERE, hosts=("b",), check="http", verdict="unhealthy", reason="503", duration=1.5),
    )

    assert (passed.at, passed.until, passed.status) == (1.0, 3.0, "passed")
    assert (unmet.at, unmet.until, unmet.status, unmet.step) == (2.5, 4.0, "unhealthy", "http")


def test_a_question_has_its_answer():
    """An open one is waiting."""
    asked = ApprovalWaiting(**WHERE, about="wave", question="go on?")

    assert [moment.status for moment in told(asked)] == ["waiting"]
    assert [moment.status for moment in told(asked, ApprovalDenied(**WHERE, about="wave", by="me", how="option"))] == [
        "denied"
    ]


def test_a_rollback_keeps_the_order_of_its_hosts():
    """As it was begun."""
    [moment] = told(
        RollbackStarted(play="web", reason="a gate", hosts=("c", "a")),
        RollbackEnded(play="web", status="rolled_back", counts={"rolled_back": 2}, duration=1.0),
    )

    assert (moment.hosts, moment.until, moment.status) == (("c", "a"), 1.0, "rolled_back")


def test_who_is_away_before_the_start_is_told_once():
    """A host by its end, a delegate by what it costs."""
    moments = told(
        HostLost(host="lb", cause="refused", reason="no"),
        HostEnded(**WHERE, host="a", status="unreachable", reason="timeout"),
        BudgetChanged(**WHERE, host="a", failures=1, allowed=1),
        BudgetChanged(**WHERE, host="lb", failures=2, allowed=1),
    )

    assert [(moment.hosts, moment.status, moment.reason) for moment in moments] == [
        (("a",), "unreachable", "timeout"),
        (("lb",), "unreachable", "refused: no"),
    ]


def test_the_last_end_of_a_host_and_of_a_step_stand():
    """A rollback ends both again; the host has started once."""
    story = Story()
    started = HostStarted(**WHERE, host="a")
    ends = [HostEnded(**WHERE, host="a", status=status) for status in ("failed", "rolled_back")]
    step = StepEnded(**WHERE, host="a", step="one", kind="command", status="changed")

    for at, event in enumerate([started, failed("a"), ends[0], started, step, ends[1]]):
        story.see(event, float(at))

    host = story.hosts["web", "a"]
    assert (host.started, host.ended, host.status, host.steps) == (0.0, 5.0, "rolled_back", {"one": "changed"})
