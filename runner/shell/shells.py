"""Opening shells on one host, as its users, and leaving them again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from runner.errors import RunnerError, StepError
from runner.model.inventory import Become
from runner.shell.channel import Channel
from runner.shell.opening import open_login_shell
from runner.shell.pipes import OpenPipe
from runner.shell.recall import look
from runner.shell.records import HostRecords
from runner.shell.sudo import open_sudo_shell
from runner.transport import Command, CommandResult

FAREWELL = 2.0
"""Seconds that a shell has for ending in order, and removing its record."""


@dataclass(slots=True)
class Shells:
    """What the sessions of one connection share. The fields are as ShellSession has them.

    ``left`` are shells of sessions that are closed: they end with the connection, all at once.
    """

    open_pipe: OpenPipe
    grace: float
    password: Callable[[Become], str | None]
    hello_timeout: float
    records: HostRecords
    refused: dict[str, StepError] = field(default_factory=dict)
    left: list[Channel] = field(default_factory=list)

    async def open(self, become: Become | None, *, noted: bool = True) -> Channel:
        """Open a shell, which keeps a record if it is ``noted``. Raises ConnectError or StepError."""
        if not noted or not self.records.prefix:
            return await self._opened(become, lambda: Channel(None, self.grace))
        user = become.user if become else None
        async with self.records.turn.opening():
            name = self.records.fresh(user)
            try:
                channel = await self._opened(become, lambda: Channel(name, self.grace))
            except BaseException:
                self.records.opened(name, user, None)
                raise
            self.records.opened(name, user, channel.hello)
        channel.user = user
        channel.on_gone = partial(self._lost, channel)
        return channel

    def _lost(self, channel: Channel) -> None:
        self.records.lost(channel.hello.record, channel.user, channel.open_key)

    async def _opened(self, become: Become | None, make: Callable[[], Channel]) -> Channel:
        """A user that was refused once is not tried again: wrong passwords lock accounts."""
        if become is None:
            return await open_login_shell(self.open_pipe, self.hello_timeout, make)
        if become.user in self.refused:
            raise self.refused[become.user]
        try:
            password = self.password(become)
            return await open_sudo_shell(self.open_pipe, become.user, password, self.hello_timeout, make)
        except StepError as error:
            self.refused[become.user] = error
            raise

    async def leave(self) -> None:
        """Have the shells that can end in order, and remove their records; never raises."""
        waiting = [channel for channel in self.left if channel.is_idle and channel.hello.record]
        await asyncio.gather(*map(self._farewell, waiting))

    async def close(self, close_connection: Callable[[], Awaitable[None]]) -> None:
        """Close what is left and the connection: all at once, without a round trip for each."""
        await asyncio.gather(*(channel.close() for channel in self.left), close_connection())

    async def _farewell(self, channel: Channel) -> None:
        """Have a shell end and remove its record, and what earlier ones of its user have left."""
        records, own, user = self.records, channel.hello.record, channel.user
        await self._find_old(channel)
        channel.on_gone = _nobody
        others = await records.take(own, user)
        if others is None:
            return
        if not await channel.farewell(records.files(others), FAREWELL):
            records.removable[user].update({own, *others})

    async def _find_old(self, channel: Channel) -> None:
        """Find what earlier processes of the run have left on a host that has gone on since then."""
        records = self.records
        if not records.is_resumed or not records.has_gone_on:
            return

        async def run(command: Command) -> CommandResult:
            return await channel.result(channel.send(command))

        try:
            async with asyncio.timeout(FAREWELL), records.turn.looking():
                looked = await look(run, records, None)
        except (TimeoutError, RunnerError):  # the host may hang up at any moment
            return
        for note in looked.notes if looked else ():
            if note.is_over and records.is_old(note.path, note.keys):
                records.settled("", channel.user, note.path)


def _nobody() -> None:
    """Nobody needs to know that a shell has ended that was asked to."""
