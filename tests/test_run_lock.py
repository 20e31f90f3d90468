"""The lock of a playbook and its inventory: one holder, for as long as its process lives, and a person's hold."""

import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commandline import environment

from runner import lock as locks
from runner.errors import JournalError, LockError
from runner.lock import Hold, Holder, Lock
from runner.state_folder import state_folder

ADA = Holder(pid=7, user="ada", host="laptop", run="r1", since="2026-11-21T09:45:01Z", command=("runner", "run"))
FREEZE = Hold(message="freeze", user="bob", host="desk", since="2026-11-20T09:00:00Z")
ROUNDS = 200

CONTENDER = """
import sys
from pathlib import Path
from runner import lock as locks
from runner.errors import LockError
lock, locks.PAUSE = locks.Lock(Path(sys.argv[1]), "1" * 32, "site.yaml"), 0.001
for _ in sys.stdin:  # a line says go, the next one that both have tried
    try:
        held = locks.take(lock, locks.Holder(pid=1, run="r2"))
    except LockError:
        held = None
    print(int(held is not None), flush=True)
    sys.stdin.readline()
    if held is not None:
        held.release()
"""


def a_lock(folder: Path) -> Lock:
    return Lock(folder, "1" * 32, "site.yaml", " -i prod.yaml")


class Contender:
    """A process that tries to take the lock whenever it is told to."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CONTENDER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            text=True,
        )

    def say(self) -> None:
        """Go, or: both have tried."""
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def got_it(self) -> bool:
        """What came of it."""
        assert self.process.stdout
        return self.process.stdout.readline() == "1\n"

    def end(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def contenders(tmp_path: Path) -> Iterator[list[Contender]]:
    """Two of them."""
    both = [Contender(tmp_path) for _ in range(2)]
    yield both
    for one in both:
        one.end()


def test_of_two_hundred_races_each_has_one_winner(contenders: list[Contender]) -> None:
    """Two processes that ask at the same moment never both get it, and never neither."""
    winners = []
    for _ in range(ROUNDS):
        for one in contenders:
            one.say()
        winners.append(sum(one.got_it() for one in contenders))
        for one in contenders:
            one.say()

    assert winners == [1] * ROUNDS


def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path: Path, contenders: list[Contender]) -> None:
    """Nothing has to be cleaned up: SIGKILL ends the process, and the lock with it."""
    first, second = contenders
    first.say()
    assert first.got_it()

    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    second.say()

    assert second.got_it()
    assert locks.holder_of(a_lock(tmp_path)) == Holder(pid=1, run="r2")


def test_whoever_comes_second_is_told_who_has_it_and_how_to_see_it(tmp_path: Path) -> None:
    """User, machine, process, run and start; and that another --limit changes nothing."""
    lock = a_lock(tmp_path)

    with locks.take(lock, ADA), pytest.raises(LockError) as caught:
        locks.take(lock, Holder(pid=8))

    assert caught.value.message == (
        "site.yaml is being run with this inventory: run r1 of ada on laptop (process 7), since 2026-11-21T09:45:01Z"
    )
    assert caught.value.hint == (
        "one run at a time, whatever --limit says; runner lock status site.yaml -i prod.yaml shows it"
    )
    locks.take(lock, ADA).release()


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(tmp_path: Path) -> None:
    """A lock on a file that nobody else would find excludes nobody."""
    lock = a_lock(tmp_path)
    locks.take(lock, ADA).release()
    lock.file.unlink()

    with locks.take(lock, ADA), pytest.raises(LockError):
        locks.take(lock, ADA)


def test_a_lock_whose_file_is_removed_just_before_it_is_ours_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening the file and locking it, somebody tidies up."""
    lock, real, removed = a_lock(tmp_path), fcntl.flock, []

    def tidied(descriptor: int, how: int) -> None:
        if not removed:
            removed.append(lock.file.unlink())
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", tidied)

    with locks.take(lock, ADA), pytest.raises(LockError):
        locks.take(lock, ADA)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "7"}', '{"pid": true}', "[" * 60_000, "\udcff"])
def test_whatever_stands_in_the_file_informs_only(tmp_path: Path, text: str) -> None:
    """A holder that has not said who it is holds the lock all the same; one that is gone does not."""
    lock = a_lock(tmp_path)
    with locks.take(lock, ADA):
        lock.file.write_bytes(text.encode("utf-8", "surrogateescape"))

        with pytest.raises(LockError, match="a process that has not said who it is"):
            locks.take(lock, ADA)

    assert locks.holder_of(lock) is None


def test_one_playbook_and_inventory_has_one_lock_by_whatever_name(tmp_path: Path) -> None:
    """Links, detours and the order of inventories make no other lock; another inventory does."""
    (tmp_path / "site.yaml").touch()
    (tmp_path / "link.yaml").symlink_to("site.yaml")
    a, b = tmp_path / "a.yaml", tmp_path / "b.yaml"

    one = locks.id_of(tmp_path / "site.yaml", [a, b])

    assert one == locks.id_of(tmp_path / "x/../link.yaml", [b, a])
    assert one != locks.id_of(tmp_path / "site.yaml", [a])


def test_what_a_run_starts_does_not_inherit_the_lock(tmp_path: Path) -> None:
    """A child that outlives the run would keep it."""
    lock = a_lock(tmp_path)

    held = locks.take(lock, ADA)
    child = subprocess.Popen(["sleep", "60"], close_fds=False)
    held.release()

    try:
        locks.take(lock, ADA).release()
    finally:
        child.kill()
        child.wait()


def test_a_hold_keeps_runs_out_until_it_is_released(tmp_path: Path) -> None:
    """It is a file: no process has to live for it. Who tries to run is told who holds it, since when and why."""
    lock = a_lock(tmp_path)

    locks.hold(lock, FREEZE)
    with pytest.raises(LockError) as caught:
        locks.take(lock, ADA)
    released = locks.release_hold(lock)

    assert caught.value.message == "site.yaml is on hold by bob on desk, since 2026-11-20T09:00:00Z: freeze"
    assert caught.value.hint == "when it may run again: runner lock release site.yaml -i prod.yaml"
    assert released == FREEZE
    assert locks.release_hold(lock) is None
    locks.take(lock, ADA).release()


def test_a_second_hold_is_refused_and_the_first_one_stays(tmp_path: Path) -> None:
    """Whoever comes second is told of the first."""
    lock = a_lock(tmp_path)
    locks.hold(lock, FREEZE)

    with pytest.raises(LockError, match="on hold by bob"):
        locks.hold(lock, Hold(message="mine", user="ada"))

    assert locks.hold_of(lock) == FREEZE
    assert [path.name for path in tmp_path.iterdir()] == [lock.hold_file.name]


def test_a_hold_that_cannot_be_read_holds(tmp_path: Path) -> None:
    """Somebody wanted no runs; that it does not say who is no reason to run."""
    lock = a_lock(tmp_path)
    lock.hold_file.write_text("")

    with pytest.raises(LockError, match="on hold by somebody"):
        locks.take(lock, ADA)

    assert locks.release_hold(lock) == Hold()


def test_a_refused_run_leaves_the_lock_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hold that comes at the moment the lock was taken gives it back."""
    lock = a_lock(tmp_path)
    looks = iter([None, FREEZE, None, None])
    monkeypatch.setattr(locks, "hold_of", lambda _: next(looks))

    with pytest.raises(LockError, match="on hold"):
        locks.take(lock, ADA)

    locks.take(lock, ADA).release()


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "two names"])
def test_something_else_in_the_place_of_the_lock_is_refused(tmp_path: Path, kind: str) -> None:
    """It is neither followed, nor written, nor waited for."""
    lock = a_lock(tmp_path)
    (tmp_path / "other").write_text("precious")
    match kind:
        case "link":
            lock.file.symlink_to("other")
        case "fifo":
            os.mkfifo(lock.file)
        case "folder":
            lock.file.mkdir()
        case _:
            os.link(tmp_path / "other", lock.file)

    with pytest.raises(JournalError, match="cannot use the lock"):
        locks.take(lock, ADA)

    assert (tmp_path / "other").read_text() == "precious"


def test_the_state_folder_and_its_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    """0700 and 0600, under a umask of 0 too."""
    before = os.umask(0)
    try:
        folder = state_folder(tmp_path / "runs", "locks", environ={}, home=tmp_path)
        locks.take(a_lock(folder), ADA).release()
        locks.hold(a_lock(folder), FREEZE)
    finally:
        os.umask(before)

    modes = {str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {
        "runs": 0o700,
        "runs/.state": 0o700,
        "runs/.state/locks": 0o700,
        f"runs/.state/locks/{'1' * 32}.lock": 0o600,
        f"runs/.state/locks/{'1' * 32}.hold": 0o600,
    }


def test_without_a_runs_folder_locks_stand_beside_the_default_one(tmp_path: Path) -> None:
    """Under XDG_STATE_HOME, or ~/.local/state."""
    xdg = state_folder(None, "locks", environ={"XDG_STATE_HOME": str(tmp_path / "xdg")}, home=tmp_path)
    home = state_folder(None, "locks", environ={}, home=tmp_path)

    assert xdg == tmp_path / "xdg/runner/locks"
    assert home == tmp_path / ".local/state/runner/locks"


def test_a_runs_folder_of_a_group_has_locks_for_that_group(tmp_path: Path) -> None:
    """Locks that a colleague cannot open lock nobody out."""
    runs = tmp_path / "runs"
    runs.mkdir()
    runs.chmod(0o2770)

    folder = state_folder(runs, "locks", environ={}, home=tmp_path)
    locks.take(a_lock(folder), ADA).release()

    assert stat.S_IMODE(folder.stat().st_mode) == 0o2770
    assert stat.S_IMODE(a_lock(folder).file.stat().st_mode) == 0o660
    assert state_folder(runs, "locks", environ={}, home=tmp_path) == folder


@pytest.mark.parametrize(("mode", "said"), [(0o777, "written by others"), (0o770, "written by others")])
def test_a_state_folder_that_others_can_write_is_refused(tmp_path: Path, mode: int, said: str) -> None:
    """They could take locks away, or put them there."""
    state = tmp_path / "runs/.state"
    state.mkdir(parents=True)
    state.chmod(mode)

    with pytest.raises(JournalError, match=said):
        state_folder(tmp_path / "runs", "locks", environ={}, home=tmp_path)


@pytest.mark.skipif(os.getuid() != 0, reason="giving files away needs root")
def test_a_state_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    """They could take locks away, or put them there."""
    state = tmp_path / "runs/.state"
    state.mkdir(parents=True)
    os.chown(state, 4321, 4321)

    with pytest.raises(JournalError, match="belongs to another user"):
        state_folder(tmp_path / "runs", "locks", environ={}, home=tmp_path)


def test_what_holds_is_json(tmp_path: Path) -> None:
    """Other tools may look, too."""
    lock = a_lock(tmp_path)

    with locks.take(lock, ADA):
        said = json.loads(lock.file.read_text())

    assert said["run"] == "r1"
    assert said["command"] == ["runner", "run"]
