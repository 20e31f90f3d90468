"""A program on a pseudo-terminal, as a person has it: what was shown, and keys to press."""

import os
import pty
import select
import signal
import time
from pathlib import Path

import pytest
from commandline import RUNNER, environment


class Terminal:
    """A program on a pseudo-terminal of its own, 100 columns wide."""

    def __init__(self, *argv: str, cwd: Path, **environ: str) -> None:
        self.seen = b""
        pid, self.master = pty.fork()
        if pid == 0:
            os.chdir(cwd)
            settings = environment(
                TERM="xterm", COLUMNS="100", LINES="30", RUNNER_RUNS_DIR=str(cwd / "runs"), **environ
            )
            settings.pop("CI", None)
            settings.pop("NO_COLOR", None)
            os.execve(RUNNER[0], [*RUNNER, *argv], settings)
        self.pid = pid

    def until(self, text: str, seconds: float = 30) -> str:
        """Read until the text has been shown."""
        end = time.monotonic() + seconds
        while text.encode() not in self.seen:
            assert time.monotonic() < end, f"never shown: {text}\n{self.seen.decode(errors='replace')[-3000:]}"
            self._read(0.1)
        return self.seen.decode(errors="replace")

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def end(self, seconds: float = 30) -> int:
        """Read to the end; gives the exit status."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._read(0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self._read(0.1):
                    pass
                os.close(self.master)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError(f"did not end:\n{self.seen.decode(errors='replace')[-3000:]}")

    def _read(self, seconds: float) -> bool:
        """Whether there was something to read."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if ready:
            try:
                self.seen += os.read(self.master, 65536)
            except OSError:
                time.sleep(0.01)  # the other side has closed
                return False
        return bool(ready)


def wait_for(condition: object, seconds: float = 30) -> None:
    """Return as soon as it holds."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end:
            pytest.fail("it never came to be")
        time.sleep(0.02)
