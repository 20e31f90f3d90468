"""A connection that only seems to live, and other sessions of the same host, while a record is read."""

import asyncio
import os
import secrets
import signal

import pytest
from losing import WAITS, Remote, end, found_by, keepers, noted, settled
from transport_ways import until

from runner.errors import LostError

pytestmark = pytest.mark.sshd


@pytest.fixture
def token():
    """The token of a run."""
    return secrets.token_hex(16)


@pytest.fixture
def remote(sshd_with, tmp_path, token):
    return Remote(sshd_with(), tmp_path, token)


def test_frozen_connection_does_not_hide_how_its_command_ended(remote, tmp_path):
    """An old connection that only seems to live, as behind a dead network: what runs there is found, and its end."""

    async def story(connect):
        session = await connect()
        await session.run(noted("first", "exit 5"))
        command = noted("step", f"{WAITS} echo over; exit 6", args=(str(tmp_path),))
        task = asyncio.create_task(session.run(command))
        await until(lambda: command.fate.group is not None)
        frozen = remote.freeze(session)
        with pytest.raises(LostError):
            await task
        again = await connect()
        assert (await again.recall("step", None)).state == "running"
        (tmp_path / "go").touch()
        found = await settled(again, "first"), await settled(again, "step")
        await again.close()
        end(frozen)
        return found

    first, step = remote.tell(story)

    assert (first.result.rc, step.result.rc) == (5, 6)
    assert step.result.stdout.tail == b"over\n"


def test_what_comes_late_from_a_frozen_connection_is_not_run(remote, token, tmp_path):
    """Once it is said that a command never started, the request that was still on its way starts it no more."""
    ran = tmp_path / "ran"

    async def story(connect):
        session = await connect()
        await session.run(noted("first", "true"))
        for pid in remote.daemons():
            os.kill(pid, signal.SIGSTOP)
        task = asyncio.create_task(session.run(noted("late", f"touch {ran}")))
        await asyncio.sleep(0.05)  # it is in the server's socket by now
        frozen = remote.freeze(session)
        with pytest.raises(LostError):
            await task
        found = await found_by(connect, "late")
        end(frozen, signal.SIGCONT)
        await until(lambda: not keepers(token))
        return found

    assert remote.tell(story).state == "never"
    assert not ran.exists()


def test_shells_in_use_are_left_alone(remote, tmp_path):
    """Asking for one command neither ends nor fences another session of the same host."""

    async def story(connect):
        lost, kept = await connect(), await connect()
        await kept.run(noted("before", "true"))
        await remote.cut_one(lost, noted("step", f"{WAITS} exit 4", args=(str(tmp_path),)))
        running = noted("running", f"{WAITS} exit 8", args=(str(tmp_path),))
        task = asyncio.create_task(kept.run(running))
        await until(lambda: running.fate.group is not None)
        again = await connect()
        await again.recall("step", None)
        (tmp_path / "go").touch()
        found = await settled(again, "step")
        await again.close()
        after = await task, await kept.run(noted("after", "exit 9"))
        await kept.close()
        return found, *after

    found, running, after = remote.tell(story)

    assert (found.result.rc, running.rc, after.rc) == (4, 8, 9)
