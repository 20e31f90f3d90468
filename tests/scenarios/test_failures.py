"""Failures, budgets and stops: what ends, what goes on, and what is never called failed."""

import asyncio
from pathlib import Path

import pytest
from scenario import HostEnded, Recorder, scenario

from runner.engine.stop import Level
from runner.errors import ConnectError, JournalError
from runner.model.events import BudgetChanged, BudgetExceeded, HostLost, WaveStarted
from runner.transports.fake import Answer, Connection, Fake, answers


def playbook(strategy: str, steps: str = "[{command: work}]") -> str:
    return f"version: 1\nhosts: all\nstrategy: {strategy}\nsteps: {steps}\n"


def failing(*hosts: str) -> dict[tuple[str, str], Answer]:
    return {(host, "*"): Answer(rc=1) for host in hosts}


def test_one_failure_beyond_the_budget_leaves_later_waves_not_run(tmp_path: Path) -> None:
    """Nine hosts in waves of three, budget 0, one failure: six hosts are not_run, with the reason, never failed."""
    run = scenario(playbook("{type: rolling, waves: 3}"), tmp_path, answers(failing("web02")))

    statuses = run.statuses()
    assert [statuses[f"web{number:02}"] for number in range(4, 10)] == ["not_run"] * 6
    assert statuses["web02"] == "failed"
    assert run.summary.flags.aborted
    assert len(run.all(WaveStarted)) == 1
    assert "1 failed, 0 allowed" in run.all(HostEnded, host="web09")[0].reason
    assert run.commands("web04") == []


def test_a_budget_of_one_bears_one_failure(tmp_path: Path) -> None:
    """All waves run, and the run failed without being aborted."""
    run = scenario(playbook("{type: rolling, waves: 3, max_failures: 1}"), tmp_path, answers(failing("web02")))

    assert len(run.all(WaveStarted)) == 3
    assert (run.summary.flags.failed, run.summary.flags.aborted) == (True, False)


def test_a_percentage_is_of_the_planned_hosts(tmp_path: Path) -> None:
    """25 % of nine bears two failures and not three."""
    strategy = "{type: rolling, waves: 3, max_failure_percent: 25}"

    two = scenario(playbook(strategy), tmp_path, answers(failing("web01", "web04")))
    three = scenario(playbook(strategy), tmp_path, answers(failing("web01", "web04", "web05")))

    assert not two.summary.flags.aborted
    assert three.summary.flags.aborted
    assert three.statuses()["web07"] == "not_run"


@pytest.mark.parametrize(
    "strategy",
    [
        "{type: parallel, concurrency: 3, max_failures: 2}",
        "{type: rolling, waves: 3, max_failures: 2}",
        "{type: rolling, waves: rest, concurrency: 3, max_failures: 2}",
        "{type: sequential, max_failures: 2}",
        "{type: rolling, waves: 3, max_failures: 2, sync: lockstep}",
    ],
)
def test_nothing_is_admitted_after_the_budget_is_exceeded(tmp_path: Path, strategy: str) -> None:
    """Whatever the strategy, the third failure is the last host let in."""
    run = scenario(playbook(strategy), tmp_path, answers(failing("web01", "web02", "web03")))

    assert run.summary.flags.aborted
    assert sorted({host for host, status in run.statuses().items() if status == "failed"}) == [
        "web01",
        "web02",
        "web03",
    ]
    assert not any(f"web{number:02}" in {sent.host for sent in run.fake.sent} for number in range(7, 10))


def test_a_budget_per_wave_starts_anew_with_each_wave(tmp_path: Path) -> None:
    """One failure in each of three waves is borne by a budget of one a wave."""
    strategy = "{type: rolling, waves: 3, max_failures: 1, failure_scope: wave}"

    run = scenario(playbook(strategy), tmp_path, answers(failing("web01", "web04", "web07")))

    assert not run.summary.flags.aborted
    assert len(run.all(WaveStarted)) == 3


@pytest.mark.parametrize(
    ("action", "commands", "status"),
    [("stop", ["one"], "cancelled"), ("drain", ["one", "two"], "changed"), ("kill", ["one"], "cancelled")],
)
def test_on_exceed_says_what_becomes_of_hosts_at_work(
    tmp_path: Path, action: str, commands: list[str], status: str
) -> None:
    """Stop lets the running step finish, drain the whole host, and kill ends it at once."""
    script = answers({("web02", "*"): Answer(rc=1, duration=0.2), ("*", "*"): Answer(duration=5)})
    strategy = f"{{type: parallel, concurrency: 3, max_failures: 0, on_exceed: {action}}}"

    run = scenario(playbook(strategy, "[{command: one}, {command: two}]"), tmp_path, script)

    assert run.commands("web01") == commands
    assert run.statuses()["web01"] == status
    assert list(run.statuses().values()).count("not_run") == 6
    assert run.seconds == {"stop": 5.0, "drain": 10.0, "kill": 0.2}[action]
    assert run.all(BudgetExceeded)[0].action == action


def test_lockstep_drains_hosts_that_have_begun(tmp_path: Path) -> None:
    """Under lockstep too, a drain lets hosts at work do all their steps and no other begin."""
    script = answers({("web02", "one"): Answer(rc=1)})
    strategy = "{type: rolling, waves: 3, sync: lockstep, max_failures: 0, on_exceed: drain}"

    run = scenario(playbook(strategy, "[{command: one}, {command: two}]"), tmp_path, script)

    assert [run.statuses()[name] for name in ("web01", "web02", "web03", "web04")] == [
        "changed",
        "failed",
        "changed",
        "not_run",
    ]


def test_lockstep_stops_at_the_barrier(tmp_path: Path) -> None:
    """A stop ends hosts at work after their running step."""
    script = answers({("web02", "one"): Answer(rc=1)})

    run = scenario(
        playbook("{type: rolling, waves: 3, sync: lockstep}", "[{command: one}, {command: two}]"), tmp_path, script
    )

    assert [run.statuses()[name] for name in ("web01", "web02", "web03")] == ["cancelled", "failed", "cancelled"]
    assert "two" not in run.commands()


def test_an_unreachable_host_is_not_a_failed_one(tmp_path: Path) -> None:
    """It has its own status and cause, counts against the budget, and nothing is sent to it."""
    refuse = ConnectError("refused", "connection refused by 10.0.0.2 port 22", temporary=True)
    fake = Fake(connecting=lambda host, _: Connection(error=refuse if host.name == "web02" else None))

    run = scenario(playbook("parallel"), tmp_path, fake=fake)

    assert run.statuses()["web02"] == "unreachable"
    assert run.all(HostLost)[0].cause == "refused"
    assert run.all(BudgetChanged)[0].host == "web02"
    assert (run.summary.flags.unreachable, run.summary.flags.failed) == (True, False)


def test_a_lost_connection_is_unknown_and_never_ok(tmp_path: Path) -> None:
    """The step was sent and its end was not heard: step and host are unknown, and it is not sent again."""
    steps = "[{command: one, retry: {attempts: 5}}, {command: two}]"

    run = scenario(playbook("parallel", steps), tmp_path, answers({("web02", "one"): Answer(lost="reset by peer")}))

    assert run.steps("web02") == {"command": "unknown"}
    assert run.statuses()["web02"] == "unknown"
    assert run.commands("web02") == ["one"]
    assert run.summary.flags.unknown


def test_a_failure_that_is_ignored_leaves_the_host_well(tmp_path: Path) -> None:
    """The host goes on and counts nowhere."""
    steps = "[{command: one, on_failure: ignore}, {command: two}]"

    run = scenario(playbook("{type: sequential}", steps), tmp_path, answers({("web01", "one"): Answer(rc=1)}))

    assert run.statuses()["web01"] == "changed"
    assert run.all(HostEnded, host="web01")[0].ignored == 1
    assert run.all(BudgetChanged) == []


def test_a_host_that_continues_after_a_failure_is_failed_at_its_end(tmp_path: Path) -> None:
    """The next steps run, and the host counts once, however many fail."""
    steps = "[{command: one, on_failure: continue}, {command: two, on_failure: continue}, {command: three}]"

    run = scenario(
        playbook("parallel", steps), tmp_path, answers({("web01", "t*"): Answer(), ("web01", "*"): Answer(rc=1)})
    )

    assert run.commands("web01") == ["one", "two", "three"]
    assert run.statuses()["web01"] == "failed"
    assert len(run.all(BudgetChanged)) == 1


def test_a_full_disk_starts_nothing_more_and_lets_running_steps_finish(tmp_path: Path) -> None:
    """When an intent can't be stored its step is not sent; others finish what runs, and the run ends with the fault."""
    recorder = Recorder(fails_at=12)

    run = scenario(
        playbook("{type: parallel, concurrency: 2}", "[{command: one}, {command: two}, {command: three}]"),
        tmp_path,
        lambda _: Answer(duration=1),
        recorder=recorder,
    )

    assert isinstance(run.error, JournalError)
    assert "failed" not in run.statuses().values()
    assert len(run.fake.sent) < 6


def test_a_kill_from_outside_ends_hosts_at_work(tmp_path: Path) -> None:
    """An interrupt at two seconds ends a step of a minute at two seconds; hosts not started are not_run."""

    def interrupt(run: object) -> None:
        asyncio.get_running_loop().call_later(2, run.stop.raise_to, Level.KILL, "interrupted")  # type: ignore[attr-defined]

    run = scenario(
        playbook("{type: parallel, concurrency: 2}"), tmp_path, lambda _: Answer(duration=60), during=interrupt
    )

    assert run.seconds == 2
    assert list(run.statuses().values()).count("cancelled") == 2
    assert run.all(HostEnded, status="not_run")[0].reason == "interrupted"


def test_a_group_that_is_not_seen_to_be_gone_is_unknown(tmp_path: Path) -> None:
    """A step that a kill could not be seen to end is unknown, with its process group."""

    def interrupt(run: object) -> None:
        asyncio.get_running_loop().call_later(2, run.stop.raise_to, Level.KILL, "interrupted")  # type: ignore[attr-defined]

    run = scenario(
        playbook("parallel"), tmp_path, lambda _: Answer(duration=60, killed="no"), during=interrupt, hosts="web01"
    )

    assert run.statuses()["web01"] == "unknown"
    assert "process group 1001" in run.all(HostEnded)[0].reason
