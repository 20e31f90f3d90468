"""A run as a process of its own, at work while a test does something to it or to its connections."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from commandline import RUNNER, Done, environment, project


def until(condition: Callable[[], object], what: str, seconds: float = 20) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.02)  # asks again; nothing depends on how long this is


class Started:
    """A run at work, started as soon as this is made."""

    def __init__(self, folder: Path, steps: str, inventory: dict[str, Any], *options: str, **environ: str) -> None:
        project(folder, f"version: 1\ninventory: hosts.yaml\nhosts: all\nsteps:\n{steps}", json.dumps(inventory))
        self.runs = folder / "runs"
        self.process = subprocess.Popen(
            [*RUNNER, "run", "site.yaml", *options],
            cwd=folder,
            env=environment(RUNNER_RUNS_DIR=str(self.runs), **environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, seconds: float = 40) -> Done:
        """Wait for its end."""
        try:
            out, err = self.process.communicate(timeout=seconds)
        finally:
            self.process.kill()
        return Done(self.process.returncode, out, err, self.runs)


def counted(folder: Path, then: str, **keys: str) -> str:
    """A step ``work`` that writes down each of its runs in ``ran``, and does something then."""
    more = "".join(f", {name}: {value}" for name, value in keys.items())
    return f"  - {{id: work, shell: 'echo ran >> {folder}/ran; {then}'{more}}}\n"


def begun(folder: Path) -> None:
    """Wait until that step is at work."""
    until((folder / "ran").exists, "the step")
