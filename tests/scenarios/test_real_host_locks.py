"""``lock: hosts`` over a real OpenSSH server: several controllers, each a process with runs and locks of its own."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from commandline import RUNNER, environment
from sshd import Sshd

pytestmark = pytest.mark.sshd

FIRST, SECOND, THIRD = range(1, 6), range(4, 9), range(6, 11)
"""Numbers of hosts; the first and the second have two in common, the first and the third none."""


class Controller:
    """A machine that runs a playbook on some hosts: its own folder, its own state."""

    def __init__(self, folder: Path, sshd: Sshd, numbers: range, step: str) -> None:
        self.folder = folder
        folder.mkdir()
        hosts = sshd.inventory(16)
        hosts["hosts"] = {f"web{number:02}": hosts["hosts"][f"web{number:02}"] for number in numbers}
        (folder / "hosts.yaml").write_text(yaml.safe_dump(hosts))
        (folder / "site.yaml").write_text(
            f"version: 1\ninventory: hosts.yaml\nlock: hosts\nhosts: all\nsteps: [{{name: work, shell: '{step}'}}]\n"
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [*RUNNER, *words],
            cwd=self.folder,
            env=environment(RUNNER_RUNS_DIR=str(self.folder / "runs")),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        """Its exit status, and what it said."""
        process = self.start(*words or ("run", "site.yaml"))
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def statuses(self) -> list[str]:
        """How the hosts of its latest run ended."""
        summary = json.loads((max((self.folder / "runs").glob("2*")) / "summary.json").read_text())
        return sorted(summary["hosts"])


@pytest.fixture
def locks(sshd: Sshd) -> Iterator["Locks"]:
    """Those of the server's hosts; what a failed test leaves is removed."""
    found = Locks(sshd.port)
    yield found
    for path in found.there():
        for file in path.iterdir():
            file.unlink()
        path.rmdir()


class Locks:
    """The locks of hosts, as they are on the machine that plays them."""

    def __init__(self, port: int) -> None:
        self._port = port

    def there(self) -> list[Path]:
        """Their folders."""
        return sorted(Path("/var/tmp").glob(f".runner-lock*-{self._port}")) + sorted(
            Path("/var/tmp").glob(".runner-lock")
        )

    def until(self, count: int) -> list[Path]:
        """Wait until there are so many."""
        end = time.monotonic() + 20
        while len(self.there()) != count:
            assert time.monotonic() < end, self.there()
            time.sleep(0.02)
        return self.there()


def test_of_two_controllers_with_hosts_in_common_one_gets_all(sshd: Sshd, tmp_path: Path, locks: "Locks") -> None:
    """They start together; the other one runs nothing, keeps no lock, and ends with 10. No lock outlives the runs."""
    both = [Controller(tmp_path / name, sshd, numbers, "sleep 2") for name, numbers in (("a", FIRST), ("b", SECOND))]

    started = [one.start("run", "site.yaml") for one in both]
    said = [process.communicate(timeout=60) for process in started]

    codes = [process.returncode for process in started]
    assert sorted(codes) == [0, 10], said
    assert both[codes.index(0)].statuses() == ["changed"]
    assert both[codes.index(10)].statuses() == ["not_run"]
    assert re.search(r"error: .*web0[45].* locked by run 2\S+ of \S+ on \S+, since \d+s", said[codes.index(10)][1])
    assert locks.there() == []


def test_controllers_without_a_host_in_common_do_not_meet(sshd: Sshd, tmp_path: Path, locks: "Locks") -> None:
    """Both run at the same time."""
    first = Controller(tmp_path / "a", sshd, FIRST, f"until [ -e {tmp_path}/over ]; do sleep 0.1; done")
    third = Controller(tmp_path / "c", sshd, THIRD, "true")

    started = first.start("run", "site.yaml")
    locks.until(5 if 1 not in FIRST else len(FIRST))
    code, _, err = third.run()
    (tmp_path / "over").touch()
    started.communicate(timeout=60)

    assert (code, err) == (0, "")
    assert started.returncode == 0
    assert locks.there() == []


def test_the_locks_of_a_killed_run_stay_until_they_are_released_by_their_id(
    sshd: Sshd, tmp_path: Path, locks: "Locks"
) -> None:
    """Whoever comes is told whose they are and how to release them: on all hosts, or those of --limit."""
    dead = Controller(tmp_path / "a", sshd, FIRST, "sleep 60")
    other = Controller(tmp_path / "b", sshd, SECOND, "true")
    process = dead.start("run", "site.yaml")
    locks.until(5)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    code, _, err = other.run()
    assert code == 10, err
    (command,) = re.findall(r"runner (lock release site.yaml --host-lock [0-9a-f]{16})", err)
    wrong = other.run(*command.split()[:-1], "0123456789abcdef")
    some = other.run(*command.split(), "--limit", "web04")
    still = other.run()
    rest = other.run(*command.split())
    after = other.run()

    assert code == 10, err
    assert wrong[:2] == (0, "not there on web[04-08]\n")
    assert some[:2] == (0, "released on web04\n")
    assert (still[0], "error: web05 is locked by run" in still[2]) == (10, True)
    assert rest[:2] == (0, "released on web05\nnot there on web[04,06-08]\n")
    assert after[0] == 0
    assert len(locks.there()) == 3


def test_who_goes_on_with_a_killed_run_takes_its_locks_over(sshd: Sshd, tmp_path: Path, locks: "Locks") -> None:
    """They are its own; nobody has to release them, and none is left."""
    dead = Controller(tmp_path / "a", sshd, FIRST, f"[ -e {tmp_path}/over ] || exec sleep 60")
    process = dead.start("run", "site.yaml")
    locks.until(5)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    (tmp_path / "over").touch()

    again = dead.run("run", "site.yaml")
    resumed = dead.run("resume", min((tmp_path / "a/runs").glob("2*")).name, "--batch")

    assert (again[0], "or go on with it: runner resume 2" in again[2]) == (10, True), again
    assert resumed[0] in {0, 6}, resumed  # a step that the kill caught on its way may need a decision
    assert "lock" not in resumed[2]
    assert locks.there() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_ended_gives_its_locks_back(
    sshd: Sshd, tmp_path: Path, locks: "Locks", number: signal.Signals
) -> None:
    """Its steps are ended first."""
    run = Controller(tmp_path / "a", sshd, FIRST, "sleep 60")
    process = run.start("run", "site.yaml", "--batch")
    locks.until(5)

    process.send_signal(number)
    process.communicate(timeout=30)

    assert process.returncode == 128 + number
    assert locks.there() == []
