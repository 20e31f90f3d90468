"""Two or three parts of the language at once: where each of them has a say in what happens."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from scenario import Ran, Recorder, gone, most_at_once, scenario, stopping

from runner.engine.context import Run
from runner.engine.stop import Level
from runner.errors import ConnectError, JournalError
from runner.model.events import BudgetExceeded, HostStarted, StepEnded, StepIntent
from runner.model.inventory import Host
from runner.transports.fake import Answer, Connection, Fake, Script, answers


def where(run: Ran, text: str) -> list[str]:
    """The hosts to which this was sent."""
    return [sent.host for sent in run.fake.sent if sent.text == text]


def play(steps: str, strategy: str = "{type: parallel}", rest: str = "") -> str:
    return f"version: 1\nhosts: web*\nstrategy: {strategy}\nsteps:\n{steps}\n{rest}"


# once and rescue

RESCUED = """
  - block:
      - {id: migrate, command: migrate, once: run}
    rescue: [{command: mend}]
  - command: after
"""


def test_a_step_that_runs_once_and_fails_is_rescued_on_every_host(tmp_path: Path) -> None:
    """It fails those that wait, and each of them takes that up; nothing is a failure of theirs."""
    run = scenario(play(RESCUED), tmp_path, answers({("*", "migrate"): Answer(rc=1)}), hosts="web[01-03]")

    assert where(run, "migrate") == ["web01"]
    assert sorted(where(run, "mend")) == sorted(where(run, "after")) == ["web01", "web02", "web03"]
    assert all(event.rescued for event in run.all(StepEnded, step="migrate"))
    assert run.summary.status == "ok"
    assert not run.summary.failures


def test_a_rescue_may_have_a_step_that_runs_once(tmp_path: Path) -> None:
    """On the first host in order that is rescued; one that is well has no part in it, and may wait for those."""
    steps = """
  - id: change
    block: [{command: one}]
    rescue: [{command: tell, once: wave}]
  - {command: last, needs: [change]}
"""
    run = scenario(play(steps), tmp_path, answers({("web0[23]", "one"): Answer(rc=1)}), hosts="web[01-03]")

    assert where(run, "tell") == ["web02"]
    assert len(where(run, "last")) == 3
    assert run.summary.status == "ok"


def test_a_host_in_its_rescue_keeps_nobody_waiting_at_the_steps_it_left(tmp_path: Path) -> None:
    """One waits for all to pass a step by, and the rescue of another waits for that one: the step is passed."""
    steps = """
  - block: [{command: one}, {command: two, once: wave, when: host.name == "web09"}]
    rescue: [{command: tell, once: wave}]
"""
    run = scenario(play(steps), tmp_path, answers({("web02", "one"): Answer(rc=1)}), hosts="web[01-02]")

    assert where(run, "two") == []
    assert where(run, "tell") == ["web02"]
    assert run.summary.status == "ok"


def test_what_runs_once_in_any_case_at_the_end_of_a_block(tmp_path: Path) -> None:
    """On one host; a host for which the block is not meant keeps nobody waiting."""
    steps = """
  - when: host.name != "web01"
    block: [{id: one, command: one}]
    always: [{id: tell, command: tell, once: wave}]
  - command: after
"""
    run = scenario(play(steps, "{type: parallel, concurrency: 1}"), tmp_path, hosts="web[01-03]")

    assert where(run, "tell") == ["web02"]
    assert sorted(where(run, "after")) == ["web01", "web02", "web03"]


class Leaving:
    """Hosts that answer as they are told, until one of them is out of reach after its first connection."""

    def __init__(self, name: str, script: Script) -> None:
        self._name = name
        self.fake = Fake(script, self._connecting)

    def _connecting(self, host: Host, attempt: int) -> Connection:
        is_gone = host.name == self._name and attempt > 1
        return Connection(error=ConnectError("refused", "nobody listens") if is_gone else None)

    def after(self, seconds: float) -> Callable[[Run], None]:
        """The moment at which its connection is closed."""

        def during(run: Run) -> None:
            loop = asyncio.get_running_loop()
            loop.call_later(seconds, lambda: loop.create_task(run.sessions.close(self._name)))

        return during


def test_a_step_that_was_tried_once_is_not_tried_elsewhere(tmp_path: Path) -> None:
    """The first try fails, and the host can't be reached for the second: it got to the step, so nobody else does."""
    steps = "  - {id: migrate, command: migrate, once: run, retry: {attempts: 2}}\n"
    leaving = Leaving("web01", answers({("web01", "*"): Answer(rc=1)}))
    run = scenario(play(steps), tmp_path, fake=leaving.fake, hosts="web[01-02]", during=leaving.after(0.5))

    assert where(run, "migrate") == ["web01"]
    assert run.statuses() == {"web01": "unreachable", "web02": "failed"}


def test_a_loop_that_runs_once_is_not_begun_again_elsewhere(tmp_path: Path) -> None:
    """Its first item is done when the host is lost."""
    steps = "  - {command: 'migrate {{ item }}', once: run, loop: [1, 2]}\n"
    leaving = Leaving("web01", lambda _: Answer(duration=1))
    run = scenario(play(steps), tmp_path, fake=leaving.fake, hosts="web[01-02]", during=leaving.after(0.5))

    assert run.commands() == ["migrate 1"]


def test_a_host_that_was_tried_is_rolled_back_though_it_was_lost(tmp_path: Path) -> None:
    """Its first try failed, and may have changed something; it can't be reached to take that back."""
    strategy = "{type: parallel, max_failures: 0, on_exceed: rollback}"
    steps = "  - {command: release, retry: {attempts: 2}}\n"
    leaving = Leaving("web01", answers({("web01", "*"): Answer(rc=1)}))
    text = play(steps, strategy, "rollback: [{command: back}]\n")
    run = scenario(text, tmp_path, fake=leaving.fake, hosts="web[01-02]", during=leaving.after(0.5))

    assert where(run, "back") == ["web02"]
    assert run.statuses() == {"web01": "rollback_failed", "web02": "rolled_back"}


# needs and blocks

INNER = """
  - id: change
    block:
      - {id: stop, command: stop}
      - {id: start, command: start, needs: [stop]}
    rescue: [{command: mend}]
  - {command: after}
"""


def test_needs_inside_a_block_that_is_rescued(tmp_path: Path) -> None:
    """A step of the block fails where one that it needs did on another host; both are rescued, and go on."""
    run = scenario(play(INNER), tmp_path, answers({("web02", "stop"): Answer(rc=1)}), hosts="web[01-03]")

    assert where(run, "start") == []
    assert sorted(where(run, "mend")) == sorted(where(run, "after")) == ["web01", "web02", "web03"]
    assert run.summary.status == "ok"


def test_needs_inside_a_block_that_is_not_for_every_host(tmp_path: Path) -> None:
    """Where the block is skipped so is the step that is needed: that is fine."""
    text = INNER.replace("    block:\n", '    when: host.name != "web02"\n    block:\n')
    run = scenario(play(text), tmp_path, hosts="web[01-03]")

    assert sorted(where(run, "start")) == ["web01", "web03"]
    assert run.summary.status == "ok"


def test_a_block_is_needed_as_a_whole(tmp_path: Path) -> None:
    """All hosts are through with it, its rescue too, before the first goes on."""
    text = INNER.replace("{command: after}", "{command: after, needs: [change]}").replace(", needs: [stop]", "")
    table = {("web02", "stop"): Answer(rc=1, duration=5), ("web02", "mend"): Answer(duration=20)}
    run = scenario(play(text), tmp_path, answers(table), hosts="web[01-03]")

    assert {sent.time for sent in run.fake.sent if sent.text == "after"} == {25.0}


def test_a_wait_for_others_under_a_drain(tmp_path: Path) -> None:
    """Hosts at work finish their steps; where those they wait for were kept out they are cancelled, not failed."""
    steps = "  - {id: stop, command: stop}\n  - {id: start, command: start, needs: [stop]}\n"
    strategy = "{type: parallel, concurrency: 1, max_failures: 0, on_exceed: drain}"
    table = {("web02", "stop"): Answer(rc=1)}
    run = scenario(play(steps, strategy), tmp_path, answers(table), hosts="web[01-04]")

    assert run.statuses() == {"web01": "cancelled", "web02": "failed", "web03": "not_run", "web04": "not_run"}


def test_a_need_that_is_not_met_leaves_the_step_out_though_that_is_ignored(tmp_path: Path) -> None:
    """The host goes on behind it; the step itself is not sent."""
    steps = """
  - {id: stop, command: stop}
  - {id: start, command: start, needs: [stop], on_failure: ignore}
  - command: after
"""
    run = scenario(play(steps), tmp_path, answers({("web02", "stop"): Answer(rc=1)}), hosts="web[01-03]")

    assert where(run, "start") == []
    assert sorted(where(run, "after")) == ["web01", "web03"]
    assert run.statuses()["web01"] == "changed"


def test_needs_inside_a_block_that_runs_once(tmp_path: Path) -> None:
    """The host that runs it has done, or not done, what is needed; nobody else comes there."""
    steps = """
  - once: run
    block:
      - {id: stop, command: stop, on_failure: continue}
      - {id: start, command: start, needs: [stop]}
"""
    fine = scenario(play(steps), tmp_path, hosts="web[01-03]")
    assert fine.commands() == ["stop", "start"]

    bad = scenario(play(steps), tmp_path, answers({("*", "stop"): Answer(rc=1)}), hosts="web[01-03]")
    assert bad.commands() == ["stop"]
    assert set(bad.statuses().values()) == {"failed"}


def test_what_runs_once_in_all_inside_a_block_that_runs_once_a_wave(tmp_path: Path) -> None:
    """In the first wave alone."""
    steps = "  - {once: wave, block: [{command: build, once: run}, {command: tell}]}\n"
    run = scenario(play(steps, "{type: rolling, waves: 2}"), tmp_path, hosts="web[01-04]")

    assert run.commands() == ["build", "tell", "tell"]


def test_a_loop_that_runs_once_on_the_first_host_that_any_item_is_for(tmp_path: Path) -> None:
    """Its condition is asked for each item; a host with none of them leaves it to the next, and waits."""
    steps = """
  - {command: "put {{ item }}", loop: [1, 2, 3], when: "item > 3 - host.index", once: run}
  - {command: after}
"""
    text = play(steps).replace("host.index", "(2 if host.name == 'web02' else 0)")
    run = scenario(text, tmp_path, answers({("*", "put*"): Answer(duration=5)}), hosts="web[01-03]")

    assert [(sent.host, sent.text) for sent in run.fake.sent][:2] == [("web02", "put 2"), ("web02", "put 3")]
    assert {sent.time for sent in run.fake.sent if sent.text == "after"} == {10.0}


@pytest.mark.parametrize("says", ["on_failure: ignore", "on_failure: continue"])
def test_a_lost_host_is_rescued_whatever_its_step_says(tmp_path: Path, says: str) -> None:
    """Nothing goes on behind a step whose host is lost; the block round it takes that up, and so it is shown."""
    steps = f"""
  - block: [{{id: one, command: one, {says}}}, {{command: two}}]
    rescue: {{on: [unreachable], steps: [{{command: mend, delegate_to: controller}}]}}
"""
    run = scenario(play(steps), tmp_path, fake=gone("web01"), hosts="web[01-02]")

    assert run.commands("controller") == ["mend"]
    [lost] = run.all(StepEnded, host="web01", step="one")
    assert (lost.status, lost.rescued) == ("unreachable", True)
    assert run.statuses()["web01"] == "unreachable"


# stops at the wrong moment


def test_a_step_whose_connection_comes_after_a_stop_is_not_sent(tmp_path: Path) -> None:
    """It was being connected to when the stop came; nothing of it is to be taken back."""
    fake = Fake(connecting=lambda _, __: Connection(duration=10))
    run = scenario(
        play("  - command: one\n"), tmp_path, fake=fake, hosts="web[01-02]", during=stopping((5, Level.STOP))
    )

    assert not run.fake.sent
    assert set(run.statuses().values()) == {"cancelled"}


def test_a_host_that_was_just_let_in_does_not_start_behind_the_last_failure(tmp_path: Path) -> None:
    """Two end at the same moment: the first makes room for a third, the second is one failure too many."""
    script = answers({("web0[12]", "*"): Answer(rc=1, duration=3)})
    text = play("  - command: one\n", "{type: parallel, concurrency: 2, max_failures: 1}")
    run = scenario(text, tmp_path, script, hosts="web[01-04]")

    events = run.recorder.events
    over = events.index(run.all(BudgetExceeded)[0])
    assert not [event for event in events[over:] if isinstance(event, HostStarted)]
    assert {sent.host for sent in run.fake.sent} == {"web01", "web02"}
    assert run.statuses()["web04"] == "not_run"


# handlers, changes


def test_a_loop_that_fails_in_one_item_has_changed_another(tmp_path: Path) -> None:
    """Its handler is told, and the host has changed, where that failure is ignored."""
    steps = "  - {command: 'put {{ item }}', loop: [1, 2], on_failure: ignore, notify: restart}\n"
    text = play(steps, rest="handlers: [{id: restart, command: restart}]\n")
    run = scenario(text, tmp_path, answers({("*", "put 2"): Answer(rc=1)}), hosts="web01")

    assert run.commands() == ["put 1", "put 2", "restart"]
    assert run.statuses() == {"web01": "changed"}


def test_what_a_block_ignores_is_shown_as_ignored(tmp_path: Path) -> None:
    """It is no failure of the host in any account of the run."""
    steps = "  - {block: [{command: one}], on_failure: ignore}\n"
    run = scenario(play(steps), tmp_path, answers({("*", "one"): Answer(rc=1)}), hosts="web01")

    assert [event.ignored for event in run.all(StepEnded)] == [True]
    assert run.summary.status == "ok"
    assert not run.summary.failures
    assert len(run.summary.ignored) == 1


def test_handlers_of_a_host_that_goes_back(tmp_path: Path) -> None:
    """Those that its release notified are moot, and listed nowhere."""
    text = """
version: 1
hosts: all
strategy: {type: parallel, max_failures: 0, on_exceed: rollback}
steps:
  - {command: release, notify: restart}
  - {command: check}
handlers: [{id: restart, command: restart}]
rollback: [{command: back}]
"""
    run = scenario(text, tmp_path, answers({("*", "check"): Answer(rc=1)}), hosts="web01")

    assert run.commands() == ["release", "check", "back"]
    assert not run.summary.handlers


# rollback

BACK = """
version: 1
hosts: all
strategy: {type: rolling, waves: 2, max_failures: 0, on_exceed: rollback, preflight: false}
steps: [{command: release}]
rollback: [{command: back}, {command: back again}]
always: [{command: tidy}]
"""
BROKEN = {("web03", "release"): Answer(rc=1), ("*", "release"): Answer(), ("*", "tidy"): Answer()}


def interrupted(folder: Path, level: Level) -> Ran:
    """Two waves; the second fails at once, and fifteen seconds later somebody interrupts the way back."""
    script = answers({**BROKEN, ("*", "*"): Answer(duration=10)})
    return scenario(BACK, folder, script, hosts="web[01-04]", during=stopping((15, level)))


def test_a_rollback_that_is_interrupted(tmp_path: Path) -> None:
    """The running step finishes and nothing new starts but what runs in any case; those hosts are not back."""
    run = interrupted(tmp_path, Level.STOP)

    assert run.commands("web03") == ["release", "tidy", "back", "back again", "tidy"]
    assert run.commands("web01") == ["release", "tidy", "tidy"]
    assert run.statuses()["web01"] == "rollback_failed"
    assert run.summary.flags.rollback_failed


def test_a_rollback_that_is_killed(tmp_path: Path) -> None:
    """Its running steps are ended."""
    run = interrupted(tmp_path, Level.KILL)

    assert run.seconds == 15
    assert set(run.statuses().values()) == {"rollback_failed"}
    assert run.commands("web03") == ["release", "tidy", "back", "back again", "tidy"]


def test_an_interrupt_before_the_rollback_leaves_it_out(tmp_path: Path) -> None:
    """Nothing new starts."""
    table = {("web04", "release"): Answer(duration=30), **BROKEN}
    run = scenario(BACK, tmp_path, answers(table), hosts="web[01-04]", during=stopping((5, Level.STOP)))

    assert "back" not in run.commands()
    assert run.statuses()["web03"] == "failed"


def test_what_runs_in_any_case_fails_on_the_way_back(tmp_path: Path) -> None:
    """That host is not back, and the others are."""
    script = answers({("web01", "tidy"): [Answer(), Answer(rc=1)], ("web03", "release"): Answer(rc=1)})
    run = scenario(BACK, tmp_path, script, hosts="web[01-04]")

    assert run.statuses()["web01"] == "rollback_failed"
    assert run.statuses()["web02"] == "rolled_back"


def test_the_way_back_keeps_to_the_limits(tmp_path: Path) -> None:
    """No more at once than were at work at once, one at a time on a delegate, and in a step as its throttle says."""
    text = """
version: 1
hosts: web*
strategy: {type: parallel, concurrency: 4, max_failures: 0, on_exceed: rollback}
steps: [{command: release}, {command: check}]
rollback:
  - {command: back, throttle: 2}
  - {command: "undrain {{ host.name }}", delegate_to: lb1}
  - {command: look}
"""
    slow = {("*", "release"): Answer(), ("*", "check"): Answer(duration=5), ("*", "*"): Answer(duration=10)}
    table = {("web04", "check"): Answer(rc=1, duration=9), **slow}
    run = scenario(text, tmp_path, answers(table), hosts="web[01-04] lb1")

    spans = {
        text: [(sent.time, sent.time + 10) for sent in run.fake.sent if sent.text.startswith(text)]
        for text in ("back", "undrain", "look")
    }
    assert most_at_once(spans["back"]) == 2
    assert most_at_once(spans["undrain"]) == 1
    assert most_at_once([span for found in spans.values() for span in found]) <= 4


# throttle and kill


def test_a_kill_lets_nobody_into_a_throttled_step(tmp_path: Path) -> None:
    """Those in it are ended, and those that wait for a place in it never begin it."""
    steps = "  - {command: slow, throttle: 2}\n"
    run = scenario(
        play(steps), tmp_path, lambda _: Answer(duration=60), hosts="web[01-06]", during=stopping((5, Level.KILL))
    )

    assert len(where(run, "slow")) == 2
    assert run.seconds == 5
    assert set(run.statuses().values()) == {"cancelled"}


def test_a_stop_lets_nobody_into_a_throttled_step(tmp_path: Path) -> None:
    """The two in it finish; the others are connected and ready, and never begin it."""
    steps = "  - {command: fast}\n  - {command: slow, throttle: 2}\n"
    table = {("*", "slow"): Answer(duration=60)}
    run = scenario(play(steps), tmp_path, answers(table), hosts="web[01-06]", during=stopping((5, Level.STOP)))

    assert len(where(run, "slow")) == 2
    assert run.seconds == 60


def test_a_stop_ends_a_loop_behind_its_running_item(tmp_path: Path) -> None:
    """The other items are not sent, and the step is no success."""
    steps = "  - {command: 'put {{ item }}', loop: [1, 2, 3]}\n"
    run = scenario(
        play(steps), tmp_path, lambda _: Answer(duration=10), hosts="web01", during=stopping((15, Level.STOP))
    )  # fmt: skip

    assert run.commands() == ["put 1", "put 2"]
    assert run.statuses() == {"web01": "cancelled"}


def test_a_stop_lets_nobody_onto_a_delegate(tmp_path: Path) -> None:
    """The one that is there finishes; the others were never sent anything, so nothing of them is to be taken back."""
    steps = "  - {command: drain, delegate_to: lb1}\n"
    run = scenario(
        play(steps), tmp_path, lambda _: Answer(duration=60), hosts="web[01-03] lb1",
        during=stopping((5, Level.STOP)),
    )  # fmt: skip

    assert len(where(run, "drain")) == 1
    assert run.seconds == 60
    assert sorted(run.statuses().values()) == ["cancelled", "cancelled", "changed"]


def test_hosts_that_only_waited_for_a_delegate_are_not_rolled_back(tmp_path: Path) -> None:
    """Nothing was sent for them."""
    strategy = "{type: parallel, max_failures: 0, on_exceed: rollback}"
    steps = "  - {command: drain, delegate_to: lb1}\n"
    text = play(steps, strategy, "rollback: [{command: back}]\n")
    run = scenario(text, tmp_path, answers({("lb1", "*"): Answer(rc=1, duration=5)}), hosts="web[01-03] lb1")

    assert where(run, "back") == ["web01"]
    assert run.statuses() == {"web01": "rolled_back", "web02": "cancelled", "web03": "cancelled"}


# a full disk

FULL = """
version: 1
hosts: all
strategy: {type: rolling, waves: 2, max_failures: 0, on_exceed: rollback, preflight: false}
steps: [{command: release, notify: restart}]
handlers: [{id: restart, command: restart}]
rollback: [{command: back}]
always: [{command: tidy}]
"""


def full_at(folder: Path, step: str, table: dict[tuple[str, str], Answer] | None = None) -> Ran:
    """A run whose disk is full from the first time that a step would be recorded as begun."""
    seen = scenario(FULL, folder, answers(table or {}), hosts="web[01-04]").recorder.events
    first = next(at for at, event in enumerate(seen, 1) if isinstance(event, StepIntent) and event.step == step)
    return scenario(FULL, folder, answers(table or {}), hosts="web[01-04]", recorder=Recorder(fails_at=first))


def test_a_full_disk_in_the_midst_of_handlers(tmp_path: Path) -> None:
    """The handler is not sent, nor is anything else, and no host is called failed."""
    run = full_at(tmp_path, "restart")

    assert isinstance(run.error, JournalError)
    assert set(run.commands()) == {"release"}
    assert set(run.statuses().values()) == {"cancelled", "not_run"}
    assert {event.handler for event in run.summary.handlers} == {"restart"}


def test_a_full_disk_in_the_midst_of_what_runs_in_any_case(tmp_path: Path) -> None:
    """What can't be recorded is not sent, be it to tidy up."""
    run = full_at(tmp_path, "command-3")

    assert isinstance(run.error, JournalError)
    assert "tidy" not in run.commands()
    assert run.statuses()["web03"] == "not_run"


def test_a_full_disk_in_the_midst_of_a_rollback(tmp_path: Path) -> None:
    """Hosts that could not be rolled back are told apart."""
    run = full_at(tmp_path, "command-2", {("web03", "release"): Answer(rc=1)})

    assert isinstance(run.error, JournalError)
    assert "back" not in run.commands()
    assert "rollback_failed" in run.statuses().values()
    assert "rolled_back" not in run.statuses().values()
