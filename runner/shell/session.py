"""The session of a host that is reached through pipes: a shell for each become user, opened when first needed."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import BinaryIO

from runner.errors import ConnectError, LostError, StepError
from runner.model.inventory import Become
from runner.shell.channel import Channel, Step
from runner.shell.ending import Ending, end_group
from runner.shell.feeding import countable, feed, inline, opened
from runner.shell.opening import HELLO_TIMEOUT
from runner.shell.pipes import OpenPipe
from runner.shell.recall import recalled
from runner.shell.records import HostRecords, none_kept
from runner.shell.shells import Shells
from runner.transport import GRACE, Agreed, Command, CommandResult, Recalled

PATIENCE = 5.0
"""Seconds that a cancelled step has for saying its group, a killed group for being gone, its shell for saying so."""

KILL_LIMIT = 20.0
"""Seconds, beside the grace, after which ending a group is given up: the connection hangs."""


async def _nothing() -> None:
    """There is nothing more to close."""


class ShellSession:
    """A :class:`~runner.transport.Session` over pipes to sh.

    ``open_pipe`` opens a process on the host. ``grace`` is the seconds between TERM and KILL. ``password`` gives the
    sudo password for a Become, or None. ``hello_timeout`` is the seconds that a shell has for its hello.
    ``patience`` is how long, in seconds, a host may take for each word while a step is ended.
    ``records`` are those of the host. ``shells`` are those of the session that this one is beside, whose options hold
    then. ``close_connection`` closes what carries the pipes, after them.
    """

    def __init__(
        self,
        open_pipe: OpenPipe,
        *,
        grace: float = GRACE,
        password: Callable[[Become], str | None] = lambda _: None,
        hello_timeout: float = HELLO_TIMEOUT,
        patience: float = PATIENCE,
        records: HostRecords | None = None,
        shells: Shells | None = None,
        close_connection: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        self._grace = grace
        self._patience = patience
        self._shells = shells or Shells(open_pipe, grace, password, hello_timeout, records or none_kept())
        self._records = self._shells.records
        self._is_beside = shells is not None
        self._close_connection = close_connection
        self._channels: dict[str | None, Channel] = {}
        self._turn = asyncio.Lock()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it was closed, or one of its shells ended unasked: the next command needs a new session."""
        return self._closed or any(channel.gone is not None for channel in self._channels.values())

    @property
    def agreed(self) -> Agreed:
        """Nothing, over pipes of this machine."""
        return Agreed()

    @property
    def preamble(self) -> bytes:
        """What the login shell and its rc files said on standard output before ours answered."""
        plain = self._channels.get(None)
        return plain.preamble["stdout"] if plain else b""

    def is_ready(self, become: Become | None) -> bool:
        """Whether it is open, and so is the shell for that user."""
        return (become.user if become else None) in self._channels and not self.closed

    async def prepare(self, become: Become | None) -> None:
        """Open the shell for that user. Raises ConnectError or StepError."""
        async with self._turn:
            await self._channel(become)

    async def run(self, command: Command) -> CommandResult:
        """Run it and wait for its end. Raises ConnectError, LostError, or StepError for what cannot be sent."""
        async with self._turn:
            command.turn()
            channel = await self._channel(command.become)
            stdin = inline(command.stdin, channel)
            if stdin is None:
                return await self._run_bulk(command)
            return await self._run_on(channel, command, stdin)

    async def recall(self, key: str, become: Become | None) -> Recalled:
        """Read the host's record of a command. Raises ConnectError, LostError, or StepError."""
        async with self._turn:
            channel = await self._channel(become)  # so that its own record is known, and left alone
            return await recalled(partial(self._run_on, channel, stdin=b""), self._records, key, become)

    async def end(self, group: int, become: Become | None) -> str:
        """End a process group of an earlier session; of one that had ended by then only its record knows how."""
        try:
            found = (await self._kill(become, group)).killed
        except TimeoutError:
            return "unknown"
        return "unknown" if found == "ended" else found

    def beside(self) -> "ShellSession":
        """Shells of its own over the same connection; they end with this session."""
        return ShellSession(self._shells.open_pipe, grace=self._grace, patience=self._patience, shells=self._shells)

    async def close(self) -> None:
        """Close all shells and what carries them; never raises."""
        self._closed = True
        self._shells.left += self._channels.values()
        self._channels.clear()
        if not self._is_beside:
            await self._shells.leave()
            await self._shells.close(self._closed_connection)

    async def _closed_connection(self) -> None:
        await self._close_connection()

    async def _channel(self, become: Become | None) -> Channel:
        if self._closed:
            raise ConnectError("closed_midway", "the session is closed")
        key = become.user if become else None
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = await self._shells.open(become)
        return channel

    async def _run_on(self, channel: Channel, command: Command, stdin: bytes) -> CommandResult:
        self._records.has_gone_on |= bool(command.keeping.key)
        step = channel.send(command, stdin=stdin)
        try:
            return await channel.result(step)
        except LostError:
            raise
        except BaseException:
            await self._stop(channel, step)
            raise

    async def _run_bulk(self, command: Command) -> CommandResult:
        """Run a command that reads much: in a shell of its own, whose standard input goes on as the command's."""
        with opened(command.stdin) as source:
            channel = await self._shells.open(command.become)
            try:
                size = countable(source, channel) if command.keeping.key else None
                step = channel.send(command, piped=True, follows=size)
                return await self._fed(channel, step, source, size)
            finally:
                await channel.close()

    async def _fed(self, channel: Channel, step: Step, source: BinaryIO, size: int | None) -> CommandResult:
        try:
            await feed(channel, step, source, size)
            return await channel.result(step)
        except LostError:
            raise
        except BaseException:
            await self._stop(channel, step)
            raise

    async def _stop(self, channel: Channel, step: Step) -> None:
        """End a step whose task was cancelled, or whose sink failed; its shell is given up unless it can go on."""
        usable = False
        step.done.cancel()  # nobody waits for it any more
        try:
            usable = await self._end(channel, step)
        finally:
            if not usable:
                if step.command.fate.killed == "yes":
                    channel.open_key = ""  # nobody will ask how it ended
                self._give_up(channel)

    async def _end(self, channel: Channel, step: Step) -> bool:
        """End the step's group; whether its shell is ready for the next step. Cancelled again, it stops at once.

        A step that has ended is let alone: what it left behind is its own, and its group's number may be another's.
        """
        fate = step.command.fate
        if step.ended:
            fate.result = step.result
            return channel.gone is None
        fate.killed = "unknown"
        try:
            async with asyncio.timeout(self._patience):
                await channel.until(lambda: step.begun or step.ended or channel.gone is not None)
            if _is_over(step):
                fate.killed, fate.result = None, step.result
            elif fate.group is not None:
                ending = await self._kill(step.command.become, fate.group)
                fate.killed, fate.survivors = ending.killed, ending.survivors
            came_first = fate.killed == "ended"
            if came_first:
                fate.killed = "unknown"  # until that end is heard
            async with asyncio.timeout(self._patience if came_first or fate.killed == "yes" else 0):
                await channel.until(lambda: step.ended or channel.gone is not None)
            if came_first and _is_over(step):
                fate.killed, fate.result = None, step.result
        except (TimeoutError, ConnectError, LostError, StepError):
            return False
        return channel.gone is None

    async def _kill(self, become: Become | None, group: int) -> Ending:
        """End a group through a second shell of the same user."""
        async with asyncio.timeout(self._grace + KILL_LIMIT):
            control = await self._shells.open(become, noted=False)
            try:
                return await end_group(control, group, self._grace, self._patience)
            finally:
                await control.close()

    def _give_up(self, channel: Channel) -> None:
        """Leave a shell that still waits for its step: it ends by itself after that, and nobody listens to it."""
        channel.step = None
        channel.pipe.write_eof()
        self._shells.left.append(channel)
        for key, known in tuple(self._channels.items()):
            if known is channel:
                del self._channels[key]


def _is_over(step: Step) -> bool:
    """Whether it has ended by now; a function, since a type checker takes what it was for what it is."""
    return step.ended
