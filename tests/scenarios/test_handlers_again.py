"""Handlers that run once, and runs that are gone on with."""

from pathlib import Path

import pytest
from scenario import scenario

from runner.model.events import HandlerNotified, StepEnded
from runner.transports.fake import Answer, answers

PLAYBOOK = """
version: 1
hosts: web[01-04]
strategy: {{type: rolling, waves: 2}}
steps:
  - {{id: deploy, command: deploy, notify: reload}}
handlers:
  - {{id: reload, command: reload the balancer, once: {scope}}}
"""


@pytest.mark.parametrize("scope", ["run", "wave"])
def test_a_handler_that_ran_once_for_all_is_not_run_again(tmp_path: Path, scope: str) -> None:
    """Every host had notified it; one of them ran it, and nothing is left for the others."""
    first = scenario(PLAYBOOK.format(scope=scope), tmp_path)
    again = scenario(PLAYBOOK.format(scope=scope), tmp_path, before=first.recorder.events)

    assert [one.text for one in first.fake.sent].count("reload the balancer") == (1 if scope == "run" else 2)
    assert again.fake.sent == []


def test_each_wave_keeps_its_own(tmp_path: Path) -> None:
    """Where it failed in the first wave, and ran well in the second, it is left for the first alone."""
    playbook = PLAYBOOK.format(scope="wave").replace("waves: 2", "waves: 2, max_failures: 4")
    first = scenario(playbook, tmp_path, answers({("web01", "reload*"): Answer(rc=1)}))
    again = scenario(playbook, tmp_path, before=first.recorder.events)

    assert [(one.host, one.text) for one in first.fake.sent if one.text != "deploy"] == [
        ("web01", "reload the balancer"),
        ("web03", "reload the balancer"),
    ]
    assert [(one.host, one.text) for one in again.fake.sent] == [("web01", "reload the balancer")]
    assert again.summary.status == "ok"


@pytest.mark.parametrize("scope", ["", "run"])
def test_a_handler_whose_notice_died_with_the_process_runs_all_the_same(tmp_path: Path, scope: str) -> None:
    """Killed between the end of a step that changed something and the word that a handler has to run for it."""
    playbook = PLAYBOOK.format(scope="run").replace("waves: 2", "waves: 1")
    playbook = playbook if scope else playbook.replace(", once: run", "")
    first = scenario(playbook, tmp_path)
    events = first.recorder.events
    cut = next(at for at, event in enumerate(events) if isinstance(event, StepEnded) and event.host == "web04")

    again = scenario(playbook, tmp_path, before=events[: cut + 1])

    assert isinstance(events[cut + 1], HandlerNotified)
    assert [one.host for one in again.fake.sent] == ["web01" if scope else "web04"]
    assert again.summary.status == "ok"
