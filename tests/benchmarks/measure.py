"""Whole processes, measured by the operating system: wall time, the controller's own processor time, peak memory."""

import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Seconds of wall time and of processor time (user and system), and the peak of memory in MiB."""

    wall: float
    cpu: float
    memory: float


def run(argv: Sequence[str | Path], log: Path, status: int = 0) -> Cost:
    """Run it once; what it prints goes to ``log``. Raises AssertionError where it ends with another status."""
    with log.open("wb") as out:
        begun = time.monotonic()
        process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        _, waited, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(waited)
    assert process.returncode == status, log.read_text(errors="replace")[-2000:]
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("wall", "cpu", "memory")))


def pairs(ours: Sequence[str | Path], bare: Sequence[str | Path], folder: Path, rounds: int) -> tuple[Cost, Cost, Cost]:
    """Both in turn, ``rounds`` times: the median of ours, of the bare loop's, and of the ratios pair by pair."""
    mine, theirs = [], []
    for _ in range(rounds):
        mine.append(run(ours, folder / "ours.log"))
        theirs.append(run(bare, folder / "bare.log"))
    ratios = [Cost(a.wall / b.wall, a.cpu / b.cpu, a.memory / b.memory) for a, b in zip(mine, theirs, strict=True)]
    return median(mine), median(theirs), median(ratios)


def row(title: str, ours: Cost, bare: Cost, ratio: Cost) -> str:
    """A line of the table that a person reads."""
    return (
        f"{title:44} wall {ours.wall:6.2f}s / {bare.wall:6.2f}s = {ratio.wall:4.2f}   "
        f"cpu {ours.cpu:5.2f}s / {bare.cpu:5.2f}s = {ratio.cpu:4.2f}   "
        f"memory {ours.memory:5.0f} / {bare.memory:5.0f} MiB"
    )
