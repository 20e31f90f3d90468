"""Steps that run once: on which host, for whom, and what the others get."""

from pathlib import Path

from scenario import scenario

from runner.errors import ConnectError
from runner.model.events import StepEnded
from runner.transports.fake import Answer, Connection, Fake, answers

MIGRATE = """
version: 1
hosts: all
strategy: {type: rolling, waves: 2, preflight: false, max_failures: 5}
steps:
  - command: before
  - {name: migrate, command: migrate, once: run, register: migration}
  - command: "after {{ migration.stdout }}"
"""
SAID = answers({("*", "migrate"): Answer(stdout=b"v7\n")})


def test_it_runs_once_in_all_waves(tmp_path: Path) -> None:
    """On the first host; its result is registered for all of them."""
    run = scenario(MIGRATE, tmp_path, SAID, hosts="web[01-05]")

    assert [sent.host for sent in run.fake.sent if sent.text == "migrate"] == ["web01"]
    assert run.commands().count("after v7") == 5
    assert [event.status for event in run.all(StepEnded, step="migrate")] == ["changed", *["skipped"] * 4]


def test_it_may_run_once_a_wave(tmp_path: Path) -> None:
    """Three waves, three runs, each on the first host of its wave."""
    run = scenario(MIGRATE.replace("once: run", "once: wave"), tmp_path, SAID, hosts="web[01-05]")

    assert [sent.host for sent in run.fake.sent if sent.text == "migrate"] == ["web01", "web03", "web05"]


def test_the_others_wait_for_it(tmp_path: Path) -> None:
    """Nobody goes on before it has ended; only those at earlier steps do their work meanwhile."""
    table = {("*", "migrate"): Answer(stdout=b"v7", duration=30), ("web02", "before"): Answer(duration=5)}
    run = scenario(MIGRATE, tmp_path, answers(table), hosts="web[01-02]")

    after = [sent.time for sent in run.fake.sent if sent.text == "after v7"]
    assert min(after) >= 30


def test_it_runs_on_the_first_host_that_it_is_meant_for(tmp_path: Path) -> None:
    """A condition that holds on one host alone chooses that one, and the result is there for all three."""
    text = MIGRATE.replace("once: run,", 'once: run, when: host.name == "web02",').replace("waves: 2", "waves: rest")
    run = scenario(text, tmp_path, SAID, hosts="web[01-03]")

    assert [sent.host for sent in run.fake.sent if sent.text == "migrate"] == ["web02"]
    assert run.commands().count("after v7") == 3


def test_nobody_it_is_meant_for(tmp_path: Path) -> None:
    """It is skipped everywhere, and nobody waits for ever."""
    text = MIGRATE.replace("once: run,", "once: run, when: false == true,").replace(
        "migration.stdout", "migration.status"
    )
    run = scenario(text, tmp_path, SAID, hosts="web[01-03]")

    assert "migrate" not in run.commands()
    assert run.commands().count("after skipped") == 3


def test_a_host_that_never_gets_to_it_is_passed_over(tmp_path: Path) -> None:
    """One that fails before it, and one that can't be reached: the next one runs it."""
    table = {("web01", "before"): Answer(rc=1), ("*", "migrate"): Answer(stdout=b"v7")}
    run = scenario(MIGRATE, tmp_path, answers(table), hosts="web[01-04]")
    assert [sent.host for sent in run.fake.sent if sent.text == "migrate"] == ["web02"]

    def connecting(host: object, _: int) -> Connection:
        gone = getattr(host, "name", "") == "web01"
        return Connection(error=ConnectError("refused", "nobody listens") if gone else None)

    text = MIGRATE.replace("  - command: before\n", "")
    fake = Fake(SAID, connecting=connecting)
    run = scenario(text, tmp_path, fake=fake, hosts="web[01-04]")
    assert [sent.host for sent in fake.sent if sent.text == "migrate"] == ["web02"]
    assert run.statuses()["web01"] == "unreachable"


def test_one_that_fails_is_not_tried_elsewhere(tmp_path: Path) -> None:
    """It fails those that wait, and those that come later."""
    run = scenario(MIGRATE, tmp_path, answers({("*", "migrate"): Answer(rc=1)}), hosts="web[01-04]")

    assert run.commands().count("migrate") == 1
    assert set(run.statuses().values()) == {"failed"}
    assert "run once, on web01" in run.all(StepEnded, host="web03", step="migrate")[0].reason


def test_a_window_smaller_than_the_wave_does_not_block(tmp_path: Path) -> None:
    """A host that waits gives its place up, so that the one it waits for can come to work."""
    text = MIGRATE.replace("waves: 2", "waves: rest, concurrency: 1").replace(
        "once: run,", 'once: run, when: host.name == "web04",'
    )
    run = scenario(text, tmp_path, SAID, hosts="web[01-05]")

    assert [sent.host for sent in run.fake.sent if sent.text == "migrate"] == ["web04"]
    assert run.summary.status == "ok"


def test_a_whole_block_may_run_once(tmp_path: Path) -> None:
    """All of it on one host; what it registered and set is there for all."""
    text = """
version: 1
hosts: all
steps:
  - once: run
    block:
      - {command: build, register: built}
      - set: {release: "{{ built.stdout }}"}
  - command: "install {{ release }}"
"""
    run = scenario(text, tmp_path, answers({("*", "build"): Answer(stdout=b"r9")}), hosts="web[01-03]")

    assert run.commands().count("build") == 1
    assert run.commands().count("install r9") == 3


def test_what_was_set_once_is_unset_once_after_all(tmp_path: Path) -> None:
    """A flag set before the first host, and taken back behind the last, though a host of the second wave fails."""
    text = """
version: 1
hosts: all
strategy: {type: rolling, waves: 1, preflight: false}
steps:
  - {command: set the flag, once: run}
  - command: work
always:
  - {command: unset the flag, once: run}
  - command: tidy
"""
    run = scenario(text, tmp_path, answers({("web02", "work"): Answer(rc=1)}), hosts="web[01-03]")

    assert [sent.text for sent in run.fake.sent] == [
        "set the flag", "work", "tidy", "work", "tidy", "unset the flag",
    ]  # fmt: skip
    assert run.fake.sent[-1].host == "web01"
    assert run.statuses() == {"web01": "changed", "web02": "failed", "web03": "not_run"}
    assert run.summary.flags.aborted
