"""What is read of the records on a host: the judge on lines that may stand there, the script on files of all kinds."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from shells import found

from runner.shell.recalling import LOOK, Note, judged, parsed
from runner.transport import Recalled

PREFIX = ".runner-0123-4567"
OWN, SUFFIX = "00112233aabbccdd", "8899aabbccddeeff"
BOOT = Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def note(*lines, sole=1, boot="boot", **more):
    """A record as it was found: the lines after the first two."""
    path = f"/tmp/{PREFIX}-{OWN}"
    first = [f"b {boot}", f"r1 4711 {SUFFIX} {sole} {path}"]
    return Note(path, [line.split() for line in [*first, *lines]], **{"fenced": True, "whole": True, **more})


def told(key, *notes):
    """What they say of a command."""
    return judged(key, "boot", list(notes))[0]


# the judge


@pytest.mark.parametrize(
    ("lines", "there", "state"),
    [
        (["s k 5 60 f", "e k 3"], {}, "done"),
        (["s k 5 60 f", "e k 3"], {"shell": True}, "done"),
        (["s k 5 60 f", "l k", "e k 3", "f k"], {}, "done"),
        (["s k 5 60 f", "l k", "c 7", "e k 3"], {"watcher": True}, "running"),  # its last words are being kept
        (["s k 5 60 f", "l k", "c 7", "e k 3"], {}, "done"),  # the watcher was killed
        (["s k 5 60 f"], {"shell": True}, "running"),
        (["s k 5 60 f", "l k"], {"watcher": True}, "running"),
        (["s k 5 60 f"], {"leader": True}, "running"),
        (["s k 5 60 f"], {}, "gone"),
        (["s k 5 60 f", "l k", "k k time"], {"watcher": True}, "running"),
        (["s k 5 60 f", "l k", "k k time", "g k", "e k 143"], {}, "gone"),
        (["s k 5 60 f", "l k", "e k 0", "k k time", "f k"], {}, "done"),  # it was quicker
        (["s k 5 60 f", "n k", "e k 125"], {}, "never"),
        (["s k 0 60 f", "s k 5 60 f", "e k 3"], {}, "done"),
        (["s k 5 60 f", "e k 3", "s other 6 60 f"], {"shell": True}, "done"),
        (["s other 6 60 f"], {"shell": True}, "never"),
        ([], {}, "never"),
    ],
)
def test_each_story_has_its_meaning(lines, there, state):
    """What was noted, and who is still there, decide what is said of a command."""
    assert told("k", note(*lines, **there)).state == state


def test_the_last_start_counts():
    """A key that was used again is about its last start."""
    found = told("k", note("s k 5 60 f", "e k 3", "s k 6 60 f"), note(sole=0))

    assert (found.state, found.group) == ("gone", 6)


def test_ended_by_the_host_says_so_and_why():
    """Whether nothing of the group is left is said only where that was seen."""
    seen = told("k", note("s k 5 60 f", "l k", "k k time", "g k", "f k"))
    unseen = told("k", note("s k 5 60 k", "l k", "k k loss", "f k"))

    assert (seen.ended, seen.reason) == (True, "its process group was ended on the host when its time was up")
    assert (unseen.ended, unseen.reason) == (
        False,
        "its process group was ended on the host when the connection was lost",
    )


def test_leader_without_shell_is_no_group_to_be_killed():
    """Where nobody is there who knows the process, its number may be another's by now: no group is named."""
    assert told("k", note("s k 5 60 f", leader=True)) == Recalled("running")


@pytest.mark.parametrize(
    "notes",
    [
        [],
        [note(boot="another")],
        [note("s k 5 60 f", "e k 3", boot="another")],
        [note(fenced=False)],
        [note(sole=0)],  # another shell beside it may have left no record
        [note(), note(boot="another")],
        [note(), Note("/tmp/x", is_odd=True)],
        [note(), note(fenced=False)],
        [note(whole=False)],
    ],
)
def test_never_needs_every_record_to_be_sound(notes):
    """Nothing is said where a record may be missing, is of an earlier boot, not fenced, or not as it was left."""
    found = told("k", *notes)

    assert found.state == "none"
    assert found.reason


# the script, and files of all kinds


@pytest.fixture(params=found())
def shell(request):
    return request.param


def look(shell, folder, *live, **environ):
    """What the script finds in a folder: boot id and records."""
    argv = [*shell, "-c", LOOK, "sh", PREFIX, "0badcafe", *live]
    environ = {**os.environ, "TMPDIR": str(folder), "HOME": str(folder), **environ}
    done = subprocess.run(argv, capture_output=True, env=environ, timeout=30, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return parsed(done.stdout.decode("utf-8", "surrogateescape"))


def record(folder, *lines, own=OWN, boot=BOOT):
    """Write a record as a shell does that is long gone."""
    path = folder / f"{PREFIX}-{own}"
    path.touch(mode=0o600)
    path.write_text("".join(f"{line}\n" for line in [f"b {boot}", f"r1 999999999 {SUFFIX} 1 {path}", *lines]))
    return path


def test_record_is_read_fenced_and_believed(shell, tmp_path):
    """A record as a shell leaves it says what it says; from now on its shell starts nothing more."""
    path = record(tmp_path, "s k 999999998 60 f", "e k 3")

    boot, notes = look(shell, tmp_path)
    found, of = judged("k", boot, notes)

    assert (found.state, found.result.rc) == ("done", 3)
    assert of.files == (str(path), f"{path}-{SUFFIX}.x")
    assert Path(f"{path}-{SUFFIX}.x").exists()
    assert judged("other", boot, notes)[0].state == "never"


def test_an_end_that_comes_while_it_looks_is_not_missed(shell, tmp_path):
    """A watcher that notes the end and goes away in the midst of it: whoever was not seen has written all by then."""
    path = record(tmp_path, "s k 999999998 60 f")
    grep = tmp_path / "grep"
    grep.write_text(f"""#!/bin/sh
    case $* in *'runner[+=]'*) [ -e {tmp_path}/once ] || {{ >{tmp_path}/once; echo 'e k 3' >>{path}; }};; esac
    exec {shutil.which("grep")} "$@"
    """)
    grep.chmod(0o755)

    boot, notes = look(shell, tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}")

    assert (tmp_path / "once").exists()
    assert judged("k", boot, notes)[0].state == "done"


def test_records_of_shells_in_use_are_passed_over(shell, tmp_path):
    """They are neither read nor fenced."""
    path = record(tmp_path, "s k 5 60 f")

    assert look(shell, tmp_path, str(path)) == (BOOT, [])
    assert not Path(f"{path}-{SUFFIX}.x").exists()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "b 1-2\n",
        f"b {BOOT}\ns k 5 60 f\ne k 0\n",
        f"r1 5 {SUFFIX} 1 PATH\ns k 5 60 f\ne k 0\n",
        f"b {BOOT}\nr1 5 {SUFFIX} 1 /tmp/another\ns k 5 60 f\ne k 0\n",
        f"b {BOOT}\nr1 5 ../../../etc/pass 1 PATH\ns k 5 60 f\ne k 0\n",
        f"b {BOOT}\nr1 5 {SUFFIX} 1 PATH\ns k 5 60 f\ne k 0\nb {BOOT}\nr1 5 {SUFFIX} 1 PATH\n",
        f"b {BOOT}\nr1 5 {SUFFIX} 1 PATH\ns k 5 60 f\ne k 0\ngarbage\n",
        f"b {BOOT}\nr1 5 {SUFFIX} 1 PATH\ns k 5 60 f\ne k 0; rm -rf /\n",
        f"b {BOOT}\nr1 5 {SUFFIX} 1 PATH\ns k -1 60 f\ne k 0\n",
        f"b {BOOT}\nr1 5 {SUFFIX} 1 PATH\ns k 5 60 f\ne k 9999\n",
        f"b {BOOT}\nr1 5 {SUFFIX} 1 PATH\ns k 5 60 f\ne k 0\\np\n",
        f"b {BOOT}\nr1 5 {SUFFIX} 1 PATH\ns k 5 60 f\ne k 0 \x1b[2J\n",
        f"b {BOOT}\nr1 $(touch ran) {SUFFIX} 1 PATH\ns k $(touch ran) 60 f\ne k `touch ran`\n",
        f"b {BOOT}\nr1 5 {SUFFIX} 1 PATH\n" + "s k 5 60 f\ne k 0\n" * 2000,
        f"b {BOOT}\nr1 5 {SUFFIX} 1 PATH\ns k 5 60 f\ne k " + "0" * 20000,
        f"b {BOOT}\nr1 5 {SUFFIX} 1 PATH\ns k 5 60 f\ne k 0\nf PATH\n",
    ],
)
def test_what_is_no_record_is_not_believed(tmp_path, content):
    """Text that no shell of ours has written, cut, turned round, too long, or meant for another: nothing is said."""
    path = tmp_path / f"{PREFIX}-{OWN}"
    path.touch(mode=0o600)
    path.write_text(content.replace("PATH", str(path)))
    record(tmp_path, own=OWN[::-1])

    boot, notes = look(["sh"], tmp_path)

    assert judged("k", boot, notes)[0].state == "none"
    assert judged("never", boot, notes)[0].state == "none"
    assert not list(Path.cwd().glob("ran"))


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o400, 0o700])
def test_record_that_others_may_touch_is_not_believed(tmp_path, mode):
    """Only a file that is the user's alone counts."""
    record(tmp_path, "s k 5 60 f", "e k 0").chmod(mode)

    assert judged("k", *look(["sh"], tmp_path))[0].state == "none"


def test_links_and_pipes_and_folders_are_no_records(shell, tmp_path):
    """Whatever else has such a name is passed over at once: it does not hang, and hides nothing."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / f"{PREFIX}-{'1' * 16}").symlink_to(record(elsewhere, "s k 5 60 f", "e k 0"))
    os.mkfifo(tmp_path / f"{PREFIX}-{'2' * 16}", 0o600)
    (tmp_path / f"{PREFIX}-{'3' * 16}").mkdir()
    record(tmp_path, "s mine 999999998 60 f", "e mine 4")

    boot, notes = look(shell, tmp_path)

    assert judged("mine", boot, notes)[0].result.rc == 4
    assert judged("k", boot, notes)[0].state == "never"


def test_notes_without_a_head_hold_nobody_up(shell, tmp_path):
    """The pipe of a shell in which nothing is left, and which somebody may still write to: it is not read for ever."""
    text = "exec 8<&0; echo runner-0badcafe >/proc/self/comm; echo ready; kill -STOP $$"
    with subprocess.Popen(["sh", "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout.readline() == b"ready\n"

        boot, notes = look(shell, tmp_path)
        keeper.kill()

    assert judged("k", boot, notes)[0].state == "none"


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to make a file of another user's")
def test_files_of_others_are_passed_over(shell, tmp_path):
    """What another user has put there neither says anything nor spoils what is ours."""
    shutil.chown(record(tmp_path, "s k 5 60 f", "e k 0", own="f" * 16), "nobody")
    record(tmp_path)

    assert judged("k", *look(shell, tmp_path))[0].state == "never"


def test_fence_that_cannot_be_set_makes_nothing_of_never(shell, tmp_path):
    """Where the fence cannot be set the request may still come: nothing is said."""
    path = record(tmp_path)
    Path(f"{path}-{SUFFIX}.x").symlink_to("/nonexistent/x")

    boot, notes = look(shell, tmp_path)

    assert judged("k", boot, notes)[0].state == "none"
