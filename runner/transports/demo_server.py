"""An SSH server inside this process, for the demo fleet: every host is a user of it, with a home folder of its own.

It does what a real server does with a command: ``/bin/sh -c`` in a session of its own, in the user's home, with pipes;
when the channel closes, standard input ends and the command goes on or not as it likes.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import asyncssh

from runner import umask

INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
"""What a command on a demo host gets of our own environment."""

STDERR = 2
MOMENT = 0.5
"""Seconds that shells whose connection is closed have to end by themselves."""

BACKLOG = 1000
"""Connections that may wait to be accepted: a whole fleet comes at once."""


class Fleet:
    """The homes by user name, and the one key that is let in. ``port`` is the server's."""

    def __init__(self, folder: Path, key: asyncssh.SSHKey, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._public = key.export_public_key()
        self._kept = {name: environ[name] for name in INHERITED if name in environ}
        self._homes: dict[str, Path] = {}
        self.port = 0
        self.starting: set[asyncio.Task[None]] = set()
        self.running: set[Output] = set()

    def add(self, name: str) -> None:
        """Make a host's home, if it is new. The folder has a number for a name, so no name can lead anywhere else."""
        if name not in self._homes:
            home = self._folder / f"home-{len(self._homes) + 1}"
            home.mkdir(mode=0o700)
            self._homes[name] = home

    def home(self, name: str) -> Path:
        """A host's home."""
        return self._homes[name]

    def lets_in(self, name: str, key: asyncssh.SSHKey) -> bool:
        """Whether a user may log in with a key."""
        return name in self._homes and key.export_public_key() == self._public

    def environ(self, name: str) -> dict[str, str]:
        """The environment of a command on a host."""
        number = list(self._homes).index(name) + 1
        own = {"HOME": str(self.home(name)), "USER": name, "LOGNAME": name, "SHELL": "/bin/sh"}
        # As each had an address of its own: the machine has one lock for all its names, but one for each of these.
        own["SSH_CONNECTION"] = f"127.0.0.1 1 127.1.{number >> 8}.{number & 255} {self.port}"
        return {"PATH": os.defpath, **self._kept, **own}

    async def end(self) -> None:
        """End the shells that still run, and wait until they are gone.

        Most are on their way, for their input is over; asyncio loses the status of one that is killed while it ends.
        """
        await asyncio.gather(*self.starting, return_exceptions=True)
        if waiting := [asyncio.create_task(output.gone.wait()) for output in self.running]:
            _, late = await asyncio.wait(waiting, timeout=MOMENT)
            for task in late:
                task.cancel()
        for output in tuple(self.running):
            await output.end()


class Guest(asyncssh.SSHServer):
    """One connection to the server."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._user = ""

    def begin_auth(self, username: str) -> bool:
        """Everybody has to prove who they are."""
        self._user = username
        return True

    def public_key_auth_supported(self) -> bool:
        """By key, and in no other way."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether that key is let in."""
        return self._fleet.lets_in(username, key)

    def session_requested(self) -> "Exec":
        """A new channel."""
        return Exec(self._fleet, self._user)


class Exec(asyncssh.SSHServerSession[bytes]):
    """One channel: a command, its standard input, and whether the client takes more output."""

    def __init__(self, fleet: Fleet, user: str) -> None:
        self._fleet = fleet
        self._user = user
        self._command = ""
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._process: asyncio.SubprocessTransport | None = None
        self._early: list[bytes] = []
        self._input_over = False

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """The channel is open."""
        self._channel = chan

    def exec_requested(self, command: str) -> bool:
        """Run that command."""
        self._command = command
        return True

    def session_started(self) -> None:
        """Start the command; until it runs, its input waits here (it is no more than the channel's window)."""
        if self._channel:
            task = asyncio.create_task(self._start(self._channel))
            self._fleet.starting.add(task)
            task.add_done_callback(self._fleet.starting.discard)

    async def _start(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        home = self._fleet.home(self._user)
        process, _ = await asyncio.get_running_loop().subprocess_exec(
            lambda: Output(channel, self._fleet.running),
            *("/bin/sh", "-c", umask.in_shell(self._command)),
            cwd=home,
            env=self._fleet.environ(self._user),
            start_new_session=True,
        )
        self._process = process
        for data in self._early:
            self.data_received(data, None)
        self._early.clear()
        if self._input_over:
            self._close_input()

    def _input(self) -> asyncio.WriteTransport | None:
        pipe = self._process.get_pipe_transport(0) if self._process else None
        return cast("asyncio.WriteTransport | None", pipe)

    def data_received(self, data: bytes, datatype: int | None) -> None:  # noqa: ARG002
        """Standard input has come."""
        if self._process is None:
            self._early.append(data)
        pipe = self._input()
        if pipe and not pipe.is_closing():
            pipe.write(data)

    def eof_received(self) -> bool:
        """Standard input has ended; output may still come."""
        self._close_input()
        return True

    def pause_writing(self) -> None:
        """The client takes no more for now: let the command wait."""
        for pipe in self._outputs():
            pipe.pause_reading()

    def resume_writing(self) -> None:
        """The client takes more."""
        for pipe in self._outputs():
            pipe.resume_reading()

    def _outputs(self) -> list[asyncio.ReadTransport]:
        pipes = [self._process.get_pipe_transport(fd) for fd in (1, STDERR)] if self._process else []
        return [cast("asyncio.ReadTransport", pipe) for pipe in pipes if pipe and not pipe.is_closing()]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The channel is gone."""
        self._channel = None
        self._close_input()

    def _close_input(self) -> None:
        self._input_over = True
        pipe = self._input()
        if pipe:
            pipe.close()


class Output(asyncio.SubprocessProtocol):
    """What a command says, and its end, told to the channel. It ends when the command and both its streams have."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], running: "set[Output]") -> None:
        self._channel = channel
        self._running = running
        self._process: asyncio.SubprocessTransport | None = None
        self._left = {1, STDERR, "exit"}
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It runs."""
        self._process = cast("asyncio.SubprocessTransport", transport)
        self._running.add(self)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """It says something."""
        if self._channel.is_closing():
            return
        if fd == STDERR:
            self._channel.write_stderr(data)
        else:
            self._channel.write(data)

    def pause_writing(self) -> None:
        """It does not read its input: let the client wait."""
        self._channel.pause_reading()

    def resume_writing(self) -> None:
        """It reads again. Later, for asyncio loses bytes when more is written from within this call and then closed."""
        asyncio.get_running_loop().call_soon(self._channel.resume_reading)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002
        """One of its streams has ended."""
        self._ended(fd)

    def process_exited(self) -> None:
        """It has ended."""
        self.gone.set()
        self._ended("exit")

    async def end(self) -> None:
        """Kill it, if it still runs, and let go of its streams."""
        if self._process:
            self._process.close()
            await self.gone.wait()

    def _ended(self, what: int | str) -> None:
        self._left.discard(what)
        if self._left or self._process is None:
            return
        self._running.discard(self)
        status = self._process.get_returncode() or 0
        if not self._channel.is_closing():
            self._channel.exit(status if status >= 0 else 128 - status)
        self._process.close()


async def listen(fleet: Fleet, host_key: asyncssh.SSHKey) -> asyncssh.SSHAcceptor:
    """Start the server on a free port of 127.0.0.1."""
    return await asyncssh.listen(
        "127.0.0.1",
        0,
        config=None,
        server_factory=lambda: Guest(fleet),
        server_host_keys=[host_key],
        authorized_client_keys=None,
        password_auth=False,
        kbdint_auth=False,
        host_based_auth=False,
        gss_host=None,
        agent_forwarding=False,
        x11_forwarding=False,
        allow_pty=False,
        compression_algs=None,
        encoding=None,
        backlog=BACKLOG,
    )
