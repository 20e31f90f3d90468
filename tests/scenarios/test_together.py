"""Plays at the same time: hosts and delegates that they share, and connections that live as long as somebody wants."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from scenario import Ran, Recorder, gone, most_at_once, scenario, stopping

from runner.engine.stop import Level
from runner.errors import JournalError
from runner.model.decision import Answer as Said
from runner.model.decision import Question
from runner.model.events import ApprovalWaiting, HostEnded, HostStarted, StepEnded, WaveStarted
from runner.transports.fake import Answer, answers


def closed(run: Ran) -> dict[str, float]:
    """When each connection was closed; each was opened once."""
    assert max(Counter(host for _, host in run.fake.connects).values()) == 1
    assert len(run.fake.closes) == len(run.fake.connects)
    return {host: at for at, host in run.fake.closes}


THREE = """
version: 1
plays:
  - {name: a, hosts: "web[01-02]", needs: [], steps: [{command: a}]}
  - {name: b, hosts: "web[02-03]", needs: [], steps: [{command: b}]}
  - {name: c, hosts: "web[01-03]", needs: [a, b], steps: [{command: c}]}
"""


def test_plays_share_a_host_and_its_connection(tmp_path: Path) -> None:
    """Both work on it, one command after another, over one connection that is closed behind the last play."""
    run = scenario(THREE, tmp_path, lambda _: Answer(duration=10), hosts="web[01-03]")

    assert [sent.time for sent in run.fake.sent if sent.host == "web02"] == [0, 10, 20]
    assert closed(run) == {"web01": 30, "web02": 30, "web03": 30}


def test_a_host_is_closed_when_the_last_play_that_wants_it_is_done_with_it(tmp_path: Path) -> None:
    """Not at the end of the run, and not before."""
    text = THREE.replace('hosts: "web[01-03]"', "hosts: web03")
    table = {("web01", "a"): Answer(duration=5), ("web02", "b"): Answer(duration=20), ("*", "*"): Answer(duration=10)}
    run = scenario(text, tmp_path, answers(table), hosts="web[01-03]")

    assert closed(run)["web01"] == 5
    assert closed(run)["web02"] == 30
    assert closed(run)["web03"] == 40


def test_a_play_that_does_not_run_wants_no_connection(tmp_path: Path) -> None:
    """The first one fails at its end; what needed it is over with it, and a third goes on for long."""
    text = """
version: 1
plays:
  - {name: a, hosts: "web[01-02]", needs: [], strategy: sequential, steps: [{command: a}]}
  - {name: b, hosts: "web[01-02]", needs: [a], steps: [{command: b}]}
  - {name: long, hosts: web03, needs: [], steps: [{command: long}]}
"""
    table = {
        ("*", "long"): Answer(duration=100),
        ("web02", "a"): Answer(rc=1, duration=5),
        ("*", "a"): Answer(duration=5),
    }
    run = scenario(text, tmp_path, answers(table), hosts="web[01-03]")

    assert closed(run) == {"web01": 10, "web02": 10, "web03": 100}


def test_a_delegate_is_kept_as_long_as_somebody_delegates_to_it(tmp_path: Path) -> None:
    """It is a host of the first wave, and the hosts of the second delegate to it."""
    text = """
version: 1
hosts: all
strategy: {type: rolling, waves: 1}
steps: [{command: one, delegate_to: web01}, {command: two}]
"""
    run = scenario(text, tmp_path, lambda _: Answer(duration=1), hosts="web[01-03]")

    assert closed(run) == {"web01": 6, "web02": 4, "web03": 6}


def test_two_plays_take_turns_on_a_delegate(tmp_path: Path) -> None:
    """One host at a time is on it, whichever play it is of."""
    text = """
version: 1
plays:
  - {name: a, hosts: "web[01-02]", needs: [], steps: [{command: a, delegate_to: lb1}]}
  - {name: b, hosts: "web[03-04]", needs: [], steps: [{command: b, delegate_to: lb1}]}
"""
    run = scenario(text, tmp_path, lambda _: Answer(duration=1), hosts="web[01-04] lb1")

    assert most_at_once([(sent.time, sent.time + 1) for sent in run.fake.sent]) == 1
    assert closed(run) == {"lb1": 4}


def test_a_gate_and_what_comes_once_a_wave_keep_connections_for_the_wave_alone(tmp_path: Path) -> None:
    """Its hosts are closed when it has passed, not at the end of the play."""
    text = """
version: 1
hosts: all
strategy: {type: rolling, waves: 1, gate: [{command: healthy}]}
steps: [{command: one}]
always: [{command: tell, once: wave}]
"""
    run = scenario(text, tmp_path, lambda _: Answer(duration=1), hosts="web[01-03]")

    assert closed(run) == {"web01": 3, "web02": 6, "web03": 9}


@pytest.mark.parametrize(
    "more", ["always: [{command: tell, once: run}]", "handlers: [{id: h, command: tell, once: run}]"]
)
def test_what_comes_once_at_the_end_keeps_them_for_the_play(tmp_path: Path, more: str) -> None:
    """Any of its hosts may have to run it."""
    text = f"""
version: 1
hosts: all
strategy: {{type: rolling, waves: 1}}
steps: [{{command: one, {"notify: h" if "handlers" in more else "register: x"}}}]
{more}
"""
    run = scenario(text, tmp_path, lambda _: Answer(duration=1), hosts="web[01-03]")

    assert set(closed(run).values()) == {4.0}


def test_a_rollback_finds_its_connections_open(tmp_path: Path) -> None:
    """Those of the hosts that were through long ago, too; they are closed behind it."""
    text = """
version: 1
hosts: all
strategy: {type: rolling, waves: 1, on_exceed: rollback}
steps: [{command: one}]
rollback: [{command: back}]
"""
    table = {("web03", "one"): Answer(rc=1, duration=1), ("*", "*"): Answer(duration=1)}
    run = scenario(text, tmp_path, answers(table), hosts="web[01-04]")

    assert closed(run) == dict.fromkeys(["web01", "web02", "web03", "web04"], 6.0)


def test_a_rollback_with_few_open_files_connects_again(tmp_path: Path) -> None:
    """Nothing is kept open that there is no room for."""
    text = """
version: 1
hosts: all
strategy: {type: rolling, waves: 1, on_exceed: rollback, preflight: false}
steps: [{command: one}]
rollback: [{command: back}]
"""

    def few(run: object) -> None:
        run.max_open = 2  # type: ignore[attr-defined]

    run = scenario(text, tmp_path, answers({("web03", "one"): Answer(rc=1)}), hosts="web[01-04]", during=few)

    assert Counter(host for _, host in run.fake.connects) == {"web01": 2, "web02": 2, "web03": 2}
    assert run.summary.status == "rolled_back"


def test_a_connection_is_closed_however_the_run_ends(tmp_path: Path) -> None:
    """An interrupt in the midst of it, and a disk that is full."""
    run = scenario(THREE, tmp_path, lambda _: Answer(duration=10), hosts="web[01-03]", during=stopping((5, Level.KILL)))
    assert closed(run) == dict.fromkeys(["web01", "web02", "web03"], 5.0)

    full = scenario(THREE, tmp_path, hosts="web[01-03]", recorder=Recorder(fails_at=14))
    assert isinstance(full.error, JournalError)
    assert len(full.fake.closes) == len(full.fake.connects)


def test_a_host_that_was_lost_is_connected_to_again_by_the_next_play(tmp_path: Path) -> None:
    """One that does not need the play in which it was lost."""
    text = """
version: 1
plays:
  - {name: a, hosts: web01, needs: [], steps: [{command: a}]}
  - {name: wait, hosts: web02, needs: [], steps: [{command: wait}]}
  - {name: b, hosts: web01, needs: [wait], steps: [{command: b}]}
"""
    table = {("*", "a"): Answer(lost="reset by peer"), ("*", "*"): Answer(duration=5)}
    run = scenario(text, tmp_path, answers(table), hosts="web[01-02]")

    assert run.commands("web01") == ["a", "b"]
    assert [host for _, host in run.fake.connects].count("web01") == 2
    assert run.statuses()["web01"] == "changed"
    assert dict(run.summary.hosts) == {"changed": ("web02",), "unknown": ("web01",)}


def test_the_budget_of_a_play_is_its_own(tmp_path: Path) -> None:
    """One is stopped, the other goes on on the same hosts."""
    text = """
version: 1
plays:
  - {name: a, hosts: all, needs: [], strategy: {type: rolling, waves: 1}, steps: [{command: a}]}
  - {name: b, hosts: all, needs: [], strategy: {type: rolling, waves: 1}, steps: [{command: b}]}
"""
    run = scenario(text, tmp_path, answers({("web02", "a"): Answer(rc=1)}), hosts="web[01-04]")

    assert run.commands().count("a") == 2
    assert run.commands().count("b") == 4
    assert [event.status for event in run.all(HostEnded, play="b")] == ["changed"] * 4


def test_one_group_fails_whole_and_the_others_complete(tmp_path: Path) -> None:
    """Three plays that need nothing: what passed and failed is counted for each, and in total."""
    text = "version: 1\nplays:\n" + "".join(
        f"  - {{name: {group}, hosts: '{group}*', needs: [], steps: [{{command: {group}}}]}}\n"
        for group in ("app", "db", "web")
    )
    hosts = "app[1-3] db[1-3] web[1-3]"
    run = scenario(text, tmp_path, answers({("db*", "*"): Answer(rc=1)}), hosts=hosts)

    assert [(play.id, dict(play.counts)) for play in run.summary.plays] == [
        ("app", {"changed": 3}), ("db", {"failed": 3}), ("web", {"changed": 3}),
    ]  # fmt: skip
    assert dict(run.summary.counts) == {"changed": 6, "failed": 3}


def test_managers_come_when_the_last_worker_is_done_and_one_by_one(tmp_path: Path) -> None:
    """A parallel play, and then a sequential one."""
    text = """
version: 1
plays:
  - {name: workers, hosts: "web[03-09]", steps: [{command: work}]}
  - {name: managers, hosts: "web[01-02]", strategy: sequential, steps: [{command: manage}, {command: look}]}
"""
    run = scenario(text, tmp_path, lambda sent: Answer(duration=int(sent.host[-1])))

    assert run.at(run.all(HostStarted, play="managers")[0]) == 9
    assert [(sent.host, sent.time) for sent in run.fake.sent if sent.text == "manage"] == [("web01", 9), ("web02", 11)]


def test_what_is_ignored_in_one_play_is_no_reason_to_leave_the_next_out(tmp_path: Path) -> None:
    """The failed one would be."""
    text = """
version: 1
plays:
  - {name: a, hosts: web01, steps: [{command: a, on_failure: ignore}]}
  - {name: b, hosts: all, needs: [a], steps: [{command: b}]}
"""
    run = scenario(text, tmp_path, answers({("*", "a"): Answer(rc=1)}), hosts="web[01-02]")
    assert run.commands().count("b") == 2

    failed = scenario(
        text.replace(", on_failure: ignore", ""), tmp_path, answers({("*", "a"): Answer(rc=1)}), hosts="web[01-02]"
    )
    assert {event.reason for event in failed.all(HostEnded, play="b")} == {"dependency failed: a"}


def test_a_play_waits_for_all_that_comes_behind_one_it_needs(tmp_path: Path) -> None:
    """Its rollback does not count as failing others' hosts only: the play that needs it does not run at all."""
    text = """
version: 1
plays:
  - name: a
    hosts: web01
    strategy: {type: parallel, max_failures: 0, on_exceed: rollback}
    steps: [{command: a}]
    rollback: [{command: back}]
  - {name: b, hosts: web02, needs: [a], steps: [{command: b}]}
"""
    table = {("*", "a"): Answer(rc=1), ("*", "back"): Answer(duration=30)}
    run = scenario(text, tmp_path, answers(table), hosts="web[01-02]")

    assert run.at(run.all(HostEnded, play="b")[0]) == 30
    assert "b" not in run.commands()


def test_while_one_play_asks_another_goes_on(tmp_path: Path) -> None:
    """And begins waves of its own; two that ask are asked about one after the other."""
    text = """
version: 1
plays:
  - {name: a, hosts: all, needs: [], strategy: {type: rolling, waves: 1, approve: after-first}, steps: [{command: a}]}
  - {name: b, hosts: all, needs: [], strategy: {type: rolling, waves: 1, approve: after-first}, steps: [{command: b}]}
  - {name: c, hosts: all, needs: [], strategy: {type: rolling, waves: 1}, steps: [{command: c}]}
"""

    async def ada(_: Question) -> Said:
        await asyncio.sleep(100)
        return Said(yes=True, by="ada", how="terminal")

    run = scenario(text, tmp_path, hosts="web[01-02]", ask=ada)

    assert run.at(run.all(WaveStarted, play="c", wave=2)[0]) == 0
    assert [run.at(event) for event in run.all(ApprovalWaiting)] == [0, 100]
    assert sorted(run.at(run.all(WaveStarted, play=play, wave=2)[0]) for play in "ab") == [100, 200]


def test_an_interrupt_ends_all_plays(tmp_path: Path) -> None:
    """Those under way, and those that would have followed."""
    run = scenario(THREE, tmp_path, lambda _: Answer(duration=10), hosts="web[01-03]", during=stopping((5, Level.STOP)))

    assert "c" not in run.commands()
    assert {event.reason for event in run.all(HostEnded, play="c")} == {"interrupted"}
    assert len(run.all(StepEnded, status="changed")) >= 3


def test_a_host_that_ended_badly_is_barred_from_all_that_need_that_play(tmp_path: Path) -> None:
    """Through others too; a play that needs another one takes it."""
    text = """
version: 1
plays:
  - {name: a, hosts: all, needs: [], steps: [{command: a}]}
  - {name: b, hosts: all, needs: [a], steps: [{command: b}]}
  - {name: c, hosts: all, needs: [b], steps: [{command: c}]}
  - {name: d, hosts: all, needs: [], steps: [{command: d}]}
"""
    run = scenario(text, tmp_path, answers({("web01", "a"): Answer(rc=1)}), hosts="web[01-02]")

    assert sorted(run.commands("web01")) == ["a", "d"]
    assert run.all(HostEnded, play="c", host="web01")[0].reason == "failed in play a"


def test_a_preflight_serves_all_plays_at_once(tmp_path: Path) -> None:
    """Before the first of them, and each holds it against its own budget."""
    text = """
version: 1
plays:
  - {name: a, hosts: all, strategy: {type: rolling, max_failures: 1}, needs: [], steps: [{command: a}]}
  - {name: b, hosts: all, strategy: {type: rolling}, needs: [], steps: [{command: b}]}
"""
    run = scenario(text, tmp_path, fake=gone("web01"), hosts="web[01-02]")

    assert run.commands() == ["a"]
    assert {event.status for event in run.all(HostEnded, play="b")} == {"unreachable", "not_run"}
    assert [host for _, host in run.fake.connects].count("web01") == 1
