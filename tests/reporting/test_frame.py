"""The lines of the live view while no step is at work, with several plays, and while a person is asked."""

import re
from datetime import UTC

import pytest
from events_builder import (
    START,
    a_plan,
    asked,
    bake,
    ended,
    folded,
    gate_checked,
    granted,
    host_ended,
    host_started,
    intent,
    plan_ready,
    play,
    record,
    rollback_started,
    run_started,
    show,
    turn,
    wave_ended,
    wave_started,
)

from runner.model import summary
from runner.model.playbook import Strategy
from runner.reporting.eta import seconds_left
from runner.reporting.frame import frame
from runner.reporting.live import Live

HOSTS = ("web1", "web2")
WORKED = [run_started(), plan_ready(play(hosts=4, waves=2)), wave_started(*HOSTS, of=2), *turn("web1"), *turn("web2")]


def lines_of(*events, after=10.0):
    """The frame some seconds after the last of these events."""
    progress = folded(*events)
    return frame(progress, {}, progress.now + after, bakes={})


@pytest.mark.parametrize(
    ("events", "line"),
    [
        ([], "wave     [########################]  2 of 2 hosts  web 1/2"),
        (
            [gate_checked("web1", successes=1), gate_checked("web2", "unhealthy", reason="status 503")],
            "gate     [############------------]  1 of 2 checks met  web 1/2  11s  web2 | unhealthy: status 503",
        ),
        ([wave_ended(ok=2), bake(40.0)], "bake     [######------------------]  30s left  web 1/2"),
        ([wave_ended(ok=2), asked(question="go on?")], "asked    web  10s: go on?"),
        (
            [wave_ended(ok=2), rollback_started(*HOSTS), *turn("web2", section="rollback", end="rolled_back")],
            "rollback [############------------]  1 of 2 hosts  web  12s",
        ),
    ],
)
def test_a_play_shows_what_it_is_at(events, line):
    """Its wave, the gate behind it, the wait between waves, a question, the way back; always as many lines."""
    lines = lines_of(*WORKED, *events)

    assert lines[1] == line
    assert len(lines) == 10


def test_plays_at_the_same_time_have_a_line_each():
    """And one number of hosts over them; a host that works again is not waited for twice."""
    three = [play("a", hosts=2), play("b", hosts=2), play("c", hosts=1)]
    opening = [
        run_started(),
        plan_ready(*three[:2]),
        wave_started("x", "y", play="a"),
        wave_started("x", "z", play="b"),
    ]
    both = [*opening, host_started("x", play="a"), host_started("x", play="b"), host_started("z", play="b")]

    lines = lines_of(*both, host_ended("z", play="b"), host_started("z", play="b", section="always"))

    assert lines[1:4] == [
        "wave     [------------------------]  0 of 2 hosts  a 1/1",
        "wave     [############------------]  1 of 2 hosts  b 1/1",
        "hosts    ok 1  at work 2  waiting 1",
    ]
    crowd = [run_started(), plan_ready(*three), *(wave_started("x", play=name) for name in "abc")]
    assert lines_of(*crowd)[2] == "         and 2 more"
    assert len(lines_of(*crowd)) == len(lines)


def test_a_handler_at_work_is_named():
    """As any other step, by the name that says where it stands."""
    progress = folded(*WORKED[:3], host_started("web1"), intent("web1", "restart", section="handlers"))

    lines = frame(progress, {("web", "restart"): "handler restart app"}, START + 20, bakes={})

    assert "at work  handler restart app  web1  16s" in lines


def test_rescued_failures_are_not_among_the_last_failed():
    """They are not the host's."""
    rescued = [host_started("web3"), intent("web3"), ended("web3", "failed", rescued=True, reason="exit status 1")]

    assert not any(line.startswith("failed") for line in lines_of(*WORKED[:3], *rescued))


# while a person is asked


def a_view(**options):
    written = []
    return Live(written.append, size=lambda: (80, 24), color=False, zone=UTC, **options), written


def test_nothing_is_redrawn_while_a_person_is_asked():
    """What they type stays where it is; behind the answer the frame is there again."""
    view, written = a_view(answers=True)
    now = show(view, *WORKED, wave_ended(ok=2), asked(question="go on?"), plan=a_plan(*HOSTS))
    asking = "".join(written)
    written.clear()

    view.tick(now + 1)
    view.tick(now + 2)
    held = list(written)
    view.see(record(granted(), now + 3))
    view.tick(now + 3)

    assert asking.endswith("asks: go on?\n    answer with: runner approve r1 (--deny says no)\n")
    assert held == []
    assert "run      [" in written[-1]


def test_news_that_come_while_a_person_is_asked_stand_below():
    """With the question again, and nothing that moves the cursor."""
    view, written = a_view(answers=True)
    question = asked("budget", question="go on?")
    at_work = [*WORKED[:3], host_started("web1"), intent("web1")]
    now = show(view, *at_work, question, plan=a_plan(*HOSTS))
    written.clear()

    view.see(record(ended("web1", "failed", reason="exit status 1"), now))
    view.tick(now + 1)

    text = "".join(written)
    assert "\x1b" not in text
    lines = [line[10:] for line in text.splitlines()]
    assert lines == [
        "",
        "web  wave 1/2  upload  failed: exit status 1  web1  0.0s",
        "web  waiting for a person  2.0s: go on?  (answer with: runner approve r1)",
    ]


def test_where_nobody_can_answer_the_frame_goes_on():
    """Hosts at work finish, and that is shown."""
    view, written = a_view(answers=False)
    now = show(view, *WORKED, wave_ended(ok=2), asked(question="go on?"), plan=a_plan(*HOSTS))

    view.tick(now)

    assert "asked    web  1.0s: go on?" in written[-1]


def test_the_summary_takes_the_place_of_the_question():
    """Also of a run that ends without an answer."""
    view, written = a_view(answers=True)
    events = [*WORKED, wave_ended(ok=2), asked(question="go on?")]
    show(view, *events, plan=a_plan(*HOSTS))

    view.end(summary.of(folded(*events), run="r1", folder="runs/r1"))

    assert "waiting for a person\n  web  wave 1  go on?\n" in written[-1]
    assert set(re.findall(r"\x1b\[\d*[A-Za-z]", "".join(written))) == {"\x1b[J"}


# time left


def test_time_left_leaves_out_what_a_person_took():
    """Two of four hosts took ten seconds; the hour in which nobody answered is no measure of the rest."""
    opening = [run_started(), plan_ready(play(hosts=4, steps=1, waves=2)), wave_started("a", "b", of=2)]
    work = [*turn("a", "upload", duration=10.0), *turn("b", "upload", duration=10.0), wave_ended(ok=2)]
    progress = folded(*opening, seconds=0)
    for event in work:
        progress.apply(event, START + 10)
    progress.apply(asked(), START + 10)

    assert seconds_left(progress, START + 3610) == pytest.approx(10)
    progress.apply(granted(), START + 3610)
    assert seconds_left(progress, START + 3610) == pytest.approx(10)


def test_time_left_adds_the_bakes_to_come():
    """Three waves of ten seconds, a minute between them: the rest of this one, and the one after it."""
    opening = [run_started(), plan_ready(play(hosts=3, steps=1, waves=3)), wave_started("a", of=3)]
    progress = folded(*opening, seconds=0)
    bakes = {"web": 60.0}
    for event in (*turn("a", "upload", duration=10.0), wave_ended(ok=1), bake(60.0)):
        progress.apply(event, START + 10)

    assert seconds_left(progress, START + 30, bakes) == pytest.approx(20 + 40 + 60)
    progress.apply(wave_started("b", wave=2, of=3), START + 70)
    assert seconds_left(progress, START + 70, bakes) == pytest.approx(20 + 60)


def test_time_left_does_not_take_a_handler_for_work_of_the_plan():
    """It takes its share of the time; nothing is left of it."""
    opening = [run_started(), plan_ready(play(hosts=2, steps=1)), wave_started("a", "b")]
    handler = [*turn("a", "upload", duration=10.0)[:-1], intent("a", "restart", section="handlers")]
    progress = folded(*opening, *handler, seconds=0)

    assert seconds_left(progress, START + 20) == pytest.approx(20)


def test_the_live_view_knows_the_bakes_of_its_plan():
    """They are part of the time left that it shows."""
    view, written = a_view()
    events = [run_started(), plan_ready(play(hosts=2, steps=1, waves=2)), wave_started("a", of=2)]
    now = show(view, *events, *turn("a", "upload", duration=3.0), plan=a_plan("a", "b", strategy=Strategy(bake=60.0)))

    view.tick(now)

    assert "1 of 2 steps  7.0s gone, about 1m 7s left" in written[-1]
