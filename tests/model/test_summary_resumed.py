from events_builder import (
    START,
    a_plan,
    asked,
    ended,
    folded,
    host_ended,
    host_started,
    intent,
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

from runner.model import summary
from runner.model.events import Decision, Signalled
from runner.model.go_on import Commands
from runner.model.gone import NEVER, account, died
from runner.model.remaining import EXCLUDED

OPENING = [run_started(), plan_ready(), wave_started("a1", "a2", "a3")]
AT_WORK = [*OPENING, host_started("a1"), intent("a1")]
AGAIN = [run_started(resume=True), wave_started("a1", "a2", "a3"), host_started("a1")]


def summed(*events):
    return summary.of(folded(*events), run="r1", folder="runs/r1")


def decision(what: str, how: str, by: str = "runner", **fields) -> Decision:
    return Decision(play="web", wave=1, host="a1", step="upload", what=what, by=by, how=how, **fields)


# the commands to go on


def test_a_run_that_ended_well_has_nothing_to_go_on_with():
    """Nor one of which some hosts were never meant."""
    well = [*turn("a1", "upload"), *turn("a2", "upload"), host_ended("a3", "not_run", reason=EXCLUDED)]

    assert summed(*OPENING, *well, wave_ended()).go_on == ()


def test_whatever_is_left_a_resume_goes_on_with():
    """The first word is always to go on with this run; a new one is for hosts that failed or never came to it."""
    one = [run_started(), plan_ready(play(hosts=1)), wave_started("a1")]

    ends = {
        status: summed(*one, *turn("a1", "upload", status=status)).go_on
        for status in ("failed", "unreachable", "unknown", "cancelled")
    }

    assert ends["failed"] == ("runner resume r1", "runner rerun r1 --only failed")
    assert ends["unreachable"] == ("runner resume r1", "runner rerun r1 --only unreachable")
    assert ends["cancelled"] == ("runner resume r1", "runner rerun r1 --only cancelled")
    assert ends["unknown"] == ("runner resume r1",)
    assert summed(*one, *turn("a1", "upload"), Signalled(signal="SIGINT", action="stop")).go_on == ("runner resume r1",)
    assert summed(run_started()).go_on == ("runner resume r1",)


def test_a_play_that_went_back_stays_there():
    """To go on with it is to do nothing: its hosts are for a new run."""
    back = [*turn("a1", "upload", status="failed"), wave_ended(), rollback_started("a1")]
    back += [host_started("a1", section="rollback"), host_ended("a1", "rolled_back"), rollback_ended()]
    one = [run_started(), plan_ready(play(hosts=1)), wave_started("a1")]

    assert summed(*one, *back).go_on == ("runner rerun r1 --only rolled_back",)


def test_the_commands_find_the_run_where_it_was_last_kept():
    """A folder of runs that the command line named is named again, as the last process was given it."""
    words = ("runner", "run", "deploy.yaml", "--runs-dir", "my runs")
    later = ("runner", "resume", "--runs-dir=../my runs", "r1")
    first = [run_started(argv=words), plan_ready(play(hosts=1)), wave_started("a1"), *turn("a1", status="failed")]

    assert summed(*first).go_on[0] == "runner resume r1 --runs-dir 'my runs'"
    assert summed(*first, run_started(argv=later, resume=True)).go_on[0] == "runner resume r1 '--runs-dir=../my runs'"


def test_what_changed_nothing_is_not_gone_on_with():
    """A check, a simulation, and a run that is nowhere kept."""
    failed = [plan_ready(play(hosts=1)), wave_started("a1"), *turn("a1", "upload", status="failed")]

    assert summary.of(folded(run_started(), *failed)).go_on == ()
    started = run_started()
    assert summed(type(started)(**{**_fields(started), "mode": "check"}), *failed).go_on == ()


def _fields(event) -> dict:
    return {name: getattr(event, name) for name in event.__struct_fields__}


# steps whose end nobody heard


def test_a_step_whose_end_nobody_heard_comes_with_the_commands_that_settle_it():
    """One for each way, of the first host by name, with when it was sent there and why its end is not known."""
    lost = {"status": "unknown", "reason": "the connection was lost"}
    events = [*OPENING, *turn("a2", "upload", **lost), *turn("a1", "upload", **lost)]

    (group,) = summed(*events).unknown

    assert (group.step, group.hosts, group.reason) == ("upload", ("a1", "a2"), "the connection was lost")
    assert group.began == "2026-11-21T10:00:08.000000Z"
    assert group.commands == (
        "runner resolve r1 a1 upload --ok",
        "runner resolve r1 a1 upload --failed",
        "runner resolve r1 a1 upload --rerun",
    )


def test_a_step_that_stands_in_two_plays_is_named_with_its_play():
    """So that the command means one of them."""
    plays = [play(hosts=1), play("db", hosts=1)]
    events = [wave_started("a1"), *turn("a1", "upload", status="unknown"), wave_started("b1", play="db")]
    other = [host_started("b1", play="db"), intent("b1", play="db")]

    first, second = summed(run_started(), plan_ready(*plays), *events, *other).unknown

    assert first.commands[0] == "runner resolve r1 a1 upload --play web --ok"
    assert second.commands[0] == "runner resolve r1 b1 upload --play db --ok"


def test_what_a_person_has_decided_is_no_longer_asked():
    """Whichever way it was; it is told with who said so, until the run goes on."""
    events = [*OPENING, *turn("a1", "upload", status="unknown"), run_ended()]

    for what in ("ok", "failed", "rerun"):
        told = summed(*events, decision(what, "resolve", by="ops"))
        assert told.unknown == ()
        assert [(one.what, one.how, one.by, one.hosts) for one in told.settled] == [(what, "resolve", "ops", ("a1",))]
        assert told.status == "unknown"


def test_what_a_person_has_decided_of_an_item_settles_its_loop_for_now():
    """The resume goes on with the loop; nothing of it is left to ask."""
    loop = [*OPENING, host_started("a1"), intent("a1", item=2), ended("a1", "unknown", item=2), ended("a1", "unknown")]
    events = [*loop, host_ended("a1", "unknown"), run_ended()]

    assert [one.step for one in summed(*events).unknown] == ["upload"]
    assert summed(*events, decision("ok", "resolve", by="ops", item=2)).unknown == ()


def test_a_step_that_is_run_again_and_lost_again_is_asked_for_again():
    """An answer is for once."""
    events = [*AT_WORK, ended("a1", "unknown"), host_ended("a1", "unknown"), wave_ended(), run_ended()]
    again = [decision("rerun", "resolve"), *AGAIN, intent("a1", attempt=2), ended("a1", "unknown")]

    (group,) = summed(*events, *again, host_ended("a1", "unknown")).unknown

    assert group.began == "2026-11-21T10:00:13.000000Z"


def test_a_run_tells_how_often_it_was_resumed_and_what_was_settled():
    """Steps run again though nobody knew their end, and ends that were read from the host, of all its processes."""
    second = [decision("rerun", "idempotent", reason="it may run twice"), intent("a1", attempt=2), ended("a1")]
    third = [*AGAIN, intent("a1", "reload"), *AGAIN, ended("a1", "changed", "reload", late=True), host_ended("a1")]

    told = summed(*AT_WORK, *AGAIN, *second, *third)

    assert told.resumed == 3
    assert [(one.step, one.what, one.how, one.reason) for one in told.settled] == [
        ("upload", "rerun", "idempotent", "it may run twice"),
        ("reload", "recalled", "record", ""),
    ]


def test_a_late_end_that_was_decided_was_not_read_from_the_host():
    """Nor one that is as unknown as before."""
    ok = [decision("ok", "verify"), ended("a1", "changed", late=True)]

    assert [one.how for one in summed(*AT_WORK, *AGAIN, *ok).settled] == ["verify"]
    assert summed(*AT_WORK, *AGAIN, ended("a1", "unknown", late=True)).settled == ()
    assert summed(*AT_WORK, ended("a1"), decision("rerun", "accept"), *AGAIN, intent("a1"), ended("a1")).settled == ()


def test_a_step_that_stays_unknown_was_begun_when_it_was_first_sent():
    """Neither a resume that finds out nothing nor one that never comes to it changes that."""
    for more in (
        [],
        [run_started(resume=True)],
        [*AGAIN, ended("a1", "unknown", late=True), host_ended("a1", "unknown")],
        [*AGAIN, ended("a1", "unknown"), host_ended("a1", "unknown"), *AGAIN, ended("a1", "unknown")],
    ):
        (group,) = summed(*AT_WORK, *more).unknown
        assert group.began == "2026-11-21T10:00:04.000000Z"


# a run that died


def test_of_a_run_that_died_no_host_is_lost():
    """Ended, unknown where a step was under way, stopped between two, or never come to: each is one of them."""
    hosts = [f"a{n}" for n in range(1, 8)]
    events = [
        run_started(),
        plan_ready(play(hosts=7)),
        wave_started(*hosts),
        *turn("a1", "upload", "reload"),
        host_started("a2"),
        intent("a2"),
        host_started("a3"),
        intent("a3"),
        retry("a3"),
        host_started("a4"),
        host_started("a5"),
        intent("a5", item=1),
        ended("a5", item=1),
        host_started("a6"),
        intent("a6", "ask"),
        asked("step", host="a6", step="ask"),
    ]

    told = died(folded(*events), a_plan(*hosts), commands=Commands("r1"))

    assert told.status == "died"
    assert told.hosts == {
        "ok": ("a1",),
        "unknown": ("a2",),
        "cancelled": ("a3", "a4", "a5", "a6"),
        "not_run": ("a7",),
    }
    assert [(one.step, one.hosts) for one in told.unknown] == [("upload", ("a2",))]
    assert [(one.step, one.status, one.src) for one in told.failures] == [("upload", "unknown", "deploy.yaml:9")]
    assert [(one.reason, one.hosts) for one in told.unfinished][-1] == (NEVER, ("a7",))
    assert told.go_on == ("runner approve r1", "runner resume r1", "runner rerun r1 --only cancelled,not_run")


def test_a_resume_that_died_before_it_came_to_a_host_leaves_it_as_it_was():
    """What an earlier process had not heard is unknown still, be it a handler; and who had failed has failed."""
    first = [*OPENING, host_started("a1"), intent("a1", "restart", section="handlers")]
    first += [*turn("a2", "upload", status="failed"), host_started("a3")]

    told = died(folded(*first, run_started(resume=True)), a_plan("a1", "a2", "a3"), commands=Commands(""))

    assert told.hosts == {"failed": ("a2",), "unknown": ("a1",), "cancelled": ("a3",)}
    assert [(one.section, one.step, one.began) for one in told.unknown] == [
        ("handlers", "restart", "2026-11-21T10:00:04.000000Z")
    ]


def test_a_host_that_died_on_its_way_back_stays_what_it_was():
    """It had failed; what of its rollback was done is in the journal."""
    back = [*turn("a1", "upload", status="failed"), wave_ended(), rollback_started("a1")]

    told = died(folded(*OPENING, *back, host_started("a1", section="rollback")), a_plan("a1"), commands=Commands(""))

    assert told.hosts == {"failed": ("a1",)}


def test_a_run_that_said_how_it_ended_has_no_more_to_account_for():
    """Whatever it left at work is what it said."""
    progress = folded(*AT_WORK, run_ended("unknown", 6))

    account(progress, a_plan("a1", "a2"))

    assert list(progress.plays["web"].hosts) == ["a1"]


def test_a_run_that_died_before_its_plan_has_a_summary_too():
    """Even where its plan can't be read."""
    told = died(folded(run_started()), None, commands=Commands("r1"))

    assert (told.status, told.hosts, told.go_on) == ("died", {}, ("runner resume r1",))
    assert told.ended == "2026-11-21T10:00:00.000000Z"
    assert START == 1_795_255_200.0
