"""What becomes of a command whose runner is killed, and what the next process finds of it on the host."""

import asyncio
import contextlib
import os
import secrets
import signal
import time
from pathlib import Path

import pytest
from losing import WAITS, controller, end, keepers, noted, records, settled
from sshd import descendants
from transport_ways import context_in, host_named, until

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


def test_command_goes_on_when_runner_is_killed(local, token, tmp_path):
    """A SIGKILL of runner does not harm what runs: its status and the end of its output wait for the next process."""
    script = f'touch "$1/began"; {WAITS} echo the end; echo oops >&2; exit 7'

    with controller(token, tmp_path, "step", script) as process:
        asyncio.run(until((tmp_path / "began").exists))
        shells = keepers(token)
        process.kill()
    asyncio.run(until(lambda: any(is_watched(shell) for shell in shells)))  # what is printed before is nowhere
    (tmp_path / "go").touch()
    found = local("step")

    assert found.state == "done", found
    assert (found.result.rc, found.result.signal) == (7, None)
    assert (found.result.stdout.tail, found.result.stderr.tail) == (b"the end\n", b"oops\n")
    assert found.result.stdout.truncated
    assert records(token) == []


def test_record_whose_making_was_cut_short_is_made_whole(local, token, tmp_path):
    """Who noticed the loss was killed, as the command ended, when it had made the file and not yet filled it."""
    script = f'touch "$1/began"; {WAITS} exit 7'

    with controller(token, tmp_path, "step", script) as process:
        asyncio.run(until((tmp_path / "began").exists))
        [shell] = keepers(token)
        end([pid for pid in descendants(shell) if name_of(pid).startswith("runner+")])
        noted_in(shell).touch(mode=0o600)
        process.kill()
    (tmp_path / "go").touch()
    found = local("step")

    assert found.state == "done", found
    assert found.result.rc == 7


def test_record_that_is_tidied_away_says_nothing_and_holds_nobody_up(local, token, tmp_path):
    """Its file is removed while the command runs: who asks hears that at once, its keepers end with it."""
    with controller(token, tmp_path, "step", f'touch "$1/began"; {WAITS} echo over') as process:
        asyncio.run(until((tmp_path / "began").exists))
        [shell] = keepers(token)
        group = os.getpgid(shell)
        process.kill()
    asyncio.run(until(lambda: is_watched(shell)))
    for path in records(token):
        path.unlink()
    begun = time.monotonic()

    found = local("step")
    took = time.monotonic() - begun
    busy = of_group(group)
    (tmp_path / "go").touch()

    assert (found.state, found.reason) == ("none", "there is no record of it on the host")
    assert took < 5
    assert shell in busy
    asyncio.run(until(lambda: not of_group(group)))
    assert records(token) == []


def test_keeper_whose_record_is_gone_still_holds_the_timeout(token, tmp_path):
    """It has the file open, which has no name any more: what takes too long is ended all the same, and so is all."""
    with controller(token, tmp_path, "step", f'touch "$1/began"; {WAITS}', timeout=1) as process:
        asyncio.run(until((tmp_path / "began").exists))
        [shell] = keepers(token)
        group = os.getpgid(shell)
        process.kill()
    asyncio.run(until(lambda: is_watched(shell)))
    for path in records(token):
        path.unlink()

    asyncio.run(until(lambda: not of_group(group)))
    assert records(token) == []


def of_group(group):
    """The processes of a group that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, its_group = (entry / "stat").read_text().rpartition(") ")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                found.append(int(entry.name))
    return found


def is_watched(shell):
    """Whether the loss of its connection was noticed."""
    return any(name_of(int(entry.name)).startswith(f"runner={shell}.") for entry in Path("/proc").glob("[0-9]*"))


def name_of(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""


def noted_in(shell):
    """The file that a shell will make of its notes: they are read, and put back."""
    with Path(f"/proc/{shell}/fd/8").open("rb", buffering=0) as pipe:
        notes = pipe.read(65536)
    Path(f"/proc/{shell}/fd/5").write_bytes(notes)
    return Path(notes.split()[4].decode())


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


def test_process_that_goes_on_takes_old_records_along(token, tmp_path):
    """What a killed runner has left is removed when the next one has gone on there, though nothing had to be asked."""
    with controller(token, tmp_path) as process:
        process.kill()
    asyncio.run(until(lambda: records(token)))

    async def main():
        async with load("local").start(context_in(tmp_path, token=token, is_resumed=True)) as transport:
            session = await transport.connect(host_named())
            await session.run(noted("next", "true"))
            await session.close()

    asyncio.run(main())

    assert records(token) == []


def test_shell_that_is_gone_without_a_trace_makes_nothing_of_never(token, tmp_path):
    """Where shell and watcher of a command were killed, another shell's record does not say that it never began."""

    async def main():
        async with load("local").start(context_in(tmp_path, token=token, warn=[].append)) as transport:
            session = await transport.connect(host_named())
            await session.run(noted("before", "true"))
            beside = session.beside()
            await beside.run(noted("other", "true"))
            command = noted("step", "sleep 61")
            task = asyncio.create_task(session.run(command))
            await until(lambda: command.fate.group is not None)
            shell = session._channels[None].hello.pid
            end([shell, *descendants(shell)], signal.SIGSTOP)  # or one would tell of the end of the other
            end([shell, *descendants(shell)])
            with pytest.raises(LostError):
                await task
            await beside.close()
            await session.close()
            again = await transport.connect(host_named())
            found = await again.recall("step", None)
            await again.close()
            end([command.fate.group])
            return found

    assert asyncio.run(main()).state == "none"


def test_other_runs_know_nothing_of_it(token, tmp_path):
    """Without a record of this run there is nothing to say."""

    async def main():
        async with load("local").start(context_in(tmp_path, token=token)) as transport:
            session = await transport.connect(host_named())
            found = await session.recall("step", None)
            await session.close()
            return found

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
