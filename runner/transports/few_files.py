"""Waiting for open files: where all are in use, another host's end frees some.

A run reckons beforehand how many hosts its limit on open files bears. What else takes files, or a limit of the whole
machine, can't be reckoned: then a connection waits for its turn.
"""

import asyncio
import errno
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

USED_UP = {errno.EMFILE, errno.ENFILE}

PATIENCE = 20.0
"""Seconds to wait for files in all; then it is an error like any other."""

PAUSE = 0.1
"""Seconds between two tries."""


async def when_there_are(open_: Callable[[], Awaitable[T]]) -> T:
    """What ``open_`` gives, tried again while there are no files for it. Raises what it raises, in the end."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while True:
        try:
            return await open_()
        except OSError as error:
            if error.errno not in USED_UP or loop.time() >= end:
                raise
        await asyncio.sleep(PAUSE)
