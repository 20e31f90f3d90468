"""What runner writes is for whoever runs it alone, from the call that makes it; and nothing planted leads it astray."""

import json
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import watched_files
from commandline import Done, environment, project, runner
from in_process import printed

from runner import lock, run_folder, umask, whole_file
from runner.app.views import _log_file
from runner.errors import JournalError, LockError, StepError
from runner.lock import Hold, Lock
from runner.run_folder import RunFolder
from runner.storing import NewFile, opened

LOCAL = "connection: local\nhosts: {one: {}, two: {}}\n"
PLAYBOOK = """
version: 1
inventory: hosts.yaml
secrets:
  token: {{command: [cat, key.txt]}}
hosts: all
steps:
  - {{shell: 'echo "$T"; echo err >&2', env: {{T: "{{{{ secrets.token }}}}"}}}}
  - {{copy: {{src: hosts.yaml, dest: "{there}/{{{{ host.name }}}}.copy"}}}}
  - {{fetch: {{src: "{there}/{{{{ host.name }}}}.copy", dest: fetched}}}}
  - {{script: step.sh}}
  - {{shell: "test -e {there}/go"}}
"""
ROOT = pytest.mark.skipif(os.getuid() != 0, reason="giving files away needs root")
NOBODY = pwd.getpwnam("nobody").pw_uid


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A project with a step of each kind that writes."""
    there = tmp_path / "there"
    there.mkdir()
    project(tmp_path, PLAYBOOK.format(there=there), LOCAL)
    (tmp_path / "key.txt").write_text("a-secret-value\n")
    (tmp_path / "step.sh").write_text("echo hello\n")
    return tmp_path


def watched(folder: Path, *words: str) -> list[tuple[str, str, int, int]]:
    """Run a command; gives what it made and changed: the call, the path, the mode and the flags."""
    report = folder / "report"
    report.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, watched_files.__file__, report, *words],
        cwd=folder,
        env=environment(
            RUNNER_RUNS_DIR=str(folder / "runs"),
            XDG_STATE_HOME=str(folder / "state"),
            PYTHONPATH=os.pathsep.join(filter(None, sys.path)),
            PYTHONDONTWRITEBYTECODE="1",
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    return [tuple(json.loads(line)) for line in report.read_text().splitlines()]


def test_every_file_and_folder_is_private_from_the_call_that_makes_it(here: Path) -> None:
    """A run, one that goes on, plans, locks, logs and what is fetched: no file is made open and closed later."""
    told = [
        *watched(here, "plan", "site.yaml", "-o", "saved.json"),
        *watched(here, "run", "saved.json", "--log-format", "json", "--log-file", "log"),
        *watched(here, "resume", "last"),
        *watched(here, "lock", "hold", "site.yaml", "-m", "wait"),
    ]

    made = {name for call, path, *_ in told if call != "chmod" for name in str(path).split("/")[-1:]}
    assert {"events.jsonl", "runs", "output", "log", "one", "locks", "keys"} <= made
    for call, path, mode, flags in told:
        if path in {"/dev/null", "/dev/tty"}:
            continue
        if call == "chmod":  # a file or folder that was fetched gets the mode that it has on the host
            assert isinstance(path, int)
            assert mode & 0o022 == 0
        else:
            assert mode == (0o700 if call == "mkdir" else 0o600), path
            assert call == "mkdir" or flags & os.O_CLOEXEC
            assert call == "mkdir" or flags & os.O_NOFOLLOW


def test_nothing_is_left_that_others_can_read_whatever_the_umask(here: Path) -> None:
    """After a run under a umask of 0: folders 0700, files 0600."""
    before = os.umask(0)
    try:
        done = runner("run", "site.yaml", cwd=here)
    finally:
        os.umask(before)

    left = list(done.runs.rglob("*"))
    assert len(left) > 15
    for path in left:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_what_a_call_forgets_the_umask_closes_but_not_for_steps(tmp_path: Path) -> None:
    """Runner's own umask is 077; a local step, and the command of a secret, have the one it was started with."""
    text = "version: 1\ninventory: hosts.yaml\nsecrets:\n  s: {command: [sh, -c, 'umask >seen; echo s3cr3t']}\n"
    text += f"hosts: one\nsteps:\n  - shell: 'umask; touch {tmp_path}/made'\n"
    project(tmp_path, text + "    stdin: '{{ secrets.s }}'\n", LOCAL)
    before = os.umask(0o027)
    try:
        done = runner("run", "site.yaml", "--output", "stream", cwd=tmp_path)
        shown = runner("schema", "--write", "schemas", cwd=tmp_path)
    finally:
        os.umask(before)

    assert done.code == 0, done.err
    assert (done.folder / "output/one/shell.1.out").read_text() == "0027\n"
    assert (tmp_path / "seen").read_text() == "0027\n"
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o640
    assert shown.code == 0, shown.err
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "schemas").iterdir()} == {0o640}


def test_the_umask_is_closed_and_opened_again() -> None:
    """Within its context; what is asked for in between is as it was."""
    before = os.umask(0o022)
    try:
        with umask.closed():
            assert current() == 0o077
            assert umask.given() == 0o022
            assert umask.in_shell("x") == "umask 0022; x"
            with umask.as_given():
                assert current() == 0o022
            assert current() == 0o077
        assert current() == 0o022
        assert (umask.given(), umask.in_shell("x")) == (-1, "x")
    finally:
        os.umask(before)


def current() -> int:
    mode = os.umask(0)
    os.umask(mode)
    return mode


VERBS = ("resume last", "resume --plan last", "rerun --only failed last", "rollback --yes last", "runs salvage last")


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run that can be gone on with."""
    folder = tmp_path_factory.mktemp("failed")
    project(folder, "version: 1\ninventory: hosts.yaml\nhosts: one\nsteps: [{shell: 'exit 3'}]\n", LOCAL)
    return runner("run", "site.yaml", cwd=folder)


@ROOT
def test_a_run_that_somebody_else_put_there_is_not_carried_out(failed: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a shared runs folder: neither gone on with nor run again, and the message names whose it is."""
    os.chown(failed.folder, NOBODY, -1)
    try:
        refused = runner("resume", "last", cwd=failed.runs.parent)
        told = [printed(monkeypatch, *verb.split(), runs=failed.runs) for verb in VERBS]
    finally:
        os.chown(failed.folder, os.geteuid(), -1)

    assert (refused.code, refused.out) == (11, "")
    for text in (refused.err, *told):
        assert "is one of user nobody, and what is in its folder is not taken from others" in text
        assert "hint: become that user to go on with it" in text


@ROOT
def test_a_journal_of_somebody_else_in_our_own_folder_is_not_believed(
    failed: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can exchange folders between two looks at them has no use of it."""
    os.chown(failed.folder / "events.jsonl", NOBODY, -1)
    try:
        told = [printed(monkeypatch, *verb.split(), runs=failed.runs) for verb in VERBS if "salvage" not in verb]
        shown = printed(monkeypatch, "runs", "show", "last", runs=failed.runs)
    finally:
        os.chown(failed.folder / "events.jsonl", os.geteuid(), -1)

    for text in told:
        assert "it belongs to user nobody" in text
    assert "summary" in shown


@pytest.mark.parametrize("mode", [0o720, 0o702])
def test_a_run_whose_folder_others_can_write_is_not_carried_out(failed: Done, mode: int) -> None:
    """They may have put another plan there; the message says how to close it."""
    failed.folder.chmod(mode)
    try:
        with pytest.raises(JournalError, match="can be written by others") as caught:
            run_folder.check_ours(RunFolder(failed.folder, failed.folder.name))
    finally:
        failed.folder.chmod(0o700)

    assert caught.value.hint == f"if nobody has changed it: chmod go-w {failed.folder}"
    run_folder.check_ours(RunFolder(failed.folder, failed.folder.name))


def test_a_runs_folder_that_everybody_can_write_is_not_worked_from(failed: Done) -> None:
    """What is in it may be anybody's by the next moment."""
    failed.runs.chmod(0o777)
    try:
        done = runner("resume", "last", cwd=failed.runs.parent)
    finally:
        failed.runs.chmod(0o700)

    assert done.code == 11
    assert f"hint: chmod o-w {failed.runs}" in done.err


@ROOT
def test_root_who_answers_for_somebody_gives_away_nothing_else(tmp_path: Path) -> None:
    """The answer belongs to the owner of the run; a link in the place of its folder is refused, not followed."""
    run = RunFolder(tmp_path / "run", "run")
    (tmp_path / "etc").mkdir(mode=0o700)
    run.path.mkdir(mode=0o700)
    os.chown(run.path, NOBODY, NOBODY)

    assert run.write_once("requests/7", b"approve root\n")
    assert {path.stat().st_uid for path in run.path.rglob("*")} == {NOBODY}
    (run.path / "requests/7").unlink()
    (run.path / "requests").rmdir()
    (run.path / "requests").symlink_to(tmp_path / "etc")
    with pytest.raises(JournalError, match=r"Not a directory|symbolic links"):
        run.write_once("requests/7", b"approve root\n")
    assert list((tmp_path / "etc").iterdir()) == []
    assert (tmp_path / "etc").stat().st_uid == os.geteuid()


def make(kind: str, place: Path, target: Path) -> None:
    """Put something at a name that is about to be used."""
    match kind:
        case "link":
            place.symlink_to(target)
        case "hard link":
            place.hardlink_to(target)
        case "folder":
            place.mkdir()
        case "FIFO":
            os.mkfifo(place)


@pytest.mark.parametrize("kind", ["link", "dangling link", "hard link", "folder", "FIFO"])
def test_a_name_that_was_guessed_is_not_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Even of a name of 128 random bits: whatever is there already is refused, and stays as it is."""
    monkeypatch.setattr(secrets, "token_hex", lambda size: "0" * 2 * size)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    run = run_folder.create(tmp_path / "runs", "r1")
    (run.path / "requests").mkdir()
    (tmp_path / "locks").mkdir()
    random = "0" * 32
    names = {
        run.path / f".plan.json.{random}": lambda: run.write("plan.json", b"x"),
        run.path / "requests" / f".7.{random}": lambda: run.write_once("requests/7", b"x"),
        run.path / "events.jsonl": lambda: run.create_file("events.jsonl"),
        tmp_path / f".saved.{random}": lambda: whole_file.replace(tmp_path / "saved", b"x"),
        tmp_path / "locks" / f".id.{random}": lambda: lock.hold(Lock(tmp_path / "locks", "id", "p"), Hold("m")),
        tmp_path / f".runner-{random}": lambda: fetched(tmp_path),
    }

    for place, write in names.items():
        make(kind.removeprefix("dangling "), place, tmp_path / "nowhere" if "dangling" in kind else victim)
        with suppress(JournalError, StepError, LockError, OSError):
            assert write() is False

    assert victim.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()
    assert not {"plan.json", "7", "saved", "id.hold", "got"} & {path.name for path in tmp_path.rglob("*")}


def fetched(folder: Path) -> None:
    with opened(folder, ()) as descriptor, NewFile(descriptor, "got") as file:
        file.write(b"x")
        file.keep(0o600)


@ROOT
def test_a_log_is_not_written_where_somebody_else_waits_for_it(tmp_path: Path) -> None:
    """Neither through another user's link nor into their file; through our own, and to a standard stream."""
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "theirs").symlink_to("victim")
    os.lchown(tmp_path / "theirs", NOBODY, NOBODY)
    (tmp_path / "readable").touch()
    os.chown(tmp_path / "readable", NOBODY, NOBODY)
    (tmp_path / "ours").symlink_to("log")

    with pytest.raises(OSError, match="symbolic links"):
        _log_file(str(tmp_path / "theirs"))
    with pytest.raises(OSError, match="it belongs to user nobody"):
        _log_file(str(tmp_path / "readable"))
    for path in ("/dev/null", str(tmp_path / "ours")):
        os.close(_log_file(path))

    assert (tmp_path / "victim").read_text() == "precious"
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["FIFO", "link", "folder"])
@pytest.mark.parametrize("name", ["events.jsonl", "plan.json"])
def test_what_stands_in_place_of_a_run_s_files_is_not_waited_for(
    failed: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    """In a shared runs folder anybody can put a run with a FIFO, which whoever opens it would wait for."""
    folder = tmp_path / "runs" / "20990101-000000-aaaa"
    shutil.copytree(failed.folder, folder)
    (folder / name).rename(tmp_path / "real")
    make(kind, folder / name, tmp_path / "real")

    for words in ("list", "show last", "verify last", "prune --keep 0 --dry-run"):
        assert printed(monkeypatch, "runs", *words.split(), runs=folder.parent).strip()
    for words in ("resume last", "approve last"):
        assert "error: " in printed(monkeypatch, *words.split(), runs=folder.parent)
