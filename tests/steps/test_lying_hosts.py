"""Hosts that lie about their files: ``fetch`` writes below its own folder or not at all, in bounded time and space."""

import os
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from local_target import LocalTarget, do

from runner.errors import StepError
from runner.model.outcome import Captured
from runner.reporting.escape import visible
from runner.steps import fetch, kinds
from runner.steps.fetch import LIST, STEP
from runner.transport import CommandResult
from runner.web import parsed

FILE = b"-rw-r--r-- 1 0 0 4 Jan  1 00:00 f"
FOLDER = b"drwxr-xr-x 2 0 0 4096 Jan  1 00:00 d"
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass
class Liar(LocalTarget):
    """A host that answers as it likes: ``names`` to a listing, ``kinds`` by name to a look, ``contents`` to a read."""

    names: bytes = b""
    kinds: Mapping[str, bytes] = field(default_factory=dict)
    contents: Callable[[Callable[[bytes], None]], None] = lambda sink: sink(b"data")
    look: bytes | None = None
    meanwhile: Callable[[], Any] = lambda: None

    async def run(self, command: Any, *, args: tuple[str, ...] = (), **options: Any) -> CommandResult:
        """The answer to a listing or a look."""
        self.calls += 1
        if command == LIST:
            for at in range(0, len(self.names), 65536):
                options["sink"]("stdout", self.names[at : at + 65536])
            return CommandResult(0)
        lines = [self.kinds.get(path.rpartition("/")[2], FILE) for path in args[1::2]]
        data = b"".join(line + b"\0" * 5 for line in lines) if self.look is None else self.look
        self.meanwhile()
        return CommandResult(0, stdout=Captured(data, size=len(data)))

    async def get(self, _: str, sink: Callable[[bytes], None]) -> None:
        """The bytes of any file."""
        self.contents(sink)


def liar(folder: Path, *names: bytes, **more: Any) -> Liar:
    """A host whose folder holds those names."""
    (folder / "project").mkdir()
    (folder / "host").mkdir()
    listing = b".\0" + b"".join(b"./" + name + b"\0" for name in names)
    return Liar(folder / "host", folder / "project", names=more.pop("listing", listing), **more)


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    """All that is in a folder, but for where files are fetched to."""
    ours = folder / "project" / "fetched" / "web01"
    paths = [
        path for path in folder.rglob("*") if path != ours and ours not in path.parents and path not in ours.parents
    ]
    return {os.fsdecode(path): (path.lstat().st_mode, path.lstat().st_size, path.lstat().st_mtime_ns) for path in paths}


REFUSED = {
    "the folder above": b"../x",
    "the folder above, from below": b"a/../../x",
    "an absolute name": b"/etc/x",
    "a name that is the folder itself": b"a/.",
    "a name that is the folder above": b"..",
    "an empty part": b"a//b",
    "an empty name": b"",
    "a backslash": b"..\\x",
    "a drive": b"c:\\x",
    "a line end": b"a\nb",
    "a carriage return": b"a\rb",
    "an escape": b"a\x1b]0;owned\x07",
    "an 8-bit escape": "a\x9b2J".encode(),
    "a delete": b"a\x7f",
    "a name of 256 bytes": b"x" * 256,
    "a name of 4096 bytes": b"x" * 4096,
    "256 bytes in two-byte letters": "\u00e9".encode() * 128,
    "65 folders": b"/".join([b"a"] * 65),
    "a trailing slash": b"a/",
    "a name that looks like an end of the list": b".",
}
TAKEN = {
    "255 bytes": b"x" * 255,
    "a name that is no text": b"a\xff\xfe",
    "a name of an option": b"-rf",
    "a name with marks that turn text around": "a\u202eb".encode(),
    "a name of blanks": b" ",
    "three dots": b"...",
    "a name of shell characters": b"$(reboot);`x`'\"",
    "names that differ in case": b"A\0./a",
    "a name of a file of ours": b".runner-0123456789abcdef",
    "a template": b"{{ secret }}",
    "the same name twice": b"a\0./a",
}


@pytest.mark.parametrize("name", REFUSED.values(), ids=REFUSED)
def test_names_that_lead_elsewhere_write_nothing(name: bytes, tmp_path: Path) -> None:
    """They are refused before a byte is fetched, in words that can be printed."""
    host = liar(tmp_path, name)
    before = tree(tmp_path)

    with pytest.raises(StepError, match="the host sent a") as caught:
        do(STEP, {"src": "/srv"}, host)

    assert tree(tmp_path) == before
    assert not (tmp_path / "project" / "fetched").exists()
    assert not HARMFUL.search(visible(caught.value.message))
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("name", TAKEN.values(), ids=TAKEN)
def test_odd_names_are_files_below_the_folder(name: bytes, tmp_path: Path) -> None:
    """Whatever a file system takes for one name is one, and can be told in a record and on a terminal."""
    host = liar(tmp_path, name)
    before = tree(tmp_path)

    outcome = do(STEP, {"src": "/srv"}, host)

    root = tmp_path / "project" / "fetched" / "web01"
    wanted = {part.removeprefix(b"./") for part in name.split(b"\0")}
    assert {os.fsencode(path.name) for path in root.iterdir()} == wanted
    assert tree(tmp_path) == before
    assert not HARMFUL.search(visible(" ".join(outcome.data["files"])))


def test_a_null_name_ends_a_name(tmp_path: Path) -> None:
    """NUL separates names, so none has one in it; what comes behind the last is no name."""
    host = liar(tmp_path, listing=b".\0./a\0./never ended")

    outcome = do(STEP, {"src": "/srv"}, host)

    assert outcome.data["files"] == ["a"]


LOOKS = {
    "nothing": b"",
    "no NUL": b"x" * 1000,
    "too few answers": FILE,
    "too many answers": (FILE + b"\0" * 5) * 3,
    "an empty line": b"\0" * 5,
    "a line of blanks": b"   " + b"\0" * 5,
    "a short line": b"-rw 1 0 0" + b"\0" * 5,
    "a line of escapes": b"\x1b[31m\x9b \x1b \x1b \x1b \x1b" + b"\0" * 5,
    "a size of other digits": "-rw-r--r-- 1 0 0 \u00b2".encode() + b"\0" * 5,
    "a size of 5000 digits": b"-rw-r--r-- 1 0 0 " + b"9" * 5000 + b"\0" * 5,
    "a size below nothing": b"-rw-r--r-- 1 0 0 -1" + b"\0" * 5,
    "a reason of escapes": b"\0\0\0\0\x1b]0;x\x07" * 1,
    "a reason of a megabyte": b"\0\0\0\0" + b"x" * 2**20 + b"\0",
    "a device": b"crw-r--r-- 1 0 0 4 Jan" + b"\0" * 5,
    "a link": b"lrwxrwxrwx 1 0 0 4 Jan  1 00:00 f -> /etc/passwd\0\0/etc/passwd\n.\0\0\0",
    "a mode with all set-id bits": b"-rwsrwsrwt 1 0 0 4 Jan" + b"\0" * 5,
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_look_that_lies_gives_a_plain_file_or_an_error(look: bytes, tmp_path: Path) -> None:
    """Never a link, a device or set-id bits; never a fault of our own."""
    host = liar(tmp_path, b"f", look=look)
    before = tree(tmp_path)

    told = []
    try:
        do(STEP, {"src": "/srv"}, host)
    except StepError as error:
        told.append(error.message)

    assert all(len(words) < 1000 and not HARMFUL.search(visible(words)) for words in told)
    for path in (tmp_path / "project").rglob("f"):
        assert path.lstat().st_mode & 0o177000 == 0o100000
    assert tree(tmp_path) == before


def test_a_file_that_is_a_folder_too_is_refused(tmp_path: Path) -> None:
    """One name can't be both, whatever the host says."""
    with pytest.raises(StepError, match="can't be written here: Not a directory"):
        do(STEP, {"src": "/srv"}, liar(tmp_path, b"a", b"a/b"))


def test_a_link_put_in_the_way_while_files_come_is_not_followed(tmp_path: Path) -> None:
    """Whoever swaps a folder of the destination for a link in the middle of it gains nothing."""
    (tmp_path / "victim").mkdir()

    def swap() -> None:
        folder = tmp_path / "project" / "fetched" / "web01"
        folder.mkdir(parents=True)
        (folder / "d").symlink_to(tmp_path / "victim")

    host = liar(tmp_path, b"d", b"d/f", kinds={"d": FOLDER}, meanwhile=swap)

    with pytest.raises(StepError, match="can't be written here"):
        do(STEP, {"src": "/srv"}, host)
    assert list((tmp_path / "victim").iterdir()) == []


def test_a_file_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than twice what was said, and some, is not taken; what came is removed."""
    monkeypatch.setattr(fetch, "GROWTH", 1 << 20)

    def endless(sink: Callable[[bytes], None]) -> None:
        while True:
            sink(b"x" * 65536)

    with pytest.raises(StepError, match=r'"/srv/f": the host sends more than 1048584 bytes; it said 4'):
        do(STEP, {"src": "/srv"}, liar(tmp_path, b"f", contents=endless))
    assert list((tmp_path / "project" / "fetched" / "web01").iterdir()) == []


def test_a_host_does_not_fill_the_disk(tiny_disk: Path, tmp_path: Path) -> None:
    """However large it says that its file is, some of the disk stays free for the records of the run."""
    host = liar(tmp_path, b"f", kinds={"f": b"-rw-r--r-- 1 0 0 " + b"9" * 18})
    host.folder = host.project = tiny_disk
    host.contents = lambda sink: [sink(b"x" * 1024) for _ in range(10_000)] and None

    with pytest.raises(StepError, match="the host sends more than"):
        do(STEP, {"src": "/srv"}, host)
    assert os.statvfs(tiny_disk).f_bavail > 0


def test_a_list_without_end_ends_the_command(tmp_path: Path) -> None:
    """After so many bytes of names nobody listens any more; reading them takes time in proportion, not its square."""
    begun = time.monotonic()
    heard = 0

    class Endless(Liar):
        async def run(self, *_: Any, **options: Any) -> CommandResult:
            nonlocal heard
            while True:
                heard += 20
                options["sink"]("stdout", b"./0123456789abcdefg\0")

    (tmp_path / "project").mkdir()
    with pytest.raises(StepError, match="more than 10000 files"):
        do(STEP, {"src": "/srv"}, Endless(tmp_path, tmp_path / "project"))

    assert heard < 5 * 2**20
    assert time.monotonic() - begun < 5


def test_an_answer_of_many_interim_answers_takes_no_time() -> None:
    """A megabyte of answers that say that the answer is to come is no answer."""
    begun = time.monotonic()

    answer = parsed(b"HTTP/1.1 100 Continue\r\n\r\n" * 40_000)

    assert (answer.status, answer.reason) == (0, "more than 20 interim answers came back")
    assert time.monotonic() - begun < 1


# every kind, whatever a host says

LS = b"-rw-r--r-- 1 0 0 4 Jan  1 00:00 f"
SAID = [
    b"",
    b"\0" * 3,
    b"\0" * 5,
    b"\0" * 12,
    LS + b"\0" * 5,
    LS,
    LS + b"\0" + FOLDER + b"\0\0",
    LS + b"\0" + b"drwxrwxrwx 1 0 0 4" + b"\0backup\0",
    b"/tmp/runner-",
    b"/tmp/\0\n/",
    b"4",
    b"-1",
    b"\xc2\xb2",
    b"9" * 5000,
    b"HTTP/1.1 200 OK\r\n\r\n{",
    b"HTTP/1.1 999 \xff\r\nA\r\n\r\n" + b"[" * 10_000,
    b"HTTP/1.1 100 x\r\n\r\n" * 30,
    b"\x1b]0;owned\x07\x9b\xff\xfe\r\n",
    b"held\nid x\nnow 1e999\n",
    b"x" * 100_000,
    b"\n" * 1000,
    b"l" * 10 + b" 1 0 0 4",
    b"drwx------ 2 0 0 4096 Jan  1 00:00 d\0\0\0\0\0",
    b"lrwxrwxrwx 1 0 0 4 Jan  1 00:00 f -> /x\0\0/x\n.\0\0\0",
]
STATUSES = (0, 0, 0, 1, 2, 91, 93, 125, 126, 127, 137, 255, 511)


@dataclass
class Babbling(LocalTarget):
    """A host that says anything at all to everything, drawn at random."""

    draw: random.Random = field(default_factory=random.Random)

    async def run(self, _: Any, **options: Any) -> CommandResult:
        """Anything."""
        self.calls += 1
        if self.calls > 200:
            raise StepError("it was asked often enough")
        out, err = self.draw.choice(SAID), self.draw.choice(SAID)
        if options.get("sink"):
            options["sink"]("stdout", out)
            options["sink"]("stderr", err)
        result = CommandResult(
            self.draw.choice(STATUSES), None, Captured(out, size=len(out)), Captured(err, size=len(err))
        )
        return replace(result, signal="KILL") if result.rc == 137 else result

    async def put(self, _: bytes | Path, dest: str) -> None:
        """Perhaps."""
        if self.draw.random() < 0.2:
            raise StepError(f'cannot write "{dest}"')

    async def get(self, _: str, sink: Callable[[bytes], None]) -> None:
        """Perhaps."""
        sink(self.draw.choice(SAID))


BABBLED: dict[str, Any] = {
    "command": {"argv": ["x"], "creates": "/x", "unless": ["y"]},
    "shell": "x",
    "script": "files/s.sh",
    "copy": {"src": "files/f", "dest": "/srv/f", "owner": "web", "backup": True},
    "copy of a folder": {"src": "files", "dest": "/srv/d"},
    "template": {"src": "files/f", "dest": "/srv/f", "mode": "0600"},
    "fetch": {"src": "/srv/f"},
    "file": {"path": "/srv/d", "state": "directory", "owner": "web", "mode": "2755"},
    "file that is touched": {"path": "/srv/f", "state": "touched"},
    "file that is a link": {"path": "/srv/l", "state": "link", "src": "/x"},
    "file that is absent": {"path": "/srv/f", "state": "absent"},
    "wait_for a port": {"port": 80, "timeout": "5s", "interval": "1s"},
    "wait_for a path": {"path": "/srv/f", "timeout": "5s", "interval": "1s"},
    "wait_for a command": {"command": ["x"], "timeout": "5s", "interval": "1s"},
    "wait_for a url": {"url": "http://127.0.0.1:1/", "timeout": "5s", "interval": "1s"},
    "http": {"url": "http://127.0.0.1:1/", "from": "host", "status": [200, 999]},
    "tcp": {"port": 80, "timeout": "5s"},
}


@pytest.mark.parametrize("name", BABBLED)
def test_no_kind_has_a_fault_because_of_what_a_host_says(name: str, tmp_path: Path) -> None:
    """Whatever comes back, a step ends with an outcome or an error in words, writes nothing elsewhere, and soon."""
    (tmp_path / "project" / "files").mkdir(parents=True)
    (tmp_path / "project" / "files" / "s.sh").write_text("#!/bin/sh\ntrue\n")
    (tmp_path / "project" / "files" / "f").write_text("text")
    before = tree(tmp_path)
    kind = kinds()[name.partition(" ")[0]]

    for seed in range(150):
        target = Babbling(tmp_path, tmp_path / "project", draw=random.Random(seed))
        try:
            outcome = do(kind, BABBLED[name], target)
        except StepError as error:
            words = error.message
        else:
            words = outcome.message
        assert len(words) < 3000, words[:200]
        assert not HARMFUL.search(visible(words))
    assert tree(tmp_path) == before
