"""The command line as a user has it: a process of its own, what it printed, and the records it left."""

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RUNNER = [sys.executable, "-m", "runner"]


@dataclass(frozen=True)
class Done:
    """How it ended. ``folder`` is that of its run, where it made one."""

    code: int
    out: str
    err: str
    runs: Path

    @property
    def folder(self) -> Path:
        """The folder of its latest run; names of the same second are in no order."""
        return max(self.runs.iterdir(), key=lambda run: (run.name[:15], run.stat().st_ctime_ns))

    @property
    def ran(self) -> bool:
        """Whether it came to make the folder of a run; that of locks may be there without one."""
        return self.runs.exists() and any(not path.name.startswith(".") for path in self.runs.iterdir())

    def events(self, event: str = "", **fields: Any) -> list[dict[str, Any]]:
        """The records of its run, in order: all, or those of one event with these values."""
        lines = (self.folder / "events.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        return [
            record
            for record in records
            if event in {"", record["event"]} and all(record.get(key) == value for key, value in fields.items())
        ]

    def statuses(self) -> dict[str, str]:
        """How each host ended."""
        return {record["host"]: record["status"] for record in self.events("host.ended")}

    def summary(self) -> dict[str, Any]:
        """``summary.json``."""
        data: dict[str, Any] = json.loads((self.folder / "summary.json").read_text())
        return data


def environment(**more: str) -> dict[str, str]:
    """The environment without what would change what runner does."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("RUNNER_")}
    kept.pop("SSH_AUTH_SOCK", None)
    return {**kept, **more}


def runner(*argv: str | Path, cwd: Path, timeout: float = 60, **environ: str) -> Done:
    """Run a command; runs are kept below ``cwd``, in ``runs``."""
    runs = cwd / "runs"
    words = [*RUNNER, *map(str, argv)]
    done = subprocess.run(
        words,
        cwd=cwd,
        env=environment(RUNNER_RUNS_DIR=str(runs), **environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr, runs)


def peak_of(process: "subprocess.Popen[bytes]") -> int:
    """Wait for its end; the most memory that it had at any time, in bytes.

    Not as ``wait4`` tells it: that counts what the process that started it had.
    """
    most = 0
    while process.poll() is None:
        with contextlib.suppress(OSError, IndexError):
            most = int(Path(f"/proc/{process.pid}/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
        time.sleep(0.02)  # looks again; nothing depends on how long this is
    return most


def project(folder: Path, playbook: str, inventory: str) -> Path:
    """A project of one playbook and its inventory; gives the playbook's path."""
    (folder / "hosts.yaml").write_text(inventory)
    (folder / "site.yaml").write_text(playbook)
    return folder / "site.yaml"
