import msgspec
import pytest
from events_builder import (
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
    run_ended,
    run_started,
    turn,
    wave_ended,
    wave_started,
)

from runner.model import summary
from runner.model.events import Signalled, Warned
from runner.model.natural import natural_key


def test_a_run_that_went_well():
    """Counts of hosts and steps, waves with theirs, times, and nothing to go on with."""
    events = [
        run_started(),
        plan_ready(play(hosts=2, waves=2), notes=("play db was passed over",)),
        wave_started("web1", wave=1, of=2),
        *turn("web1", "upload", "reload"),
        wave_ended(1, ok=1),
        wave_started("web2", wave=2, of=2),
        *turn("web2", "upload", "reload", status="changed", wave=2),
        wave_ended(2, changed=1, failed=0),
        Warned(message="slow clock"),
    ]

    result = summary.of(folded(*events), run="r1", folder="runs/r1")

    assert (result.run, result.status, result.exit) == ("r1", "ok", None)
    assert (result.started, result.duration) == ("2026-11-21T10:00:00.000000Z", len(events) - 1)
    assert (result.done, result.total) == (4, 4)
    assert result.counts == {"ok": 1, "changed": 1}
    assert result.steps == {"ok": 3, "changed": 1}
    assert result.hosts == {"ok": ("web1",), "changed": ("web2",)}
    (web,) = result.plays
    assert [(wave.wave, wave.status, wave.counts) for wave in web.waves] == [
        (1, "ok", {"ok": 1}),
        (2, "ok", {"changed": 1}),
    ]
    assert result.notes == ("play db was passed over",)
    assert result.warnings == 1
    assert result.go_on == ()


def test_equal_failures_are_one_group():
    """Twelve hosts with one error are one group, whichever came first, with the words of its first host."""
    hosts = [f"web{n}" for n in range(1, 13)]
    failing = [
        event
        for host in reversed(hosts)
        for event in turn(
            host, "upload", status="failed", rc=2, reason="exit status 2", tail=host, output={"stdout": f"o/{host}"}
        )
    ]

    result = summary.of(folded(run_started(), plan_ready(play(hosts=12)), wave_started(*hosts), *failing))

    (group,) = result.failures
    assert group.hosts == tuple(hosts)
    assert (group.step, group.status, group.rc, group.reason) == ("upload", "failed", 2, "exit status 2")
    assert (group.tail, group.output) == ("web1", {"stdout": "o/web1"})
    assert result.status == "failed"


def test_groups_differ_by_step_status_and_reason_in_the_order_of_the_file():
    """What is not alike stands apart; line 9 comes before line 10."""
    result = summary.of(
        folded(
            run_started(),
            plan_ready(play(hosts=4)),
            wave_started("a", "b", "c", "d"),
            *turn("a", "later", status="failed", reason="no", src="deploy.yaml:10"),
            *turn("b", "sooner", status="timed_out", reason="30s", src="deploy.yaml:9"),
            *turn("c", "sooner", status="failed", reason="no", src="deploy.yaml:9"),
            *turn("d", "sooner", status="failed", reason="other", src="deploy.yaml:9", ignored=True, end="ok"),
        )
    )

    assert [(g.step, g.status, g.hosts) for g in result.failures] == [
        ("sooner", "failed", ("c",)),
        ("sooner", "timed_out", ("b",)),
        ("later", "failed", ("a",)),
    ]
    assert [(g.step, g.reason, g.hosts) for g in result.ignored] == [("sooner", "other", ("d",))]


@pytest.mark.parametrize(
    ("statuses", "more", "status", "flags"),
    [
        (["ok", "changed"], [], "ok", {}),
        (["ok", "failed"], [], "failed", {"failed": True}),
        (["ok", "unreachable"], [], "failed", {"unreachable": True}),
        (["cancelled"], [], "failed", {"failed": True}),
        (["failed"], [budget_exceeded()], "aborted", {"failed": True, "aborted": True}),
        (["failed", "cancelled"], [budget_exceeded()], "aborted", {"failed": True, "aborted": True}),
        (["cancelled"], [budget_exceeded()], "aborted", {"aborted": True}),
        (["unknown"], [budget_exceeded()], "unknown", {"unknown": True, "aborted": True}),
        (["ok"], [Signalled(signal="USR1", action="status")], "ok", {}),
        (["unknown"], [Signalled(signal="TERM", action="kill")], "interrupted", {"unknown": True}),
        (
            ["cancelled"],
            [Signalled(signal="INT", action="stop"), Signalled(signal="TERM", action="kill")],
            "interrupted",
            {},
        ),
    ],
)
def test_status_and_flags(statuses, more, status, flags):
    """The status is the worst that holds; the flags say all that does."""
    hosts = [f"web{n}" for n in range(1, len(statuses) + 1)]
    turns = [event for host, end in zip(hosts, statuses, strict=True) for event in turn(host, "upload", status=end)]

    result = summary.of(folded(run_started(), plan_ready(), wave_started(*hosts), *turns, *more))

    held = msgspec.structs.asdict(result.flags)
    assert result.status == status
    assert {name for name in ("failed", "unreachable", "unknown", "aborted") if held[name]} == set(flags)
    assert held["interrupted"] == (more[0].signal if status == "interrupted" else "")


def test_what_did_not_run_is_grouped_by_reason():
    """Hosts that never started, and those that were stopped, with the reason; the budget that was used."""
    result = summary.of(
        folded(
            run_started(),
            plan_ready(play(hosts=5, waves=2)),
            wave_started("web1", "web2", of=2),
            *turn("web1", "upload", status="failed"),
            budget_changed("web1", 1, 0),
            budget_exceeded(1, 0, "kill"),
            host_started("web2"),
            intent("web2"),
            ended("web2", "cancelled"),
            host_ended("web2", "cancelled", reason="stopped"),
            wave_ended(1, "failed", failed=1, cancelled=1),
            host_ended("web10", "not_run", wave=2, reason="the budget was exceeded"),
            host_ended("web9", "not_run", wave=2, reason="the budget was exceeded"),
            host_ended("web3", "not_run", wave=2, reason="other"),
        ),
        run="r1",
        folder="runs/r1",
    )

    assert [(g.status, g.reason, g.hosts) for g in result.unfinished] == [
        ("cancelled", "stopped", ("web2",)),
        ("not_run", "other", ("web3",)),
        ("not_run", "the budget was exceeded", ("web9", "web10")),
    ]
    (web,) = result.plays
    assert (web.failures, web.allowed, web.exceeded, web.of_waves) == (1, 0, "kill", 2)
    assert result.go_on == (
        "runner resume r1",
        "runner rerun r1 --only failed,cancelled,not_run",
    )


def test_hosts_left_at_work_are_unknown():
    """A run that broke down says what it does not know; a host between two steps was merely stopped."""
    result = summary.of(
        folded(
            run_started(),
            plan_ready(),
            wave_started("a", "b"),
            host_started("a"),
            intent("a"),
            host_started("b"),
            run_ended("failed", 3),
        )
    )

    assert (result.status, result.hosts) == ("unknown", {"unknown": ("a",), "cancelled": ("b",)})
    assert [(g.status, g.reason) for g in result.unfinished] == [
        ("cancelled", "the run ended while it was at work"),
        ("unknown", "the run ended while it was at work"),
    ]


def test_a_host_has_one_status_over_two_plays():
    """What first went wrong stands, though the host did not run in the second play."""
    result = summary.of(
        folded(
            run_started(),
            plan_ready(play("web", 1), play("db", 1)),
            wave_started("a"),
            *turn("a", "upload", status="timed_out"),
            wave_ended(status="failed"),
            host_ended("a", "not_run", play="db", reason="it failed in play web"),
        )
    )

    assert result.hosts == {"failed": ("a",)}
    assert [(p.id, p.counts) for p in result.plays] == [("web", {"failed": 1}), ("db", {"not_run": 1})]


def test_the_slowest_steps_and_hosts():
    """The longest first, five at most, with the mean and the host it was; what took no time is not named."""
    hosts = [f"web{n}" for n in range(1, 8)]
    events = []
    for n, host in enumerate(hosts):
        events += [
            host_started(host),
            ended(host, "skipped", "ask", duration=99),
            intent(host),
            ended(host, duration=float(n)),
            host_ended(host, duration=n + 0.5 if n else 0.0),
        ]

    result = summary.of(folded(run_started(), plan_ready(play(hosts=7)), wave_started(*hosts), *events))

    (step,) = result.slowest_steps
    assert (step.step, step.count, step.mean, step.longest, step.host) == ("upload", 7, 3.0, 6.0, "web7")
    assert [(slow.host, slow.duration) for slow in result.slowest_hosts] == [
        ("web7", 6.5),
        ("web6", 5.5),
        ("web5", 4.5),
        ("web4", 3.5),
        ("web3", 2.5),
    ]


def test_it_can_be_stored_and_read_back():
    """As plain data it survives JSON; the exit status is filled in by whoever knows it."""
    result = summary.of(
        folded(
            run_started(),
            plan_ready(),
            wave_started("a"),
            host_started("a"),
            intent("a"),
            retry("a"),
            intent("a", attempt=2),
        )
    )

    final = summary.with_exit(result, 6)

    assert (final.exit, final.retries) == (6, 1)
    assert msgspec.json.decode(msgspec.json.encode(summary.as_data(final)), type=summary.Summary) == final


def test_before_anything_was_seen():
    """A run that never got to its plan has a summary too."""
    result = summary.of(folded())

    assert (result.status, result.total, result.playbook, result.go_on) == ("ok", 0, "", ())


def test_names_sort_as_people_count():
    """Numbers in names count as numbers."""
    assert sorted(["web10", "web2", "db1", "web02", "7"], key=natural_key) == [
        "7",
        "db1",
        "web02",
        "web2",
        "web10",
    ]
