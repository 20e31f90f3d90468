"""Connections that freeze, break and end by halves under a running command: no end is made up, and none is waited for.

Each story has a command at work on a real OpenSSH server behind a relay that breaks the connection.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from chaos_proxy import Chaos
from ssh_support import NOWHERE, context, host
from sshd import Sshd

from runner.engine.target import StepTarget
from runner.errors import LostError
from runner.model.outcome import Outcome
from runner.model.playbook import Step
from runner.step import typed
from runner.steps.copy import STEP as COPY
from runner.transport import Command, Session
from runner.transports import ssh

pytestmark = pytest.mark.sshd

QUICK = {"interval": "100ms", "count": 2}
"""Signs of life that are missed within 0.3 seconds."""


def at_work(folder: Path, one: Any, *others: Any, then: Callable[[Session], Awaitable[Any]]) -> tuple[str, float]:
    """Let a command of a minute begin, do something, and hear how it ended: why, and after how many seconds."""

    async def work() -> tuple[str, float]:
        async with ssh.start(context(folder, one, *others)) as transport:
            session = await transport.connect(one)
            begun = asyncio.Event()
            command = Command(script="echo on; sleep 60 & echo $!; wait", sink=lambda *_: begun.set())
            task = asyncio.create_task(session.run(command))
            await asyncio.wait_for(begun.wait(), 10)
            start = time.monotonic()
            await then(session)
            with pytest.raises(LostError) as caught:
                await asyncio.wait_for(task, 10)
            seconds = time.monotonic() - start
            assert session.closed
            assert command.fate.sent
            await session.close()
            return caught.value.message, seconds

    return asyncio.run(work())


async def quietly(do: Callable[[], Any]) -> None:
    """Do it beside the loop."""
    await asyncio.to_thread(do)


@pytest.mark.parametrize("ways", [(), ("down",), ("up",)], ids=["both ways", "we hear nothing", "we are not heard"])
def test_silence_is_noticed_by_the_signs_of_life(sshd: Sshd, ways: tuple[Any, ...], tmp_path: Path) -> None:
    """A frozen connection has lost the command after as many intervals as are borne, whichever way is frozen."""
    with Chaos(sshd.port) as chaos:
        one = host("web1", "127.0.0.2", **chaos.options(sshd, keepalive=QUICK))

        words, seconds = at_work(tmp_path, one, then=lambda _: quietly(lambda: chaos.pause(*ways)))

    assert "keepalive" in words
    assert 0.1 <= seconds < 5


@pytest.mark.parametrize("how", ["reset", "close"])
def test_a_broken_connection_is_noticed_at_once(sshd: Sshd, how: str, tmp_path: Path) -> None:
    """Reset, or ended in order by something on the way: nobody waits for signs of life."""
    with Chaos(sshd.port) as chaos:
        one = host("web1", "127.0.0.2", **chaos.options(sshd))

        words, seconds = at_work(tmp_path, one, then=lambda _: quietly(getattr(chaos, how)))

    assert "onnection" in words
    assert seconds < 5


def test_a_half_closed_connection_is_a_lost_one(sshd: Sshd, tmp_path: Path) -> None:
    """The host's side has ended: nothing can come any more, though we could still send."""
    with Chaos(sshd.port) as chaos:
        one = host("web1", "127.0.0.2", **chaos.options(sshd))

        _, seconds = at_work(tmp_path, one, then=lambda _: quietly(lambda: chaos.half_close("down")))

    assert seconds < 5


@pytest.mark.parametrize("name", ["sshd", "sh"])
def test_a_killed_process_of_ours_on_the_host_loses_the_command(sshd_with: Any, name: str, tmp_path: Path) -> None:
    """The server's process for this connection, or the shell that waits for the command."""
    server = sshd_with()
    one = host("web1", "127.0.0.2", **server.options())

    def kill() -> None:
        found = [pid for pid in server.sessions() if Path(f"/proc/{pid}/comm").read_text().startswith(name)]
        os.kill(found[-1] if name == "sshd" else found[0], signal.SIGKILL)

    _, seconds = at_work(tmp_path, one, then=lambda _: quietly(kill))

    assert seconds < 5


def test_a_gateway_that_dies_takes_the_command_along(sshd: Sshd, sshd_with: Any, tmp_path: Path) -> None:
    """What runs behind it is lost, and the words say at which hop."""
    gate = sshd_with()
    gateway = host("gate", "127.0.0.1", **gate.options())
    one = host("web1", "127.0.0.2", **sshd.options(jump="gate"))

    words, seconds = at_work(tmp_path, one, gateway, then=lambda _: quietly(gate.stop))

    assert 'jump host "gate"' in words
    assert seconds < 5


async def copied(session: Session, folder: Path, source: Path, dest: Path) -> Outcome:
    """Copy a file with that session."""
    plan = SimpleNamespace(folder=str(folder))
    run: Any = SimpleNamespace(plan=plan, project=folder)
    params = COPY.spell_out({"src": str(source), "dest": str(dest)})
    step = Step("copy", None, "copy", params, NOWHERE)
    target = StepTarget(run, host("web1"), step, {}, session, None, {}, None, None)
    return await COPY.run(typed(COPY, params), target)


@pytest.mark.parametrize("size", [20_000, 300_000], ids=["in the script", "as a file"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_an_upload_that_is_cut_leaves_the_old_file(sshd: Sshd, size: int, part: float, tmp_path: Path) -> None:
    """Wherever it is cut the old file is whole; the next try writes the new one and clears up after the first."""
    target = tmp_path / "host" / "app.bin"
    target.parent.mkdir()
    target.write_text("old")
    source = tmp_path / "new.bin"
    source.write_bytes(os.urandom(size))

    async def work() -> None:
        with Chaos(sshd.port) as chaos:
            one = host("web1", "127.0.0.2", **chaos.options(sshd))
            async with ssh.start(context(tmp_path, one)) as transport:
                session = await transport.connect(one)
                await session.prepare(None)
                chaos.cut(int(size * part), "up", "rst")
                with pytest.raises(LostError):
                    await copied(session, tmp_path, source, target)
                await session.close()
                assert target.read_text() == "old"

                session = await transport.connect(one)
                outcome = await copied(session, tmp_path, source, target)
                await session.close()
                assert outcome.changed

    asyncio.run(work())

    assert target.read_bytes() == source.read_bytes()
    assert [file.name for file in target.parent.iterdir()] == ["app.bin"]


def test_new_keys_in_mid_transfer_change_nothing(sshd_with: Any, tmp_path: Path) -> None:
    """A host that wants new keys every megabyte gets and sends eight of them whole."""
    server = sshd_with("RekeyLimit 1M")
    data = os.urandom(8 << 20)
    (tmp_path / "data").write_bytes(data)
    heard: list[bytes] = []

    async def work() -> int:
        one = host("web1", "127.0.0.2", **server.options())
        async with ssh.start(context(tmp_path, one)) as transport:
            session = await transport.connect(one)
            command = Command(argv=("cat",), stdin=tmp_path / "data", sink=lambda _, chunk: heard.append(chunk))
            result = await session.run(command)
            await session.close()
            return result.rc

    assert asyncio.run(work()) == 0
    assert b"".join(heard) == data


@pytest.mark.parametrize("line", ["Subsystem other /bin/false", "Subsystem sftp /bin/echo welcome"])
def test_files_need_no_sftp(sshd_with: Any, line: str, tmp_path: Path) -> None:
    """A host without that subsystem, or with one that says something else, gets and gives files all the same."""
    server = sshd_with(line)
    source, dest = tmp_path / "source", tmp_path / "dest"
    source.write_bytes(os.urandom(300_000))

    async def work() -> bytes:
        one = host("web1", "127.0.0.2", **server.options())
        async with ssh.start(context(tmp_path, one)) as transport:
            session = await transport.connect(one)
            await copied(session, tmp_path, source, dest)
            result = await session.run(Command(argv=("cat", str(dest))))
            await session.close()
            return result.stdout.data

    assert asyncio.run(work()) == source.read_bytes()
