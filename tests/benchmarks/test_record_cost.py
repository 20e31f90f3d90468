"""What the record of a command costs its host, in processor time there: ``pytest -m benchmark -s``.

The measuring process adopts every orphan, so that nothing that ran for a session goes uncounted.
"""

import asyncio
import ctypes
import os
import resource
import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sshd import Sshd
from transport_ways import context_in, host_named

from runner.transport import Command, Keeping
from runner.transports import load

pytestmark = [pytest.mark.benchmark, pytest.mark.sshd]

SET_CHILD_SUBREAPER = 36
ROUNDS = 5


@pytest.fixture(autouse=True)
def adopting() -> Iterator[None]:
    """Orphans below this process become its children for a while."""
    libc = ctypes.CDLL(None)
    libc.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    yield
    libc.prctl(SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def spent() -> float:
    """Seconds of processor time of all children that have ended."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)
        except ChildProcessError:
            break
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def on_host(work: Callable[[Sshd], None]) -> float:
    """Seconds that some work takes of the host: the server, its sessions and all that they run."""
    before = spent()
    with Sshd("LogLevel INFO") as server:
        work(server)
    return spent() - before


def cost(folder: Path, *, sessions: int, commands: int, token: str) -> float:
    """Milliseconds of the host's for each session of so many commands."""

    async def run(server: Sshd) -> None:
        context = context_in(folder, token=token)
        async with load("ssh").start(context) as transport:
            for number in range(sessions):
                session = await transport.connect(host_named(f"web{number}", connection="ssh", **server.options()))
                for index in range(commands):
                    keeping = Keeping(f"k{index}" if token else "", 60.0)
                    await session.run(Command(argv=("true",), keeping=keeping))
                await session.close()

    return on_host(lambda server: asyncio.run(run(server))) / sessions * 1000


def test_record_costs_a_command_less_than_a_millisecond(tmp_path: Path) -> None:
    """With a record a command takes at most 1 ms more of the host's processor than without; the session's is shown."""
    session, step = [], []
    for _ in range(ROUNDS):
        one = [cost(tmp_path, sessions=20, commands=1, token=token) for token in ("", secrets.token_hex(16))]
        many = [cost(tmp_path, sessions=5, commands=41, token=token) for token in ("", secrets.token_hex(16))]
        session.append((one[0], one[1]))
        step.append(((many[0] - one[0]) / 40, (many[1] - one[1]) / 40))
    plain, noted = (statistics.median(pair[at] for pair in session) for at in (0, 1))
    less, more = (statistics.median(pair[at] for pair in step) for at in (0, 1))
    print(
        f"\nhost, a session and its first command: {plain:.2f} ms, with a record {noted:.2f} ms ({noted - plain:+.2f})"
    )
    print(f"host, each further command:            {less:.2f} ms, with a record {more:.2f} ms ({more - less:+.2f})")

    assert more - less <= 1.0
