"""Steps that wait for all hosts of the wave, and plays that wait for plays."""

from pathlib import Path

import pytest
from scenario import scenario

from runner.model.events import HostEnded, StepEnded
from runner.model.outcome import HostStatus
from runner.transports.fake import Answer, answers

STEPS = """
version: 1
hosts: all
strategy: {type: parallel, max_failures: 5}
steps:
  - {id: stop, command: stop}
  - {command: between}
  - {id: start, command: start, needs: [stop]}
"""


def test_a_step_waits_until_all_have_ended_another(tmp_path: Path) -> None:
    """The slowest decides; what stands between does not wait."""
    run = scenario(STEPS, tmp_path, answers({("web02", "stop"): Answer(duration=20)}), hosts="web[01-03]")

    assert min(sent.time for sent in run.fake.sent if sent.text == "between") == 0
    assert min(sent.time for sent in run.fake.sent if sent.text == "start") == 20


def test_it_fails_where_one_of_them_failed(tmp_path: Path) -> None:
    """Which step and which hosts are named; nothing is sent."""
    run = scenario(STEPS, tmp_path, answers({("web02", "stop"): Answer(rc=1)}), hosts="web[01-03]")

    assert "start" not in run.commands()
    assert run.statuses() == {"web01": "failed", "web02": "failed", "web03": "failed"}
    reason = run.all(StepEnded, host="web01", step="start")[0].reason
    assert reason == 'needs "stop", which did not end well on web02'


def test_it_fails_where_one_of_them_never_came_to_it(tmp_path: Path) -> None:
    """A host that failed before has not ended it well either."""
    text = STEPS.replace("  - {id: stop", "  - {command: before}\n  - {id: stop")
    run = scenario(text, tmp_path, answers({("web02", "before"): Answer(rc=1)}), hosts="web[01-03]")

    assert "start" not in run.commands()
    reason = run.all(StepEnded, host="web01", step="start")[0].reason
    assert reason == 'needs "stop", which did not end well on web02'


def test_it_waits_for_nobody_once_one_has_ended_badly(tmp_path: Path) -> None:
    """What the slow one comes to changes nothing any more."""
    table = {("web02", "stop"): Answer(rc=1), ("web03", "stop"): Answer(duration=60)}
    run = scenario(STEPS, tmp_path, answers(table), hosts="web[01-03]")

    assert run.at(run.all(HostEnded, host="web01")[0]) == 0


@pytest.mark.parametrize("waits", ["needs: [stop]", "once: wave, when: host.name == 'web04'"])
def test_it_waits_for_nobody_who_was_kept_out(tmp_path: Path, waits: str) -> None:
    """The second of four fails, and no other is let in: the first, which waits for all, is cancelled, or goes on."""
    text = f"""
version: 1
hosts: all
strategy: {{type: parallel, concurrency: 1, max_failures: 0, on_exceed: drain}}
steps:
  - {{id: stop, command: stop}}
  - {{command: fail, when: host.name == 'web02'}}
  - {{command: start, {waits}}}
"""
    run = scenario(text, tmp_path, answers({("*", "fail"): Answer(rc=1)}), hosts="web[01-04]")

    assert "start" not in run.commands()
    assert run.statuses()["web01"] == ("cancelled" if "needs" in waits else "changed")
    assert run.statuses()["web03"] == "not_run"


def test_a_skipped_step_is_fine(tmp_path: Path) -> None:
    """On hosts that it is not meant for."""
    text = STEPS.replace("command: stop}", 'command: stop, when: host.name == "web01"}')
    run = scenario(text, tmp_path, hosts="web[01-03]")

    assert run.commands().count("start") == 3


def test_a_window_smaller_than_the_wave_does_not_block_the_wait(tmp_path: Path) -> None:
    """Those that wait make room; never more than two are at work."""
    text = STEPS.replace("type: parallel", "type: parallel, concurrency: 2")
    run = scenario(text, tmp_path, lambda _: Answer(duration=1), hosts="web[01-05]")

    assert run.summary.status == "ok"
    starts = sorted(sent.time for sent in run.fake.sent if sent.text == "start")
    assert starts[0] >= 5  # five hosts, two steps of a second each, two at a time


def test_lockstep_waits_at_every_step(tmp_path: Path) -> None:
    """The same without naming anything, and blocks too."""
    text = """
version: 1
hosts: all
strategy: {type: parallel, sync: lockstep, concurrency: 2}
steps:
  - block: [{command: one}, {command: two}]
    when: host.name != "web02"
  - command: three
"""
    run = scenario(text, tmp_path, lambda sent: Answer(duration=5 if sent.host == "web03" else 1), hosts="web[01-04]")

    ends = {
        step: [run.at(event) for event in run.all(StepEnded, step=step, status="changed")]
        for step in ("command", "command-2")
    }
    begins = {text: [sent.time for sent in run.fake.sent if sent.text == text] for text in ("two", "three")}
    assert min(begins["two"]) >= max(ends["command"])
    assert min(begins["three"]) >= max(ends["command-2"])
    assert run.summary.status == "ok"


PLAYS = """
version: 1
plays:
  - {name: a, hosts: web01, needs: [], steps: [{command: a}]}
  - {name: b, hosts: web02, needs: [], steps: [{command: b}]}
  - {name: c, hosts: web03, needs: [a], steps: [{command: c}]}
  - {name: d, hosts: all, needs: [b, c], steps: [{command: d}]}
"""


def test_plays_that_do_not_need_each_other_run_at_the_same_time(tmp_path: Path) -> None:
    """Two of ten seconds each, one behind the first, one behind all: thirty seconds in all."""
    run = scenario(PLAYS, tmp_path, lambda _: Answer(duration=10), hosts="web[01-03]")

    assert {sent.text: sent.time for sent in run.fake.sent} == {"a": 0, "b": 0, "c": 10, "d": 20}
    assert run.seconds == 30


def test_what_needs_a_play_that_failed_does_not_run(tmp_path: Path) -> None:
    """Directly or through others; the rest completes."""
    run = scenario(PLAYS, tmp_path, answers({("*", "a"): Answer(rc=1)}), hosts="web[01-03]")

    assert sorted(run.commands()) == ["a", "b"]
    assert {event.reason for event in run.all(HostEnded, play="d")} == {"dependency failed: a"}


def test_two_plays_on_one_host_at_the_same_time(tmp_path: Path) -> None:
    """Each has its own wave and its own end for the host."""
    text = """
version: 1
plays:
  - {name: a, hosts: all, needs: [], steps: [{set: {x: 1}}, {pause: 10s}]}
  - {name: b, hosts: all, needs: [], steps: [{pause: 5s}, {command: "b {{ x }}"}]}
"""
    run = scenario(text, tmp_path, hosts="web[01-02]")

    assert run.commands() == ["b 1", "b 1"]
    assert run.seconds == 10


def test_a_play_of_a_long_chain_without_the_others(tmp_path: Path) -> None:
    """One that needs nothing starts at once, and the order of the others is as before."""
    text = """
version: 1
plays:
  - {name: p1, hosts: web01, steps: [{command: p1}]}
  - {name: p2, hosts: web01, steps: [{command: p2}]}
  - {name: p3, hosts: web02, steps: [{command: p3}], needs: []}
  - {name: p4, hosts: web02, steps: [{command: p4}]}
"""
    run = scenario(text, tmp_path, lambda _: Answer(duration=1), hosts="web01 web02")

    assert {sent.text: sent.time for sent in run.fake.sent} == {"p1": 0, "p3": 0, "p2": 1, "p4": 2}


def test_a_condition_on_a_play_is_asked_as_each_host_starts(tmp_path: Path) -> None:
    """Where it is false the host does not run and counts nowhere; the next play takes it."""
    text = """
version: 1
plays:
  - {name: ask, hosts: all, steps: [{command: which, register: kind}]}
  - {name: debian, hosts: all, when: kind.stdout == "d", steps: [{command: apt}]}
  - {name: others, hosts: all, when: kind.stdout != "d", steps: [{command: dnf}]}
"""
    run = scenario(text, tmp_path, answers({("web01", "which"): Answer(stdout=b"d")}), hosts="web[01-03]")

    assert run.commands("web01") == ["which", "apt"]
    assert run.commands("web02") == ["which", "dnf"]
    assert {event.status for event in run.all(HostEnded, play="debian")} == {HostStatus.CHANGED, HostStatus.NOT_RUN}
    assert run.summary.status == "ok"


def test_a_step_whose_needs_failed_does_not_run_though_its_failure_is_ignored(tmp_path: Path) -> None:
    """It ends once, as failed, and the host goes on behind it."""
    text = STEPS.replace("needs: [stop]}", "needs: [stop], on_failure: ignore}\n  - {id: last, command: last}")
    run = scenario(text, tmp_path, answers({("web02", "stop"): Answer(rc=1)}), hosts="web[01-02]")

    assert not run.run.bugs
    assert "start" not in run.commands()
    assert run.steps("web01") == {"stop": "changed", "command": "changed", "start": "failed", "last": "changed"}
    assert run.statuses()["web01"] == "changed"


def test_a_host_lost_inside_what_ignores_failures_has_not_ended_it_well(tmp_path: Path) -> None:
    """No block makes a lost host a sound one."""
    text = STEPS.replace("{id: stop, command: stop}", "{id: stop, on_failure: ignore, block: [{command: stop}]}")
    run = scenario(text, tmp_path, answers({("web02", "stop"): Answer(lost="gone")}), hosts="web[01-02]")

    assert "start" not in run.commands()
