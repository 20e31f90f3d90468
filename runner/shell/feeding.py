"""What a command reads: small inputs ride in the step's own text, large ones follow it through a pipe of their own."""

import asyncio
import contextlib
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from runner.errors import StepError
from runner.framing import can_count, can_inline
from runner.shell.channel import Channel, Step

CHUNK = 256 * 1024
"""Bytes of bulk input written at once."""


def inline(stdin: bytes | Path | None, channel: Channel) -> bytes | None:
    """The input that rides in the step's text, empty for none; None where it has to follow by itself."""
    if stdin is None:
        return b""
    small = isinstance(stdin, bytes) and channel.hello is not None and can_inline(channel.hello, len(stdin))
    return stdin if small and isinstance(stdin, bytes) else None


@contextlib.contextmanager
def opened(stdin: bytes | Path | None) -> Iterator[BinaryIO]:
    """The input as an open file. Raises StepError where a local file can't be read."""
    if not isinstance(stdin, Path):
        yield io.BytesIO(stdin or b"")
        return
    try:
        source = stdin.open("rb")
    except OSError as error:
        raise StepError(f'cannot read "{stdin}": {error.strerror}') from None
    with source:
        yield source


def countable(source: BinaryIO, channel: Channel) -> int | None:
    """The number of bytes that will come, where the shell can be told before; None where it can't, or nobody knows."""
    if not can_count(channel.hello):
        return None
    if isinstance(source, io.BytesIO):
        return source.getbuffer().nbytes
    found = os.fstat(source.fileno())
    return found.st_size if stat.S_ISREG(found.st_mode) else None


async def feed(channel: Channel, step: Step, source: BinaryIO, size: int | None) -> None:
    """Write the whole input, or as much as the command lives to read, and wait for the command's end.

    ``size`` is what the shell was told, None where it takes the end of its own input for the end of the command's.
    """
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(_write(channel, step, source, size))
        await asyncio.wait([step.done])
        writing.cancel()


async def _write(channel: Channel, step: Step, source: BinaryIO, size: int | None) -> None:
    """Not before the step has begun: sh reads ahead, and what it has read is not the command's any more."""
    await channel.until(lambda: step.begun or channel.gone is not None)
    left = -1 if size is None else size
    try:
        while left and (chunk := source.read(CHUNK if left < 0 else min(CHUNK, left))):
            left -= len(chunk) if size is not None else 0
            channel.pipe.write(chunk)
            await channel.pipe.drain()
    except OSError as error:
        step.fail(StepError(f"cannot read the input: {error.strerror}"))
        return
    if left > 0:
        step.fail(StepError(f"the input became shorter while it was read: {left} bytes are missing"))
    elif size is None:
        channel.pipe.write_eof()
    else:
        channel.all_sent()
