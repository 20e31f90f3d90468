"""``copy``: whole or not at all, and truthful about change."""

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from local_target import LocalTarget, Watching, complaints_of, do, few_tools

from runner.errors import LostError, StepError
from runner.location import Location
from runner.model.outcome import Status
from runner.model.template import Template
from runner.remote_files import look
from runner.steps.copy import STEP


def modes(path: Path) -> str:
    return f"{stat.S_IMODE(path.lstat().st_mode):04o}"


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".runner-*")]


def copy(target: LocalTarget, **params: Any) -> Any:
    return do(STEP, {"dest": str(target.root / "app.conf"), **params}, target)


def test_a_new_file_is_written_with_mode_0644(target: LocalTarget) -> None:
    """What was not there is there afterwards, and the answer says what it is."""
    outcome = copy(target, content="port = 1\n")

    assert outcome.status is Status.CHANGED
    assert (target.root / "app.conf").read_text() == "port = 1\n"
    assert modes(target.root / "app.conf") == "0644"
    assert outcome.data["size"] == 9
    assert outcome.data["dest"] == str(target.root / "app.conf")
    assert len(outcome.data["checksum"]) == 64
    assert leftovers(target.root) == []


def test_the_second_time_it_changes_nothing_in_one_round_trip(target: LocalTarget) -> None:
    """A file that is as wanted costs one question."""
    copy(target, content="port = 1\n", mode="0600")
    target.calls = 0

    outcome = copy(target, content="port = 1\n", mode="0600")

    assert (outcome.status, target.calls) == (Status.OK, 1)


def test_a_mode_alone_is_a_change(target: LocalTarget) -> None:
    """The contents are right and the mode is not: the mode is set, and that is a change."""
    copy(target, content="x")
    inode = (target.root / "app.conf").stat().st_ino

    outcome = copy(target, content="x", mode="0600")

    assert outcome.status is Status.CHANGED
    assert modes(target.root / "app.conf") == "0600"
    assert (target.root / "app.conf").stat().st_ino == inode


def test_a_file_that_is_there_keeps_its_mode(target: LocalTarget) -> None:
    """Without ``mode`` a changed file has the mode that it had."""
    (target.root / "app.conf").write_text("old")
    (target.root / "app.conf").chmod(0o750)

    copy(target, content="new")

    assert (target.root / "app.conf").read_text() == "new"
    assert modes(target.root / "app.conf") == "0750"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_owner_and_group_are_set_and_kept(target: LocalTarget) -> None:
    """Given, they are set, by name or number; not given, they are kept."""
    by_name = copy(target, content="1", owner="daemon", group=2)
    kept = copy(target, content="2")
    again = copy(target, content="2", owner="daemon", group="bin")

    info = (target.root / "app.conf").stat()
    assert (info.st_uid, info.st_gid) == (1, 2)
    assert [by_name.status, kept.status, again.status] == [Status.CHANGED, Status.CHANGED, Status.OK]


def test_a_large_file_of_the_project_arrives_whole(target: LocalTarget) -> None:
    """Contents too large for the script travel as a file."""
    data = bytes(range(256)) * 1024
    (target.folder / "blob").write_bytes(data)

    first, second = copy(target, src="blob"), copy(target, src="blob")

    assert (target.root / "app.conf").read_bytes() == data
    assert [first.status, second.status] == [Status.CHANGED, Status.OK]


def test_an_upload_that_is_cut_leaves_the_old_file_and_the_retry_cleans_up(target: LocalTarget) -> None:
    """A lost connection may leave a private file; the next try removes it."""
    (target.root / "app.conf").write_text("old")
    (target.folder / "blob").write_bytes(b"x" * 200_000)
    target.lose_after = 100_000

    with pytest.raises(LostError):
        copy(target, src="blob")

    assert (target.root / "app.conf").read_text() == "old"
    assert len(leftovers(target.root)) == 1

    target.lose_after = None
    copy(target, src="blob")

    assert (target.root / "app.conf").stat().st_size == 200_000
    assert leftovers(target.root) == []


def test_validate_that_fails_keeps_the_old_file(target: LocalTarget) -> None:
    """The program sees the new file beside the old one, and its word decides."""
    (target.root / "app.conf").write_text("good")

    with pytest.raises(StepError, match="validate: exit status 1"):
        copy(target, content="bad", validate=["grep", "-q", "good", "%s"])

    assert (target.root / "app.conf").read_text() == "good"
    assert leftovers(target.root) == []
    assert copy(target, content="good too", validate=["grep", "-q", "good", "%s"]).changed


def test_a_link_at_the_destination_is_replaced_not_followed(target: LocalTarget) -> None:
    """Neither a link to a file nor one to a directory leads the bytes elsewhere."""
    (target.root / "victim").write_text("victim")
    (target.root / "folder").mkdir()
    (target.root / "app.conf").symlink_to("victim")
    (target.root / "other").symlink_to("folder")

    copy(target, content="new")
    copy(target, content="new", dest=str(target.root / "other"))

    assert (target.root / "victim").read_text() == "victim"
    assert list((target.root / "folder").iterdir()) == []
    for name in ("app.conf", "other"):
        assert not (target.root / name).is_symlink()
        assert (target.root / name).read_text() == "new"


@pytest.mark.parametrize(("make", "what"), [("mkdir", "a directory"), ("mkfifo", "a FIFO")])
def test_a_directory_or_fifo_is_refused_at_once(target: LocalTarget, make: str, what: str) -> None:
    """Nothing is written to it, and nothing hangs."""
    getattr(os, make)(target.root / "app.conf")

    with pytest.raises(StepError, match=f"is {what}"):
        copy(target, content="x")

    assert target.calls == 1


def test_a_missing_directory_is_named(target: LocalTarget) -> None:
    """The directory is not made by guess."""
    with pytest.raises(StepError, match=r'there is no directory ".*/missing"'):
        copy(target, content="x", dest=str(target.root / "missing" / "file"))


def test_backup_keeps_the_old_file_beside_the_new_one(target: LocalTarget) -> None:
    """The result names it; a file that was not there has none."""
    fresh = copy(target, content="one", backup=True)
    changed = copy(target, content="two", backup=True)

    assert "backup" not in fresh.data
    assert Path(changed.data["backup"]).read_text() == "one"
    assert (target.root / "app.conf").read_text() == "two"


@pytest.mark.parametrize("name", ["a b", "it's", 'q"q', "ünï", "$HOME", "*", "-rf", "a;b", "{{ x }}", "tab\t."])
def test_any_name_is_only_a_name(target: LocalTarget, name: str) -> None:
    """No character of a path means anything to the host's shell."""
    first, second = (copy(target, content="x", dest=str(target.root / name)) for _ in range(2))

    assert [path.name for path in target.root.iterdir()] == [name]
    assert [first.status, second.status] == [Status.CHANGED, Status.OK]


@pytest.mark.parametrize("dest", ["", "/", "//", "app.conf", "~/x", "/srv/", "/srv/../x", "/a/./b", "/a\nb", "/a\0b"])
def test_a_destination_that_can_not_be_one_is_refused_before_and_at_the_run(target: LocalTarget, dest: str) -> None:
    """Written so, the check complains; rendered so, the step fails and nothing is sent."""
    assert complaints_of(STEP, {"dest": dest, "content": "x"}) == ["E413"]
    with pytest.raises(StepError, match="can't be used"):
        asyncio.run(STEP.run(STEP.params(dest=dest, content="x"), target))
    assert target.calls == 0


def test_a_source_outside_the_project_is_refused(target: LocalTarget) -> None:
    """Neither ``..`` nor a link leads out of the project."""
    (target.folder.parent / "secret").write_text("s")
    (target.folder / "link").symlink_to("../secret")

    for src in ("../secret", "link", "/etc/hostname"):
        with pytest.raises(StepError, match="outside the project"):
            copy(target, src=src)
    with pytest.raises(StepError, match="there is no file"):
        copy(target, src="nothing")


def test_a_local_fifo_is_refused(target: LocalTarget) -> None:
    """Reading it would never end."""
    os.mkfifo(target.folder / "pipe")

    with pytest.raises(StepError, match="no regular file"):
        copy(target, src="pipe")


def make_tree(root: Path) -> None:
    for name, mode in [("a", 0o600), ("b c/d", 0o644), ("b c/e/f's", 0o755)]:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        path.chmod(mode)
    (root / "empty").mkdir(mode=0o711)
    (root / "b c").chmod(0o555)


def test_a_folder_is_copied_with_its_modes_and_compared_in_one_round_trip(target: LocalTarget) -> None:
    """The copy equals the original, other files stay, and the second time one question is enough."""
    make_tree(target.folder / "dist")
    (target.root / "app").mkdir()
    (target.root / "app" / "mine").write_text("mine")
    dest = str(target.root / "app")

    first = do(STEP, {"src": "dist", "dest": dest}, target)
    target.calls = 0
    second = do(STEP, {"src": "dist", "dest": dest}, target)

    assert [first.status, second.status, target.calls] == [Status.CHANGED, Status.OK, 1]
    assert first.data == {"dest": dest, "files": 3, "size": 15}
    for path in (target.folder / "dist").rglob("*"):
        there = target.root / "app" / path.relative_to(target.folder / "dist")
        assert modes(there) == modes(path)
        assert path.is_dir() or there.read_text() == path.read_text()
    assert (target.root / "app" / "mine").read_text() == "mine"


def test_a_folder_with_a_link_in_it_is_refused(target: LocalTarget) -> None:
    """A link can't be copied faithfully, and following it may lead anywhere."""
    (target.folder / "dist").mkdir()
    (target.folder / "dist" / "link").symlink_to("/etc")

    with pytest.raises(StepError, match="is a link"):
        do(STEP, {"src": "dist", "dest": str(target.root / "app")}, target)


def test_a_folder_never_goes_through_a_link_on_the_host(target: LocalTarget) -> None:
    """Where a directory is wanted and a link is, nothing is written behind the link."""
    make_tree(target.folder / "dist")
    (target.root / "elsewhere").mkdir()
    (target.root / "app").symlink_to("elsewhere")

    with pytest.raises(StepError, match="is a link where a directory is wanted"):
        do(STEP, {"src": "dist", "dest": str(target.root / "app")}, target)

    assert list((target.root / "elsewhere").iterdir()) == []


def test_a_full_disk_keeps_the_old_file_and_says_so(target: LocalTarget, tiny_disk: Path) -> None:
    """The host's own words name the cause; the private file is gone."""
    (tiny_disk / "app.conf").write_text("old")
    (target.folder / "big").write_bytes(b"x" * 60_000)

    with pytest.raises(StepError, match="No space left on device"):
        copy(target, src="big", dest=str(tiny_disk / "app.conf"))

    assert (tiny_disk / "app.conf").read_text() == "old"
    assert leftovers(tiny_disk) == []


def test_a_mode_that_is_not_octal_is_refused(target: LocalTarget) -> None:
    """A rendered mode meets the same rule as a written one."""
    with pytest.raises(StepError, match='mode "rwx" is not octal'):
        copy(target, content="x", mode="rwx")


def test_a_directory_open_to_all_is_mentioned(target: LocalTarget) -> None:
    """Whoever can write to the directory can replace the file."""
    target.root.chmod(0o777)

    copy(target, content="x")

    assert target.said == [f'every user of the host can replace "{target.root}/app.conf": its directory is open to all']


@pytest.mark.parametrize("tools", ["sha256sum", "shasum perl env", "openssl", "cksum"])
@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_few_tools_are_enough(target: LocalTarget, tools: str, shell: str, tmp_path: Path) -> None:
    """Any one of the tools for checksums does, beside those that POSIX names, in any sh."""
    target.shell = shell
    target.env["PATH"] = few_tools(tmp_path / "bin", f"ls cat chmod chown chgrp mv rm ln cp date {tools}")

    first, second = copy(target, content="x\n"), copy(target, content="x\n")
    third = copy(target, content="y\n", backup=True)

    assert [first.status, second.status, third.status] == [Status.CHANGED, Status.OK, Status.CHANGED]
    assert (target.root / "app.conf").read_text() == "y\n"


class Corrupting(LocalTarget):
    """A way to the host that changes one byte of a large file, or cuts a small one short."""

    async def put(self, source: bytes | Path, dest: str) -> None:
        data = source if isinstance(source, bytes) else source.read_bytes()  # noqa: ASYNC240
        await super().put(b"!" + data[1:], dest)

    async def run(self, *args: Any, stdin: Any = None, **options: Any) -> Any:
        return await super().run(*args, stdin=stdin[:-1] if stdin else stdin, **options)


@pytest.mark.parametrize(
    ("size", "why"), [(100_000, "the checksum of what arrived is wrong"), (10, "only 9 of 10 bytes could be written")]
)
@pytest.mark.parametrize("tools", ["", "cksum"])
def test_what_does_not_arrive_whole_is_not_kept(
    target: LocalTarget, tmp_path: Path, size: int, why: str, tools: str
) -> None:
    """The old file stays, the new one goes, whichever tool the host has."""
    corrupting = Corrupting(target.root, target.folder)
    if tools:
        corrupting.env["PATH"] = few_tools(tmp_path / "bin", f"ls cat chmod mv rm {tools}")
    (target.root / "app.conf").write_text("old")
    (target.folder / "new").write_bytes(b"x" * size)

    with pytest.raises(StepError, match=why):
        copy(corrupting, src="new")

    assert (target.root / "app.conf").read_text() == "old"
    assert leftovers(target.root) == []


def test_a_script_that_is_ended_leaves_the_old_file_and_nothing_else(target: LocalTarget) -> None:
    """A timeout ends the process group with TERM, here in the middle of it."""
    (target.root / "app.conf").write_text("old")

    with pytest.raises(StepError, match="can't be written"):
        copy(target, content="new", backup=True, validate=["sh", "-c", "kill -TERM $PPID", "%s"])

    assert (target.root / "app.conf").read_text() == "old"
    assert [path.name for path in target.root.iterdir()] == ["app.conf"]


def test_a_rename_that_fails_removes_the_backup_too(target: LocalTarget, tmp_path: Path) -> None:
    """Nothing half-done is left: here the host's mv always fails."""
    path = few_tools(tmp_path / "bin", "ls cat chmod chown rm ln cp date sha256sum")
    (tmp_path / "bin" / "mv").write_text("#!/bin/sh\necho 'mv: immutable' >&2; exit 1\n")
    (tmp_path / "bin" / "mv").chmod(0o755)
    target.env["PATH"] = path
    (target.root / "app.conf").write_text("old")

    with pytest.raises(StepError, match="mv: immutable"):
        copy(target, content="new", backup=True)

    assert [entry.name for entry in target.root.iterdir()] == ["app.conf"]
    assert (target.root / "app.conf").read_text() == "old"


def test_what_can_not_be_looked_at_is_an_error(target: LocalTarget) -> None:
    """A host that answers nothing sensible is not taken for one without the file."""
    target.env["PATH"] = "/nowhere"

    with pytest.raises(StepError, match="can't be looked at"):
        copy(target, content="x")


def test_many_paths_are_asked_in_few_round_trips(target: LocalTarget) -> None:
    """As an argument list has its limits."""
    questions = [(f"/missing/{'x' * 200}{number}", None) for number in range(1000)]

    found = asyncio.run(look(target, questions))

    assert (len(found), {entry.kind for entry in found}, target.calls) == (1000, {""}, 3)


def test_a_folder_takes_no_validate(target: LocalTarget) -> None:
    """It is for one file."""
    (target.folder / "dist").mkdir()

    with pytest.raises(StepError, match="validate is for one file"):
        do(STEP, {"src": "dist", "dest": "/x", "validate": ["true", "%s"]}, target)


def test_a_dest_from_a_template_is_looked_at_as_far_as_it_is_known() -> None:
    """What stands before its first value must begin an absolute path, or be a value."""
    here = Location("play.yaml", 1)

    codes = [
        [complaint.code for complaint in STEP.check({"dest": Template(text, here), "content": "x"})]
        for text in ("app/{{ x }}", "/app/{{ x }}", "{{ app }}/x")
    ]

    assert codes == [["E413"], [], []]


@pytest.mark.parametrize("half", [0xD800, 0xDCFF])
def test_content_that_is_no_text_is_refused(target: LocalTarget, half: int) -> None:
    """Before anything is sent, with the place, and in words that can be written down."""
    with pytest.raises(
        StepError, match="content can't be written as UTF-8: its character 3 is half a character"
    ) as caught:
        copy(target, content=f"ab{chr(half)}")

    assert caught.value.message.isascii()
    assert target.calls == 0


def test_a_dest_with_half_a_character_is_refused(target: LocalTarget) -> None:
    """Also one that a template gave; bytes of another encoding are a name like any other."""
    with pytest.raises(StepError, match=r'dest "/x\\ud800" can\'t be used: it holds half a character'):
        asyncio.run(STEP.run(STEP.params(dest="/x\ud800", content="x"), target))
    assert complaints_of(STEP, {"dest": "/x\ud800", "content": "x"}) == ["E413"]

    assert copy(target, dest=str(target.root / "x\udcff"), content="x").changed
    assert [path.name for path in target.root.iterdir()] == ["x\udcff"]


def test_reading_a_file_holds_up_no_other_host(target: LocalTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow disk of the controller's is waited for beside the loop."""
    (target.folder / "f").write_text("x")
    host = Watching(target.root, target.folder)
    read, seen = Path.read_bytes, []

    def read_bytes(path: Path) -> bytes:
        seen.append(host.beside)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    copy(host, src="f")

    assert seen == [True]
