"""Handlers: once per host, when something changed, behind its steps."""

from pathlib import Path

from scenario import scenario, stopping

from runner.engine.stop import Level
from runner.model.events import HandlerNotified, HostEnded
from runner.transports.fake import Answer, answers

PLAY = """
version: 1
hosts: all
strategy: {type: rolling, waves: 2, preflight: false}
steps:
  - {command: one, notify: restart}
  - {command: two, notify: [reload, restart]}
  - {command: check, changed_when: false, notify: reload}
  - command: last
handlers:
  - {name: restart, command: restart it}
  - {name: reload, command: reload it}
  - {name: never, command: never}
"""


def test_a_handler_runs_once_behind_the_last_step(tmp_path: Path) -> None:
    """In the order in which handlers are written, however often and in which order they were notified."""
    run = scenario(PLAY, tmp_path, hosts="web[01-02]")

    assert run.commands("web01") == ["one", "two", "check", "last", "restart it", "reload it"]
    assert len(run.all(HandlerNotified, host="web01", handler="restart")) == 1


def test_a_handler_runs_inside_the_wave(tmp_path: Path) -> None:
    """The next wave begins when the handlers of this one are done."""
    run = scenario(PLAY, tmp_path, hosts="web[01-04]")

    texts = [(sent.host, sent.text) for sent in run.fake.sent]
    assert texts.index(("web02", "reload it")) < texts.index(("web03", "one"))


def test_nothing_changed_runs_no_handler(tmp_path: Path) -> None:
    """A step that was fine and changed nothing notifies nobody."""
    text = PLAY.replace("{command: one,", "{command: one, read_only: true,").replace(
        "{command: two,", "{command: two, changed_when: false,"
    )
    run = scenario(text, tmp_path, hosts="web01")

    assert run.commands() == ["one", "two", "check", "last"]


def test_a_flush_runs_them_earlier(tmp_path: Path) -> None:
    """One that is notified again behind it runs again at the end."""
    text = PLAY.replace("  - command: last\n", "  - flush: handlers\n  - {command: last, notify: reload}\n")
    run = scenario(text, tmp_path, hosts="web01")

    assert run.commands() == ["one", "two", "check", "restart it", "reload it", "last", "reload it"]
    assert run.summary.status == "ok"


def test_a_host_that_fails_keeps_its_handlers_for_later(tmp_path: Path) -> None:
    """They do not run; where a failure is to be gone on behind, they do."""
    stop = scenario(PLAY, tmp_path, answers({("*", "last"): Answer(rc=1)}), hosts="web01")
    assert stop.commands() == ["one", "two", "check", "last"]

    text = PLAY.replace("- command: last", "- {command: last, on_failure: continue}")
    goes_on = scenario(text, tmp_path, answers({("*", "last"): Answer(rc=1)}), hosts="web01")
    assert goes_on.commands()[-2:] == ["restart it", "reload it"]
    assert goes_on.statuses() == {"web01": "failed"}


def test_a_handler_that_fails_fails_its_host(tmp_path: Path) -> None:
    """The next handler does not run."""
    run = scenario(PLAY, tmp_path, answers({("*", "restart it"): Answer(rc=1)}), hosts="web01")

    assert run.commands()[-1] == "restart it"
    assert run.statuses() == {"web01": "failed"}


def test_a_stop_leaves_handlers_for_later(tmp_path: Path) -> None:
    """They are listed; the host had more to do, so it was stopped on its way."""
    run = scenario(
        PLAY, tmp_path, lambda _: Answer(duration=10), hosts="web01", during=stopping((35, Level.STOP))
    )  # fmt: skip

    assert run.commands() == ["one", "two", "check", "last"]
    assert run.statuses() == {"web01": "cancelled"}
    assert {group.handler for group in run.summary.handlers} == {"restart", "reload"}


def test_a_kill_ends_a_handler(tmp_path: Path) -> None:
    """It has yet to run, and so have those behind it."""
    run = scenario(
        PLAY, tmp_path, lambda _: Answer(duration=10), hosts="web01", during=stopping((45, Level.KILL))
    )  # fmt: skip

    assert run.commands()[-1] == "restart it"
    assert run.seconds == 45
    assert {group.handler for group in run.summary.handlers} == {"restart", "reload"}


def test_a_handler_may_run_once_in_all(tmp_path: Path) -> None:
    """On the first host that notified it, when the last one is done."""
    text = """
version: 1
hosts: all
strategy: {type: rolling, waves: 1, preflight: false}
steps:
  - {command: "one {{ host.name }}", changed_when: host.name != "web01", notify: purge}
handlers:
  - {name: purge, command: purge, once: run}
"""
    run = scenario(text, tmp_path, hosts="web[01-03]")

    assert [(sent.host, sent.text) for sent in run.fake.sent][-1] == ("web02", "purge")
    assert run.commands().count("purge") == 1
    assert len(run.all(HostEnded, host="web02")) == 2
    assert run.statuses() == {"web01": "ok", "web02": "changed", "web03": "changed"}
