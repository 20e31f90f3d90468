"""On which file systems locks and journals are not to be relied upon."""

import subprocess
import sys
from pathlib import Path

import pytest
from commandline import environment, project

from runner.file_system import doubt, mounts

ROOT = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("30 22 0:50 / /home rw - nfs4 server:/home rw,vers=4.2", "is on nfs4, where locks may not hold everywhere"),
        ("30 22 0:50 / /home rw - 9p share rw,trans=virtio", "is on 9p,"),
        ("30 22 0:50 / /home rw - fuse.sshfs ada@host: rw", "is on fuse.sshfs,"),
        ("30 22 0:50 / /home rw - cifs //server/home rw", "is on cifs,"),
        ("30 22 0:50 / /home rw - overlay overlay rw,upperdir=/u,volatile", "is on a volatile overlay, where nothing"),
        ("30 22 0:50 / /home rw - overlay overlay rw,upperdir=/u", ""),
        ("30 22 8:2 / /home rw - fuseblk /dev/sda2 rw", ""),
        ("30 22 0:50 / /homework rw - nfs4 server:/home rw", ""),
        ("30 22 0:50 / /home rw", ""),
        ("", ""),
    ],
)
def test_a_file_system_that_may_not_lock_or_sync_is_told(line: str, said: str) -> None:
    """The mount that holds the folder counts; an overlay does both, unless it was told not to."""
    found = doubt(Path("/home/ada/runs"), f"{ROOT}{line}\n")

    assert said in found
    assert bool(said) is bool(found)


def test_the_nearest_mount_counts_and_the_later_of_two(tmp_path: Path) -> None:
    """A disk below a network folder is a disk; names may have blanks."""
    net = "30 22 0:50 / /net rw - nfs server:/x rw\n"
    disk = "31 30 8:2 / /net/my\\040disk rw - xfs /dev/sdb rw\n"
    over = "32 31 0:51 / /net/my\\040disk rw - nfs server:/y rw\n"

    assert doubt(Path("/net/my disk/runs"), ROOT + net + disk) == ""
    assert "is on nfs" in doubt(Path("/net/my disk/runs"), ROOT + net + disk + over)
    assert doubt(tmp_path, "") == ""


def test_this_machine_tells_what_is_mounted() -> None:
    """On Linux; elsewhere nothing is known, and nothing said."""
    assert " / " in mounts() or sys.platform != "linux"


def test_a_run_on_such_a_file_system_goes_on_with_a_warning(tmp_path: Path) -> None:
    """It is for the person to decide."""
    project(
        tmp_path,
        "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{command: 'true'}]\n",
        "connection: local\nhosts: {one: {}}\n",
    )
    code = (
        "from runner import file_system; from runner.cli.main import main; "
        "file_system.mounts = lambda: '1 0 0:1 / / rw - nfs4 server:/x rw'; main()"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, "run", "site.yaml", "--runs-dir", "runs"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert "runs/2" in done.stdout
    assert "is on nfs4, where locks may not hold everywhere, nor what is synced last" in done.stdout
