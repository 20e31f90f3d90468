"""A new run on the hosts that ended in some way."""

from pathlib import Path

import pytest
from commandline import project, runner

PLAYBOOK = """
version: 1
inventory: hosts.yaml
hosts: all
inputs: {release: {type: string, default: "1"}}
steps:
- {id: one, shell: "echo {{ release }} >> %s/{{ host.name }}.log; test {{ host.name }} != h2 || test -e %s/go"}
- {id: two, tags: [slow], shell: "echo two >> %s/{{ host.name }}.log"}
"""
HOSTS = "hosts:\n  h1: {connection: local}\n  h2: {connection: local}\n  h3: {address: 127.0.0.1, ssh: {port: 1}}\n"


@pytest.fixture
def ran(tmp_path: Path):
    """A run in which one host failed, and one could not be reached."""
    project(tmp_path, PLAYBOOK.replace("%s", str(tmp_path)), HOSTS)
    done = runner("run", "site.yaml", "-e", "release=7", "--skip-tags", "slow", cwd=tmp_path)
    assert done.statuses() == {"h1": "changed", "h2": "failed", "h3": "unreachable"}, done.err
    return done


def test_the_hosts_that_failed_run_again_with_the_options_of_then(ran):
    """It is a run of its own, of exactly these hosts."""
    folder = ran.runs.parent
    (folder / "go").touch()

    done = runner("rerun", ran.folder.name, "--only", "failed,unreachable", cwd=folder)

    assert done.statuses() == {"h2": "changed", "h3": "unreachable"}
    assert done.code == 4
    assert (folder / "h2.log").read_text().split() == ["7", "7"]
    assert (folder / "h1.log").read_text().split() == ["7"]
    (first,) = done.events("run.started")
    assert first["options"]["limit"] == ["h[2-3]"]
    assert first["options"]["skip_tags"] == ["slow"]


def test_what_is_typed_now_wins(ran):
    """Such as another release."""
    runner("rerun", "last", "--only", "failed", "-e", "release=8", cwd=ran.runs.parent)

    assert (ran.runs.parent / "h2.log").read_text().split() == ["7", "8"]


def test_where_no_host_ended_so_there_is_nothing_to_do(ran):
    """No run is made."""
    done = runner("rerun", "last", "--only", "rolled_back", cwd=ran.runs.parent)

    assert (done.code, done.folder) == (0, ran.folder)
    assert done.out == "nothing to do: no host ended rolled_back\n"


def test_hosts_that_a_killed_run_never_came_to_are_there_too(tmp_path: Path):
    """Its journal does not name them; the stored plan does."""
    playbook = (
        "version: 1\ninventory: hosts.yaml\nhosts: all\nstrategy: {type: rolling, waves: 1}\nsteps: [command: id]\n"
    )
    project(tmp_path, playbook, "connection: local\nhosts: {h1: {}, h2: {}, h3: {}}\n")
    runner("run", "site.yaml", cwd=tmp_path, RUNNER_CRASHPOINT="after_sync_before_send:2")

    done = runner("rerun", "last", "--only", "not_run", cwd=tmp_path)

    assert done.code == 0, done.err
    assert list(done.statuses()) == ["h3"]


@pytest.mark.parametrize(("only", "said"), [("fialed", 'did you mean "failed"?'), (",", "--only names no host status")])
def test_a_word_that_is_no_status_is_refused(ran, only, said):
    """With the nearest one."""
    done = runner("rerun", "last", "--only", only, cwd=ran.runs.parent)

    assert done.code == 2
    assert said in done.err
