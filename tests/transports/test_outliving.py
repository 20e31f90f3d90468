"""Commands that outlive their connection, on a real server: what they do there, and what is heard of them later."""

import asyncio
import secrets

import pytest
from losing import WAITS, Remote, end, found_by, noted, records, settled
from transport_ways import alive, until

from runner.errors import LostError

pytestmark = pytest.mark.sshd


@pytest.fixture
def token():
    """The token of a run."""
    return secrets.token_hex(16)


@pytest.fixture
def remote(sshd_with, tmp_path, token):
    return Remote(sshd_with(), tmp_path, token)


def test_command_goes_on_when_the_connection_is_lost(remote, token, tmp_path):
    """The next connection sees it running, hears its end, and takes the record along when it is closed."""

    async def story(connect):
        session = await connect()
        await remote.cut(session, noted("step", f"{WAITS} echo done; exit 3", args=(str(tmp_path),)))
        await session.close()
        again = await connect()
        running = await again.recall("step", None)
        (tmp_path / "go").touch()
        found = await settled(again, "step")
        await again.close()
        return running, found

    running, found = remote.tell(story)

    assert running.state == "running"
    assert running.group > 1
    assert (found.state, found.result.rc, found.result.stdout.tail) == ("done", 3, b"done\n")
    assert records(token) == []


def test_talkative_command_meets_no_broken_pipe_and_no_full_one(remote, tmp_path):
    """Megabytes of output after the loss neither kill it nor hold it up; the end of them is kept."""
    line = "x" * 50
    script = f"{WAITS} i=0; while [ $i -lt 20000 ]; do echo $i {line}; i=$((i+1)); done; echo last >&2"

    async def story(connect):
        session = await connect()
        await remote.cut(session, noted("step", script, args=(str(tmp_path),)))
        (tmp_path / "go").touch()
        return await found_by(connect, "step")

    found = remote.tell(story)

    assert found.result.rc == 0
    assert found.result.stdout.tail.endswith(f"\n19999 {line}\n".encode())
    assert len(found.result.stdout.tail) == 64 * 1024
    assert found.result.stderr.tail == b"last\n"


def test_child_that_holds_the_output_does_not_hide_the_end(remote, tmp_path):
    """A daemon that the command leaves behind keeps the pipes open for ever: its status is known all the same."""

    async def story(connect):
        session = await connect()
        await remote.cut(session, noted("step", f"sleep 61 & {WAITS} echo over", args=(str(tmp_path),)))
        (tmp_path / "go").touch()
        return await found_by(connect, "step")

    found = remote.tell(story)

    assert (found.state, found.result.rc) == ("done", 0)
    assert found.result.stdout.tail.endswith(b"over\n")


def test_timeout_is_held_by_the_host(remote):
    """After the loss it is the host that ends what takes too long: with its children, and says so."""

    async def story(connect):
        session = await connect()
        command = noted("step", "trap '' TERM; sleep 61 & while :; do sleep 1; done", timeout=2)
        await remote.cut(session, command)
        return command.fate.group, await found_by(connect, "step")

    group, found = remote.tell(story)

    assert (found.state, found.ended) == ("gone", True)
    assert "time was up" in found.reason
    assert not alive(group)


def test_kill_ends_the_group_at_once(remote, tmp_path):
    """Where a command must not outlive the connection, its whole group is ended, and that it is gone is known."""
    pids = tmp_path / "pids"
    script = 'echo $$ >>"$1"; sh -c "echo \\$\\$ >>$1; sleep 61"; wait'

    async def story(connect):
        session = await connect()
        command = noted("step", script, on_loss="kill", args=(str(pids),))
        task = asyncio.create_task(session.run(command))
        await until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
        end(remote.daemons())
        with pytest.raises(LostError):
            await task
        return await found_by(connect, "step")

    found = remote.tell(story)

    assert (found.state, found.ended) == ("gone", True)
    assert not any(alive(int(pid)) for pid in pids.read_text().split())


def test_shell_that_was_killed_leaves_its_command_running(remote, tmp_path):
    """Who kills the shell does not kill the command: it is waited for, and then its end is not known."""

    async def story(connect):
        session = await connect()
        command = noted("step", WAITS, args=(str(tmp_path),))
        task = asyncio.create_task(session.run(command))
        await until(lambda: command.fate.group is not None)
        end([session._channels[None].hello.pid])
        with pytest.raises(LostError):
            await task
        again = await connect()
        running = await again.recall("step", None)
        (tmp_path / "go").touch()
        found = running, await settled(again, "step")
        await again.close()
        return found

    running, found = remote.tell(story)

    assert running.state == "running"
    assert (found.state, found.ended) == ("gone", False)


def test_connection_that_is_lost_while_nothing_runs_leaves_nothing(remote, token):
    """The next session of the host removes what the lost one has left."""

    async def story(connect):
        session = await connect()
        await session.run(noted("step", "true"))
        end(remote.daemons())
        await until(lambda: session.closed)
        await session.close()
        await until(lambda: records(token))
        again = await connect()
        await again.run(noted("next", "true"))
        await again.close()

    remote.tell(story)

    assert records(token) == []


def test_what_could_not_be_removed_is_told(remote, token):
    """A host that is not reached again keeps its record, and who runs runner is told which file that is."""
    warnings = []

    async def story(connect):
        session = await connect()
        await session.run(noted("step", "true"))
        end(remote.daemons())
        await until(lambda: session.closed)
        await session.close()

    remote.tell(story, warn=warnings.append)
    asyncio.run(until(lambda: records(token)))
    (left,) = records(token)
    left.unlink()

    assert warnings == [f'records of this run are left on host "web1"; they may be removed: {left}']
