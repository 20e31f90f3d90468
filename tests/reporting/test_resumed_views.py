from datetime import UTC

import pytest
from events_builder import (
    START,
    a_plan,
    ended,
    folded,
    host_ended,
    host_started,
    intent,
    plan_ready,
    play,
    record,
    run_ended,
    run_started,
    turn,
    wave_ended,
    wave_started,
)

from runner.model.events import Decision
from runner.model.progress import Progress
from runner.reporting.eta import seconds_left
from runner.reporting.frame import frame
from runner.reporting.live import Live
from runner.reporting.plain import Plain
from runner.reporting.stream import Stream

STEPS = [f"s{n}" for n in range(1, 6)]
HOSTS = [f"web{n}" for n in range(1, 7)]
PLAN = a_plan(*HOSTS, steps=dict.fromkeys(STEPS))
NAMES: dict = {}

# Two hosts did all their five steps, one failed at its fifth, the others never began: 14 of 30 are done.
FIRST = [
    run_started(),
    plan_ready(play(hosts=6, steps=5, waves=2)),
    wave_started(*HOSTS[:3], wave=1, of=2),
    *turn("web1", *STEPS, duration=1.0),
    *turn("web2", *STEPS, duration=1.0),
    *turn("web3", *STEPS, status="failed", duration=1.0),
    wave_ended(1, "failed", ok=2, failed=1),
    *(host_ended(name, "not_run", wave=2, reason="the budget was exceeded") for name in HOSTS[3:]),
    run_ended("failed", 1),
]
AGAIN = [run_started(resume=True), wave_started(*HOSTS[:3], wave=1, of=2)]
LATER = START + 86_400


def gone_on(view, before: Progress, *events) -> float:
    """Let a view see a process that goes on, a second an event; its progress is the run's own, folded first."""
    view.begin(PLAN, "r1", "runs/r1")
    for seq, event in enumerate(events):
        before.apply(event, LATER + seq)
        view.see(record(event, LATER + seq, seq))
    return LATER + len(events)


def test_a_plain_view_begins_with_what_was_done():
    """How many of all steps, and then only what comes."""
    written: list[str] = []
    before = folded(*FIRST)
    view = Plain(written.append, zone=UTC, shared=before)

    now = gone_on(
        view, before, *AGAIN, host_started("web3"), intent("web3", "s5", attempt=2), ended("web3", "ok", "s5")
    )
    view.tick(now)

    assert "".join(written).splitlines() == [
        "going on with run r1: deploy: 6 hosts, 1 play, 14 of 30 steps were done",
        "records in runs/r1",
        "10:00:01  web  wave 1/2  started  web[1-3]",
        "10:00:02  web  wave 1/2  host started  web3",
        "10:00:04  web  wave 1/2  s5  ok  web3  0.0s",
    ]


def test_a_run_that_died_is_gone_on_with_as_such():
    """Nobody has said yet that it did not come to its end."""
    written: list[str] = []

    Plain(written.append, shared=folded(*FIRST[:-1])).begin(PLAN, "r1", "runs/r1")

    (line, _) = "".join(written).splitlines()
    assert line.endswith("14 of 30 steps were done; its last process ended without saying so")


def test_a_live_view_begins_with_what_was_done():
    """The line scrolls by above its frame, which counts on from there."""
    written: list[str] = []
    before = folded(*FIRST)
    view = Live(written.append, size=lambda: (120, 40), color=False, zone=UTC, shared=before)

    view.tick(gone_on(view, before, *AGAIN))

    assert written[0].startswith("going on with run r1: deploy: 6 hosts, 1 play, 14 of 30 steps were done\n")
    assert "14 of 30 steps  2.0s gone since it was resumed" in written[-1]


def test_a_stream_says_where_it_goes_on_beside_the_output():
    """What is not output of hosts stands elsewhere; a run that begins says nothing of the kind."""
    said: list[str] = []
    before = folded(*FIRST)

    gone_on(Stream(print, say=said.append, before=before), before, *AGAIN)
    Stream(print, say=said.append, before=Progress()).begin(PLAN, "r2", "runs/r2")

    assert said == ["going on with run r1: deploy: 6 hosts, 1 play, 14 of 30 steps were done\n"]


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], "14 of 30 steps  0.0s gone since it was resumed"),
        ([host_started("web3")], "14 of 30 steps"),
        ([host_started("web3"), intent("web3", "s5", attempt=2), ended("web3", "ok", "s5")], "15 of 30 steps"),
        ([host_started("web3"), ended("web3", "failed", "s5"), host_ended("web3", "failed")], "15 of 30 steps"),
    ],
)
def test_the_bar_never_goes_back(events, words):
    """What is to be done again is not done, from the first frame on."""
    progress = folded(*FIRST)
    for event in [*AGAIN, *events]:
        progress.apply(event, LATER)

    (line, *_) = frame(progress, NAMES, LATER, bakes={})

    assert words in line
    assert line.count("#") == (11 if "14 of" in words else 12)


def test_time_left_is_reckoned_for_what_is_left():
    """Hosts that never began are all to come, a day in which nobody was there is no pace, and work done counts."""
    progress = folded(*FIRST, seconds=1.0)
    at_work = progress.now - progress.started_at
    for event in AGAIN:
        progress.apply(event, LATER)

    left = seconds_left(progress, LATER)

    assert left == pytest.approx(at_work * 4 / 3)  # four last steps of 1 s each, where three took the run so far
    assert (progress.stands, progress.left) == (14, 16)


def test_a_host_that_is_told_anew_without_running_is_no_longer_expected():
    """It is left out for good: what it would have done is dropped, and the rest adds up."""
    progress = folded(*FIRST)
    out = [host_ended("web3", "not_run", reason="left out"), host_ended("web4", "not_run", wave=2, reason="left out")]

    for event in [*AGAIN, *out]:
        progress.apply(event, LATER)

    assert (progress.stands, progress.left) == (15, 10)


def test_what_is_decided_of_steps_is_told_once_for_hosts_alike():
    """In the plain view with the hosts folded; and an end that was heard late is told as such."""
    written: list[str] = []
    before = folded(*FIRST[:3], *(e for name in HOSTS[:3] for e in (host_started(name), intent(name, "s1"))))
    view = Plain(written.append, zone=UTC, shared=before)
    again = [
        Decision(play="web", wave=1, host=name, step="s1", what="rerun", by="runner", how="idempotent", reason="twice")
        for name in HOSTS[:2]
    ]
    starts = [host_started(name) for name in HOSTS[:3]]

    view.tick(gone_on(view, before, *AGAIN, *starts, *again, ended("web3", "changed", "s1", late=True)))

    assert "".join(written).splitlines()[-2:] == [
        "10:00:05  web  wave 1/2  s1  runs again though its end was not heard: twice  web[1-2]",
        "10:00:07  web  wave 1/2  s1  changed (heard late)  web3  0.0s",
    ]


def test_a_stream_tells_decisions_too():
    """With the host that each is about."""
    said: list[str] = []
    decision = Decision(play="web", wave=1, host="web1", step="s1", what="ok", by="ada", how="resolve")

    Stream(print, say=said.append).see(record(decision))

    assert said == ["web  wave 1  web1  s1  taken as done, says ada\n"]
