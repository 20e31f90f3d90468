"""One run at a time has a playbook and its inventory: what the second is told, and ``runner lock``."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from commandline import RUNNER, environment, project, runner
from sshd import Sshd

HOSTS = "connection: local\nhosts: {one: {}, two: {}}\n"


def waiting(folder: Path, hosts: str = HOSTS, more: str = "") -> None:
    """A project whose run goes on until there is a file ``over``."""
    step = f"touch {folder}/started; until [ -e {folder}/over ]; do sleep 0.05; done"
    head = f"version: 1\ninventory: hosts.yaml\nhosts: all\nvars: {{colour: red}}\n{more}"
    project(folder, f"{head}steps: [{{shell: '{step}', env: {{C: '{{{{ colour }}}}'}}}}]\n", hosts)


@contextmanager
def under_way(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A run whose step has started; at the end it is let end."""
    argv = [*RUNNER, "run", "site.yaml", *words]
    environ = environment(RUNNER_RUNS_DIR=str(folder / "runs"))
    with subprocess.Popen(argv, cwd=folder, env=environ, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            end = time.monotonic() + 20
            while not (folder / "started").exists():
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.02)
            yield process
        finally:
            (folder / "over").touch()
            process.wait(20)


def status(folder: Path) -> dict[str, Any]:
    """What ``runner lock status`` says, as data."""
    said: dict[str, Any] = json.loads(runner("lock", "status", "site.yaml", "--format", "json", cwd=folder).out)
    return said


def test_a_second_run_is_refused_and_told_who_runs(tmp_path: Path) -> None:
    """Exit status 10, whatever --limit says and by whatever name: user, machine, process, run, start, how to see it."""
    waiting(tmp_path)
    with under_way(tmp_path, "--limit", "one", "-e", "colour=blue") as first:
        second = runner("run", "../" + tmp_path.name + "/site.yaml", "--limit", "two", cwd=tmp_path)
        said = runner("lock", "status", "site.yaml", cwd=tmp_path).out

    (run,) = (tmp_path / "runs").glob("2*")
    assert second.code == 10
    assert f"site.yaml is being run with this inventory: run {run.name} of " in second.err
    assert f"(process {first.pid}), since 20" in second.err
    assert "hint: one run at a time, whatever --limit says; runner lock status ../" in second.err
    assert f"being run: run {run.name} of " in said
    assert "run site.yaml --limit one -e colour=***" in said
    assert runner("lock", "status", "site.yaml", cwd=tmp_path).out == "free\n"


@pytest.mark.sshd
def test_a_refused_run_contacts_nobody_and_fetches_no_secret(tmp_path: Path, sshd: Sshd) -> None:
    """What it would have needed is not asked for."""
    waiting(
        tmp_path,
        sshd.inventory_text(2),
        f"secrets: {{token: {{command: [sh, -c, echo x | tee -a {tmp_path}/fetched]}}}}\n",
    )
    with under_way(tmp_path):
        before = (sshd.connections(), (tmp_path / "fetched").read_text())
        second = runner("run", "site.yaml", cwd=tmp_path)
        after = (sshd.connections(), (tmp_path / "fetched").read_text())

    assert second.code == 10
    assert before == after


def test_another_inventory_is_another_lock(tmp_path: Path) -> None:
    """The same playbook may be run with it at the same time; and what takes no lock is not refused."""
    waiting(tmp_path)
    (tmp_path / "other.yaml").write_text("connection: local\nhosts: {three: {}}\n")
    with under_way(tmp_path):
        (tmp_path / "over").touch()
        other = runner("run", "site.yaml", "-i", "other.yaml", cwd=tmp_path)
        plan = runner("plan", "site.yaml", cwd=tmp_path)
        simulation = runner("simulate", "site.yaml", cwd=tmp_path)

    assert (other.code, plan.code, simulation.code) == (0, 0, 0)


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    """Nothing has to be released before the next one."""
    waiting(tmp_path)
    with under_way(tmp_path) as first:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        (tmp_path / "over").touch()
        after = status(tmp_path)
        second = runner("run", "site.yaml", cwd=tmp_path)

    assert after["state"] == "free"
    assert second.code == 0


def test_whoever_goes_on_with_a_run_needs_the_lock_too(tmp_path: Path) -> None:
    """Of another run of the same playbook, or of one that is under way itself."""
    waiting(tmp_path)
    with under_way(tmp_path) as first:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    (dead,) = (tmp_path / "runs").glob("2*")
    (tmp_path / "started").unlink()
    (tmp_path / "over").unlink()
    with under_way(tmp_path):
        refused = runner("resume", dead.name, cwd=tmp_path)
        live = runner("resume", "last", cwd=tmp_path)

    assert (refused.code, live.code) == (10, 10), (refused.err, live.err)
    assert "is being run with this inventory" in refused.err


def test_what_a_run_starts_does_not_have_its_lock(tmp_path: Path) -> None:
    """Neither the command of a secret nor a local step sees the open file: one that goes on would keep it."""
    shown = 'ls -l /proc/self/fd/ | grep -c "[.]lock$"'
    play = f"""
version: 1
inventory: hosts.yaml
hosts: one
secrets: {{token: {{command: [sh, -c, '{shown} > {tmp_path}/seen; echo 4711']}}}}
steps:
  - {{shell: '{shown}; true', env: {{TOKEN: "{{{{ secrets.token }}}}"}}, register: step}}
  - {{command: [cat, /etc/hostname], delegate_to: controller}}
"""
    project(tmp_path, play, HOSTS)

    done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 0
    assert (tmp_path / "seen").read_text() == "0\n"
    assert (done.folder / "output/one/shell.1.out").read_text() == "0\n"


def test_the_records_say_when_the_lock_was_taken_and_given_back(tmp_path: Path) -> None:
    """Between them stands all that was done; the id is that of ``runner lock status``."""
    project(tmp_path, "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{command: 'true'}]\n", HOSTS)

    done = runner("run", "site.yaml", cwd=tmp_path)

    names = [record["event"] for record in done.events()]
    (taken,) = done.events("lock.taken")
    assert (taken["scope"], taken["id"]) == ("controller", status(tmp_path)["id"])
    assert names[:3] == ["run.started", "plan.ready", "lock.taken"]
    assert names[-2:] == ["lock.released", "run.ended"]


def test_a_hold_lasts_until_it_is_released(tmp_path: Path) -> None:
    """Everybody who tries to run is told who holds it, since when and why; status and both formats say so."""
    project(tmp_path, "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{command: 'true'}]\n", HOSTS)

    held = runner("lock", "hold", "site.yaml", "-m", "freeze until Monday", cwd=tmp_path)
    again = runner("lock", "hold", "site.yaml", "-m", "mine", cwd=tmp_path)
    refused = runner("run", "site.yaml", cwd=tmp_path)
    said, data = runner("lock", "status", "site.yaml", cwd=tmp_path).out, status(tmp_path)
    released = runner("lock", "release", "site.yaml", cwd=tmp_path)
    nothing = runner("lock", "release", "site.yaml", cwd=tmp_path)
    done = runner("run", "site.yaml", cwd=tmp_path)

    assert (held.code, again.code, refused.code) == (0, 10, 10)
    assert "site.yaml is on hold by " in again.err
    assert ": freeze until Monday\nhint: when it may run again: runner lock release site.yaml" in refused.err
    assert said == held.out
    assert (data["state"], data["hold"]["message"], data["run"]) == ("hold", "freeze until Monday", None)
    assert (released.code, "freeze until Monday" in released.out) == (0, True)
    assert (nothing.code, nothing.out) == (0, "nothing was held\n")
    assert done.code == 0


def test_a_live_run_cannot_be_released(tmp_path: Path) -> None:
    """Exit status 10. A hold that comes while it runs is for the next one, and can be released again."""
    waiting(tmp_path)
    with under_way(tmp_path) as first:
        refused = runner("lock", "release", "site.yaml", cwd=tmp_path)
        held = runner("lock", "hold", "site.yaml", "-m", "no more", cwd=tmp_path)
        second = runner("run", "site.yaml", cwd=tmp_path)
        released = runner("lock", "release", "site.yaml", cwd=tmp_path)
        still = status(tmp_path)

    assert refused.code == 10
    assert f"kill {first.pid}" in refused.err
    assert (held.code, "still on its way: run " in held.out) == (0, True)
    assert (second.code, "no more" in second.err) == (10, True)
    assert (released.code, "still on its way: run " in released.out) == (0, True)
    assert (still["state"], still["run"]["pid"]) == ("run", first.pid)


def test_asking_after_a_lock_writes_nothing(tmp_path: Path) -> None:
    """Nor does a release of nothing."""
    project(tmp_path, "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{command: 'true'}]\n", HOSTS)

    free = runner("lock", "status", "site.yaml", cwd=tmp_path)
    nothing = runner("lock", "release", "site.yaml", cwd=tmp_path)

    assert (free.out, nothing.out) == ("free\n", "nothing was held\n")
    assert not free.runs.exists()


@pytest.mark.parametrize(
    ("words", "said"), [(("status", "none.yaml"), "none.yaml"), (("hold", "site.yaml"), "--message")]
)
def test_what_is_wrong_with_the_words_is_told(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """Exit status 2."""
    project(tmp_path, "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{command: 'true'}]\n", HOSTS)

    done = runner("lock", *words, cwd=tmp_path)

    assert (done.code, said in done.err) == (2, True)


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs a place where nobody can make folders: /proc")
def test_a_state_folder_that_cannot_be_made_ends_it_before_any_contact(tmp_path: Path) -> None:
    """Exit status 11, with the path, why, and what to do."""
    project(tmp_path, "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{command: 'true'}]\n", HOSTS)

    done = runner("run", "site.yaml", "--runs-dir", "/proc/none", cwd=tmp_path)

    assert done.code == 11
    assert 'cannot use the state folder: "/proc/none"' in done.err
    assert "hint: name another runs folder with --runs-dir" in done.err
