"""A file that is there whole or not at all."""

import os
from pathlib import Path

import pytest
from disk import ERRORS, SHORT, Disk

from runner import whole_file
from runner.whole_file import sweep

OLD, NEW = b"old" * 500, b"new" * 1000
ALREADY = (("create",), ("write", OLD), ("sync",))
"""How the old file got there, long ago."""


def calls(folder: Path, work) -> int:
    """How many calls of the operating system's it takes when all goes well."""
    folder.mkdir()
    (folder / "plan.json").write_bytes(OLD)
    with Disk(folder).watching() as disk:
        work(folder / "plan.json")
    return len(disk.calls)


@pytest.mark.parametrize("error", [*ERRORS, SHORT])
def test_whatever_fails_the_old_or_the_new_file_is_there(tmp_path, error):
    """Each system call once: never a mixture, never none, and no other file is left."""
    most = calls(tmp_path / "well", lambda path: whole_file.replace(path, NEW))
    target = tmp_path / "plan.json"

    for number in range(most):
        target.write_bytes(OLD)
        with Disk(tmp_path).failing(number, error).watching():
            try:
                whole_file.replace(target, NEW)
                expected = {NEW}
            except OSError:
                expected = {OLD, NEW}
        assert target.read_bytes() in expected
        assert {path.name for path in tmp_path.iterdir()} <= {"plan.json", "well", *left_by_unlink(tmp_path)}


def left_by_unlink(folder: Path) -> list[str]:
    """The file beside it, where taking that away was the call that failed; it is taken away now."""
    found = [path for path in folder.iterdir() if path.name.startswith(".plan.json.")]
    for path in found:
        path.unlink()
    assert len(found) <= 1
    return [path.name for path in found]


@pytest.mark.parametrize("error", [*ERRORS, SHORT])
def test_a_new_file_is_there_if_and_only_if_that_was_said(tmp_path, error):
    """A claim that failed is none: it can be made again."""
    most = calls(tmp_path / "well", lambda path: whole_file.create(path.with_name("claim"), NEW))
    target = tmp_path / "claim"

    for number in range(most):
        with Disk(tmp_path).failing(number, error).watching():
            try:
                is_made = whole_file.create(target, NEW)
            except OSError:
                is_made = False
        assert target.exists() == is_made
        target.unlink(missing_ok=True)


def test_a_power_cut_leaves_the_old_file_or_the_new_one(tmp_path):
    """At every moment, whatever the disk makes of what was not synced; the new one for good once that was said."""
    disk = Disk(tmp_path / "disk")
    target = disk.root / "plan.json"
    disk.root.mkdir()
    target.write_bytes(OLD)
    disk.ops = [("mkdir", disk.root), *((op[0], target, *op[1:]) for op in ALREADY), ("sync", disk.root)]
    before = len(disk.ops)

    with disk.watching():
        whole_file.replace(target, NEW)

    for cut in range(before, len(disk.ops) + 1):
        found = {state.get(target) for state in disk.crashes(disk.ops[:cut])}
        assert found <= {OLD, NEW}
    assert found == {NEW}


def test_a_claim_survives_a_power_cut_once_it_was_made(tmp_path):
    """Before that it may be there or not, but never in parts."""
    disk = Disk(tmp_path / "disk")
    disk.root.mkdir()
    disk.ops = [("mkdir", disk.root), ("sync", disk.root)]

    with disk.watching():
        assert whole_file.create(disk.root / "claim", NEW)

    for cut in range(2, len(disk.ops) + 1):
        found = {state.get(disk.root / "claim") for state in disk.crashes(disk.ops[:cut])}
        assert found <= {None, NEW}
    assert found == {NEW}


def test_files_are_private_whatever_the_umask_says(tmp_path):
    """From the call that makes them."""
    old = os.umask(0)
    try:
        whole_file.replace(tmp_path / "x", b"")
    finally:
        os.umask(old)

    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o600


def test_only_a_regular_file_is_replaced(tmp_path):
    """A pipe or folder stays; a link is replaced and what it leads to stays."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")

    for name in ("pipe", "folder"):
        with pytest.raises(OSError, match="no regular file"):
            whole_file.replace(tmp_path / name, b"new")
    whole_file.replace(tmp_path / "link", b"new")

    assert ((tmp_path / "link").read_text(), (tmp_path / "real").read_text()) == ("new", "old")
    assert not (tmp_path / "link").is_symlink()


def test_what_is_there_is_not_made_again(tmp_path):
    """The first one counts."""
    assert whole_file.create(tmp_path / "x", b"1")
    assert not whole_file.create(tmp_path / "x", b"2")
    assert (tmp_path / "x").read_bytes() == b"1"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_dead_process_left_half_written_is_swept(tmp_path):
    """And nothing else."""
    for name in (".summary.json." + "0a" * 16, ".summary.json", "summary.json", ".events.jsonl." + "0a" * 15):
        (tmp_path / name).touch()

    sweep(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".events.jsonl." + "0a" * 15,
        ".summary.json",
        "summary.json",
    ]
