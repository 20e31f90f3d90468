from datetime import UTC

from events_builder import (
    START,
    a_plan,
    budget_exceeded,
    ended,
    folded,
    host_ended,
    host_started,
    intent,
    note,
    output,
    plan_ready,
    play,
    record,
    retry,
    run_started,
    show,
    turn,
    wave_ended,
    wave_started,
)

from runner.model import summary
from runner.model.events import HostConnecting, HostLost, Signalled, Warned
from runner.reporting.json_lines import JsonLines
from runner.reporting.plain import Plain
from runner.reporting.quiet import Quiet

OPENING = [run_started(), plan_ready(play(hosts=3)), wave_started("web01", "web02", "web03", of=3)]
NAMES = {"upload": "upload the release", "reload": "reload it"}
PLAN = a_plan("web01", "web02", "web03", steps=NAMES, notes=("play db was passed over",))


def lines_of(*events, plan=PLAN, **options):
    """What plain writes for these events and one tick, without what it says of the plan and the opening."""
    written = []
    view = Plain(written.append, zone=UTC, **options)
    now = show(view, *OPENING, plan=plan)
    view.tick(now)
    written.clear()
    for seq, event in enumerate(events):
        view.see(record(event, now + seq, seq))
    view.tick(now + len(events))
    return "".join(written).splitlines()


def test_it_begins_with_what_will_run():
    """The run's id, its size, the planner's notes, and where the records are."""
    written = []

    Plain(written.append).begin(PLAN, "r1", "runs/r1")

    assert "".join(written).splitlines() == [
        "run r1: deploy: 3 hosts, 1 play, 6 steps in all",
        "note: play db was passed over",
        "records in runs/r1",
    ]


def test_equal_results_within_a_tick_are_one_line():
    """The step by its name, the hosts folded, the longest time."""
    events = [host_started(f"web0{n}") for n in (1, 2, 3)]
    for n in (1, 2, 3):
        events += [intent(f"web0{n}"), ended(f"web0{n}", "changed" if n < 3 else "ok", duration=0.4 * n)]

    lines = lines_of(*events)

    assert lines == [
        "10:00:03  web  wave 1/3  host started  web[01-03]",
        "10:00:07  web  wave 1/3  upload the release  changed  web[01-02]  up to 0.8s",
        "10:00:11  web  wave 1/3  upload the release  ok  web03  1.2s",
    ]


def test_what_a_host_did_is_told_in_its_order():
    """A host that comes to the first step later than another to the second is not put beside that one."""
    lines = lines_of(*turn("web01", "reload"), *turn("web02", "upload", "reload"))

    assert [line[10:] for line in lines] == [
        "web  wave 1/3  host started  web[01-02]",
        "web  wave 1/3  reload it  ok  web01  0.0s",
        "web  wave 1/3  host ended  ok  web01  0.0s",
        "web  wave 1/3  upload the release  ok  web02  0.0s",
        "web  wave 1/3  reload it  ok  web02  0.0s",
        "web  wave 1/3  host ended  ok  web02  0.0s",
    ]


def test_what_a_log_step_says_is_said_once():
    """Its good end tells nothing new."""
    plan = a_plan("web01", "web02", "web03", steps={"say": "say it"}, logs=("say",))
    events = [note("web01", "release 7 is there", "say"), ended("web01", "ok", "say", reason="release 7 is there")]

    lines = lines_of(host_started("web01"), intent("web01", "say"), *events, plan=plan)

    assert [line[10:] for line in lines[1:]] == ["web  wave 1/3  release 7 is there  web01"]


def test_a_failure_is_told_in_full():
    """Reason, exit status, the last lines of output, its files, and what became of the host; nothing hidden."""
    lines = lines_of(
        host_started("web01"),
        intent("web01"),
        ended(
            "web01",
            "failed",
            reason="it said \x1b[2Jno",
            rc=139,
            signal="SEGV",
            tail="one\n\x1b]0;title\x07",
            output={"stdout": "output/web01/upload.1.out"},
            duration=2.0,
        ),
        host_ended("web01", "failed", reason="step upload failed", duration=3.0),
    )

    assert lines[1:] == [
        "10:00:05  web  wave 1/3  upload the release  failed: it said \\e[2Jno  web01  2.0s",
        "    exit status 139, signal SEGV",
        "    | one",
        "    | \\e]0;title\\x07",
        "    stdout: runs/r1/output/web01/upload.1.out",
        "10:00:06  web  wave 1/3  host ended  failed: step upload failed  web01  3.0s",
    ]


def test_ignored_failures_are_marked():
    """They look like failures that stop nothing, and the reason's exit status is not said twice."""
    lines = lines_of(
        host_started("web01"), intent("web01"), ended("web01", "failed", reason="exit status 1", rc=1, ignored=True)
    )

    assert lines[1:] == ["10:00:05  web  wave 1/3  upload the release  failed (ignored): exit status 1  web01  0.0s"]


def test_retries_notes_waves_budget_and_warnings_are_told():
    """What happens beside steps has its line too."""
    lines = lines_of(
        Warned(message="the clock differs", host="web01", hint="run ntpd"),
        Warned(message="old"),
        HostLost(host="web03", cause="refused", reason="connection refused", hint="is sshd up?"),
        host_started("web01"),
        intent("web01"),
        note("web01", "port 80 is closed"),
        retry("web01", delay=5.0),
        intent("web01", attempt=2),
        ended("web01", "failed"),
        host_ended("web01", "failed"),
        wave_ended(1, "failed", failed=1, duration=65.0),
        budget_exceeded(1, 0, "stop"),
        host_ended("web02", "not_run", wave=2, reason="the budget was exceeded"),
    )

    assert [line[10:] for line in lines] == [
        "warning: web01: the clock differs (hint: run ntpd)",
        "warning: old",
        "lost  refused: connection refused (hint: is sshd up?)  web03",
        "web  wave 1/3  host started  web01",
        "web  wave 1/3  port 80 is closed  web01",
        "web  wave 1/3  upload the release  attempt 1 failed: exit status 1; again in 5.0s  web01",
        "web  wave 1/3  upload the release  failed  web01  0.0s",
        "web  wave 1/3  host ended  failed  web01  0.0s",
        "web  wave 1/3  ended  failed  failed 1  1m 5s",
        "web  1 failure is more than the 0 allowed: stop",
        "web  wave 2/3  host ended  not_run: the budget was exceeded  web02",
    ]


def test_it_says_what_it_waits_for():
    """Every 30 seconds: steps, hosts, how long, the last line heard, and who is being connected to."""
    written = []
    view = Plain(written.append, zone=UTC)
    show(
        view,
        *OPENING,
        host_started("web01"),
        host_started("web02"),
        intent("web01"),
        intent("web02"),
        output("web02", "copying\r 5%\x1b[2J\n"),
        HostConnecting(host="web03", address="10.0.0.3", attempt=1),
        plan=PLAN,
    )
    view.tick(START + 10)
    written.clear()

    view.tick(START + 19)
    early = list(written)
    view.tick(START + 20)
    view.tick(START + 29)

    assert early == []
    assert "".join(written).splitlines() == [
        "10:00:20  web  waiting for upload the release  web[01-02]  15s  web02 |  5%\\e[2J",
        "10:00:20  connecting to web03",
    ]


def test_few_steps_are_named_when_many_are_at_work():
    """Eight hosts in eight steps: five lines and a count."""
    written = []
    view = Plain(written.append, zone=UTC)
    hosts = [f"h{n}" for n in range(8)]
    work = [event for n, host in enumerate(hosts) for event in (host_started(host), intent(host, f"step{n}"))]
    show(view, run_started(), plan_ready(play(hosts=8, steps=8)), wave_started(*hosts), *work)
    view.tick(START + 20)
    written.clear()

    view.tick(START + 30)

    lines = "".join(written).splitlines()
    assert len(lines) == 6
    assert lines[-1] == "10:00:30  and 3 more steps"


def test_an_interrupt_is_told_at_once_with_all_that_runs():
    """Whoever pressed Ctrl-C sees without delay what is waited for."""
    written = []
    view = Plain(written.append, zone=UTC)

    show(view, *OPENING, host_started("web01"), intent("web01"), Signalled(signal="INT", action="stop"), plan=PLAN)

    assert "".join(written).splitlines()[-2:] == [
        "10:00:05  signal INT: stop: nothing new starts, what runs is waited for; once more ends it",
        "10:00:05  web  waiting for upload the release  web01  1.0s",
    ]


def test_lines_do_not_wait_for_ticks_for_ever():
    """A run that leaves no time for ticks is still told."""
    written = []
    view = Plain(written.append)
    show(view, *[Warned(message=f"number {n}") for n in range(1000)])

    assert "number 999" in "".join(written)


def test_colours_only_when_told():
    """Without colours not one escape byte, whatever hosts say; with them our own only."""
    events = turn("web01", "upload", status="failed", reason="\x1b[5mbad", tail="\x1b[2J\x9b2J")
    result = summary.of(folded(*OPENING, *events))

    for color in (False, True):
        written = []
        view = Plain(written.append, color=color)
        show(view, *OPENING, *events, plan=PLAN)
        view.end(result)

        text = "".join(written)
        assert ("\x1b" in text) is color
        assert "\x9b" not in text
        assert all(code[0] == "[" and "m" in code[:4] for code in text.split("\x1b")[1:])
        assert "\x1b[5m" not in text


def test_quiet_gives_the_summary_alone():
    """Nothing until the end."""
    written = []
    view = Quiet(written.append)
    now = show(view, *OPENING, *turn("web01", "upload"), plan=PLAN)
    view.tick(now)
    before = list(written)

    view.end(summary.of(folded(*OPENING)))

    assert before == []
    assert "summary" in written[0]


def test_json_gives_the_records_as_they_are():
    """Each line is the journal's own."""
    written = []
    view = JsonLines(written.append)
    show(view, *OPENING)
    view.tick(START)
    view.end(summary.of(folded()))

    assert written == [record(event, START + n, n).line.decode() for n, event in enumerate(OPENING)]
