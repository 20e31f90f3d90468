"""Ways to lose a host in the midst of a command, and to find out afterwards what became of it there."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runner.host_record import prefix_of, tag_of
from runner.model.inventory import Become
from runner.transport import Command, Keeping, Recalled, Session

WORKER = """
import asyncio, sys
from pathlib import Path
from transport_ways import context_in, host_named
from runner.transport import Command, Keeping
from runner.transports import load

async def main(token, folder, key, script, timeout, on_loss):
    context = context_in(Path(folder), token=token, grace=1.0)
    async with load("local").start(context) as transport:
        session = await transport.connect(host_named())
        await session.run(Command(script="true", keeping=Keeping("before")))
        print("ready", flush=True)
        if script:
            keeping = Keeping(key, float(timeout) or None, on_loss)
            await session.run(Command(script=script, args=(folder,), keeping=keeping))
        await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


@contextlib.contextmanager
def controller(
    token: str, folder: Path, key: str = "", script: str = "", timeout: float = 0, on_loss: str = "finish"
) -> Iterator[subprocess.Popen[bytes]]:
    """Another runner, as a process that can be killed: it runs a script on this machine, then waits."""
    argv = [sys.executable, "-c", WORKER, token, str(folder), key, script, str(timeout), on_loss]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=environ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process
        finally:
            process.kill()


def noted(key: str, script: str, *, timeout: float | None = None, on_loss: Any = "finish", **more: Any) -> Command:
    """A command that is noted in the host's record."""
    return Command(script=script, keeping=Keeping(key, timeout, on_loss), **more)


async def settled(session: Session, key: str, become: Become | None = None) -> Recalled:
    """What the record says once the command runs no more."""
    async with asyncio.timeout(30):
        while (found := await session.recall(key, become)).state == "running":  # noqa: ASYNC110 - the host tells nobody
            await asyncio.sleep(0.05)
    return found


def records(token: str) -> list[Path]:
    """What is left of a run's records on this machine."""
    return sorted(Path("/tmp").glob(f".runner-{token}-*"))


def keepers(token: str, host: str = "web1") -> list[int]:
    """The shells that keep records of a run on a host."""
    name = f"runner-{tag_of(prefix_of(token, host))}"
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == name:
                found.append(int(entry.name))
    return found


def end(pids: list[int], number: int = signal.SIGKILL) -> None:
    """Send a signal to processes of ours, of which some may be gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
