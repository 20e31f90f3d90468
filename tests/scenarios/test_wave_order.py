"""Waves, concurrency and lockstep: who starts when."""

from pathlib import Path

import pytest
from scenario import HostEnded, HostStarted, Ran, StepEnded, StepIntent, most_at_once, scenario

from runner.transports.fake import Answer, Sent, answers


def playbook(strategy: str, steps: str = "[{command: work}]") -> str:
    return f"version: 1\nhosts: all\nstrategy: {strategy}\nsteps: {steps}\n"


def uneven(sent: Sent) -> Answer:
    """The higher a host's number, the faster it works."""
    return Answer(duration=10 - int(sent.host[-2:]))


def spans(run: Ran, step: str | None = None) -> list[tuple[float, float]]:
    """When each host was at work: on its whole turn, or on one step."""
    if step is None:
        starts = {event.host: run.at(event) for event in run.all(HostStarted)}
        return [(starts[event.host], run.at(event)) for event in run.all(HostEnded)]
    starts = {event.host: run.at(event) for event in run.all(StepIntent, step=step)}
    return [(starts[event.host], run.at(event)) for event in run.all(StepEnded, step=step)]


def test_no_host_starts_before_the_wave_before_it_has_ended(tmp_path: Path) -> None:
    """Nine hosts in waves of three, with uneven times: every start of a wave comes after every end of the last."""
    run = scenario(playbook("{type: rolling, waves: 3}"), tmp_path, uneven)

    for wave in (2, 3):
        ends = [run.recorder.events.index(event) for event in run.all(HostEnded, wave=wave - 1)]
        starts = [run.recorder.events.index(event) for event in run.all(HostStarted, wave=wave)]
        assert len(starts) == 3
        assert min(starts) > max(ends)


@pytest.mark.parametrize(
    ("strategy", "seconds"),
    [("sequential", 9), ("{type: rolling, waves: 3}", 3), ("{type: parallel, concurrency: 3}", 3), ("parallel", 1)],
)
def test_a_strategy_decides_how_long_nine_hosts_take(tmp_path: Path, strategy: str, seconds: int) -> None:
    """With steps of one second: one after another nine, three at a time three, all at once one."""
    run = scenario(playbook(strategy), tmp_path, lambda _: Answer(duration=1))

    assert run.seconds == seconds


def test_never_more_hosts_at_work_than_the_concurrency(tmp_path: Path) -> None:
    """Twelve hosts and a concurrency of four: four at once, and never five."""
    run = scenario(
        playbook("{type: parallel, concurrency: 4}"), tmp_path, lambda _: Answer(duration=1), hosts="web[01-12]"
    )

    assert most_at_once(spans(run)) == 4
    assert run.seconds == 3


def test_a_window_does_not_wait_for_the_slowest(tmp_path: Path) -> None:
    """One host takes ten seconds and nine take one: with three at work at once all end when the slow one does."""
    script = answers({("web01", "*"): Answer(duration=10), ("*", "*"): Answer(duration=1)})

    run = scenario(playbook("{type: rolling, waves: rest, concurrency: 3}"), tmp_path, script, hosts="web[01-10]")

    assert run.seconds == 10


def test_a_group_never_has_more_hosts_at_work_than_its_limit(tmp_path: Path) -> None:
    """Two racks and one host of each at a time: both racks work at once, and neither twice."""
    text = """
version: 1
hosts: all
vars: {rack: "{{ 'a' if host.index is odd else 'b' }}"}
strategy: {type: parallel, group_by: rack, per_group_limit: 1}
steps: [{command: work}]
"""
    run = scenario(text, tmp_path, lambda _: Answer(duration=1), hosts="web[01-12]")

    assert run.seconds == 6
    assert most_at_once(spans(run)) == 2
    odd = {event.host for event in run.all(HostStarted) if int(event.host[-2:]) % 2}
    starts = {event.host: run.at(event) for event in run.all(HostStarted)}
    ends = {event.host: run.at(event) for event in run.all(HostEnded)}
    assert most_at_once([(starts[host], ends[host]) for host in odd]) == 1


def test_a_group_may_have_a_limit_of_its_own(tmp_path: Path) -> None:
    """``{a: 2}`` lets rack a have two at work, and rack b as many as there are."""
    text = """
version: 1
hosts: all
vars: {rack: "{{ 'a' if host.index is odd else 'b' }}"}
strategy: {type: parallel, group_by: rack, per_group_limit: {a: 2}}
steps: [{command: work}]
"""
    run = scenario(text, tmp_path, lambda _: Answer(duration=1), hosts="web[01-12]")

    assert run.seconds == 3


def test_in_lockstep_no_host_begins_a_step_before_all_have_ended_the_last(tmp_path: Path) -> None:
    """One host is three seconds slow at the first step: the second step begins at three seconds everywhere."""
    script = answers({("web01", "one"): Answer(duration=3)})
    steps = "[{id: one, command: one}, {id: two, command: two}]"

    run = scenario(playbook("{type: parallel, sync: lockstep}", steps), tmp_path, script, hosts="web[01-04]")

    assert {run.at(event) for event in run.all(StepIntent, step="two")} == {3.0}


def test_independent_hosts_go_at_their_own_pace(tmp_path: Path) -> None:
    """The other three hosts end before the slow one has done its first step."""
    script = answers({("web01", "one"): Answer(duration=3)})
    steps = "[{id: one, command: one}, {id: two, command: two}]"

    run = scenario(playbook("parallel", steps), tmp_path, script, hosts="web[01-04]")

    assert [run.at(event) for event in run.all(HostEnded)] == [0.0, 0.0, 0.0, 3.0]


def test_lockstep_limits_hosts_at_a_step(tmp_path: Path) -> None:
    """Under lockstep the concurrency holds at each step."""
    steps = "[{id: one, command: one}, {id: two, command: two}]"

    run = scenario(
        playbook("{type: parallel, sync: lockstep, concurrency: 3}", steps), tmp_path, lambda _: Answer(duration=1)
    )

    assert most_at_once(spans(run, "one")) == 3
    assert run.seconds == 6


def test_plays_run_one_after_another(tmp_path: Path) -> None:
    """No host of the second play starts before the first play is over."""
    text = """
version: 1
plays:
  - {name: workers, hosts: "web[02-09]", steps: [{command: work}]}
  - {name: managers, hosts: "web01", steps: [{command: manage}]}
"""
    run = scenario(text, tmp_path, uneven)

    assert run.at(run.all(HostStarted, play="managers")[0]) == max(
        run.at(event) for event in run.all(HostEnded, play="workers")
    )


def test_a_play_after_one_that_failed_does_not_run(tmp_path: Path) -> None:
    """Its hosts are not_run, and the reason names the play that failed."""
    text = """
version: 1
plays:
  - {name: first, hosts: "web01", strategy: sequential, steps: [{command: work}]}
  - {name: second, hosts: "web[02-03]", steps: [{command: work}]}
"""
    run = scenario(text, tmp_path, answers({("web01", "*"): Answer(rc=1)}))

    ends = run.all(HostEnded, play="second")
    assert [(event.status, event.reason) for event in ends] == [("not_run", "dependency failed: first")] * 2
    assert run.commands("web02") == []


def test_a_host_that_ended_badly_stays_out_of_later_plays(tmp_path: Path) -> None:
    """The other hosts go on."""
    text = """
version: 1
plays:
  - {name: first, hosts: all, steps: [{command: one}]}
  - {name: second, hosts: all, steps: [{command: two}]}
"""
    run = scenario(text, tmp_path, answers({("web02", "one"): Answer(rc=1)}), hosts="web[01-03]")

    assert run.commands("web02") == ["one"]
    assert [event.status for event in run.all(HostEnded, play="second")].count("changed") == 2
    assert run.all(HostEnded, play="second", host="web02")[0].reason == "failed in play first"


def test_a_host_keeps_one_connection_for_all_plays_and_closes_it_after_its_last(tmp_path: Path) -> None:
    """Two plays, one connection; it is closed when no later play needs the host."""
    text = """
version: 1
plays:
  - {name: first, hosts: "web[01-02]", steps: [{command: one}]}
  - {name: second, hosts: "web01", steps: [{command: two}]}
"""
    run = scenario(text, tmp_path, lambda _: Answer(duration=1))

    assert sorted(host for _, host in run.fake.connects) == ["web01", "web02"]
    assert run.fake.closes == [(1.0, "web02"), (2.0, "web01")]
