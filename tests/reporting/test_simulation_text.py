"""A simulation as text: every kind of moment in a line of its own."""

from runner.model.account import Flags, PlaySummary, Summary
from runner.model.simulation import Moment, SimulatedHost, Simulation
from runner.reporting.simulation import page

BASE = {"at": 61.5, "play": "web", "wave": 2}


def summary(*plays: str) -> Summary:
    """A summary of plays of three waves, without anything in it."""
    none = {"notes": (), "failures": (), "ignored": (), "unfinished": (), "slowest_steps": (), "slowest_hosts": ()}
    told = [
        PlaySummary(id=play, name=play, hosts=3, counts={}, failures=0, allowed=None, exceeded="", waves=(), of_waves=3)
        for play in plays
    ]
    return Summary(
        run="",
        status="ok",
        flags=Flags(),
        mode="simulate",
        playbook="site.yaml",
        name="site",
        folder="",
        started="",
        ended="",
        duration=0.0,
        done=0,
        total=0,
        counts={},
        steps={},
        retries=0,
        hosts={},
        plays=tuple(told),
        warnings=0,
        output_lost=0,
        go_on=(),
        **none,
    )


def text(*moments: Moment, plays: tuple[str, ...] = ("web",), color: bool = False) -> list[str]:
    """The lines of the timeline."""
    told = Simulation(
        playbook="site.yaml",
        name="site",
        seed=7,
        faults=(),
        status="failed",
        exit=1,
        duration=3661.0,
        timeline=moments,
        hosts=(SimulatedHost(play="web", host="web1", wave=1), SimulatedHost(play="web", host="web2", wave=2)),
        summary=summary(*plays),
    )
    lines = page(told, color=color).split("\n")
    return lines[2 : 2 + len(moments)]


def test_each_moment_says_what_happened():
    """What, to whom, how long, and why."""
    assert text(
        Moment(**BASE, what="wave", of=3, hosts=("web1", "web2"), until=72.0, counts={"ok": 2}),
        Moment(**BASE, what="failure", hosts=("web1",), step="migrate", status="failed", reason="exit 1", src="s:9"),
        Moment(**BASE, what="failure", hosts=("web1",), step="back", section="rollback", status="failed"),
        Moment(**BASE, what="failure", hosts=("web1",), step="try", status="failed", mark="rescued"),
        Moment(**BASE, what="budget", spent=2, allowed=1, status="stop"),
        Moment(**BASE, what="gate", status="passed", hosts=("web1",), until=63.5),
        Moment(**BASE, what="gate", status="unhealthy", hosts=("web2",), step="http", reason="503", until=361.5),
        Moment(**BASE, what="bake", until=661.5),
        Moment(**BASE, what="approval", step="wave", status="granted"),
        Moment(**BASE, what="approval", step="look", hosts=("web1",), status="waiting"),
        Moment(**BASE, what="rollback", hosts=("web2", "web1"), until=63.5, counts={"rolled_back": 2}),
    ) == [
        "t+1m 2s  wave 2 of 3: web[1-2] … 10s  ok 2",
        "t+1m 2s    web1  migrate: failed: exit 1 (s:9)",
        "t+1m 2s    web1  back: failed in rollback",
        "t+1m 2s    web1  try: failed, rescued",
        "t+1m 2s    the failure budget is exceeded: 2 failures of 1 allowed; on_exceed: stop",
        "t+1m 2s    gate: passed for web1 … 2s",
        "t+1m 2s    gate: http unhealthy for web2: 503 … 5m 0s",
        "t+1m 2s    bake … 10m 0s",
        "t+1m 2s    approval after wave 2: granted",
        "t+1m 2s    approval asked by look on web1: waiting",
        "t+1m 2s  rollback: web2 of wave 2, then web1 of wave 1 … 2s  rolled_back 2",
    ]


def test_plays_are_told_apart_where_there_are_several():
    """By a column of their own."""
    assert text(Moment(**BASE, what="bake", until=71.5), plays=("web", "report")) == ["t+1m 2s  web       bake … 10s"]


def test_what_others_wrote_can_do_no_harm():
    """Escapes in names and reasons are spelt out; colours come only where they are asked for."""
    moment = Moment(**BASE, what="failure", hosts=("a\x1b",), step="s\x1b[0m", status="failed", reason="\x1b]0;x\x07")

    assert "\x1b" not in text(moment)[0]
    assert "\x1b[31mfailed" in text(moment, color=True)[0]
