"""What becomes of a command whose connection, or controller, is lost, and what the next one finds of it on the host."""

import asyncio
import contextlib
import os
import secrets
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from losing import controller, end, keepers, noted, records, settled
from sshd import descendants
from transport_ways import alive, context_in, host_named, until

from runner.errors import LostError
from runner.transport import Command
from runner.transports import load


@pytest.fixture
def token():
    """The token of a run, whose records are gone at the end, whatever happened."""
    word = secrets.token_hex(16)
    yield word
    for path in records(word):
        path.unlink()


@pytest.fixture
def local(token, tmp_path):
    """Ask this machine, as a later process of the run, what became of a command."""

    def ask(*keys):
        async def main():
            context = context_in(tmp_path, token=token, is_resumed=True)
            async with load("local").start(context) as transport:
                session = await transport.connect(host_named())
                found = [await settled(session, key) for key in keys]
                await session.close()
                return found

        found = asyncio.run(main())
        return found[0] if len(keys) == 1 else found

    return ask


WAITS = 'until [ -e "$1/go" ]; do sleep 0.02; done;'
"""What a command does first that is to run until the test says go."""


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


@pytest.fixture
def remote(sshd_with, tmp_path, token):
    return Remote(sshd_with(), tmp_path, token)


# runner itself dies


def test_command_goes_on_when_runner_is_killed(local, token, tmp_path):
    """A SIGKILL of runner does not harm what runs: its status and the end of its output wait for the next process."""
    script = f'touch "$1/began"; {WAITS} echo the end; echo oops >&2; exit 7'

    with controller(token, tmp_path, "step", script) as process:
        asyncio.run(until((tmp_path / "began").exists))
        process.kill()
    (tmp_path / "go").touch()
    found = local("step")

    assert (found.state, found.result.rc, found.result.signal) == ("done", 7, None)
    assert (found.result.stdout.tail, found.result.stderr.tail) == (b"the end\n", b"oops\n")
    assert found.result.stdout.truncated


def test_what_was_not_started_is_known_not_to_have_been(local, token, tmp_path):
    """A command that the killed runner had not sent yet never started; one that had ended has its status."""
    with controller(token, tmp_path) as process:
        process.kill()

    never, before = local("step", "before")

    assert never.state == "never"
    assert (before.state, before.result.rc) == ("done", 0)


def test_command_killed_by_a_signal_says_so(local, token, tmp_path):
    """The status after a loss is told as before it: with the name of the signal."""
    with controller(token, tmp_path, "step", f'touch "$1/began"; {WAITS} kill -9 $$') as process:
        asyncio.run(until((tmp_path / "began").exists))
        process.kill()
    (tmp_path / "go").touch()

    found = local("step")

    assert (found.result.rc, found.result.signal) == (137, "KILL")


def test_other_runs_know_nothing_of_it(token, tmp_path):
    """Without a record of this run there is nothing to say."""

    async def main():
        async with load("local").start(context_in(tmp_path, token=token)) as transport:
            session = await transport.connect(host_named())
            return await session.recall("step", None)

    assert asyncio.run(main()).state == "none"


def test_nothing_is_left_after_a_run(token, tmp_path):
    """While all is well there is not even a file, and none after the end."""

    async def main():
        async with load("local").start(context_in(tmp_path, token=token)) as transport:
            session = await transport.connect(host_named())
            for number in range(100):  # the record starts anew now and then
                await session.run(noted(f"k{number}", "true"))
            await session.run(noted("bulk", "cat >/dev/null", stdin=b"x" * 1_000_000))
            meanwhile = records(token)
            other = session.beside()
            await other.run(noted("beside", "true"))
            await session.run(Command(script="true"))
            await other.close()
            await session.close()
            return meanwhile

    assert len(asyncio.run(main())) == 1  # of the shell for the bulk
    assert records(token) == []


# the connection is lost


@pytest.mark.sshd
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


@pytest.mark.sshd
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


@pytest.mark.sshd
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


@pytest.mark.sshd
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


@pytest.mark.sshd
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


@pytest.mark.sshd
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


@pytest.mark.sshd
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


@pytest.mark.sshd
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


@pytest.mark.sshd
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
