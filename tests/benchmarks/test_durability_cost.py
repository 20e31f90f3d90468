"""What it costs that every start is on disk before anything is sent: the same run with syncs, and without."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import measure
import pytest
from sshd import Sshd, test_user

pytestmark = pytest.mark.benchmark

ROUNDS = 7


@pytest.fixture(scope="module")
def fleet() -> Iterator[Sshd]:
    """A server for two hundred addresses; its login user's shell is /bin/sh where we may make one."""
    with contextlib.ExitStack() as stack:
        user = stack.enter_context(test_user()).name if os.getuid() == 0 else None
        yield stack.enter_context(Sshd("LogLevel INFO", user=user, addresses=200))


def test_syncs_cost_less_than_a_tenth_of_the_time(fleet: Sshd, tmp_path: Path) -> None:
    """200 hosts, 10 commands, 50 hosts at a time, full against relaxed: less than a tenth more wall time."""
    (tmp_path / "inventory.yaml").write_text(json.dumps(fleet.inventory(200)))
    strategy = {"type": "parallel", "concurrency": 50}
    play = {"version": 1, "hosts": "all", "strategy": strategy, "steps": [{"command": "true"}] * 10}
    (tmp_path / "site.yaml").write_text(json.dumps(play))
    words = [sys.executable, "-m", "runner", "run", tmp_path / "site.yaml", "-i", tmp_path / "inventory.yaml"]
    words += ["--output", "quiet", "--runs-dir", tmp_path / "runs", "--durability"]

    full, relaxed, ratio = measure.pairs([*words, "full"], [*words, "relaxed"], tmp_path, ROUNDS)

    print("\n" + measure.row("200 hosts x 10 commands, full / relaxed", full, relaxed, ratio))
    assert ratio.wall < 1.1
