"""Preflight: who can't be reached is found before anything starts, and held against the budget."""

from pathlib import Path

import pytest
from scenario import gone, scenario, stopping

from runner.engine.stop import Level
from runner.model.events import BudgetChanged, BudgetExceeded, HostEnded, HostStarted, WaveStarted
from runner.transports.fake import Answer, Connection, Fake


def play(strategy: str, rest: str = "", hosts: str = "web*") -> str:
    return f"version: 1\nhosts: {hosts}\nstrategy: {strategy}\nsteps: [{{command: one}}]\n{rest}"


@pytest.mark.parametrize("strategy", ["sequential", "rolling", "{type: rolling, waves: 2}"])
def test_one_closed_host_ends_the_run_before_it_starts(tmp_path: Path, strategy: str) -> None:
    """One is unreachable, two did not run, no step ran, and nobody was let to work."""
    run = scenario(play(strategy), tmp_path, fake=gone("web03"), hosts="web[01-03]")

    assert run.statuses() == {"web01": "not_run", "web02": "not_run", "web03": "unreachable"}
    assert not run.fake.sent
    assert not run.all(HostStarted) + run.all(WaveStarted)
    assert [event.failures for event in run.all(BudgetExceeded)] == [1]
    assert run.all(HostEnded, host="web01")[0].reason == "the failure budget is exceeded: 1 failed, 0 allowed"
    assert run.summary.flags.aborted


def test_within_the_budget_the_run_goes_on_without_them(tmp_path: Path) -> None:
    """They are counted once, at the start, and their waves run with the others."""
    run = scenario(play("{type: rolling, waves: 2, max_failures: 1}"), tmp_path, fake=gone("web01"), hosts="web[01-04]")

    assert run.statuses() == {"web01": "unreachable", **dict.fromkeys(["web02", "web03", "web04"], "changed")}
    assert [event.host for event in run.all(BudgetChanged)] == ["web01"]
    assert [host for _, host in run.fake.connects].count("web01") == 1
    assert run.summary.flags.unreachable


def test_a_wave_of_which_nobody_is_there(tmp_path: Path) -> None:
    """It begins and ends, and the next one comes."""
    run = scenario(play("{type: rolling, waves: 1, max_failures: 1}"), tmp_path, fake=gone("web01"), hosts="web[01-02]")

    assert [event.wave for event in run.all(WaveStarted)] == [1, 2]
    assert run.statuses() == {"web01": "unreachable", "web02": "changed"}


def test_parallel_has_none_unless_it_says_so(tmp_path: Path) -> None:
    """The others have run when it turns out that one can't be reached; with a preflight nobody has."""
    run = scenario(play("{type: parallel, max_failures: 0}"), tmp_path, fake=gone("web03"), hosts="web[01-03]")
    assert sorted(run.commands()) == ["one", "one"]

    asked = scenario(
        play("{type: parallel, max_failures: 0, preflight: true}"), tmp_path, fake=gone("web03"), hosts="web[01-03]"
    )
    assert not asked.fake.sent


def test_it_can_be_left_out(tmp_path: Path) -> None:
    """Hosts before the one that is away do their work."""
    run = scenario(play("{type: sequential, preflight: false}"), tmp_path, fake=gone("web03"), hosts="web[01-03]")

    assert run.statuses() == {"web01": "changed", "web02": "changed", "web03": "unreachable"}


def test_a_budget_of_each_wave_is_held_against_at_its_start(tmp_path: Path) -> None:
    """The first wave runs; the second has one too many."""
    text = play("{type: rolling, waves: 2, failure_scope: wave}")
    run = scenario(text, tmp_path, fake=gone("web03"), hosts="web[01-06]")

    assert run.statuses() == {
        "web01": "changed", "web02": "changed", "web03": "unreachable",
        "web04": "not_run", "web05": "not_run", "web06": "not_run",
    }  # fmt: skip


DELEGATED = """
version: 1
hosts: web*
strategy: {type: sequential, max_failures: %d}
steps:
  - command: one
  - {command: drain, delegate_to: lb1}
"""


def test_a_delegate_that_is_away_is_one_failure(tmp_path: Path) -> None:
    """With a budget of none nothing starts."""
    run = scenario(DELEGATED % 0, tmp_path, fake=gone("lb1"), hosts="web[01-02] lb1")

    assert not run.fake.sent
    assert run.statuses() == {"web01": "not_run", "web02": "not_run"}
    assert [(event.host, event.failures) for event in run.all(BudgetChanged)] == [("lb1", 1)]


def test_what_is_delegated_to_one_that_is_away_fails_and_counts_too(tmp_path: Path) -> None:
    """The budget bears the delegate and one host."""
    run = scenario(DELEGATED % 2, tmp_path, fake=gone("lb1"), hosts="web[01-03] lb1")

    assert run.statuses() == {"web01": "failed", "web02": "failed", "web03": "not_run"}
    assert [event.host for event in run.all(BudgetChanged)] == ["lb1", "web01", "web02"]


def test_a_play_without_preflight_looks_for_itself(tmp_path: Path) -> None:
    """A host that another play's preflight did not find may have come up by then."""
    text = """
version: 1
plays:
  - {name: boot, hosts: all, steps: [{command: boot}]}
  - {name: roll, hosts: all, needs: [], strategy: {type: rolling, max_failures: 1}, steps: [{command: roll}]}
"""
    away = gone("web01").connecting

    def connecting(host: object, attempt: int) -> Connection:
        return away(host, attempt) if attempt == 1 else Connection()  # type: ignore[arg-type]

    run = scenario(text, tmp_path, fake=Fake(connecting=connecting), hosts="web[01-02]")

    assert run.commands("web01") == ["boot"]
    assert run.all(HostEnded, play="roll", host="web01")[0].status == "unreachable"
    assert run.all(HostEnded, play="boot", host="web01")[0].status == "changed"


def test_hosts_are_connected_to_once(tmp_path: Path) -> None:
    """What preflight has opened is what steps work over, and a host's is closed when its last step is done."""
    run = scenario(play("sequential"), tmp_path, lambda _: Answer(duration=1), hosts="web[01-03]")

    assert sorted(host for _, host in run.fake.connects) == ["web01", "web02", "web03"]
    assert run.fake.closes == [(1.0, "web01"), (2.0, "web02"), (3.0, "web03")]


def test_where_open_files_are_few_it_closes_again(tmp_path: Path) -> None:
    """Each is connected to once more when its turn has come."""

    def few(run: object) -> None:
        run.max_open = 2  # type: ignore[attr-defined]

    run = scenario(play("sequential"), tmp_path, hosts="web[01-03]", during=few)

    assert [host for _, host in run.fake.connects].count("web02") == 2
    assert run.summary.status == "ok"


@pytest.mark.parametrize(("level", "seconds"), [(Level.STOP, 30), (Level.KILL, 5)])
def test_an_interrupt_in_the_midst_of_it(tmp_path: Path, level: Level, seconds: int) -> None:
    """No host is started; what is being connected to is waited for, or given up."""
    fake = Fake(connecting=lambda _, __: Connection(duration=30))
    run = scenario(play("sequential"), tmp_path, fake=fake, hosts="web[01-03]", during=stopping((5, level)))

    assert run.seconds == seconds
    assert not fake.sent
    assert set(run.statuses().values()) == {"not_run"}
