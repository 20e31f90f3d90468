"""The session of a host that is reached through pipes: a shell for each become user, opened when first needed."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import BinaryIO

from runner.errors import ConnectError, LostError, StepError
from runner.model.inventory import Become
from runner.shell.channel import Channel, Step
from runner.shell.ending import end_group
from runner.shell.feeding import countable, feed, inline, opened
from runner.shell.opening import HELLO_TIMEOUT, open_login_shell
from runner.shell.pipes import OpenPipe
from runner.shell.recall import recalled
from runner.shell.records import HostRecords, none_kept
from runner.shell.sudo import open_sudo_shell
from runner.transport import GRACE, Command, CommandResult, Recalled

PATIENCE = 5.0
"""Seconds that a cancelled step has for saying its group, a killed group for being gone, its shell for saying so."""

KILL_LIMIT = 20.0
"""Seconds, beside the grace, after which ending a group is given up: the connection hangs."""


FAREWELL = 2.0
"""Seconds that a shell has for ending in order, and removing its record."""


async def _nothing() -> None:
    """There is nothing more to close."""


class ShellSession:
    """A :class:`~runner.transport.Session` over pipes to sh.

    ``open_pipe`` opens a process on the host. ``grace`` is the seconds between TERM and KILL. ``password`` gives the
    sudo password for a Become, or None. ``hello_timeout`` is the seconds that a shell has for its hello.
    ``patience`` is how long, in seconds, a host may take for each word while a step is ended.
    ``records`` are those of the host. ``close_connection`` closes what carries the pipes, after them.
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
        close_connection: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        self._open_pipe = open_pipe
        self._grace = grace
        self._password = password
        self._hello_timeout = hello_timeout
        self._patience = patience
        self._records = records or none_kept()
        self._close_connection = close_connection
        self._channels: dict[str | None, Channel] = {}
        self._given_up: list[Channel] = []
        self._refused: dict[str, StepError] = {}
        self._turn = asyncio.Lock()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it was closed, or one of its shells ended unasked: the next command needs a new session."""
        return self._closed or any(channel.gone is not None for channel in self._channels.values())

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
            if self._closed:
                raise ConnectError("closed_midway", "the session is closed")
            await self._channel(become)

    async def run(self, command: Command) -> CommandResult:
        """Run it and wait for its end. Raises ConnectError, LostError, or StepError for what cannot be sent."""
        async with self._turn:
            command.turn()
            if self._closed:
                raise ConnectError("closed_midway", "the session is closed")
            channel = await self._channel(command.become)
            stdin = inline(command.stdin, channel)
            if stdin is None:
                return await self._run_bulk(command)
            return await self._run_on(channel, command, stdin)

    async def recall(self, key: str, become: Become | None) -> Recalled:
        """Read the host's record of a command. Raises ConnectError, LostError, or StepError."""
        await self.prepare(become)  # so that its own record is known, and left alone
        return await recalled(self.run, self._records, key, become)

    async def end(self, group: int, become: Become | None) -> str:
        """End a process group of an earlier session; of one that had ended by then only its record knows how."""
        try:
            found = await self._kill(become, group)
        except TimeoutError:
            return "unknown"
        return "unknown" if found == "ended" else found

    def beside(self) -> "ShellSession":
        """Shells of its own over the same connection, which stays open when they are closed."""
        return ShellSession(
            self._open_pipe,
            grace=self._grace,
            password=self._password,
            hello_timeout=self._hello_timeout,
            patience=self._patience,
            records=self._records,
        )

    async def close(self) -> None:
        """Close all shells and what carries them; never raises."""
        self._closed = True
        async with asyncio.TaskGroup() as group:
            for user, channel in self._channels.items():
                if channel.is_idle and channel.hello.record:
                    group.create_task(self._farewell(user, channel))
        async with asyncio.TaskGroup() as group:
            # All at once: a connection that closes takes its channels along, without a round trip for each.
            for channel in (*self._channels.values(), *self._given_up):
                group.create_task(channel.close())
            group.create_task(self._closed_connection())

    async def _farewell(self, user: str | None, channel: Channel) -> None:
        """Have a shell end and remove its record, and what earlier ones of its user have left."""
        records, own = self._records, channel.hello.record
        channel.on_gone = _nobody
        records.spent(own, user)
        others = records.take(user)
        if not await channel.farewell(records.files(others), FAREWELL):
            records.removable[user].update({own, *others})

    async def _closed_connection(self) -> None:
        await self._close_connection()

    async def _channel(self, become: Become | None) -> Channel:
        key = become.user if become else None
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = await self._open(become)
        return channel

    async def _open(self, become: Become | None, *, noted: bool = True) -> Channel:
        """Open a shell, which keeps a record if it is ``noted``."""
        user = become.user if become else None
        name = self._records.fresh(user) if noted else None
        try:
            channel = await self._opened(become, lambda: Channel(name, self._grace))
        except BaseException:
            self._records.opened(name, user, None)
            raise
        self._records.opened(name, user, channel.hello)
        channel.on_gone = partial(self._lost, channel, user)
        return channel

    def _lost(self, channel: Channel, user: str | None) -> None:
        self._records.lost(channel.hello.record, user, channel.open_key)

    async def _opened(self, become: Become | None, make: Callable[[], Channel]) -> Channel:
        """A user that was refused once is not tried again: wrong passwords lock accounts."""
        if become is None:
            return await open_login_shell(self._open_pipe, self._hello_timeout, make)
        if become.user in self._refused:
            raise self._refused[become.user]
        try:
            password = self._password(become)
            return await open_sudo_shell(self._open_pipe, become.user, password, self._hello_timeout, make)
        except StepError as error:
            self._refused[become.user] = error
            raise

    async def _run_on(self, channel: Channel, command: Command, stdin: bytes) -> CommandResult:
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
            channel = await self._open(command.become)
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
                fate.killed = await self._kill(step.command.become, fate.group)
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

    async def _kill(self, become: Become | None, group: int) -> str:
        """End a group through a second shell of the same user."""
        async with asyncio.timeout(self._grace + KILL_LIMIT):
            control = await self._open(become, noted=False)
            try:
                return await end_group(control, group, self._grace, self._patience)
            finally:
                await control.close()

    def _give_up(self, channel: Channel) -> None:
        """Leave a shell that still waits for its step: it ends by itself after that, and nobody listens to it."""
        channel.step = None
        channel.pipe.write_eof()
        self._given_up.append(channel)
        for key, known in tuple(self._channels.items()):
            if known is channel:
                del self._channels[key]


def _nobody() -> None:
    """Nobody needs to know that a shell has ended that was asked to."""


def _is_over(step: Step) -> bool:
    """Whether it has ended by now; a function, since a type checker takes what it was for what it is."""
    return step.ended
