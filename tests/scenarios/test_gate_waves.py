"""The gate between waves: what it asks, when, and what a bad answer means for the hosts, the wave and the run."""

import asyncio
from pathlib import Path

from scenario import Ran, scenario

from runner.engine.context import Run
from runner.engine.stop import Level
from runner.model.events import Baking, BudgetExceeded, GateFailed, GatePassed, HostEnded, WaveEnded, WaveStarted
from runner.transports.fake import Answer, Script, answers

PLAY = """
version: 1
hosts: all
strategy:
  type: rolling
  waves: 2
  preflight: false
  gate:
    - {command: healthy, interval: 1s, deadline: 5s}
steps:
  - {command: release, notify: restart}
handlers:
  - {name: restart, command: restart it}
always:
  - command: tidy
rollback:
  - command: back
"""


def ran(folder: Path, script: Script, text: str = PLAY) -> Ran:
    """Six hosts in waves of two."""
    return scenario(text, folder, script, hosts="web[01-06]")


def sick(host: str) -> Script:
    """That host never gets well."""
    return answers({(host, "healthy"): Answer(rc=1)})


def test_it_is_asked_behind_all_else_of_the_wave(tmp_path: Path) -> None:
    """Behind the handlers and always, before the next wave, and behind the last wave too."""
    run = ran(tmp_path, lambda _: Answer())

    assert run.commands("web01") == ["release", "restart it", "tidy", "healthy"]
    assert [event.wave for event in run.all(GatePassed)] == [1, 2, 3]
    assert run.recorder.events.index(run.all(GatePassed)[0]) < run.recorder.events.index(run.all(WaveStarted)[1])
    assert run.summary.status == "ok"


def test_a_host_that_fails_it_ends_the_run(tmp_path: Path) -> None:
    """It counts against the budget; the run says that a gate ended it, and the rest does not run."""
    run = ran(tmp_path, sick("web03"))

    assert run.statuses() == {
        **dict.fromkeys(["web01", "web02", "web04"], "changed"),
        "web03": "gate_failed",
        **dict.fromkeys(["web05", "web06"], "not_run"),
    }
    assert [event.status for event in run.all(HostEnded, host="web03")] == ["changed", "gate_failed"]
    assert run.all(GateFailed)[0].hosts == ("web03",)
    assert run.all(BudgetExceeded)[0].by_gate
    assert run.all(WaveEnded, wave=2)[0].counts == {"changed": 1, "gate_failed": 1}
    assert run.summary.flags.gate


def test_within_the_budget_a_bad_gate_stops_nothing(tmp_path: Path) -> None:
    """All waves run, and the run has failed."""
    run = ran(tmp_path, sick("web03"), PLAY.replace("type: rolling", "type: rolling\n  max_failures: 1"))

    assert run.statuses()["web06"] == "changed"
    assert run.summary.status == "failed"
    assert not run.summary.flags.gate


def test_it_is_not_asked_of_hosts_that_failed(tmp_path: Path) -> None:
    """Only of those that are still well."""
    text = PLAY.replace("type: rolling", "type: rolling\n  max_failures: 1")
    run = ran(tmp_path, answers({("web01", "release"): Answer(rc=1)}), text)

    assert "healthy" not in run.commands("web01")
    assert "healthy" in run.commands("web02")


def test_a_bad_gate_may_lead_back(tmp_path: Path) -> None:
    """Every host that was changed goes back, the latest wave first."""
    run = ran(tmp_path, sick("web03"), PLAY.replace("type: rolling", "type: rolling\n  on_exceed: rollback"))

    assert [sent.host for sent in run.fake.sent if sent.text == "back"] == ["web03", "web04", "web01", "web02"]
    assert set(run.statuses().values()) == {"rolled_back", "not_run"}
    assert run.summary.status == "rolled_back"


def test_the_bake_is_behind_the_gate_and_between_waves(tmp_path: Path) -> None:
    """Three waves, two bakes of two seconds, none behind the last."""
    run = ran(tmp_path, lambda _: Answer(), PLAY.replace("type: rolling", "type: rolling\n  bake: 2s"))

    assert [event.wave for event in run.all(Baking)] == [1, 2]
    assert run.seconds == 4


def test_a_gate_without_an_answer_leaves_the_wave_open_to_doubt(tmp_path: Path) -> None:
    """A stop comes while it is asked: the hosts stay as they were, and the wave is not called well."""

    def stopping(run: Run) -> None:
        asyncio.get_running_loop().call_later(2, run.stop.raise_to, Level.STOP, "somebody said so")

    ran = scenario(PLAY, tmp_path, sick("web01"), hosts="web[01-06]", during=stopping)

    assert ran.statuses()["web01"] == "changed"
    assert ran.all(WaveEnded, wave=1)[0].status == "failed"
