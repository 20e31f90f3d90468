"""What runs once behind all others: on which host, and what becomes of those that can't."""

from pathlib import Path

import pytest
from scenario import Ran, gone, scenario, stopping

from runner.engine.stop import Level
from runner.model.events import HostEnded, HostStarted, StepEnded
from runner.transports.fake import Answer, answers

PLAY = """
version: 1
hosts: all
strategy: {type: rolling, waves: 2, max_failures: 5, preflight: false}
steps:
  - {command: work}
always:
  - {command: unset the flag, once: run}
"""


def where(run: Ran, text: str) -> list[str]:
    """The hosts to which this was sent."""
    return [sent.host for sent in run.fake.sent if sent.text == text]


def test_it_is_not_for_a_host_that_was_lost(tmp_path: Path) -> None:
    """The first host can't be reached from the start, the second one's connection went away: the third runs it."""
    fake = gone("web01", script=answers({("web02", "work"): Answer(lost="reset by peer")}))
    run = scenario(PLAY, tmp_path, fake=fake, hosts="web[01-04]")

    assert where(run, "unset the flag") == ["web03"]
    assert run.fake.sent[-1].text == "unset the flag"
    assert run.statuses() == {"web01": "unreachable", "web02": "unknown", "web03": "changed", "web04": "changed"}


def test_a_host_that_is_out_of_reach_by_then_leaves_it_to_the_next(tmp_path: Path) -> None:
    """It is that host's failure all the same."""
    text = PLAY.replace("- {command: work}", "- {log: hello}")
    run = scenario(text, tmp_path, fake=gone("web01"), hosts="web[01-03]")

    assert where(run, "unset the flag") == ["web02"]
    assert run.statuses()["web01"] == "unreachable"
    assert [event.status for event in run.all(HostEnded, host="web01")] == ["ok", "unreachable"]


def test_where_every_host_is_lost_it_is_skipped_and_said_so(tmp_path: Path) -> None:
    """Nothing is sent to hosts that can't be reached."""
    run = scenario(PLAY, tmp_path, fake=gone("web01", "web02"), hosts="web[01-02]")

    assert not run.fake.sent
    [skipped] = run.all(StepEnded, section="always")
    assert (skipped.host, skipped.status, skipped.reason) == ("web01", "skipped", "the host is lost")


def test_what_is_delegated_asks_nothing_of_a_lost_host(tmp_path: Path) -> None:
    """The first host's connection went away, and the step runs elsewhere for it."""
    text = PLAY.replace("hosts: all", "hosts: web*").replace("once: run", "once: run, delegate_to: lb1")
    run = scenario(text, tmp_path, answers({("web01", "work"): Answer(lost="gone")}), hosts="web[01-02] lb1")

    assert where(run, "unset the flag") == ["lb1"]
    assert run.all(StepEnded, section="always")[0].host == "web01"


def test_its_condition_chooses_the_host(tmp_path: Path) -> None:
    """The first one for which it holds; where it holds for none it is skipped once."""
    chosen = PLAY.replace("once: run", 'once: run, when: host.name == "web03"')
    run = scenario(chosen, tmp_path, hosts="web[01-04]")
    assert where(run, "unset the flag") == ["web03"]

    nobody = PLAY.replace("once: run", 'once: run, when: host.name == "db1"')
    run = scenario(nobody, tmp_path, hosts="web[01-04]")
    assert where(run, "unset the flag") == []
    assert [event.status for event in run.all(StepEnded, section="always")] == ["skipped"]


@pytest.mark.parametrize("level", [Level.STOP, Level.KILL])
def test_it_runs_after_an_interrupt_too(tmp_path: Path, level: Level) -> None:
    """Behind what the hosts at work have yet to do; hosts that never began have no part in it."""
    run = scenario(
        PLAY, tmp_path, answers({("*", "work"): Answer(duration=30)}), hosts="web[01-06]",
        during=stopping((40, level)),
    )  # fmt: skip

    assert where(run, "unset the flag") == ["web01"]
    assert run.fake.sent[-1].text == "unset the flag"
    assert run.seconds == (60 if level is Level.STOP else 40)
    assert run.statuses()["web05"] == "not_run"


def test_after_a_kill_it_has_a_minute_of_its_own(tmp_path: Path) -> None:
    """Its host has spent one on what it had to do in any case."""
    text = PLAY + "  - {command: tidy}\n"
    table = {("web01", "tidy"): Answer(duration=3600), ("*", "*"): Answer(duration=30)}
    run = scenario(text, tmp_path, answers(table), hosts="web01", during=stopping((5, Level.KILL)))

    assert [(sent.text, sent.time) for sent in run.fake.sent] == [("work", 0), ("tidy", 5), ("unset the flag", 65)]
    assert run.all(StepEnded)[-1].status == "changed"
    assert run.seconds == 95


def test_a_flag_is_set_once_before_all_and_unset_once_behind_all(tmp_path: Path) -> None:
    """Though a host of the second wave fails, and somebody interrupts the run twice."""
    text = PLAY.replace("  - {command: work}", "  - {command: set the flag, once: run}\n  - {command: work}")
    table = {("*", "work"): Answer(duration=30), ("web03", "work"): Answer(rc=1)}
    run = scenario(
        text, tmp_path, answers(table), hosts="web[01-06]", during=stopping((40, Level.STOP), (45, Level.KILL))
    )  # fmt: skip

    sent = [sent.text for sent in run.fake.sent]
    assert (sent[0], sent[-1]) == ("set the flag", "unset the flag")
    assert (sent.count("set the flag"), sent.count("unset the flag")) == (1, 1)
    assert run.seconds == 45


def test_it_comes_behind_a_rollback(tmp_path: Path) -> None:
    """The way back is still part of the play."""
    text = PLAY.replace("max_failures: 5", "max_failures: 0, on_exceed: rollback") + "rollback: [{command: back}]\n"
    run = scenario(text, tmp_path, answers({("web03", "work"): Answer(rc=1)}), hosts="web[01-04]")

    assert run.fake.sent[-1].text == "unset the flag"
    assert where(run, "back") == ["web03", "web04", "web01", "web02"]
    assert set(run.statuses().values()) == {"rolled_back"}


def test_where_no_host_began_there_is_nothing_to_undo(tmp_path: Path) -> None:
    """An interrupt before the play."""
    run = scenario(PLAY, tmp_path, hosts="web[01-02]", during=lambda run: run.stop.raise_to(Level.STOP, "interrupted"))

    assert not run.fake.sent
    assert set(run.statuses().values()) == {"not_run"}


def test_once_a_wave_comes_at_the_end_of_each(tmp_path: Path) -> None:
    """Behind the last host of the wave, and before the first of the next."""
    run = scenario(PLAY.replace("once: run", "once: wave"), tmp_path, hosts="web[01-04]")

    assert [sent.text for sent in run.fake.sent] == ["work", "work", "unset the flag"] * 2
    assert where(run, "unset the flag") == ["web01", "web03"]
    assert [event.section for event in run.all(HostStarted, host="web03")] == ["", "always"]


def test_its_failure_is_the_hosts_and_counts(tmp_path: Path) -> None:
    """With a budget of none the next wave does not begin."""
    text = PLAY.replace("once: run", "once: wave").replace("max_failures: 5", "max_failures: 0")
    run = scenario(text, tmp_path, answers({("web01", "unset*"): Answer(rc=1)}), hosts="web[01-04]")

    assert run.statuses() == {"web01": "failed", "web02": "changed", "web03": "not_run", "web04": "not_run"}
    assert run.summary.flags.aborted


def test_a_late_failure_rolls_back_where_the_budget_does_not_bear_it(tmp_path: Path) -> None:
    """The last step of the play is its last failure."""
    text = PLAY.replace("max_failures: 5", "max_failures: 0, on_exceed: rollback") + "rollback: [{command: back}]\n"
    run = scenario(text, tmp_path, answers({("web01", "unset*"): Answer(rc=1)}), hosts="web[01-02]")

    assert where(run, "back") == ["web01", "web02"]
    assert run.summary.status == "rolled_back"


def test_a_late_handler_runs_for_all_that_notified_it(tmp_path: Path) -> None:
    """It is not for a host that is lost by then, and nobody has it pending any more."""
    text = """
version: 1
hosts: all
strategy: {type: rolling, waves: 1, max_failures: 5, preflight: false}
steps:
  - {command: work, notify: purge}
  - {command: check, changed_when: false}
handlers:
  - {name: purge, command: purge, once: run}
"""
    run = scenario(text, tmp_path, answers({("web01", "check"): Answer(lost="gone")}), hosts="web[01-03]")

    assert where(run, "purge") == ["web02"]
    assert not run.summary.handlers
