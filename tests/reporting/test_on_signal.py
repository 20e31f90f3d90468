"""What people are told at a signal where the view itself tells nothing of what is under way."""

from datetime import UTC

from events_builder import (
    START,
    a_plan,
    host_started,
    intent,
    output,
    plan_ready,
    play,
    record,
    run_started,
    wave_started,
)

from runner.model.events import Signalled
from runner.model.progress import Progress
from runner.reporting.on_signal import OnSignal

WORKING = [
    run_started(),
    plan_ready(play(hosts=2)),
    wave_started("web1", "web2"),
    host_started("web1"),
    host_started("web2"),
    intent("web1"),
    intent("web2"),
    output("web1", "half\x1b way\n"),
]


def told(*events, is_told=False):
    """What is written for each of these events, behind the opening."""
    written, progress = [], Progress()
    view = OnSignal(written.append, progress, is_told=is_told, zone=UTC)
    view.begin(a_plan("web1", "web2", steps={"upload": "upload the release"}), "r1", "runs/r1")
    for seq, event in enumerate([*WORKING, *events]):
        progress.apply(event, START + seq)
        view.see(record(event, START + seq, seq))
    return "".join(written).splitlines()


def test_nothing_is_said_until_a_signal_comes():
    """The view beside it has its own words, or none."""
    assert told() == []


def test_at_a_signal_each_host_is_named_with_what_it_is_at():
    """The step, for how long, and the last line heard, made safe."""
    assert told(Signalled(signal="SIGINT", action="stop")) == [
        "10:00:08  signal SIGINT: stop: nothing new starts, what runs is waited for; once more ends it",
        "10:00:08  web  waiting for upload the release  web1  3.0s  web1 | half\\e way",
        "10:00:08  web  waiting for upload the release  web2  2.0s",
    ]


def test_a_signal_that_was_told_already_is_not_told_again():
    """Only who is waited for is added."""
    lines = told(Signalled(signal="SIGUSR1", action="status"), is_told=True)

    assert [line.split("  ")[2:4] for line in lines] == [
        ["waiting for upload the release", "web1"],
        ["waiting for upload the release", "web2"],
    ]
