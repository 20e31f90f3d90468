"""What a command reads: small inputs ride in the step's own text, large ones follow it through a pipe of their own."""

import asyncio
import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from runner.errors import StepError
from runner.framing import can_inline
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


async def feed(channel: Channel, step: Step, source: BinaryIO) -> None:
    """Write the whole input, or as much as the command lives to read, and wait for the command's end."""
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(_write(channel, step, source))
        await asyncio.wait([step.done])
        writing.cancel()


async def _write(channel: Channel, step: Step, source: BinaryIO) -> None:
    """Not before the step has begun: sh reads ahead, and what it has read is not the command's any more."""
    await channel.until(lambda: step.begun or channel.gone is not None)
    try:
        while chunk := source.read(CHUNK):
            channel.pipe.write(chunk)
            await channel.pipe.drain()
    except OSError as error:
        step.fail(StepError(f"cannot read the input: {error.strerror}"))
        return
    channel.pipe.write_eof()
