"""``fetch``: into the host's own folder, and nowhere else."""

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from local_target import LocalTarget, Watching, complaints_of, do

from runner.errors import LostError, StepError
from runner.model.outcome import Captured, Status
from runner.steps.copy import STEP as COPY
from runner.steps.fetch import STEP
from runner.storing import NewFile, opened, parts_of
from runner.transport import CommandResult


def tree(root: Path) -> dict[str, tuple[str, str]]:
    """Modes and contents of all below a folder."""
    return {
        str(path.relative_to(root)): (
            f"{stat.S_IMODE(path.lstat().st_mode):04o}",
            "" if path.is_dir() else path.read_text(),
        )
        for path in root.rglob("*")
    }


def test_a_file_comes_into_the_host_s_own_folder(target: LocalTarget) -> None:
    """The second time nothing changes and nothing travels; what changed on the host does."""
    (target.root / "app log").write_text("one")
    value = {"src": str(target.root / "app log"), "dest": "logs"}

    first = do(STEP, value, target)
    target.calls = 0
    second, trips = do(STEP, value, target), target.calls
    (target.root / "app log").write_text("two")
    third = do(STEP, value, target)

    assert [first.status, second.status, third.status, trips] == [Status.CHANGED, Status.OK, Status.CHANGED, 2]
    assert tree(target.folder / "logs" / "web01") == {"app log": ("0644", "two")}
    assert third.data == {"dest": str(target.folder / "logs" / "web01"), "files": ["app log"], "size": 3}
    assert stat.S_IMODE((target.folder / "logs" / "web01").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("dest", "where"),
    [
        ("web01", "web01"),
        ("logs/web01", "logs/web01"),
        ("web01.d/x", "web01.d/x"),
        ("logs", "logs/web01"),
        ("web011", "web011/web01"),
        ("xweb01", "xweb01/web01"),
        (".", "web01"),
    ],
)
def test_hosts_never_share_a_folder(target: LocalTarget, dest: str, where: str) -> None:
    """Where ``dest`` already tells them apart it is taken as it is."""
    (target.root / "f").write_text("x")

    assert do(STEP, {"src": str(target.root / "f"), "dest": dest}, target).data["dest"] == str(target.folder / where)
    assert (target.folder / where / "f").read_text() == "x"


def test_a_folder_goes_up_and_comes_back_equal(target: LocalTarget) -> None:
    """A hundred files in three levels, with their modes; the second time nothing changes."""
    for number in range(100):
        path = target.folder / "dist" / f"a {number % 3}" / f"b'{number % 2}" / f"ü{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))
        path.chmod((0o600, 0o644, 0o755)[number % 3])
    (target.folder / "dist" / "empty").mkdir(mode=0o711)
    (target.folder / "dist" / "a 1").chmod(0o750)

    do(COPY, {"src": "dist", "dest": str(target.root / "app")}, target)
    first, second = (do(STEP, {"src": str(target.root / "app"), "dest": "back"}, target) for _ in range(2))

    assert tree(target.folder / "back" / "web01") == tree(target.folder / "dist")
    assert [first.status, second.status] == [Status.CHANGED, Status.OK]
    assert len(first.data["files"]) == 100


def test_links_and_special_files_in_a_folder_are_passed_over(target: LocalTarget) -> None:
    """A link could lead anywhere, a FIFO would hang."""
    (target.root / "d").mkdir()
    (target.root / "d" / "file").write_text("x")
    (target.root / "d" / "link").symlink_to("/etc/passwd")
    os.mkfifo(target.root / "d" / "pipe")

    do(STEP, {"src": str(target.root / "d")}, target)

    assert tree(target.folder / "fetched" / "web01") == {"file": ("0644", "x")}


def test_a_link_that_is_asked_for_is_followed_on_the_host(target: LocalTarget) -> None:
    """Its bytes are data like any other."""
    (target.root / "real").write_text("x")
    (target.root / "link").symlink_to("real")

    first, second = (do(STEP, {"src": str(target.root / "link")}, target) for _ in range(2))

    assert tree(target.folder / "fetched" / "web01") == {"link": ("0600", "x")}
    assert [first.status, second.status] == [Status.CHANGED, Status.OK]


@pytest.mark.parametrize(("make", "why"), [(os.mkfifo, "it is no file and no directory"), (None, "there is nothing")])
def test_what_can_not_be_fetched_is_named(target: LocalTarget, make: Callable[[Path], None] | None, why: str) -> None:
    """In words, and without hanging."""
    if make:
        make(target.root / "it")

    with pytest.raises(StepError, match=why):
        do(STEP, {"src": str(target.root / "it")}, target)
    assert list(target.folder.iterdir()) == []


def test_dest_outside_the_project_is_refused(target: LocalTarget) -> None:
    """Whatever way leads there."""
    (target.root / "f").touch()
    (target.folder / "link").symlink_to("..")

    for dest in ("..", "/tmp", "link/x", "a/../../b"):
        with pytest.raises(StepError, match="outside the project"):
            do(STEP, {"src": str(target.root / "f"), "dest": dest}, target)
    assert target.calls == 0


@pytest.mark.parametrize(("dest", "told"), [("a\0b", "a\0b"), ("a\ud800", "a\\ud800"), ("a\udcff", "a\\udcff")])
def test_a_dest_that_no_folder_can_have_is_refused(target: LocalTarget, dest: str, told: str) -> None:
    """In words that can be written down."""
    with pytest.raises(StepError, match="it holds a NUL character or half a character") as caught:
        do(STEP, {"src": str(target.root / "f"), "dest": dest}, target)

    assert caught.value.message.startswith(f'dest "{told}"')
    assert target.calls == 0


def test_waiting_for_the_disk_holds_up_no_other_host(target: LocalTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is flushed and compared beside the loop."""
    (target.root / "f").write_text("x")
    watching = Watching(target.root, target.folder)
    seen: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(watching.beside))

    do(STEP, {"src": str(target.root / "f")}, watching)

    assert seen == [True]


@pytest.mark.parametrize("host", ["..", "a/b", "a\nb"])
def test_a_host_whose_name_is_no_folder_s_is_refused(target: LocalTarget, host: str) -> None:
    """Its name comes from the inventory, and still is looked at."""
    target.host = host

    with pytest.raises(StepError, match="can't be the name of a folder"):
        do(STEP, {"src": "/etc/hostname"}, target)


def test_a_relative_source_is_refused() -> None:
    """Before any host is contacted."""
    assert complaints_of(STEP, {"src": "log"}) == ["E413"]


@pytest.mark.parametrize("where", ["web01", "web01/d"])
def test_a_local_link_is_not_followed(target: LocalTarget, where: str) -> None:
    """Where somebody has put a link, nothing is written behind it."""
    (target.root / "s" / "d").mkdir(parents=True)
    (target.root / "s" / "d" / "f").write_text("x")
    outside = target.folder.parent / "outside"
    outside.mkdir()
    (target.folder / "fetched" / where).parent.mkdir(parents=True)
    (target.folder / "fetched" / where).symlink_to(outside)

    with pytest.raises(StepError, match="can't be written here"):
        do(STEP, {"src": str(target.root / "s")}, target)

    assert list(outside.iterdir()) == []


def test_a_link_in_place_of_a_file_is_replaced(target: LocalTarget) -> None:
    """And what it led to stays."""
    (target.root / "f").write_text("new")
    (target.folder / "victim").write_text("old")
    (target.folder / "fetched" / "web01").mkdir(parents=True)
    (target.folder / "fetched" / "web01" / "f").symlink_to(target.folder / "victim")

    assert do(STEP, {"src": str(target.root / "f")}, target).changed

    assert (target.folder / "victim").read_text() == "old"
    assert not (target.folder / "fetched" / "web01" / "f").is_symlink()


BAD_NAMES = ["../x", "/etc/x", "a/../../b", "..", "a//b", "a/./b", "", "..\\x", "a\\b", "a\nb", "a\x1bb", "\x9b",
             "x" * 256, "/".join("a" * 65)]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    """Each part of what a host sends is one name."""
    with pytest.raises(StepError, match="the host sent a"):
        parts_of(name)


class Lying(LocalTarget):
    """A host that names files as it likes."""

    names: bytes = b""

    async def run(self, *_: Any, **options: Any) -> CommandResult:
        options["sink"]("stdout", self.names)
        return CommandResult(0, stdout=Captured())


@pytest.mark.parametrize("name", ["./../../evil", "/etc/evil", "./a\\b", "./a\nb"])
def test_a_host_that_lies_writes_nothing(target: LocalTarget, name: str) -> None:
    """Before anything is fetched."""
    lying = Lying(target.root, target.folder)
    lying.names = f".\0{name}\0".encode()

    with pytest.raises(StepError, match="the host sent a name"):
        do(STEP, {"src": "/srv"}, lying)
    assert list(target.folder.iterdir()) == []


def test_a_host_with_endless_names_is_stopped(target: LocalTarget) -> None:
    """More than ten thousand files are an archive's business."""
    lying = Lying(target.root, target.folder)
    lying.names = b"".join(b"./%d\0" % number for number in range(10_002))

    with pytest.raises(StepError, match="more than 10000 files"):
        do(STEP, {"src": "/srv"}, lying)


def test_a_connection_that_is_lost_leaves_the_old_file(target: LocalTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing half-done beside it."""
    (target.root / "f").write_text("new contents")
    (target.folder / "fetched" / "web01").mkdir(parents=True)
    (target.folder / "fetched" / "web01" / "f").write_text("old")

    async def get(_path: str, sink: Callable[[bytes], None]) -> None:
        sink(b"new")
        raise LostError("gone")

    monkeypatch.setattr(target, "get", get)
    with pytest.raises(LostError):
        do(STEP, {"src": str(target.root / "f")}, target)

    assert tree(target.folder / "fetched" / "web01") == {"f": ("0644", "old")}


def test_a_local_directory_in_the_way_is_named(target: LocalTarget) -> None:
    """It is not replaced by a file."""
    (target.root / "f").write_text("x")
    (target.folder / "fetched" / "web01" / "f").mkdir(parents=True)

    with pytest.raises(StepError, match=r'"f" can\'t be written here: Is a directory'):
        do(STEP, {"src": str(target.root / "f")}, target)


def test_a_full_local_disk_is_named(tiny_disk: Path) -> None:
    """And what was written is removed."""
    with opened(tiny_disk, ()) as folder, NewFile(folder, "big") as file:  # noqa: SIM117
        with pytest.raises(StepError, match="No space left on device"):
            file.write(b"x" * 100_000)

    assert list(tiny_disk.iterdir()) == []


def test_get_is_asked_for_the_path_alone(target: LocalTarget) -> None:
    """A file that the login user may not read is the host's error, in its words."""

    async def get(path: str, _sink: Callable[[bytes], None]) -> None:
        raise StepError(f'cannot read "{path}": Permission denied')

    (target.root / "f").write_text("x")
    target.get = get  # type: ignore[method-assign]
    with pytest.raises(StepError, match="Permission denied"):
        asyncio.run(STEP.run(STEP.params(src=str(target.root / "f")), target))
