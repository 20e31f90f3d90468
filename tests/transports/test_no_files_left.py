"""No open file is left in the middle of a run: connections wait until there is one, and nothing breaks."""

import asyncio
import contextlib
import gc
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from ssh_support import Heard, context, host
from sshd import Sshd
from transport_ways import until

from runner.errors import ConnectError
from runner.model.inventory import Host
from runner.transport import Command, Transport
from runner.transports import few_files, local, ssh


@contextlib.contextmanager
def files_used_up() -> Iterator[list[int]]:
    """All files that may be open are; closing those in the list makes room again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    gc.collect()  # or what earlier tests have left to be collected makes room at any time
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 300), hard))
    try:
        take_all(taken)
        yield taken
    finally:
        close(taken)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def take_all(taken: list[int]) -> None:
    with contextlib.suppress(OSError):
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))


def close(taken: list[int]) -> None:
    while taken:
        os.close(taken.pop())


def files_open() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def used_once(transport: Transport, one: Host) -> None:
    """Connect for the first time, so that what many connections share has been read, and let its files go."""
    files = files_open()
    await (await transport.connect(one)).close()
    await until(lambda: files_open() <= files)


@pytest.mark.sshd
def test_a_login_waits_for_a_file(sshd: Sshd, tmp_path: Path) -> None:
    """It is made as soon as another connection has freed one."""
    one = host("web1", "127.0.0.2", **sshd.options())

    async def work() -> bytes:
        async with ssh.start(context(tmp_path, one)) as transport:
            await used_once(transport, one)
            with files_used_up() as taken:
                asyncio.get_running_loop().call_later(0.3, close, taken)
                session = await transport.connect(one)
            result = await session.run(Command(argv=("echo", "there")))
            await session.close()
            return result.stdout.data

    assert asyncio.run(work()) == b"there\n"


def test_a_local_shell_waits_for_files() -> None:
    """As a login does."""

    async def work() -> bytes:
        heard = Heard()
        with files_used_up() as taken:
            asyncio.get_running_loop().call_later(0.3, close, taken)
            pipe = await local.open_pipe("echo there", heard)
        await heard.over.wait()
        await pipe.close()
        return heard.streams["stdout"]

    assert asyncio.run(work()) == b"there\n"


@pytest.mark.sshd
def test_the_wait_for_a_file_has_an_end(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no file comes free the host can't be reached, for now, and the reason is told."""
    monkeypatch.setattr(few_files, "PATIENCE", 0.2)
    one = host("web1", "127.0.0.2", **sshd.options())

    async def work() -> ConnectError:
        async with ssh.start(context(tmp_path, one)) as transport:
            await used_once(transport, one)
            with files_used_up(), pytest.raises(ConnectError) as caught:
                await transport.connect(one)
            return caught.value

    error = asyncio.run(work())

    assert error.temporary
    assert "too many open files" in error.message
