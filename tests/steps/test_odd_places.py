"""Places of a host where a file can't be put, or not as usual: the old file is whole, and the reason is told."""

import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_target import LocalTarget, do, few_tools
from sshd import need

from runner.errors import StepError
from runner.model.outcome import Status
from runner.steps.copy import STEP
from runner.steps.fetch import STEP as FETCH
from runner.steps.file import STEP as FILE
from runner.steps.script import STEP as SCRIPT
from runner.steps.template import STEP as TEMPLATE
from runner.steps.wait_for import STEP as WAIT_FOR


def copy(target: LocalTarget, **params: Any) -> Any:
    return do(STEP, {"dest": str(target.root / "app.conf"), **params}, target)


def mounted(place: Path, options: str) -> Iterator[Path]:
    """A small file system, mounted with these options."""
    place.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, check=False)
    need(done.returncode == 0, "no tmpfs can be mounted here: needs root")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own."""
    yield from mounted(tmp_path / "disk", "size=1m")


@pytest.fixture
def noexec(tmp_path: Path) -> Iterator[Path]:
    """A folder for temporary files in which nothing may be executed."""
    yield from mounted(tmp_path / "noexec", "size=1m,noexec")


@pytest.mark.parametrize("size", [10, 100_000], ids=["in the script", "as a file"])
def test_a_disk_that_takes_no_writes(target: LocalTarget, disk: Path, size: int) -> None:
    """The host's own reason and the path are told, and the old file is as it was."""
    (disk / "app.conf").write_text("old")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    (target.folder / "new").write_bytes(b"x" * size)

    with pytest.raises(StepError, match="Read-only file system") as caught:
        copy(target, src="new", dest=str(disk / "app.conf"))

    assert str(disk) in caught.value.message
    assert (disk / "app.conf").read_text() == "old"


@pytest.mark.parametrize("size", [10, 100_000], ids=["in the script", "as a file"])
def test_a_kill_at_its_worst_moment_leaves_the_old_file(target: LocalTarget, size: int) -> None:
    """KILL lets nobody clean up: the old file is whole, and the next try removes what was left."""
    (target.root / "app.conf").write_text("old")
    (target.folder / "new").write_bytes(b"x" * size)

    with pytest.raises(StepError):
        copy(target, src="new", validate=["sh", "-c", "kill -KILL $PPID; sleep 1", "%s"])

    assert (target.root / "app.conf").read_text() == "old"
    assert copy(target, src="new").status is Status.CHANGED
    assert (target.root / "app.conf").stat().st_size == size
    assert [path.name for path in target.root.iterdir()] == ["app.conf"]


def test_a_device_is_left_alone(target: LocalTarget) -> None:
    """Nothing is written to it."""
    made = subprocess.run(["mknod", target.root / "app.conf", "c", "1", "3"], capture_output=True, check=False)
    need(made.returncode == 0, "no device can be made here: needs root")

    with pytest.raises(StepError, match="left as it is"):
        copy(target, content="x")

    assert stat.S_ISCHR((target.root / "app.conf").stat().st_mode)


def test_a_file_that_may_not_change_stays(target: LocalTarget) -> None:
    """The rename is refused by the host: its words are told, and nothing is left beside it."""
    (target.root / "app.conf").write_text("old")
    done = subprocess.run(["chattr", "+i", target.root / "app.conf"], capture_output=True, check=False)
    need(done.returncode == 0, f"no file can be made immutable here: {done.stderr.decode().strip()}")
    try:
        with pytest.raises(StepError, match="can't be written"):
            copy(target, content="new")
    finally:
        subprocess.run(["chattr", "-i", target.root / "app.conf"], check=True)

    assert (target.root / "app.conf").read_text() == "old"
    assert [path.name for path in target.root.iterdir()] == ["app.conf"]


def test_the_other_names_of_a_file_keep_the_old_one(target: LocalTarget) -> None:
    """A new file takes the name, and is not written into the old one."""
    (target.root / "other").write_text("old")
    os.link(target.root / "other", target.root / "app.conf")

    copy(target, content="new")

    assert (target.root / "app.conf").read_text() == "new"
    assert (target.root / "other").read_text() == "old"


def test_a_link_that_comes_in_between_is_not_followed(target: LocalTarget) -> None:
    """Somebody changes the destination into a link and back all the time: what it leads to never changes."""
    victim = target.root / "victim"
    victim.write_text("precious")
    place = target.root / "app"
    place.mkdir()
    over = threading.Event()

    def swap() -> None:
        number = 0
        while not over.is_set():
            number += 1
            (place / f"link{number}").symlink_to(victim)
            (place / f"link{number}").rename(place / "app.conf")

    racer = threading.Thread(target=swap)
    racer.start()
    try:
        for number in range(40):
            copy(target, content=f"{number}\n", dest=str(place / "app.conf"))
    finally:
        over.set()
        racer.join()

    assert victim.read_text() == "precious"


@pytest.mark.parametrize("year", [1971, 2099])
def test_wrong_clocks_change_nothing(target: LocalTarget, year: int) -> None:
    """Checksums decide, and not times, in either direction."""
    copy(target, content="same")
    at = (year - 1970) * 365 * 86400
    os.utime(target.root / "app.conf", (at, at))
    fetched = {"src": str(target.root / "app.conf"), "dest": "got"}
    do(FETCH, fetched, target)
    (target.root / "app.conf").write_text("diff")
    os.utime(target.root / "app.conf", (at, at))

    again, other = do(FETCH, fetched, target), copy(target, content="same")

    assert (again.status, other.status) == (Status.CHANGED, Status.CHANGED)
    assert copy(target, content="same").status is Status.OK


def test_nothing_is_executed_from_the_folder_for_temporary_files(target: LocalTarget, noexec: Path) -> None:
    """Where that is forbidden a script runs all the same."""
    target.env["TMPDIR"] = str(noexec)
    (target.folder / "run.sh").write_text("#!/bin/sh\necho over\n")

    assert do(SCRIPT, "run.sh", target).stdout.text == "over"
    assert list(noexec.iterdir()) == []


def test_a_small_system_is_enough_for_every_kind_that_handles_files(target: LocalTarget, tmp_path: Path) -> None:
    """Only what POSIX names, and no tool for checksums but cksum: no base64, no python, no stat."""
    words = "ls cat chmod chown chgrp mv rm ln cp date cksum mkdir rmdir touch find sleep sh readlink test"
    target.env["PATH"] = few_tools(tmp_path / "bin", words)
    (target.folder / "run.sh").write_text("echo over\n")
    (target.folder / "a.j2").write_text("x\n")
    dest = str(target.root / "made")

    assert do(FILE, {"path": dest, "state": "directory", "mode": "0700"}, target).status is Status.CHANGED
    assert do(TEMPLATE, {"src": "a.j2", "dest": f"{dest}/a"}, target).status is Status.CHANGED
    assert do(FETCH, {"src": f"{dest}/a", "dest": "got"}, target).status is Status.CHANGED
    assert do(SCRIPT, "run.sh", target).stdout.text == "over"
    assert do(WAIT_FOR, {"path": f"{dest}/a"}, target).status is Status.OK
    assert do(FILE, {"path": dest, "state": "absent"}, target).status is Status.CHANGED
    assert shutil.which("base64", path=target.env["PATH"]) is None
