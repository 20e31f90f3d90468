"""What is said to be waited for where no step of the play's own is at work."""

from datetime import UTC

from events_builder import (
    START,
    a_plan,
    asked,
    bake,
    denied,
    folded,
    gate_checked,
    gate_passed,
    granted,
    host_started,
    intent,
    output,
    plan_ready,
    play,
    rollback_ended,
    rollback_started,
    run_started,
    show,
    turn,
    wave_ended,
    wave_started,
)

from runner.model.events import Signalled
from runner.reporting.plain import Plain
from runner.reporting.waits import waits

HOSTS = ("web1", "web2")
WORKED = [run_started(), plan_ready(play(hosts=4, waves=2)), wave_started(*HOSTS, of=2), *turn("web1"), *turn("web2")]


def waited(*events, after=10.0, names=None, answer=""):
    """What is waited for some seconds after the last of these events."""
    progress = folded(*WORKED, *events)
    return list(waits(progress, names or {}, progress.now + after, answer=answer))


def test_a_gate_that_has_not_answered_yet():
    """For how long its hosts have been done."""
    assert waited(after=40.0) == ["web  waiting for the gate of wave 1  40s"]


def test_a_gate_names_the_hosts_that_are_not_well_yet():
    """Per check, since the first answer, with the last bad one; those that are well are not named."""
    answers = [
        gate_checked("web1", of=2, successes=2),
        gate_checked("web2", "unhealthy", of=2, reason="status 503, not 200"),
        gate_checked("", "inconclusive", check="queue", reason="ref\x1bused"),
        gate_checked("web2", of=2, successes=1, number=2),
    ]

    assert waited(*answers) == [
        "web  waiting for the gate: healthz  web2  13s",
        "web  waiting for the gate: queue  wave 1  13s  queue | inconclusive: ref\\eused",
    ]
    assert waited(*answers[:2]) == [
        "web  waiting for the gate: healthz  web2  11s  web2 | unhealthy: status 503, not 200"
    ]


def test_a_gate_whose_checks_are_met_may_still_have_to_stay_so():
    """Until it has passed; then it is over."""
    well = [gate_checked("web1"), gate_checked("web2")]
    met = [gate_checked(host, successes=1) for host in HOSTS]

    assert waited(*well) == ["web  waiting for the gate: healthz  web[1-2]  11s"]
    assert waited(*met) == ["web  waiting for the gate: all checks are met so far  11s"]
    assert waited(*met, gate_passed(*HOSTS)) == []


def test_a_bake_says_how_long_it_still_takes():
    """And nothing when its time is over."""
    events = [wave_ended(ok=2), bake(30.0)]

    assert waited(*events) == ["web  baking after wave 1  20s left"]
    assert waited(*events, after=31.0) == []


def test_a_signal_asks_after_each_host():
    """Each by itself: for how long it has been at its step, and its own last line, which a fold would hide."""
    events = [wave_ended(ok=2), wave_started("web3", "web4", wave=2, of=2)]
    for name in ("web3", "web4"):
        events += [host_started(name, wave=2), intent(name, "upload", wave=2), output(name, f"at {name}\n", wave=2)]
    written = []
    show(Plain(written.append, zone=UTC), *WORKED, *events, Signalled(signal="INT", action="stop"))

    assert [line[10:] for line in "".join(written).splitlines()[-2:]] == [
        "web  waiting for upload  web3  5.0s  web3 | at web3",
        "web  waiting for upload  web4  2.0s  web4 | at web4",
    ]


def test_a_person_is_waited_for_with_the_question_and_what_to_type():
    """Until they have answered, or a stop came before it."""
    events = [wave_ended(ok=2), asked(question="go\x1b on?")]

    assert waited(*events, after=300.0, answer="runner approve r1") == [
        "web  waiting for a person  5m 0s: go\\e on?  (answer with: runner approve r1)"
    ]
    for over in (granted(), denied(), Signalled(signal="SIGINT", action="stop"), rollback_started("web1")):
        assert not any("person" in line for line in waited(*events, over))


def test_a_step_that_asks_waits_while_it_is_at_work():
    """One that was cut short asks nobody any more."""
    at_work = [wave_ended(ok=2), wave_started("web3", "web4", wave=2, of=2), host_started("web3", wave=2)]
    question = asked("step", question="well?", wave=2, host="web3", step="ask")
    asking = [*at_work, intent("web3", "ask", wave=2), question]

    assert waited(*asking)[1:] == ["web  waiting for a person  web3  10s: well?"]
    assert waited(*at_work, question) == []


def test_a_rollback_says_how_far_it_is():
    """Beside the step that it is at."""
    back = [wave_ended(ok=2), rollback_started("web1", "web2")]
    first = turn("web1", "previous", section="rollback", end="rolled_back")
    second = [host_started("web2", section="rollback"), intent("web2", "previous", section="rollback")]

    assert waited(*back, *first, *second, names={("web", "previous"): "rollback previous release"}) == [
        "web  waiting for rollback previous release  web2  10s",
        "web  rolling back  1 of 2 hosts done  16s",
    ]
    over = turn("web2", section="rollback", end="rolled_back")
    assert waited(*back, *first, *over, rollback_ended()) == []


def test_the_heartbeat_says_it():
    """Every ten seconds, in the plain output."""
    written = []
    view = Plain(written.append, zone=UTC)
    now = show(view, *WORKED, wave_ended(ok=2), bake(60.0), plan=a_plan(*HOSTS))
    view.tick(now)
    written.clear()

    view.tick(now + 10)

    assert now == START + 9
    assert "".join(written) == "10:00:19  web  baking after wave 1  49s left\n"
