"""How long a simulation takes, start to end: ``pytest -m benchmark -s``."""

import json
import sys
from pathlib import Path

import measure
import pytest

pytestmark = pytest.mark.benchmark


def test_1000_hosts_20_steps(tmp_path: Path) -> None:
    """Under three seconds."""
    play = {
        "version": 1,
        "inventory": {"hosts": {"web[0001-1000]": {}}},
        "hosts": "all",
        "strategy": {"type": "rolling", "waves": [1, "10%", "rest"], "max_failures": 100},
        "steps": [{"command": ["echo", "{{ host.name }}", str(number)]} for number in range(20)],
    }
    (tmp_path / "site.yaml").write_text(json.dumps(play))
    argv = [sys.executable, "-m", "runner", "simulate", tmp_path / "site.yaml", "--takes", "command=3s"]

    cost = measure.median([measure.run(argv, tmp_path / "log") for _ in range(3)])

    print(f"\n1000 hosts x 20 steps: {cost.wall:.2f} s wall, {cost.cpu:.2f} s processor, {cost.memory:.0f} MiB")
    assert cost.wall < 3
