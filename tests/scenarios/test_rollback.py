"""Rollback: when, on which hosts, in which order, and what its own failures are."""

from pathlib import Path

from scenario import Ran, scenario

from runner.model.events import RollbackEnded, RollbackStarted
from runner.transports.fake import Answer, answers

PLAY = """
version: 1
hosts: all
strategy: {type: rolling, waves: 2, max_failures: 0, on_exceed: rollback, preflight: false}
steps:
  - {command: probe, read_only: true}
  - {command: release}
rollback:
  - {command: back}
always:
  - {command: tidy, changed_when: false}
"""


def ran(folder: Path, table: dict[tuple[str, str], Answer], text: str = PLAY) -> Ran:
    """Six hosts in waves of two."""
    return scenario(text, folder, answers(table), hosts="web[01-06]")


def order(run: Ran, text: str) -> list[str]:
    """The hosts to which this was sent, in order."""
    return [sent.host for sent in run.fake.sent if sent.text == text]


def test_touched_hosts_go_back_the_latest_wave_first(tmp_path: Path) -> None:
    """The second wave exceeds the budget: it is rolled back before the first, and the third is left alone."""
    run = ran(tmp_path, {("web03", "release"): Answer(rc=1)})

    assert sorted(order(run, "back")[:2]) == ["web03", "web04"]
    assert sorted(order(run, "back")[2:]) == ["web01", "web02"]
    assert run.statuses() == {
        **dict.fromkeys(["web01", "web02", "web03", "web04"], "rolled_back"),
        "web05": "not_run",
        "web06": "not_run",
    }
    assert run.all(RollbackStarted)[0].hosts == ("web03", "web04", "web01", "web02")
    assert run.all(RollbackEnded)[0].status == "rolled_back"
    assert run.summary.status == "rolled_back"


def test_a_host_never_touched_is_left_alone(tmp_path: Path) -> None:
    """One on which nothing has changed and nothing failed."""
    text = PLAY.replace("{command: release}", '{command: release, changed_when: host.name != "web01"}')
    run = ran(tmp_path, {("web03", "release"): Answer(rc=1)}, text)

    assert "web01" not in order(run, "back")
    assert run.statuses()["web01"] == "ok"


def test_always_runs_again_behind_it(tmp_path: Path) -> None:
    """Once for the host's turn, once for its way back."""
    run = ran(tmp_path, {("web01", "release"): Answer(rc=1)})

    assert run.commands("web01") == ["probe", "release", "tidy", "back", "tidy"]


def test_a_rollback_that_fails_stops_no_other(tmp_path: Path) -> None:
    """That host is told apart, and so is the run."""
    run = ran(tmp_path, {("web03", "release"): Answer(rc=1), ("web04", "back"): Answer(rc=1)})

    assert run.statuses()["web04"] == "rollback_failed"
    assert run.statuses()["web01"] == "rolled_back"
    assert run.summary.status == "rollback_failed"


def test_a_host_lost_by_then_is_a_failed_rollback(tmp_path: Path) -> None:
    """It had changed something, and can't be reached any more."""
    run = ran(tmp_path, {("web03", "release"): Answer(rc=1), ("web02", "back"): Answer(lost="reset by peer")})

    assert run.statuses()["web02"] == "rollback_failed"


def test_within_the_budget_nothing_goes_back(tmp_path: Path) -> None:
    """A failure that the play bears is no reason."""
    run = ran(tmp_path, {("web03", "release"): Answer(rc=1)}, PLAY.replace("max_failures: 0", "max_failures: 1"))

    assert not order(run, "back")
    assert run.summary.status == "failed"


def test_what_rollback_does_once(tmp_path: Path) -> None:
    """On the first host, behind all others."""
    text = PLAY.replace("  - {command: back}\n", "  - {command: tell, once: run}\n  - {command: back}\n")
    run = ran(tmp_path, {("web03", "release"): Answer(rc=1)}, text)

    assert order(run, "tell") == ["web03"]
    texts = [sent.text for sent in run.fake.sent]
    assert texts.index("tell") > max(index for index, text in enumerate(texts) if text == "back")


def test_a_step_that_failed_on_the_way_back_is_a_failed_rollback_though_others_followed(tmp_path: Path) -> None:
    """``continue`` goes on to the next step; it makes no failure good."""
    text = PLAY.replace("{command: back}", "{command: back, on_failure: continue}\n  - {command: more}")
    run = ran(tmp_path, {("web03", "release"): Answer(rc=1), ("web02", "back"): Answer(rc=1)}, text)

    assert "web02" in order(run, "more")
    assert run.statuses()["web02"] == "rollback_failed"
    assert run.summary.status == "rollback_failed"


def test_what_comes_last_fails_a_rollback_too(tmp_path: Path) -> None:
    """A step that undoes once what was done once, with more steps behind it."""
    text = PLAY.replace("{command: tidy, changed_when: false}", "{command: tidy, once: run, on_failure: continue}")
    run = ran(tmp_path, {("web03", "release"): Answer(rc=1), ("*", "tidy"): Answer(rc=1)}, text)

    assert run.statuses()["web01"] == "rollback_failed"


def test_what_tidies_up_in_any_case_touches_no_host(tmp_path: Path) -> None:
    """A host that came to ``always`` alone has done nothing that could be taken back."""
    playbook = """
    version: 1
    hosts: web[01-02]
    strategy: {type: sequential, order: reverse, on_exceed: rollback}
    steps: [{id: a, command: a, when: host.name == "web01"}]
    rollback: [{id: undo, command: undo}]
    always: [{id: tidy, command: tidy}]
    """
    run = scenario(playbook, tmp_path, answers({("web01", "a"): Answer(rc=1)}))

    assert [one.host for one in run.fake.sent if one.text == "tidy"] == ["web02", "web01", "web01"]
    assert [one.host for one in run.fake.sent if one.text == "undo"] == ["web01"]
