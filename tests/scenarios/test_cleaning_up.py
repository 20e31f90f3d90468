"""What runs whatever happened: ``always`` of plays and blocks under a stop, a kill and an interrupt, and its minute."""

from pathlib import Path

import pytest
from scenario import Ran, gone, most_at_once, scenario, stopping

from runner.engine.stop import Level
from runner.model.events import HostEnded, StepEnded
from runner.transports.fake import Answer, answers

PLAY = """
version: 1
hosts: all
strategy: {type: parallel, concurrency: 2}
steps:
  - command: one
  - command: two
always:
  - {command: tidy, changed_when: false}
  - {command: unlock, changed_when: false}
"""
BLOCK = """
version: 1
hosts: all
steps:
  - block: [{command: one}, {command: two}]
    rescue: [{command: mend}]
    always: [{command: tidy}]
  - command: after
always: [{command: unlock}]
"""


def ran(folder: Path, table: dict[tuple[str, str], Answer], *levels: tuple[float, Level], text: str = PLAY) -> Ran:
    """Six hosts, ten seconds for every step that is not in the table; stopped from outside at these times."""
    script = answers({**table, ("*", "*"): Answer(duration=10)})
    return scenario(text, folder, script, hosts="web[01-06]", during=stopping(*levels))


@pytest.mark.parametrize(("level", "seconds"), [(Level.STOP, 30), (Level.KILL, 25)])
def test_it_runs_for_every_host_that_started(tmp_path: Path, level: Level, seconds: int) -> None:
    """After an interrupt at five seconds: behind the running step, or at once where that is ended."""
    run = ran(tmp_path, {}, (5, level))

    assert run.commands("web01") == run.commands("web02") == ["one", "tidy", "unlock"]
    assert run.commands("web03") == []
    assert run.seconds == seconds
    assert run.statuses()["web01"] == "cancelled"
    assert run.all(HostEnded, host="web03")[0].reason == "interrupted"


def test_a_second_interrupt_ends_steps_and_lets_it_run(tmp_path: Path) -> None:
    """The first lets the step finish, the second ends it; what tidies up is not ended."""
    run = ran(tmp_path, {}, (2, Level.STOP), (5, Level.KILL))

    assert run.commands("web01") == ["one", "tidy", "unlock"]
    assert run.seconds == 25


def test_it_has_a_minute_once_all_is_being_ended(tmp_path: Path) -> None:
    """A step that hangs is ended then, and those behind it do not begin."""
    run = ran(tmp_path, {("web01", "tidy"): Answer(duration=3600)}, (5, Level.KILL))

    assert run.commands("web01") == ["one", "tidy"]
    assert run.seconds == 65
    [cut] = run.all(StepEnded, host="web01", section="always")
    assert (cut.status, cut.reason) == ("cancelled", "always steps had 60s after the run was stopped")
    assert run.commands("web02") == ["one", "tidy", "unlock"]


def test_the_minute_starts_when_the_kill_comes(tmp_path: Path) -> None:
    """It was at its steps that run in any case already; without a kill they have all the time they need."""
    slow = {("web01", "tidy"): Answer(duration=600), ("web01", "one"): Answer(rc=1)}
    assert ran(tmp_path, slow, (5, Level.STOP)).seconds == 610

    run = ran(tmp_path, slow, (5, Level.STOP), (30, Level.KILL))
    assert run.seconds == 90


def test_blocks_and_the_play_share_the_minute_of_a_host(tmp_path: Path) -> None:
    """A block's step takes fifty seconds of it, so the play's has ten."""
    table = {("web01", "tidy"): Answer(duration=50), ("web01", "unlock"): Answer(duration=3600)}
    run = ran(tmp_path, table, (5, Level.KILL), text=BLOCK)

    assert run.commands("web01") == ["one", "tidy", "unlock"]
    assert run.seconds == 65


@pytest.mark.parametrize("level", [Level.STOP, Level.KILL])
def test_a_block_tidies_up_under_a_stop_and_rescues_nothing(tmp_path: Path, level: Level) -> None:
    """Nothing new starts but what runs in any case: a host that fails then has failed."""
    table = {("web01", "one"): Answer(rc=1, duration=10), ("web02", "one"): Answer(duration=10)}
    run = ran(tmp_path, table, (5, level), text=BLOCK)

    assert run.commands("web01") == run.commands("web02") == ["one", "tidy", "unlock"]
    assert run.statuses()["web01"] == ("failed" if level is Level.STOP else "cancelled")
    assert not [event for event in run.all(StepEnded) if event.rescued]


def test_a_stop_in_the_midst_of_a_rescue(tmp_path: Path) -> None:
    """Its running step finishes, and the host was stopped on its way to being well again."""
    text = BLOCK.replace("[{command: mend}]", "[{command: mend}, {command: mend more}]")
    run = ran(tmp_path, {("*", "one"): Answer(rc=1)}, (5, Level.STOP), text=text)

    assert run.commands("web01") == ["one", "mend", "tidy", "unlock"]
    assert run.statuses()["web01"] == "cancelled"


@pytest.mark.parametrize("action", ["stop", "drain", "kill", "rollback", "pause"])
def test_it_runs_however_the_budget_ends_the_play(tmp_path: Path, action: str) -> None:
    """On each host that was at work, and on none that never began."""
    text = PLAY.replace("concurrency: 2", f"concurrency: 2, max_failures: 0, on_exceed: {action}")
    if action == "rollback":
        text += "rollback: [{command: back}]\n"
    run = ran(tmp_path, {("web01", "one"): Answer(rc=1, duration=5)}, text=text)

    assert {sent.host for sent in run.fake.sent if sent.text == "unlock"} == {"web01", "web02"}
    assert run.statuses()["web03"] == "not_run"


def test_its_failure_is_the_hosts(tmp_path: Path) -> None:
    """The steps behind it do not run, and a host that failed before has that reason still."""
    run = ran(tmp_path, {("web0[12]", "tidy"): Answer(rc=1), ("web02", "one"): Answer(rc=1)})

    assert run.commands("web01") == ["one", "two", "tidy"]
    assert run.statuses()["web01"] == "failed"
    assert run.all(HostEnded, host="web01")[0].reason.startswith("command-3")
    assert run.all(HostEnded, host="web02")[0].reason.startswith("command:")


def test_on_a_lost_host_only_what_runs_elsewhere_does(tmp_path: Path) -> None:
    """Of the play's steps in any case: nothing is sent to a host that can't be reached."""
    text = PLAY.replace("hosts: all", "hosts: web*").replace(
        "  - {command: unlock, changed_when: false}", '  - {command: "put back {{ host.name }}", delegate_to: lb1}'
    )
    run = scenario(text, tmp_path, fake=gone("web01"), hosts="web[01-02] lb1")

    assert run.commands("lb1") == ["put back web01", "put back web02"]
    assert run.commands("web01") == []
    assert [event.status for event in run.all(StepEnded, host="web01", section="always")] == ["skipped", "changed"]
    assert run.statuses()["web01"] == "unreachable"


def test_a_host_whose_steps_are_unknown_is_lost_too(tmp_path: Path) -> None:
    """Its connection went away in the midst of a step."""
    run = ran(tmp_path, {("web01", "one"): Answer(lost="reset by peer")})

    assert run.commands("web01") == ["one"]
    assert run.statuses()["web01"] == "unknown"


def test_hosts_that_stand_aside_take_a_place_to_tidy_up(tmp_path: Path) -> None:
    """Five wait for a step that runs once when a stop comes: no more than two tidy up at once."""
    text = PLAY.replace("  - command: two\n", "  - {command: two, once: wave, when: host.name == 'web06'}\n")
    table = {("*", "one"): Answer(), ("*", "two"): Answer(duration=100), ("*", "tidy"): Answer(duration=3)}
    run = ran(tmp_path, table, (50, Level.STOP), text=text)

    tidying = [(sent.time, sent.time + 3) for sent in run.fake.sent if sent.text == "tidy"]
    assert len(tidying) == 6
    assert most_at_once(tidying) == 2


def test_blocks_of_hosts_that_stand_aside_tidy_up_in_their_places(tmp_path: Path) -> None:
    """The same inside a block: one at a time, where one may be at work at once."""
    text = """
version: 1
hosts: all
strategy: {type: parallel, concurrency: 1}
steps:
  - block: [{id: one, command: one}, {command: two, needs: [one]}]
    always: [{command: tidy}]
"""
    run = ran(tmp_path, {("*", "tidy"): Answer(duration=3)}, (25, Level.STOP), text=text)

    tidying = [(sent.time, sent.time + 3) for sent in run.fake.sent if sent.text == "tidy"]
    assert len(tidying) == 3
    assert most_at_once(tidying) == 1


def test_a_kill_waits_for_no_place(tmp_path: Path) -> None:
    """A host would spend its minute on waiting."""
    text = PLAY.replace("  - command: two\n", "  - {command: two, once: wave, when: host.name == 'web06'}\n")
    table = {("*", "one"): Answer(), ("*", "two"): Answer(duration=100), ("*", "tidy"): Answer(duration=50)}
    run = ran(tmp_path, table, (60, Level.KILL), text=text)

    assert {sent.time for sent in run.fake.sent if sent.text == "tidy"} == {60.0}


def test_a_host_that_the_play_refuses_to_judge_tidies_up(tmp_path: Path) -> None:
    """Its condition can't be asked: the host has started, and failed."""
    text = """
version: 1
plays:
  - {name: ask, hosts: all, steps: [{command: which, register: kind}]}
  - name: work
    hosts: all
    when: kind.json.os == "debian"
    steps: [{command: one}]
    handlers: [{command: never}]
    always: [{command: tidy}]
"""
    run = scenario(text, tmp_path, answers({("*", "which"): Answer(stdout=b"no json")}), hosts="web01")

    assert run.commands() == ["which", "tidy"]
    assert run.statuses() == {"web01": "failed"}
