"""When the record on a host may go: not before what it tells is on disk here."""

from pathlib import Path

from commandline import project, runner

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
    args = ("site.yaml", "-i", "hosts.yaml")
    assert runner("run", *args, cwd=tmp_path, RUNNER_CRASHPOINT="after_send").code == -9
    assert runner("resume", "last", cwd=tmp_path, RUNNER_CRASHPOINT="after_send").code == -9
    assert runner("resume", "last", cwd=tmp_path, RUNNER_CRASHPOINT="before_run_ended").code == -9

    done = runner("resume", "last", cwd=tmp_path)

    assert (tmp_path / "done").read_text().split() == ["first", "second"]
    assert done.code == 0
