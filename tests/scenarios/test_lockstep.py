"""Lockstep together with all else: blocks, steps that run once, needs, handlers, failures, limits."""

import itertools
from pathlib import Path

from scenario import Ran, most_at_once, scenario, stopping

from runner.engine.stop import Level
from runner.model.events import HostEnded, StepEnded, StepIntent
from runner.transports.fake import Answer, Sent, answers


def play(steps: str, strategy: str = "type: parallel", rest: str = "") -> str:
    return f"version: 1\nhosts: all\nstrategy: {{sync: lockstep, {strategy}}}\nsteps:\n{steps}\n{rest}"


def uneven(sent: Sent) -> Answer:
    """A host takes as many seconds for a step as its number says."""
    return Answer(duration=int(sent.host[-2:]))


def spans(run: Ran, step: str) -> list[tuple[float, float]]:
    """When hosts were at work on a step, each time they were."""
    begun: dict[str, float] = {}
    found = []
    for event, at in zip(run.recorder.events, run.recorder.times, strict=True):
        if isinstance(event, StepIntent) and event.step == step:
            begun[event.host] = at
        if isinstance(event, StepEnded) and event.step == step and event.host in begun:
            found.append((begun.pop(event.host), at))
    return found


def assert_in_step(run: Ran, *steps: str) -> None:
    """No host began a step before all had ended the one before it."""
    for before, after in itertools.pairwise(steps):
        assert min(start for start, _ in spans(run, after)) >= max(end for _, end in spans(run, before)), after


def test_what_a_block_does_in_any_case_is_a_step_like_others(tmp_path: Path) -> None:
    """All finish the block's last step before the first tidies up, and all tidy up before the next step begins."""
    steps = """
  - block: [{id: one, command: one}]
    always: [{id: tidy, command: tidy}]
  - {id: two, command: two}
"""
    run = scenario(play(steps, "type: parallel, concurrency: 2"), tmp_path, uneven, hosts="web[01-04]")

    assert_in_step(run, "one", "tidy", "two")
    assert all(most_at_once(spans(run, step)) == 2 for step in ("one", "tidy", "two"))


def test_those_that_need_no_rescue_wait_for_those_that_do(tmp_path: Path) -> None:
    """The step behind the block begins when the last host is rescued."""
    steps = """
  - block: [{id: one, command: one}, {id: two, command: two}]
    rescue: [{id: mend, command: mend}]
  - {id: three, command: three}
"""
    table = {("web01", "one"): Answer(rc=1), ("web01", "mend"): Answer(duration=50)}
    run = scenario(play(steps), tmp_path, answers(table), hosts="web[01-03]")

    assert {sent.time for sent in run.fake.sent if sent.text == "three"} == {50.0}
    assert run.summary.status == "ok"


def test_a_host_that_failed_is_counted_before_the_next_step(tmp_path: Path) -> None:
    """What it has to do in any case takes its time; the others stand at their step until it is known."""
    steps = "  - {id: one, command: one}\n  - {id: two, command: two}\n"
    text = play(steps, "type: rolling, waves: rest, max_failures: 0, preflight: false", "always: [{command: tidy}]\n")
    table = {("web02", "one"): Answer(rc=1), ("web02", "tidy"): Answer(duration=30)}
    run = scenario(text, tmp_path, answers(table), hosts="web[01-03]")

    assert "two" not in run.commands()
    assert run.statuses() == {"web01": "cancelled", "web02": "failed", "web03": "cancelled"}


def test_within_the_budget_the_others_go_on(tmp_path: Path) -> None:
    """Without the host that failed."""
    steps = "  - {id: one, command: one}\n  - {id: two, command: two}\n"
    run = scenario(
        play(steps, "type: parallel, max_failures: 1"), tmp_path, answers({("web02", "one"): Answer(rc=1)}),
        hosts="web[01-03]",
    )  # fmt: skip

    assert sorted(sent.host for sent in run.fake.sent if sent.text == "two") == ["web01", "web03"]


def test_a_step_that_runs_once(tmp_path: Path) -> None:
    """On the first host, when all have come as far; the others go on when it is done."""
    steps = """
  - {id: one, command: one}
  - {id: migrate, command: migrate, once: wave, register: done}
  - {id: two, command: "two {{ done.stdout }}"}
"""
    table = {("web03", "one"): Answer(duration=9), ("*", "migrate"): Answer(duration=20, stdout=b"v7")}
    run = scenario(play(steps, "type: parallel, concurrency: 1"), tmp_path, answers(table), hosts="web[01-03]")

    assert [(sent.host, sent.time) for sent in run.fake.sent if sent.text == "migrate"] == [("web01", 9.0)]
    assert [sent.time for sent in run.fake.sent if sent.text == "two v7"] == [29.0] * 3


def test_a_step_that_needs_another(tmp_path: Path) -> None:
    """All have come as far anyway; one that ended badly is still missed."""
    steps = """
  - {id: stop, command: stop, on_failure: continue}
  - {id: start, command: start, needs: [stop]}
"""
    run = scenario(
        play(steps, "type: parallel, concurrency: 2"), tmp_path, answers({("web02", "stop"): Answer(rc=1)}),
        hosts="web[01-04]",
    )  # fmt: skip

    assert "start" not in run.commands()
    assert set(run.statuses().values()) == {"failed"}


def test_handlers_run_behind_the_last_step_at_each_hosts_own_pace(tmp_path: Path) -> None:
    """No more at once than the concurrency; a flush among the steps keeps step."""
    steps = """
  - {id: one, command: one, notify: restart}
  - flush: handlers
  - {id: two, command: two, notify: restart}
"""
    text = play(steps, "type: parallel, concurrency: 2", "handlers: [{id: restart, command: restart}]\n")
    run = scenario(text, tmp_path, uneven, hosts="web[01-04]")

    assert run.commands("web01") == ["one", "restart", "two", "restart"]
    restarts = sorted(spans(run, "restart"))[:4]
    assert min(start for start, _ in spans(run, "two")) >= max(end for _, end in restarts)
    at_work = [(sent.time, sent.time + int(sent.host[-2:])) for sent in run.fake.sent]
    assert most_at_once(at_work) == 2
    assert run.summary.status == "ok"


def test_a_group_limit_holds_at_each_step(tmp_path: Path) -> None:
    """One of each rack in a step at once; nobody keeps a place between steps."""
    text = """
version: 1
hosts: all
vars: {rack: "{{ 'a' if host.index is odd else 'b' }}"}
strategy: {type: parallel, sync: lockstep, group_by: rack, per_group_limit: 1}
steps: [{id: one, command: one}, {id: two, command: two}]
"""
    run = scenario(text, tmp_path, lambda _: Answer(duration=1), hosts="web[01-06]")

    assert_in_step(run, "one", "two")
    assert most_at_once(spans(run, "one")) == 2
    assert run.seconds == 6


def test_a_kill_ends_the_step_and_everybody_tidies_up(tmp_path: Path) -> None:
    """Those at the step are ended, those that wait for the next have their turn, those not begun stay out."""
    steps = "  - {id: one, command: one}\n  - {id: two, command: two}\n"
    text = play(steps, "type: parallel, concurrency: 2", "always: [{command: tidy, changed_when: false}]\n")
    table = {("*", "one"): Answer(duration=10), ("*", "tidy"): Answer(duration=1)}
    run = scenario(text, tmp_path, answers(table), hosts="web[01-06]", during=stopping((15, Level.KILL)))

    tidied = sorted(sent.host for sent in run.fake.sent if sent.text == "tidy")
    assert tidied == ["web01", "web02", "web03", "web04"]
    assert run.statuses() == {
        **dict.fromkeys(tidied, "cancelled"),
        "web05": "not_run",
        "web06": "not_run",
    }


def test_after_a_stop_no_more_tidy_up_at_once_than_may_be_at_work(tmp_path: Path) -> None:
    """Hosts between two steps hold no place; they take one for what they do in any case."""
    steps = "  - {id: one, command: one}\n  - {id: two, command: two}\n"
    text = play(steps, "type: parallel, concurrency: 2", "always: [{command: tidy}]\n")
    table = {("*", "one"): Answer(duration=10), ("*", "tidy"): Answer(duration=3)}
    run = scenario(text, tmp_path, answers(table), hosts="web[01-06]", during=stopping((25, Level.STOP)))

    tidying = [(sent.time, sent.time + 3) for sent in run.fake.sent if sent.text == "tidy"]
    assert len(tidying) == 6
    assert most_at_once(tidying) <= 2


def test_a_host_that_the_plays_condition_keeps_out_keeps_nobody_waiting(tmp_path: Path) -> None:
    """It stands at no step and counts nowhere."""
    text = (
        "version: 1\nplays:\n"
        "  - {name: ask, hosts: all, steps: [{command: which, register: kind}]}\n"
        "  - name: work\n    hosts: all\n    when: kind.stdout != 'x'\n    strategy: {type: parallel, sync: lockstep}\n"
        "    steps: [{id: one, command: one}, {id: two, command: two, needs: [one]}]\n"
    )
    run = scenario(text, tmp_path, answers({("web02", "which"): Answer(stdout=b"x")}), hosts="web[01-03]")

    assert run.commands("web02") == ["which"]
    assert run.commands("web03") == ["which", "one", "two"]
    assert run.all(HostEnded, play="work", host="web02")[0].status == "not_run"


def test_a_block_that_runs_once(tmp_path: Path) -> None:
    """When all have come as far; the host that runs it does so by itself, and the others then go on."""
    steps = """
  - {id: one, command: one}
  - once: wave
    block: [{id: two, command: two}, {id: three, command: three, needs: [two]}]
  - {id: four, command: four}
"""
    run = scenario(play(steps), tmp_path, uneven, hosts="web[01-03]")

    assert [(sent.host, sent.time) for sent in run.fake.sent if sent.text in {"two", "three"}] == [
        ("web01", 3.0), ("web01", 4.0),
    ]  # fmt: skip
    assert {sent.time for sent in run.fake.sent if sent.text == "four"} == {5.0}


def test_a_block_that_needs_another(tmp_path: Path) -> None:
    """A host for which the first is not meant waits at the second, and holds nobody up."""
    steps = """
  - {id: first, when: host.name != "web01", block: [{command: one}, {command: two}]}
  - {id: second, needs: [first], block: [{command: three}]}
"""
    run = scenario(play(steps), tmp_path, lambda _: Answer(duration=1), hosts="web[01-02]")

    assert {sent.time for sent in run.fake.sent if sent.text == "three"} == {2.0}


def test_a_group_limit_at_a_step_that_runs_once(tmp_path: Path) -> None:
    """A host that waits for it leaves its group's place to the one that runs it."""
    text = """
version: 1
hosts: all
vars: {rack: a}
strategy: {type: parallel, sync: lockstep, group_by: rack, per_group_limit: 1}
steps: [{command: one}, {command: migrate, once: run}, {command: two}]
"""
    run = scenario(text, tmp_path, uneven, hosts="web[01-03]")

    assert [sent.host for sent in run.fake.sent if sent.text == "migrate"] == ["web01"]
    assert run.commands().count("two") == 3


def test_a_host_that_goes_on_behind_a_failure_leaves_its_place(tmp_path: Path) -> None:
    """One at a time in a step: the next gets its turn there, before the first goes on or is rescued."""
    steps = """
  - {id: one, command: one, on_failure: continue}
  - block: [{id: two, command: two}]
    rescue: [{command: mend}]
  - {id: three, command: three}
"""
    table = {("web01", "one"): Answer(rc=1), ("web01", "two"): Answer(rc=1)}
    run = scenario(play(steps, "type: parallel, concurrency: 1"), tmp_path, answers(table), hosts="web[01-03]")

    assert_in_step(run, "one", "two", "three")
    assert run.statuses() == {"web01": "failed", "web02": "changed", "web03": "changed"}
