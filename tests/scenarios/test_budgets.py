"""The failure budget in every strategy: what counts, when there are too many, and what becomes of whom."""

from pathlib import Path

import pytest
from scenario import Ran, gone, most_at_once, scenario

from runner.model.events import BudgetChanged, BudgetExceeded, HostEnded, StepEnded, WaveStarted
from runner.transports.fake import Answer, Script, answers

STRATEGIES = [
    "type: parallel",
    "type: parallel, concurrency: 3",
    "type: rolling, waves: 3",
    "type: rolling, waves: [1, rest], concurrency: 3",
    "type: rolling, waves: rest, concurrency: 3",
    "type: sequential",
]
SYNCS = ["independent", "lockstep"]


def play(strategy: str, steps: str = "[{command: one}, {command: two}]", rest: str = "") -> str:
    return f"version: 1\nhosts: web*\nstrategy: {{{strategy}}}\nsteps: {steps}\n{rest}"


def by_status(run: Ran) -> dict[str, list[str]]:
    """Hosts of each status."""
    found: dict[str, list[str]] = {}
    for host, status in sorted(run.statuses().items()):
        found.setdefault(status, []).append(host)
    return found


@pytest.mark.parametrize("sync", SYNCS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_the_budget_bears_stops_nothing(tmp_path: Path, strategy: str, sync: str) -> None:
    """Two of nine fail, two are allowed: the other seven do all their steps, and the run has failed, not aborted."""
    table = {("web02", "one"): Answer(rc=1), ("web05", "two"): Answer(rc=1)}
    run = scenario(play(f"{strategy}, sync: {sync}, max_failures: 2"), tmp_path, answers(table))

    assert {status: len(hosts) for status, hosts in by_status(run).items()} == {"failed": 2, "changed": 7}
    assert (run.summary.flags.failed, run.summary.flags.aborted) == (True, False)


@pytest.mark.parametrize("sync", SYNCS)
@pytest.mark.parametrize("strategy", STRATEGIES[1:])
def test_one_more_lets_nobody_in(tmp_path: Path, strategy: str, sync: str) -> None:
    """The first three of twelve fail: hosts that had not begun by then are not_run, with the reason."""
    script = answers({("web0[123]", "one"): Answer(rc=1, duration=1), ("*", "*"): Answer(duration=5)})
    text = play(f"{strategy}, sync: {sync}, max_failures: 2, preflight: false")
    run = scenario(text, tmp_path, script, hosts="web[01-12]")

    third = run.at(run.all(BudgetExceeded)[0])
    assert not [sent for sent in run.fake.sent if sent.text == "one" and sent.time > third]
    assert by_status(run)["failed"] == ["web01", "web02", "web03"]
    assert {"web11", "web12"} <= set(by_status(run)["not_run"])
    assert run.all(HostEnded, host="web12")[0].reason == "the failure budget is exceeded: 3 failed, 2 allowed"
    assert run.summary.flags.aborted


def test_a_failure_in_the_twentieth_wave(tmp_path: Path) -> None:
    """A hundred hosts in waves of three: the third failure comes in wave 20, and wave 21 never starts."""
    table = {(name, "*"): Answer(rc=1) for name in ("web001", "web027", "web060")}
    run = scenario(play("type: rolling, waves: 3, max_failures: 2"), tmp_path, answers(table), hosts="web[001-100]")

    assert run.all(WaveStarted)[-1].wave == 20
    assert run.summary.flags.aborted


@pytest.mark.parametrize("sync", SYNCS)
def test_a_whole_wave_may_fail_within_the_budget(tmp_path: Path, sync: str) -> None:
    """Ten of thirty, ten allowed: waves two and three run in full."""
    script = answers({("web0*", "one"): Answer(rc=1), ("web10", "one"): Answer(rc=1)})
    run = scenario(
        play(f"type: rolling, waves: 10, max_failures: 10, sync: {sync}"), tmp_path, script, hosts="web[01-30]"
    )

    assert {status: len(hosts) for status, hosts in by_status(run).items()} == {"failed": 10, "changed": 20}
    assert not run.summary.flags.aborted


@pytest.mark.parametrize(("percent", "failing", "tried"), [(99, 1, 2), (100, 2, 2), (49, 1, 1)])
def test_a_percentage_of_two_hosts(tmp_path: Path, percent: int, failing: int, tried: int) -> None:
    """It is floored: 99 % of two bears one failure, 49 % none."""
    table = {(f"web0{number}", "one"): Answer(rc=1) for number in range(1, failing + 1)}
    text = play(f"type: rolling, waves: 1, max_failure_percent: {percent}")
    run = scenario(text, tmp_path, answers(table), hosts="web[01-02]")

    assert run.commands().count("one") == tried


def test_of_two_limits_the_smaller_holds(tmp_path: Path) -> None:
    """Three hosts, or a quarter of them."""
    for limits, waves in (
        ("max_failures: 3, max_failure_percent: 25", 3),
        ("max_failures: 1, max_failure_percent: 99", 2),
    ):
        run = scenario(play(f"type: sequential, {limits}"), tmp_path, lambda _: Answer(rc=1), hosts="web[01-09]")
        assert len(run.all(WaveStarted)) == waves


def test_a_percentage_of_each_wave(tmp_path: Path) -> None:
    """Half of a wave of four bears two failures, of a last wave of one none."""
    text = play("type: rolling, waves: 4, max_failure_percent: 50, failure_scope: wave")
    table = {(name, "one"): Answer(rc=1) for name in ("web01", "web02", "web05", "web06", "web09")}
    run = scenario(text, tmp_path, answers(table), hosts="web[01-10]")

    assert [(event.wave, event.allowed) for event in run.all(BudgetChanged)] == [(1, 2), (1, 2), (2, 2), (2, 2), (3, 1)]
    assert not run.all(BudgetExceeded)
    assert run.statuses()["web10"] == "changed"


def test_one_too_many_in_a_wave_ends_the_play(tmp_path: Path) -> None:
    """Though all waves before were well."""
    text = play("type: rolling, waves: 3, max_failures: 1, failure_scope: wave")
    table = {(name, "one"): Answer(rc=1) for name in ("web01", "web04", "web05")}
    run = scenario(text, tmp_path, answers(table), hosts="web[01-09]")

    assert [(event.wave, event.failures) for event in run.all(BudgetExceeded)] == [(2, 2)]
    assert by_status(run)["not_run"] == ["web07", "web08", "web09"]


def test_what_counts_and_what_does_not(tmp_path: Path) -> None:
    """One is rescued, one ignored, one fine at its second try, one fails three steps and goes on: one is counted."""
    steps = """
  - block: [{command: one}]
    rescue: [{command: mend}]
  - {command: two, on_failure: ignore}
  - {command: three, retry: {attempts: 2}}
  - {command: four, on_failure: continue}
  - {command: five, on_failure: continue}
  - {command: six, on_failure: continue}
"""
    table = {
        ("web01", "one"): Answer(rc=1),
        ("web02", "two"): Answer(rc=1),
        ("web03", "three"): [Answer(rc=1), Answer()],
        **{("web04", text): Answer(rc=1) for text in ("four", "five", "six")},
    }
    text = f"version: 1\nhosts: all\nstrategy: {{type: rolling, waves: 1, max_failures: 1}}\nsteps:\n{steps}"
    run = scenario(text, tmp_path, answers(table), hosts="web[01-05]")

    assert [(event.host, event.failures) for event in run.all(BudgetChanged)] == [("web04", 1)]
    assert run.statuses()["web05"] == "changed"
    assert not run.summary.flags.aborted


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(rc=1), "failed"),
        (Answer(duration=100), "failed"),
        (Answer(lost="reset by peer"), "unknown"),
    ],
)
def test_each_bad_end_counts(tmp_path: Path, answer: Answer, status: str) -> None:
    """A failure, a step that takes too long, and one whose end nobody heard."""
    text = play("type: sequential", "[{command: one, timeout: 10s}]")
    run = scenario(text, tmp_path, answers({("web01", "*"): answer}), hosts="web[01-02]")

    assert run.statuses() == {"web01": status, "web02": "not_run"}
    assert run.summary.flags.aborted


def test_a_host_out_of_reach_counts(tmp_path: Path) -> None:
    """Without a preflight it is found when its turn has come."""
    run = scenario(play("type: sequential, preflight: false"), tmp_path, fake=gone("web02"), hosts="web[01-03]")

    assert run.statuses() == {"web01": "changed", "web02": "unreachable", "web03": "not_run"}


def test_a_failure_among_handlers_or_what_runs_in_any_case_counts(tmp_path: Path) -> None:
    """At the end of its host, before the next is let in."""
    text = play(
        "type: sequential, max_failures: 1",
        "[{command: one, notify: h}]",
        "handlers: [{id: h, command: h}]\nalways: [{command: tidy}]\n",
    )
    table = {("web01", "h"): Answer(rc=1), ("web02", "tidy"): Answer(rc=1)}
    run = scenario(text, tmp_path, answers(table), hosts="web[01-03]")

    assert run.statuses() == {"web01": "failed", "web02": "failed", "web03": "not_run"}


def test_without_a_budget_two_failures_of_many_stop_nobody(tmp_path: Path) -> None:
    """98 hosts at once and five steps: two fail at the second, and the other 96 do all five."""
    steps = "[{command: one}, {command: two}, {command: three}, {command: four}, {command: five}]"
    table = {("web07", "two"): Answer(rc=1), ("web55", "two"): Answer(rc=1)}
    run = scenario(play("type: parallel", steps), tmp_path, answers(table), hosts="web[01-98]")

    assert run.commands().count("five") == 96
    assert run.summary.flags.failed
    assert not run.summary.flags.aborted


# what becomes of those at work

FIVE_SECONDS: Script = answers(
    {
        ("*", "tidy"): Answer(duration=2),
        ("web02", "one"): Answer(rc=1, duration=0.25),
        ("*", "*"): Answer(duration=5),
    }
)
ENDS = {
    "stop": ({"failed": ["web02"], "cancelled": ["web01", "web03"]}, ["one", "tidy"], 7.0),
    "drain": ({"failed": ["web02"], "changed": ["web01", "web03"]}, ["one", "two", "tidy"], 12.0),
    "kill": ({"failed": ["web02"], "cancelled": ["web01", "web03"]}, ["one", "tidy"], 4.25),
    "rollback": ({"rolled_back": ["web01", "web02", "web03"]}, ["one", "tidy", "back", "tidy"], 14.0),
    "pause": ({"failed": ["web02"], "changed": ["web01", "web03"]}, ["one", "two", "tidy"], 12.0),
}


@pytest.mark.parametrize("sync", SYNCS)
@pytest.mark.parametrize("strategy", ["type: parallel, concurrency: 3", "type: rolling, waves: 3"])
@pytest.mark.parametrize("action", list(ENDS))
def test_on_exceed_says_what_becomes_of_those_at_work(tmp_path: Path, action: str, strategy: str, sync: str) -> None:
    """Running steps, or whole hosts, finish or are ended; what runs in any case does; nobody else begins."""
    statuses, commands, seconds = ENDS[action]
    rest = "always: [{command: tidy, changed_when: false}]\n"
    if action == "rollback":
        rest += "rollback: [{command: back}]\n"
    text = play(f"{strategy}, sync: {sync}, max_failures: 0, on_exceed: {action}, preflight: false", rest=rest)
    run = scenario(text, tmp_path, FIVE_SECONDS, hosts="web[01-12]")

    found = by_status(run)
    assert len(found.pop("not_run")) == 9
    assert found == statuses
    assert run.commands("web01") == commands
    assert {sent.host for sent in run.fake.sent} == {"web01", "web02", "web03"}
    if sync == "independent":
        assert run.seconds == seconds
    assert [event.action for event in run.all(BudgetExceeded)] == [action]


def test_a_drain_lets_hosts_at_work_do_all_they_have_to_do(tmp_path: Path) -> None:
    """Handlers, rescue, and what waits for others that are at work."""
    steps = """
  - block: [{id: one, command: one}]
    rescue: [{command: mend}]
  - {command: two, notify: restart}
  - {id: last, command: last, once: wave}
"""
    text = (
        "version: 1\nhosts: web*\nstrategy: {type: parallel, concurrency: 3, max_failures: 0, on_exceed: drain}\n"
        f"steps:\n{steps}\nhandlers: [{{id: restart, command: restart}}]\nalways: [{{command: tidy}}]\n"
    )
    table = {
        ("web02", "one"): Answer(lost="gone"),
        ("web03", "one"): Answer(rc=1, duration=5),
        ("*", "*"): Answer(duration=3),
    }
    run = scenario(text, tmp_path, answers(table), hosts="web[01-06]")

    assert run.commands("web03") == ["one", "mend", "two", "restart", "tidy"]
    assert run.commands("web01") == ["one", "two", "last", "restart", "tidy"]
    assert by_status(run) == {
        "changed": ["web01", "web03"],
        "unknown": ["web02"],
        "not_run": ["web04", "web05", "web06"],
    }


def test_a_kill_ends_process_groups_at_once(tmp_path: Path) -> None:
    """Two running steps are ended, and seen to be gone; the run is over long before they would have been."""
    text = play("type: parallel, concurrency: 3, max_failures: 0, on_exceed: kill")
    run = scenario(text, tmp_path, FIVE_SECONDS, hosts="web[01-12]")

    cut = run.all(StepEnded, status="cancelled")
    assert {(event.host, event.killed) for event in cut} == {("web01", "yes"), ("web03", "yes")}
    assert run.seconds < 2


def test_a_stop_takes_hosts_that_were_through_for_well(tmp_path: Path) -> None:
    """Only those that had more to do are cancelled."""
    table = {("web01", "*"): Answer(), ("web02", "one"): Answer(rc=1, duration=5), ("*", "*"): Answer(duration=3)}
    run = scenario(play("type: parallel, max_failures: 0"), tmp_path, answers(table), hosts="web[01-03]")

    assert run.statuses() == {"web01": "changed", "web02": "failed", "web03": "changed"}


def test_failures_after_the_budget_is_exceeded_are_failures_still(tmp_path: Path) -> None:
    """They are counted, and exceed it once."""
    table = {("web01", "one"): Answer(rc=1, duration=1), ("*", "one"): Answer(rc=1, duration=2)}
    run = scenario(play("type: parallel, max_failures: 0"), tmp_path, answers(table), hosts="web[01-03]")

    assert by_status(run) == {"failed": ["web01", "web02", "web03"]}
    assert [event.failures for event in run.all(BudgetChanged)] == [1, 2, 3]
    assert len(run.all(BudgetExceeded)) == 1


def test_every_account_of_a_run_has_the_same_lists(tmp_path: Path) -> None:
    """Of failed, cancelled and hosts that did not run."""
    text = play("type: parallel, concurrency: 3, max_failures: 0, on_exceed: kill")
    run = scenario(text, tmp_path, FIVE_SECONDS, hosts="web[01-12]")

    assert {status: list(hosts) for status, hosts in run.summary.hosts.items()} == by_status(run)
    assert dict(run.summary.plays[0].counts) == {status: len(hosts) for status, hosts in by_status(run).items()}


# windows


def test_a_canary_and_then_a_window(tmp_path: Path) -> None:
    """The first host alone, then three at once; the second failure is one too many, and ends admission."""
    table = {
        ("web03", "one"): Answer(rc=1, duration=4),
        ("web06", "one"): Answer(rc=1, duration=4),
        ("*", "*"): Answer(duration=1),
    }
    text = play("type: rolling, waves: [1, rest], concurrency: 3, max_failures: 1")
    run = scenario(text, tmp_path, answers(table), hosts="web[01-20]")

    assert {sent.host for sent in run.fake.sent if sent.time < 2} == {"web01"}
    spans = [
        (sent.time, sent.time + (4 if sent.host in {"web03", "web06"} and sent.text == "one" else 1))
        for sent in run.fake.sent
    ]
    assert most_at_once(spans) == 3
    exceeded = run.at(run.all(BudgetExceeded)[0])
    assert not [sent for sent in run.fake.sent if sent.text == "one" and sent.time >= exceeded]


def test_the_canary_passes_its_gate_alone(tmp_path: Path) -> None:
    """Nobody else begins before that; where it does not pass, nobody begins at all."""
    strategy = "type: rolling, waves: [1, rest], concurrency: 3, gate: [{command: look, deadline: 5s}]"
    script = answers({("web01", "look"): [Answer(rc=1), Answer()], ("*", "*"): Answer(duration=1)})
    fine = scenario(play(strategy), tmp_path, script, hosts="web[01-08]")
    assert min(sent.time for sent in fine.fake.sent if sent.host != "web01") == 4

    bad = scenario(play(strategy), tmp_path, answers({("*", "look"): Answer(rc=1)}), hosts="web[01-08]")
    assert {sent.host for sent in bad.fake.sent} == {"web01"}
    assert bad.summary.flags.gate


def test_a_window_takes_hosts_in_their_order(tmp_path: Path) -> None:
    """When one ends the next of the wave starts, whichever it was that ended."""
    script = answers({("web01", "one"): Answer(duration=100), ("*", "one"): Answer(duration=1)})
    run = scenario(
        play("type: rolling, waves: rest, concurrency: 2", "[{command: one}]"), tmp_path, script, hosts="web[01-06]"
    )

    assert [(sent.host, sent.time) for sent in run.fake.sent] == [
        ("web01", 0.0), ("web02", 0.0), ("web03", 1.0), ("web04", 2.0), ("web05", 3.0), ("web06", 4.0),
    ]  # fmt: skip


def test_a_window_of_one_counts_each_before_the_next(tmp_path: Path) -> None:
    """Nothing of the second host starts before the first has ended, what it does in any case too."""
    text = play("type: rolling, waves: rest, concurrency: 1", "[{command: one}]", "always: [{command: tidy}]\n")
    run = scenario(text, tmp_path, lambda _: Answer(duration=1), hosts="web[01-03]")

    assert [(sent.host, sent.text) for sent in run.fake.sent] == [
        (host, text) for host in ("web01", "web02", "web03") for text in ("one", "tidy")
    ]
    assert run.seconds == 6


RACKS = """
version: 1
hosts: all
vars: {rack: "{{ 'a' if host.index <= 4 else 'b' }}"}
strategy: {type: parallel, group_by: rack, per_group_limit: 1, concurrency: 3, max_failures: 0}
steps: [{command: one}]
"""


def test_a_full_group_holds_up_no_other(tmp_path: Path) -> None:
    """Four of rack a come first, one at a time; rack b works beside them."""
    run = scenario(RACKS, tmp_path, lambda _: Answer(duration=1), hosts="web[01-08]")

    times = {sent.host: sent.time for sent in run.fake.sent}
    assert [times[f"web0{number}"] for number in (1, 2, 3, 4)] == [0, 1, 2, 3]
    assert [times[f"web0{number}"] for number in (5, 6, 7, 8)] == [0, 1, 2, 3]


def test_a_failure_in_one_group_ends_admission_in_all(tmp_path: Path) -> None:
    """The budget is the play's."""
    script = answers({("web01", "*"): Answer(rc=1, duration=1), ("*", "*"): Answer(duration=5)})
    run = scenario(RACKS, tmp_path, script, hosts="web[01-08]")

    assert by_status(run) == {
        "failed": ["web01"],
        "changed": ["web05"],
        "not_run": ["web02", "web03", "web04", "web06", "web07", "web08"],
    }


def test_a_limit_for_each_group_and_a_smaller_concurrency(tmp_path: Path) -> None:
    """Both hold."""
    text = RACKS.replace("per_group_limit: 1, concurrency: 3", "per_group_limit: {a: 2, b: 3}, concurrency: 4")
    run = scenario(text, tmp_path, lambda _: Answer(duration=1), hosts="web[01-12]")

    of_a = [(sent.time, sent.time + 1) for sent in run.fake.sent if int(sent.host[3:]) <= 4]
    assert most_at_once(of_a) == 2
    assert most_at_once([(sent.time, sent.time + 1) for sent in run.fake.sent]) == 4
