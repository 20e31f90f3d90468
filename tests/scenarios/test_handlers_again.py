"""Handlers that run once, and runs that are gone on with."""

from pathlib import Path

import pytest
from scenario import scenario
from scenarios.test_going_on import died, on, sent

from runner.model.events import HandlerNotified, StepEnded, StepIntent
from runner.transport import Recalled
from runner.transports.fake import Answer, Fake, answers

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


CHANGING = """
version: 1
hosts: web01
steps:
  - {id: conf, command: conf, idempotent: true, changed_when: "'new' in result.stdout", notify: restart, register: c}
  - {id: after, command: after, when: c.changed}
handlers: [{id: restart, command: restart}]
"""


def test_a_step_that_runs_again_counts_for_what_its_first_try_may_have_changed(tmp_path: Path) -> None:
    """The try before was cut short: that the second one finds nothing to change says nothing of the first."""
    lost = answers({("*", "conf"): [Answer(lost="reset"), Answer()]})
    within = scenario(CHANGING, tmp_path, lost)
    died_first = died(scenario(CHANGING, tmp_path), on(StepIntent, step="conf"))
    resumed = scenario(CHANGING, tmp_path, before=died_first)

    for ran in (within, resumed):
        assert [text for _, text in sent(ran)][-2:] == ["after", "restart"]
        assert ran.statuses() == {"web01": "changed"}


def test_a_step_that_never_began_is_not_in_doubt(tmp_path: Path) -> None:
    """The host's record says so: nothing was changed, and nothing is notified."""
    before = died(scenario(CHANGING, tmp_path), on(StepIntent, step="conf"))
    again = scenario(CHANGING, tmp_path, fake=Fake(recall=lambda _, __: Recalled("never")), before=before)

    assert sent(again) == [("web01", "conf")]
    assert again.statuses() == {"web01": "ok"}


def test_a_step_that_never_changes_anything_is_not_in_doubt(tmp_path: Path) -> None:
    """Its condition is no question of what it printed."""
    playbook = CHANGING.replace("\"'new' in result.stdout\"", "false")
    before = died(scenario(playbook, tmp_path), on(StepIntent, step="conf"))

    assert sent(scenario(playbook, tmp_path, before=before)) == [("web01", "conf")]
