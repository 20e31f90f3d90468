"""Places for records that take no writes: found before anything is contacted, with path and reason."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from commandline import RUNNER, environment, project, runner
from sshd import need

LOCAL = "connection: local\nhosts: {h1: {}}\n"


def test_a_file_system_without_writes(tmp_path: Path) -> None:
    """As after an error of the disk, when the kernel mounts it so."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,ro", "tmpfs", disk], capture_output=True, check=False)
    need(made.returncode == 0, "no tmpfs can be mounted here: needs root")
    project(
        tmp_path, f"version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{{shell: touch {tmp_path}/done}}]\n", LOCAL
    )
    try:
        done = runner("run", "site.yaml", "--runs-dir", disk / "runs", cwd=tmp_path)
    finally:
        subprocess.run(["umount", disk], check=True)

    assert done.code == 11
    assert f'"{disk}/runs' in done.err
    assert "Read-only file system" in done.err
    assert "--runs-dir" in done.err
    assert not (tmp_path / "done").exists()


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no unshare here: install util-linux")
def test_a_folder_that_we_may_not_write_to(tmp_path: Path) -> None:
    """Its mode is told as the reason; a user without rights over everything is needed to see it."""
    project(
        tmp_path, f"version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{{shell: touch {tmp_path}/done}}]\n", LOCAL
    )
    (tmp_path / "runs").mkdir(mode=0o500)
    user = ["unshare", "--user", "--map-user=54321", "--map-group=54321"]
    probe = subprocess.run([*user, "true"], capture_output=True, text=True, check=False)
    need(probe.returncode == 0, f"no user namespaces here: {probe.stderr.strip()}")

    done = subprocess.run(
        [*user, *RUNNER, "run", "site.yaml"],
        cwd=tmp_path,
        env=environment(RUNNER_RUNS_DIR=str(tmp_path / "runs"), HOME=os.environ.get("HOME", "/")),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 11, done.stdout + done.stderr
    assert f'"{tmp_path}/runs' in done.stderr
    assert "Permission denied" in done.stderr
    assert not (tmp_path / "done").exists()
