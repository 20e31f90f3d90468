"""What ``lock: hosts`` costs, and how soon a second run is refused; its round trips are counted in the scenarios."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import measure
import pytest
from sshd import Sshd, test_user

pytestmark = pytest.mark.benchmark

RUNNER = [sys.executable, "-m", "runner"]
ROUNDS = 5


@pytest.fixture(scope="module")
def fleet() -> Iterator[Sshd]:
    """A server for two hundred addresses; its login user's shell is /bin/sh where we may make one."""
    with contextlib.ExitStack() as stack:
        user = stack.enter_context(test_user()).name if os.getuid() == 0 else None
        yield stack.enter_context(Sshd("LogLevel INFO", user=user, addresses=200))


def command(folder: Path, inventory: dict, name: str, *, lock: str, steps: int) -> list[str | Path]:
    """A run of so many steps, under that lock."""
    (folder / "inventory.yaml").write_text(json.dumps(inventory))
    play = {"version": 1, "hosts": "all", "lock": lock, "steps": [{"command": "true"}] * steps}
    (folder / f"{name}.yaml").write_text(json.dumps(play))
    words = [*RUNNER, "run", folder / f"{name}.yaml", "-i", folder / "inventory.yaml", "--output", "quiet"]
    return [*words, "--runs-dir", folder / "runs"]


def test_many_near_hosts_are_locked_at_little_cost(fleet: Sshd, tmp_path: Path) -> None:
    """200 hosts, 10 commands: at most a fifth more processor time, and half as much again where all hosts are one."""
    commands = [command(tmp_path, fleet.inventory(200), lock, lock=lock, steps=10) for lock in ("hosts", "controller")]

    locked, plain, ratio = measure.pairs(*commands, tmp_path, ROUNDS)

    print("\n" + measure.row("200 hosts x 10 commands, lock: hosts", locked, plain, ratio))
    assert ratio.wall <= 1.5
    assert ratio.cpu <= 1.2


def test_a_second_run_is_refused_within_a_second(tmp_path: Path) -> None:
    """With 10,000 hosts in the inventory, too: it takes less than a second of processor time, and waits for nothing."""
    step = f"touch {tmp_path}/started; until [ -e {tmp_path}/over ]; do sleep 0.05; done"
    play = {"version": 1, "hosts": "all", "steps": [{"shell": step}]}
    (tmp_path / "site.yaml").write_text(json.dumps(play))
    (tmp_path / "hosts.yaml").write_text('connection: local\nhosts: {"web[00001-10000]": {}}\n')
    words = [*RUNNER, "run", tmp_path / "site.yaml", "-i", tmp_path / "hosts.yaml", "--runs-dir", tmp_path / "runs"]
    with subprocess.Popen([*words, "--limit", "web00001"], stdout=subprocess.DEVNULL) as first:
        while not (tmp_path / "started").exists():
            assert first.poll() is None
            time.sleep(0.02)
        cost = measure.median([measure.run(words, tmp_path / "log", status=10) for _ in range(ROUNDS)])
        (tmp_path / "over").touch()

    print(f"\na second run is refused after {cost.wall:.2f}s, {cost.cpu:.2f}s of it at work")
    assert cost.cpu < 1
