"""``file``: what is at a path."""

import asyncio
import grp
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from local_target import LocalTarget, complaints_of, do, few_tools

from runner.errors import StepError
from runner.model.outcome import Outcome, Status
from runner.remote_files import Attributes, Found, octal, parsed, set_attributes
from runner.steps.file import STEP


def file(target: LocalTarget, **params: Any) -> Outcome:
    return do(STEP, {"path": str(target.root / "it"), **params}, target)


def modes(path: Path) -> str:
    return f"{stat.S_IMODE(path.lstat().st_mode):04o}"


@pytest.mark.parametrize(
    ("params", "mode"),
    [
        ({"state": "directory"}, "0755"),
        ({"state": "directory", "mode": "2750"}, "2750"),
        ({"state": "file"}, "0644"),
        ({"state": "file", "mode": "0600"}, "0600"),
        ({"state": "link", "src": "../else where"}, "0777"),
    ],
)
def test_it_is_made_and_the_second_time_is_ok(target: LocalTarget, params: dict[str, str], mode: str) -> None:
    """The second time costs one round trip."""
    first = file(target, **params)
    target.calls = 0
    second = file(target, **params)

    assert [first.status, second.status, target.calls] == [Status.CHANGED, Status.OK, 1]
    assert modes(target.root / "it") == mode


def test_a_directory_is_made_with_those_above_it(target: LocalTarget) -> None:
    """They are ordinary ones, whatever its own mode."""
    file(target, path=str(target.root / "a b" / "c'd" / "e"), state="directory", mode="0700")

    assert [modes(target.root / name) for name in ("a b", "a b/c'd", "a b/c'd/e")] == ["0755", "0755", "0700"]


def test_absent_removes_a_file_a_link_or_a_whole_directory(target: LocalTarget) -> None:
    """Of a link the link alone; nothing there is ok."""
    (target.root / "it").mkdir()
    (target.root / "it" / "file").touch()
    (target.root / "link").symlink_to("keep")
    (target.root / "keep").mkdir()

    answers = [file(target, state="absent"), file(target, state="absent")]
    link = file(target, path=str(target.root / "link"), state="absent")

    assert [answer.status for answer in (*answers, link)] == [Status.CHANGED, Status.OK, Status.CHANGED]
    assert [path.name for path in target.root.iterdir()] == ["keep"]


def test_touched_always_changes_and_keeps_contents(target: LocalTarget) -> None:
    """Times are set to now."""
    (target.root / "it").write_text("x")
    os.utime(target.root / "it", (1, 1))

    answers = [file(target, state="touched"), file(target, path=str(target.root / "new"), state="touched")]

    assert [answer.status for answer in answers] == [Status.CHANGED, Status.CHANGED]
    assert (target.root / "it").stat().st_mtime > 1
    assert (target.root / "it").read_text() == "x"
    assert (target.root / "new").exists()


@pytest.mark.parametrize("path", ["/usr/bin:/bin", "few"])
def test_a_link_is_led_elsewhere_without_following_it(target: LocalTarget, path: str, tmp_path: Path) -> None:
    """Also one to a directory, and on a host without readlink."""
    if path == "few":
        path = few_tools(tmp_path / "bin", "ls mv rm ln cksum chmod")
    target.env["PATH"] = path
    (target.root / "folder").mkdir()
    (target.root / "it").symlink_to("folder")

    first, second = (file(target, state="link", src="to -> there") for _ in range(2))

    assert [first.status, second.status] == [Status.CHANGED, Status.OK]
    assert (target.root / "it").readlink() == Path("to -> there")
    assert list((target.root / "folder").iterdir()) == []


@pytest.mark.parametrize("state", ["directory", "file", "link", "touched"])
@pytest.mark.parametrize("there", ["folder", "file", "link", "FIFO"])
def test_another_kind_of_thing_is_left_as_it_is(target: LocalTarget, state: str, there: str) -> None:
    """A FIFO never hangs, a link is never followed."""
    if {"directory": "folder", "touched": "file"}.get(state, state) == there:
        return
    path = target.root / "it"
    match there:
        case "folder":
            path.mkdir()
        case "file":
            path.touch()
        case "link":
            path.symlink_to("elsewhere")
        case _:
            os.mkfifo(path)

    with pytest.raises(StepError, match="it is left as it is"):
        file(target, state=state, **({"src": "x"} if state == "link" else {}))

    assert [path.name for path in target.root.iterdir()] == ["it"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_owner_group_and_mode_are_set(target: LocalTarget) -> None:
    """By name or number, of a link the link's own."""
    (target.root / "it").mkdir(mode=0o700)
    (target.root / "link").symlink_to("it")

    answers = [file(target, state="directory", owner="daemon", group=2, mode="0711") for _ in range(2)]
    link = file(target, path=str(target.root / "link"), state="link", src="it", group="daemon")

    info = (target.root / "it").stat()
    assert [answer.status for answer in answers] == [Status.CHANGED, Status.OK]
    assert (info.st_uid, info.st_gid, modes(target.root / "it")) == (1, 2, "0711")
    assert link.changed
    assert (target.root / "link").lstat().st_gid == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
@pytest.mark.parametrize("who", [{"owner": 1001}, {"group": 1001}])
@pytest.mark.parametrize("mode", ["4755", "2755"])
def test_a_new_owner_does_not_cost_the_set_id_bits(target: LocalTarget, who: dict[str, int], mode: str) -> None:
    """Giving a file away takes them off; the mode that is asked for is what is there in the end."""
    (target.root / "it").touch()
    (target.root / "it").chmod(int(mode, 8))

    first, second = (file(target, state="file", mode=mode, **who) for _ in range(2))

    assert modes(target.root / "it") == mode
    assert [first.status, second.status] == [Status.CHANGED, Status.OK]


def test_an_owner_that_is_not_there_is_the_host_s_error(target: LocalTarget) -> None:
    """In the host's own words."""
    with pytest.raises(StepError, match=r"owner, group or mode of .* can't be set: chown: invalid user"):
        file(target, state="directory", owner="no-such-user")


def test_a_directory_loses_bits_that_are_not_wanted(target: LocalTarget) -> None:
    """Chmod alone would leave it the set-group-id bit."""
    (target.root / "it").mkdir()
    (target.root / "it").chmod(0o2755)

    answers = [file(target, state="directory", mode="0755") for _ in range(2)]

    assert [answer.status for answer in answers] == [Status.CHANGED, Status.OK]
    assert modes(target.root / "it") == "0755"


@pytest.mark.parametrize(
    ("value", "codes"),
    [
        ({"path": "/", "state": "absent"}, ["E413"]),
        ({"path": "x", "state": "file"}, ["E413"]),
        ({"path": "/x", "state": "link"}, ["E402"]),
        ({"path": "/x", "state": "absent", "mode": "0644", "owner": "a"}, ["E401", "E401"]),
        ({"path": "/x", "state": "link", "src": "y", "mode": "0644"}, ["E401"]),
        ({"path": "/x", "state": "directory", "src": "y"}, ["E401"]),
    ],
)
def test_what_does_not_go_together_is_found_before_the_run(value: dict[str, str], codes: list[str]) -> None:
    """Every key has an effect, or is an error."""
    assert complaints_of(STEP, value) == codes


@pytest.mark.parametrize(
    ("text", "mode"),
    [("-rwxr-xr-x", 0o755), ("drwxrwxrwt", 0o1777), ("-rwsr-Sr-T", 0o7744), ("----------", 0), ("-rw-r--r--+", 0o644)],
)
def test_modes_are_read_from_ls(text: str, mode: int) -> None:
    """All twelve bits, and whatever a system writes behind them."""
    assert octal(text) == mode


def test_what_is_no_line_of_ls_is_an_error() -> None:
    """A host that answers something else is not believed."""
    with pytest.raises(StepError, match="no line of its kind"):
        parsed("total 0")


def test_a_change_that_changes_nothing_is_none(target: LocalTarget) -> None:
    """A name that ``ls`` shows in another way makes chgrp run, and the numbers then decide."""
    (target.root / "it").touch()
    info = (target.root / "it").stat()
    found = Found("file", 0o644, str(info.st_uid), str(info.st_gid), "odd name", "odd name")

    after = asyncio.run(set_attributes(target, str(target.root / "it"), found, Attributes(group=_own_group())))

    assert after.ownership == (str(info.st_uid), str(info.st_gid), stat.S_IMODE(info.st_mode))


def _own_group() -> str:
    return grp.getgrgid(os.getgid()).gr_name
