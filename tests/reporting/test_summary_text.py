from events_builder import (
    a_plan,
    budget_changed,
    budget_exceeded,
    ended,
    folded,
    host_ended,
    host_started,
    intent,
    plan_ready,
    play,
    retry,
    run_started,
    turn,
    wave_ended,
    wave_started,
)

from runner.model import summary
from runner.model.events import Signalled, Warned
from runner.reporting.summary import opening, render
from runner.reporting.wording import count, hosts, step_names


def text_of(*events, names=None, color=False):
    progress = folded(run_started(), *events, seconds=2.0)
    return render(summary.of(progress, run="r1", folder="runs/r1"), names, color=color).splitlines()


def test_twelve_equal_failures_are_one_line():
    """Hosts folded, step by name, reason, place, and the last lines and files of the first of them."""
    names = [f"web{n:02}" for n in range(1, 13)]
    failing = [
        event
        for name in names
        for event in turn(
            name,
            "upload",
            status="failed",
            reason="exit status 2",
            tail="no\x1b space",
            output={"stderr": f"o/{name}.err"},
        )
    ]

    lines = text_of(plan_ready(play(hosts=12)), wave_started(*names), *failing, names={("web", "upload"): "upload it"})

    at = lines.index("failures")
    assert lines[at + 1 : at + 6] == [
        "  web[01-12]  upload it  failed: exit status 2 (deploy.yaml:9)",
        "      of web01:",
        "      | no\\e space",
        "      stderr: runs/r1/o/web01.err",
        "to go on",
    ]


def test_a_whole_page():
    """Counts by status and wave, budget, failures, what did not run and why, what was slow, the commands to go on."""
    lines = text_of(
        plan_ready(play(hosts=8, waves=4), notes=("play db was passed over",)),
        Warned(message="old"),
        wave_started("web1", "web2", wave=1, of=4),
        *turn("web1", "upload", "reload", duration=3.0),
        *turn("web2", "upload", "reload", duration=1.0),
        wave_ended(1, ok=2, duration=60.0),
        wave_started("web3", "web4", wave=2, of=4),
        *turn("web3", "upload", "reload", wave=2),
        *turn("web4", "upload", "reload", wave=2),
        wave_ended(2, ok=2, duration=65.0),
        wave_started("web5", "web6", wave=3, of=4),
        host_started("web5", wave=3),
        intent("web5", wave=3),
        retry("web5", wave=3),
        intent("web5", attempt=2, wave=3),
        ended("web5", "failed", reason="exit status 1", tail="full", wave=3, output_lost=True),
        host_ended("web5", "failed", wave=3, duration=70.0),
        budget_changed("web5", 1, 0, wave=3),
        budget_exceeded(1, 0, "stop", wave=3),
        host_started("web6", wave=3),
        intent("web6", wave=3),
        ended("web6", "failed", reason="odd", ignored=True, wave=3),
        host_ended("web6", "ok", wave=3),
        wave_ended(3, "failed", ok=1, failed=1),
        host_ended("web7", "not_run", wave=4, reason="the budget was exceeded"),
        host_ended("web8", "not_run", wave=4, reason="the budget was exceeded"),
    )

    assert lines == [
        "",
        "summary  r1  aborted  1m 32s",
        "  hosts  ok 5  failed 1  not_run 2",
        "  steps  10 of 16  ok 8  failed 2  retried 1  warnings 1",
        "  play web  ok 5  failed 1  not_run 2  budget: 1 failure of 0 allowed, exceeded: stop",
        "    waves 1-2/4  ok  ok 2 each  2m 5s",
        "    wave 3/4  failed  ok 1  failed 1  1.0s",
        "  note: play db was passed over",
        "  the output of 1 step could not be kept",
        "  records in runs/r1",
        "failures",
        "  web5  upload  failed: exit status 1 (deploy.yaml:9)",
        "      | full",
        "ignored failures",
        "  web6  upload  failed: odd (deploy.yaml:9)",
        "not finished",
        "  web[7-8]  not_run in play web: the budget was exceeded",
        "slowest steps",
        "  3.0s  reload  web1, 1.0s on average over 4 hosts",
        "slowest hosts",
        "  1m 10s  web5",
        "to go on",
        "  runner resume r1",
        "  runner rerun r1 --only failed,not_run",
    ]


def test_a_run_that_is_interrupted_before_its_plan():
    """Says what it can."""
    lines = text_of(Signalled(signal="INT", action="stop"))

    assert lines == [
        "",
        "summary  r1  interrupted (signal INT)  2.0s",
        "  hosts  none",
        "  steps  0 of 0",
        "  records in runs/r1",
        "to go on",
        "  runner resume r1",
    ]


def test_failures_outside_steps_and_budgets_without_limit():
    """A host that could not be reached has a line without a step."""
    lines = text_of(
        plan_ready(play(hosts=1, steps=1)),
        wave_started("web1"),
        host_started("web1"),
        host_ended("web1", "unreachable", reason="connection refused"),
        budget_changed("web1", 1, None),
    )

    assert "  web1  unreachable: connection refused" in lines
    assert "  play web  unreachable 1  1 failure, no limit" in lines
    assert "    wave 1/1  open    0.0s" in lines


def test_colours_are_our_own():
    """Statuses and titles, when told."""
    plain = text_of(plan_ready(play(hosts=1)), wave_started("a"), *turn("a", "upload", status="failed"))
    colored = text_of(plan_ready(play(hosts=1)), wave_started("a"), *turn("a", "upload", status="failed"), color=True)

    assert not any("\x1b" in line for line in plain)
    assert "\x1b[1mfailures\x1b[0m" in colored
    assert "  a  upload  \x1b[31mfailed\x1b[0m (deploy.yaml:9)" in colored


def test_names_of_steps():
    """As written, on one line and harmless; the id where there is none."""
    plan = a_plan("a", steps={"one": "copy\n  it\x1b", "two": None})

    assert step_names(plan) == {("web", "one"): "copy it\\e", ("web", "two"): "two"}


def test_words():
    """Numbers with their nouns, hosts folded, many of them counted."""
    assert (count(1, "host"), count(0, "host")) == ("1 host", "0 hosts")
    assert hosts(["web1", "web2", "db\x1b"]) == "web[1-2],db\\e"
    assert hosts(["web1", "web2"], most=1) == "2 hosts"
    assert opening(a_plan("a"), "r1") == ["run r1: deploy: 1 host, 1 play, 1 step in all"]
