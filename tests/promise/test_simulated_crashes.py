"""Ten thousand simulated runs whose controller dies, in worlds that break, against a model of what must hold.

``--seeds N`` tells another number of stories, ``--seed N`` one alone, in full.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter

import pytest
import sim_many
from sim_story import WORLDS

PART = 25 * WORLDS
"""Stories that one process tells before another one goes on: memory stays small."""

pytestmark = pytest.mark.promise


def test_ten_thousand_stories_keep_all_promises(pytestconfig: pytest.Config) -> None:
    """What ended well runs once, what is told is true, and nothing is forgotten, wherever the controller died."""
    one = pytestconfig.getoption("--seed")
    if one is not None:
        print(f"\n{sim_many.text(one)}")
        return
    begun = time.monotonic()
    counts, failures = told(pytestconfig.getoption("--seeds"))
    seconds = time.monotonic() - begun

    print(
        f"\n{counts['stories']:,} simulated stories, {counts['deaths']:,} deaths of the controller, "
        f"{counts['faults']:,} faults of hosts and network, {counts['commands']:,} commands, "
        f"{counts['records']:,} records: {len(failures)} stories with a broken promise, in {seconds:.0f}s"
    )
    for seed, problems in sorted(failures.items())[:20]:
        print(f"pytest -s -m promise tests/promise/test_simulated_crashes.py --seed {seed}   # {problems[0][:300]}")
    assert not failures


def told(number: int) -> tuple[Counter[str], dict[int, list[str]]]:
    """Tell that many stories on all processors."""
    counts: Counter[str] = Counter()
    failures: dict[int, list[str]] = {}
    parts = [(first, min(first + PART, number)) for first in range(0, number, PART)]
    working: list[subprocess.Popen[bytes]] = []
    while parts or working:
        while parts and len(working) < (os.cpu_count() or 1):
            first, end = parts.pop(0)
            argv = [sys.executable, sim_many.__file__, str(first), str(end)]
            working.append(subprocess.Popen(argv, stdout=subprocess.PIPE))
        out, _ = working.pop(0).communicate()
        found = json.loads(out)
        counts.update(found["counts"])
        failures.update({int(seed): problems for seed, problems in found["failures"].items()})
    return counts, failures
