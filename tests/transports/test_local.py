"""The transport for this machine."""

import asyncio
import os
import resource
from pathlib import Path

import pytest
from transport_ways import Way, alive, context_in, host_named, until

from runner.errors import ConnectError
from runner.model.inventory import Become
from runner.shell import ShellSession
from runner.transport import Command
from runner.transports import few_files, load, names
from runner.transports.local import TRANSPORT, open_pipe, passwords


class Heard:
    """A receiver that keeps what it hears."""

    def __init__(self):
        self.said = []
        self.over = asyncio.Event()

    def data(self, stream, chunk):
        self.said.append((stream, chunk))

    def ended(self, reason):
        self.said.append(("ended", reason))
        self.over.set()


def test_steps_start_at_home_with_our_environment(tmp_path, monkeypatch):
    """A step has the environment of runner itself, and starts in the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FROM_RUNNER", "yes")
    way = Way(TRANSPORT, host_named(), context_in(tmp_path))

    result = way.tell(lambda session: session.run(Command(script='echo "$PWD $FROM_RUNNER"')))

    assert result.stdout.text == f"{tmp_path.resolve()} yes"


def test_output_ends_in_order():
    """All output is heard before the end, which is heard once."""

    async def main():
        heard = Heard()
        pipe = await open_pipe("printf last; exit 3", heard)
        await heard.over.wait()
        await pipe.close()
        await pipe.close()
        return heard.said

    assert asyncio.run(main()) == [("stdout", b"last"), ("ended", "")]


def test_child_that_holds_the_pipes_does_not_hide_the_end():
    """A shell that has ended is known to have, though a child of its own keeps its output open."""

    async def main():
        heard = Heard()
        pipe = await open_pipe("sleep 61 & echo $!", heard)
        async with asyncio.timeout(20):
            await heard.over.wait()
        await pipe.close()
        return heard.said

    said = asyncio.run(main())
    os.kill(int(said[0][1]), 9)

    assert said[1:] == [("ended", "")]


def test_closing_lets_a_step_go_on_and_ends_the_shell():
    """Closing kills the shell that does not end by itself; the pipe is silent from then on."""

    async def main():
        heard = Heard()
        pipe = await open_pipe("echo $$; exec sleep 61", heard)
        await until(lambda: heard.said)
        await pipe.close()
        pipe.write(b"into the void")
        pipe.write_eof()
        await pipe.drain()
        return heard.said

    said = asyncio.run(main())

    assert said[-1] == ("ended", "")
    assert not alive(int(said[0][1]))


def test_backpressure_reaches_the_writer():
    """Who writes more than is read has to wait."""

    async def main():
        pipe = await open_pipe("exec sleep 61", Heard())
        pipe.write(b"x" * 1_000_000)
        try:
            async with asyncio.timeout(0.1):
                await pipe.drain()
        except TimeoutError:
            return "waits"
        finally:
            await pipe.close()

    assert asyncio.run(main()) == "waits"


def test_no_shell_here_is_a_connect_error(monkeypatch):
    """A machine that cannot start a process says so."""

    async def main():
        with pytest.raises(ConnectError, match="cannot start /bin/sh here"):
            await open_pipe("true", Heard())

    monkeypatch.setattr(few_files, "PATIENCE", 0.0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with asyncio.Runner() as runner:
        runner.get_loop()
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) - 1, hard))
        try:
            runner.run(main())
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_password_is_asked_for_by_name():
    """The password of a Become is looked up as a secret, where it has one."""
    look_up = passwords({"deploy": "s3cret"}.__getitem__)

    assert look_up(Become("root", password="deploy")) == "s3cret"
    assert look_up(Become("root")) is None


def test_transports_are_loaded_by_name():
    """The registry knows its words and gives the transport; another word is a KeyError."""
    assert names()[0] == "ssh"
    assert load("local") is TRANSPORT
    with pytest.raises(KeyError):
        load("telnet")


def test_interrupt_of_the_terminal_reaches_no_step():
    """The shell runs in a session of its own, so Ctrl-C is ours to handle."""

    async def main():
        session = ShellSession(open_pipe)
        result = await session.run(Command(script="cat /proc/$PPID/stat"))
        await session.close()
        return int(result.stdout.text.rpartition(")")[2].split()[3])

    assert asyncio.run(main()) != int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[3])
