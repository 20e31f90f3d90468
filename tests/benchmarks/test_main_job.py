"""runner against a bare asyncssh loop, on real OpenSSH, as ratios from one run: ``pytest -m benchmark -s``."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import measure
import pytest
from sshd import Sshd, free_port, test_user

pytestmark = pytest.mark.benchmark

HERE = Path(__file__).parent
RUNNER = Path(sys.executable).with_name("runner")
ROUNDS = 3


@pytest.fixture(scope="module")
def fleet() -> Iterator[Sshd]:
    """A server for a thousand addresses; its login user's shell is /bin/sh where we may make one."""
    with contextlib.ExitStack() as stack:
        user = stack.enter_context(test_user()).name if os.getuid() == 0 else None
        yield stack.enter_context(Sshd("LogLevel INFO", user=user, addresses=1000))


class Job:
    """The same work for both: so many hosts, so many commands, so many at a time."""

    def __init__(self, folder: Path, inventory: dict, *, hosts: int, commands: int, concurrency: int) -> None:
        self.folder = folder
        self.inventory = {"ssh": inventory["ssh"], "hosts": dict(list(inventory["hosts"].items())[:hosts])}
        (folder / "inventory.yaml").write_text(json.dumps(self.inventory))
        play = {
            "version": 1,
            "hosts": "all",
            "strategy": {"type": "parallel", "concurrency": concurrency},
            "steps": [{"command": "true"}] * commands,
        }
        (folder / "playbook.yaml").write_text(json.dumps(play))
        self.ours = [RUNNER, "run", folder / "playbook.yaml", "-i", folder / "inventory.yaml", "--output", "quiet"]
        self.ours += ["--runs-dir", folder / "runs"]
        self.bare = [sys.executable, HERE / "bare.py", folder / "inventory.yaml", str(concurrency), str(commands)]

    def compare(self, title: str, rounds: int = ROUNDS) -> tuple[measure.Cost, measure.Cost]:
        """Measure both in turn and print the row; gives our own cost and the ratio."""
        ours, bare, ratio = measure.pairs(self.ours, self.bare, self.folder, rounds)
        print("\n" + measure.row(title, ours, bare, ratio))
        return ours, ratio


def test_200_hosts_1_command(fleet: Sshd, tmp_path: Path) -> None:
    """One command on 200 hosts, 50 at a time: at most 1.2 times the wall and 1.3 times the processor time."""
    job = Job(tmp_path, fleet.inventory(200), hosts=200, commands=1, concurrency=50)

    _, ratio = job.compare("200 hosts x 1 command, 50 at a time")

    assert ratio.wall <= 1.2
    assert ratio.cpu <= 1.3


def test_200_hosts_10_commands(fleet: Sshd, tmp_path: Path) -> None:
    """Ten commands on 200 hosts: no more wall and processor time than the bare loop."""
    job = Job(tmp_path, fleet.inventory(200), hosts=200, commands=10, concurrency=50)

    _, ratio = job.compare("200 hosts x 10 commands, 50 at a time")

    assert ratio.wall <= 1.0
    assert ratio.cpu <= 1.0


def test_20_hosts_20_commands_far_away(fleet: Sshd, tmp_path: Path) -> None:
    """Behind 50 ms of round trip, 20 commands on 20 hosts take at most three quarters of the bare loop's wall time."""
    port = free_port()
    words = [sys.executable, HERE / "relay.py", str(port), str(fleet.port), "0.025", "20"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as relay:
        assert relay.stdout
        assert relay.stdin
        assert relay.stdout.readline() == b"ready\n"
        inventory = fleet.inventory(20)
        inventory["ssh"]["port"] = port
        known = tmp_path / "known_hosts"
        known.write_text(f"[127.*]:{port} {fleet.host_key}\n")
        inventory["ssh"]["known_hosts"] = str(known)
        job = Job(tmp_path, inventory, hosts=20, commands=20, concurrency=20)

        _, ratio = job.compare("20 hosts x 20 commands, 50 ms away")
        relay.stdin.close()

    assert ratio.wall <= 0.75


def test_1000_hosts_memory(fleet: Sshd, tmp_path: Path) -> None:
    """A thousand hosts, 200 at a time, stay within 120 MiB."""
    job = Job(tmp_path, fleet.inventory(1000), hosts=1000, commands=1, concurrency=200)

    ours, _ = job.compare("1,000 hosts x 1 command, 200 at a time", rounds=1)

    assert ours.memory <= 120


def test_help_and_validate_are_quick(tmp_path: Path) -> None:
    """``--help`` takes at most 100 ms of processor time, ``validate`` of a 20-step playbook at most 300 ms."""
    inventory = {"hosts": {"web[01-20]": None}}
    job = Job(tmp_path, {"ssh": {}, **inventory}, hosts=1, commands=20, concurrency=5)
    playbook, hosts = tmp_path / "playbook.yaml", tmp_path / "inventory.yaml"
    del job

    shown = measure.median([measure.run([RUNNER, "--help"], tmp_path / "log") for _ in range(5)])
    checked = measure.median(
        [measure.run([RUNNER, "validate", playbook, "-i", hosts], tmp_path / "log") for _ in range(5)]
    )
    print(f"\nrunner --help: {shown.cpu * 1000:.0f} ms cpu; runner validate, 20 steps: {checked.cpu * 1000:.0f} ms cpu")

    assert shown.cpu <= 0.1
    assert checked.cpu <= 0.3


def test_planning_ten_thousand_hosts(tmp_path: Path) -> None:
    """10,000 hosts by ranges and 20 steps are planned in 1.5 s; from 1,000 to 10,000 it grows at most tenfold."""
    times = {}
    for hosts in (1000, 10_000):
        Job(tmp_path, {"ssh": {}, "hosts": {f"web[1-{hosts}]": None}}, hosts=1, commands=20, concurrency=50)
        argv = [RUNNER, "plan", tmp_path / "playbook.yaml", "-i", tmp_path / "inventory.yaml"]
        times[hosts] = measure.median([measure.run(argv, tmp_path / "log") for _ in range(3)]).wall
    print(f"\nrunner plan, 20 steps: 1,000 hosts {times[1000]:.2f}s, 10,000 hosts {times[10_000]:.2f}s")

    assert times[10_000] <= 1.5
    assert times[10_000] <= 10 * times[1000]
