"""The run folder: private from the call that makes it, and refused where it can't be."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner import run_folder
from runner.errors import JournalError


def test_ids_sort_by_time() -> None:
    """A later run has a later name."""
    early = run_folder.new_id(datetime(2026, 11, 21, 9, 45, 1, tzinfo=UTC), b"zzzz")
    late = run_folder.new_id(datetime(2026, 11, 21, 9, 45, 2, tzinfo=UTC), b"aaaa")

    assert early.startswith("20261121-094501-")
    assert early < late


def test_folders_and_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    """Folders are 0700 and files 0600, also under a umask of 0."""
    before = os.umask(0)
    try:
        folder = run_folder.create(tmp_path / "runs", "r1")
        os.close(folder.create_file("events.jsonl"))
        folder.write("hosts/ok", b"web01\n")
    finally:
        os.umask(before)

    modes = {str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}

    assert modes == {
        "runs": 0o700,
        "runs/r1": 0o700,
        "runs/r1/output": 0o700,
        "runs/r1/events.jsonl": 0o600,
        "runs/r1/hosts": 0o700,
        "runs/r1/hosts/ok": 0o600,
    }


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    """The message names the path and what to do."""
    (tmp_path / "runs").write_text("")

    with pytest.raises(JournalError, match="Not a directory") as caught:
        run_folder.create(tmp_path / "runs", "r1")

    assert "--runs-dir" in caught.value.hint


def test_a_folder_everybody_can_write_is_refused(tmp_path: Path) -> None:
    """Others could replace a journal there."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs").chmod(0o777)

    with pytest.raises(JournalError, match="written by everybody"):
        run_folder.create(tmp_path / "runs", "r1")


@pytest.mark.skipif(os.getuid() != 0, reason="giving folders away needs root")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    """They could put other plans and records there; the message says what to do."""
    (tmp_path / "runs").mkdir()
    os.chown(tmp_path / "runs", 4321, 4321)

    with pytest.raises(JournalError, match="belongs to another user") as caught:
        run_folder.create(tmp_path / "runs", "r1")

    assert "--runs-dir" in caught.value.hint
    assert list((tmp_path / "runs").iterdir()) == []


def test_runs_go_to_the_state_folder_by_default() -> None:
    """XDG_STATE_HOME where it is absolute, else ~/.local/state."""
    home = Path("/home/ada")

    assert run_folder.default_root({}, home) == Path("/home/ada/.local/state/runner/runs")
    assert run_folder.default_root({"XDG_STATE_HOME": "/state"}, home) == Path("/state/runner/runs")
    assert run_folder.default_root({"XDG_STATE_HOME": "state"}, home) == Path("/home/ada/.local/state/runner/runs")


def test_output_files_are_named_by_host_step_item_and_attempt() -> None:
    """The name says whose output it is."""
    assert (
        run_folder.output_name("web01", "copy-2", item=None, attempt=1, stream="stdout") == "output/web01/copy-2.1.out"
    )
    assert run_folder.output_name("web01", "a/b", item=3, attempt=2, stream="stderr") == "output/web01/a.b.3.2.err"


def test_of_two_who_write_the_same_file_once_the_first_wins(tmp_path: Path) -> None:
    """It holds all of what the first wrote, nothing else is left beside it, and it is private."""
    folder = run_folder.create(tmp_path, "r1")

    assert folder.write_once("requests/7", b"yes")
    assert not folder.write_once("requests/7", b"no")

    assert [path.name for path in (folder.path / "requests").iterdir()] == ["7"]
    assert (folder.path / "requests/7").read_bytes() == b"yes"
    assert stat.S_IMODE((folder.path / "requests/7").stat().st_mode) == 0o600
