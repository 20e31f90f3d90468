"""Opening a shell on the host, as the login user."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from runner.errors import ConnectError
from runner.shell.channel import Channel
from runner.shell.pipes import OpenPipe

HELLO_TIMEOUT = 30.0
"""Seconds that a shell, behind slow rc files, has for its hello."""

SHELL = "exec /bin/sh"
"""What the login shell is asked to do, in characters that mean the same to every shell."""

_SHOWN = 300  # characters of foreign output in a message
_HINT = "look at rc files that wait or exit, ForceCommand in sshd_config, and the login shell (nologin)"


async def open_login_shell(open_pipe: OpenPipe, seconds: float, make: Callable[[], Channel] = Channel) -> Channel:
    """A shell that has answered. Raises ConnectError where the host runs something else, or nothing."""
    channel = make()
    channel.is_eager = True
    async with started(open_pipe, SHELL, channel):
        if not channel.has_greeted:
            channel.greet()
        try:
            async with asyncio.timeout(seconds):
                await channel.until(lambda: channel.ready or channel.gone is not None)
        except TimeoutError:
            raise _something_else(channel, f"no shell answered within {seconds:g} s") from None
        if not channel.ready:
            raise lost(channel) or _something_else(channel, "the host ran something else than a shell")
        return channel


@contextlib.asynccontextmanager
async def started(open_pipe: OpenPipe, line: str, channel: Channel) -> AsyncIterator[Channel]:
    """Give a channel its pipe to a command line; it is closed again only when the block fails."""
    channel.pipe = await open_pipe(line, channel)
    try:
        yield channel
    except BaseException:
        await channel.close()
        raise


def lost(channel: Channel) -> ConnectError | None:
    """The error for a pipe that did not end in order; None where it did."""
    if not channel.gone:
        return None
    return ConnectError("closed_midway", f"the connection was lost: {channel.gone}", temporary=True)


def _something_else(channel: Channel, what: str) -> ConnectError:
    said = channel.preamble["stdout"] or channel.preamble["stderr"]
    message = f"{what}; its first output: {shown(said)}" if said else f"{what}; it said nothing"
    return ConnectError("protocol", message, hint=_HINT)


def shown(said: bytes) -> str:
    """The beginning of what a host said, on one line, in quotes, with nothing that could move a cursor."""
    text = said.decode("utf-8", "backslashreplace").strip()
    start = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[:_SHOWN])
    return f'"{start}"' + ("…" if len(text) > _SHOWN else "")
