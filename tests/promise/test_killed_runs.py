"""Real runs over real OpenSSH, killed at random moments and gone on with: the hosts say that nothing ran twice.

``--kills N`` kills another number of times, ``--seed N`` tells one run alone, in full.
"""

import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from crash_harness import Killing, Told
from sshd import Sshd

pytestmark = [pytest.mark.promise, pytest.mark.sshd]

TOGETHER = 2
"""Runs that are told at the same time."""


def test_a_hundred_kills_do_nothing_twice_and_lose_nothing(
    sshd: Sshd, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """SIGKILL anywhere, connections that break, crashes at named points: every step ends once on every host."""
    one = pytestconfig.getoption("--seed")
    if one is not None:
        killing = Killing(sshd, tmp_path / "one", one)
        told = killing.tell()
        print("\n" + "\n".join([str(killing.shape.playbook), *told.lines, *told.problems]))
        return
    begun = time.monotonic()
    told = told_until(sshd, tmp_path, pytestconfig.getoption("--kills"))
    bad = [one for one in told if one.problems]

    print(
        f"\n{sum(one.kills for one in told)} kills and {sum(one.cuts for one in told)} broken networks in {len(told)} "
        f"real runs of {sum(one.processes for one in told)} processes, {sum(one.steps for one in told)} steps that "
        f"ended on hosts, {sum(one.held for one in told)} held for a person: {len(bad)} runs with a step twice or "
        f"missing, in {time.monotonic() - begun:.0f}s"
    )
    for one in bad[:20]:
        kept = shutil.copytree(tmp_path / str(one.seed), Path(tempfile.mkdtemp(prefix="killed-")) / str(one.seed))
        words = "\n  ".join([f"kept in {kept}", *one.lines, *one.problems])
        print(f"pytest -s -m promise tests/promise/test_killed_runs.py --seed {one.seed}\n  {words}")
    assert not bad


def told_until(sshd: Sshd, folder: Path, kills: int) -> list[Told]:
    """Tell runs until so many kills have hit."""
    found: list[Told] = []
    seeds = count(1)

    def work() -> None:
        while sum(one.kills for one in found) < kills:
            seed = next(seeds)
            told = Killing(sshd, folder / str(seed), seed).tell()
            found.append(told)
            if not told.problems:
                shutil.rmtree(folder / str(seed))

    with ThreadPoolExecutor(TOGETHER) as pool:
        for worker in [pool.submit(work) for _ in range(TOGETHER)]:
            worker.result()
    return found
