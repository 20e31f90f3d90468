"""Ways to lose a host in the midst of a command, and to find out afterwards what became of it there."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sshd import descendants
from transport_ways import context_in, host_named, until

from runner.errors import LostError
from runner.host_record import prefix_of, tag_of
from runner.model.inventory import Become
from runner.transport import Command, Keeping, Recalled, Session
from runner.transports import load

WAITS = 'until [ -e "$1/go" ]; do sleep 0.02; done;'
"""What a command does first that is to run until the test says go."""

WORKER = """
import asyncio, sys
from pathlib import Path
from transport_ways import context_in, host_named
from runner.transport import Command, Keeping
from runner.transports import load

async def main(token, folder, key, script, timeout, on_loss, resumed, before):
    context = context_in(Path(folder), token=token, grace=1.0, is_resumed=bool(resumed))
    async with load("local").start(context) as transport:
        session = await transport.connect(host_named())
        for number in range(int(before)):
            await session.run(Command(script="true", keeping=Keeping(f"before{number or ''}")))
        print("ready", flush=True)
        if script:
            keeping = Keeping(key, float(timeout) or None, on_loss)
            await session.run(Command(script=script, args=(folder,), keeping=keeping))
        await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


@contextlib.contextmanager
def controller(
    token: str,
    folder: Path,
    key: str = "",
    script: str = "",
    timeout: float = 0,
    on_loss: str = "finish",
    *,
    resumed: bool = False,
    before: int = 1,
) -> Iterator[subprocess.Popen[bytes]]:
    """Another runner, as a process that can be killed: it runs a script on this machine, then waits.

    It runs some commands ``before`` that, with the keys ``before``, ``before1`` and so on.
    """
    argv = [
        sys.executable,
        "-c",
        WORKER,
        token,
        str(folder),
        key,
        script,
        str(timeout),
        on_loss,
        "yes" if resumed else "",
        str(before),
    ]
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
    folders = {Path("/tmp"), Path(os.environ.get("TMPDIR") or "/tmp")}
    return sorted(path for folder in folders for path in folder.glob(f".runner-{token}-*"))


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


class Remote:
    """A real server, and a run on one host of it."""

    def __init__(self, server, folder, token):
        self.server = server
        self.host = host_named(connection="ssh", **server.options())
        self.context = context_in(folder, token=token, grace=1.0)

    def tell(self, story, **more):
        """Run a story with a way to open sessions."""

        async def main():
            async with load("ssh").start(replace(self.context, **more)) as transport:
                return await story(lambda: transport.connect(self.host))

        return asyncio.run(main())

    async def cut(self, session, command):
        """Start a command, and lose its connection as soon as it runs."""
        task = asyncio.create_task(session.run(command))
        await until(lambda: command.fate.group is not None)
        end(self.daemons())
        with pytest.raises(LostError):
            await task
        assert session.closed

    async def cut_one(self, session, command):
        """Lose the connection of one session alone, as soon as its command has begun."""
        task = asyncio.create_task(session.run(command))
        await until(lambda: command.fate.group is not None)
        session._connection.wire.abort()
        with pytest.raises(LostError):
            await task

    def freeze(self, session):
        """Have the server hear and say nothing more, and give the connection up, as keepalive does."""
        pids = self.daemons()
        end(pids, signal.SIGSTOP)
        session._connection.wire.abort()
        return pids

    def daemons(self):
        """The server's own processes for the connections it has."""
        return [pid for pid in descendants(self.server.process.pid) if b"sshd" in command_line(pid)]


def command_line(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


async def found_by(connect, *keys):
    """What a new connection finds of commands; it is closed again."""
    session = await connect()
    found = [await settled(session, key) for key in keys]
    await session.close()
    return found[0] if len(keys) == 1 else found
