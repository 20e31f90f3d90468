"""Limits on open files: the number of hosts at work keeps to them, or the numbers are told."""

import resource
import shutil
import subprocess
from pathlib import Path

from commandline import RUNNER, Done, environment, project
from sshd import need

from runner import journal

HOSTS = 200
MANY = f'connection: local\nhosts: {{"h[001-{HOSTS}]": {{}}}}\n'


def limited(folder: Path, files: int, *words: str) -> Done:
    """A run with so many open files, hard limit and soft."""
    need(shutil.which("prlimit"), "no prlimit here: install util-linux")
    runs = folder / "runs"
    done = subprocess.run(
        ["prlimit", f"--nofile={files}", *RUNNER, "run", "site.yaml", *words],
        cwd=folder,
        env=environment(RUNNER_RUNS_DIR=str(runs)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr, runs)


def playbook(strategy: str = "") -> str:
    return f"version: 1\ninventory: hosts.yaml\nhosts: all\n{strategy}steps: [{{shell: ':'}}]\n"


def test_two_hundred_hosts_are_done_with_64_open_files(tmp_path: Path) -> None:
    """As many at a time as the files bear, which the plan reckons and tells."""
    project(tmp_path, playbook(), MANY)

    done = limited(tmp_path, 64)

    [ready] = done.events("plan.ready")
    assert done.code == 0, done.out + done.err
    assert len(done.statuses()) == HOSTS
    assert ready["plays"][0]["concurrency"] == 6
    journal.verify(done.folder / "events.jsonl")


def test_more_hosts_at_once_than_files_is_refused_with_the_numbers(tmp_path: Path) -> None:
    """Nothing starts; the hint has the number that would do."""
    project(tmp_path, playbook("strategy: {concurrency: 50}\n"), MANY)

    done = limited(tmp_path, 64)

    assert done.code == 2
    assert "lets 50 hosts work at once; open files allow 6" in done.err
    assert "--concurrency 6" in done.err
    assert not done.ran


def test_the_soft_limit_is_raised_to_the_hard_one(tmp_path: Path) -> None:
    """What may be had is taken: a low soft limit alone lowers nothing."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need(hard == resource.RLIM_INFINITY or hard >= 500, f"only {hard} open files are allowed here")
    project(tmp_path, playbook("strategy: {concurrency: 50}\n"), MANY.replace("200", "060"))
    (tmp_path / "runs").mkdir()

    done = subprocess.run(
        ["sh", "-c", 'ulimit -Sn 64; exec "$@"', "sh", *RUNNER, "run", "site.yaml"],
        cwd=tmp_path,
        env=environment(RUNNER_RUNS_DIR=str(tmp_path / "runs")),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
