"""When the record on a host may go: not before what it tells is on disk here."""

import time
from pathlib import Path

from commandline import project, runner
from terminals import wait_for

PLAYBOOK = """\
version: 1
hosts: here
steps:
  - {{id: first, shell: "sleep 0.3; echo first >> {folder}/done"}}
  - {{id: second, shell: "sleep 0.3; echo second >> {folder}/done"}}
"""


def test_a_death_between_the_last_end_and_its_record_runs_nothing_twice(tmp_path: Path) -> None:
    """The third process reads the second's record, removes it, and dies with what it read in memory."""
    project(tmp_path, PLAYBOOK.format(folder=tmp_path), "connection: local\nhosts: {here: {}}\n")

    def crash(point: str, *argv: str, ends: str) -> None:
        assert runner(*argv, cwd=tmp_path, RUNNER_CRASHPOINT=point).code == -9
        wait_for(lambda: ends in done.read_text() if done.exists() else False)
        time.sleep(0.3)  # the host notes the end behind that

    done = tmp_path / "done"
    crash("after_send", "run", "site.yaml", "-i", "hosts.yaml", ends="first")
    crash(
        "after_send:3", "resume", "last", ends="second"
    )  # behind the questions for the end and the output of the first
    crash("before_run_ended", "resume", "last", ends="second")

    last = runner("resume", "last", cwd=tmp_path)

    assert done.read_text().split() == ["first", "second"]
    assert last.code == 0


EDITED = """\
version: 1
hosts: [h1]
steps:
  - {{id: away, delegate_to: {place}, shell: "sleep 0.3; echo away >> {folder}/done"}}
"""


def test_a_step_is_not_looked_for_on_a_host_that_it_was_never_sent_to(tmp_path: Path) -> None:
    """Its ``delegate_to`` was edited since: the record of the host that is named now would say that it never began."""
    project(
        tmp_path, EDITED.format(place="h2", folder=tmp_path), "connection: local\nhosts: {h1: {}, h2: {}, h3: {}}\n"
    )
    assert runner("run", "site.yaml", "-i", "hosts.yaml", cwd=tmp_path, RUNNER_CRASHPOINT="after_send").code == -9
    wait_for((tmp_path / "done").exists)
    (tmp_path / "site.yaml").write_text(EDITED.format(place="h3", folder=tmp_path))

    resumed = runner("resume", "last", cwd=tmp_path)

    assert resumed.code == 6
    assert 'the playbook has changed since: it was begun on "h2" in steps' in resumed.out
    assert (tmp_path / "done").read_text() == "away\n"
