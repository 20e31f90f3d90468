"""Preflight: before the first play connect to every host of plays that ask for it, and to the delegates that are known.

Connections stay open, so that nothing is connected twice, unless there are more than open files allow.
"""

import asyncio
from collections.abc import Iterator

from runner.engine.context import Run
from runner.engine.stop import Deadline, Level
from runner.errors import ConnectError
from runner.model.inventory import CONTROLLER

WORKERS = 64
"""Connections asked for at once; how many are being opened is the limits' affair."""


async def preflight(run: Run) -> dict[str, str]:
    """The hosts that can't be reached, with the reason."""
    plays = [play for play in run.plan.plays if play.strategy.preflight]
    names = dict.fromkeys(name for play in plays for name in (*play.delegates, *play.hosts) if name != CONTROLLER)
    waiting = iter(names)
    found: dict[str, str] = {}
    keep = run.max_open is None or len(run.plan.hosts) <= run.max_open
    async with asyncio.TaskGroup() as group:
        for _ in range(min(WORKERS, len(names))):
            group.create_task(_connect(run, waiting, found, keep=keep))
    return {name: found[name] for name in names if name in found}


async def _connect(run: Run, waiting: Iterator[str], found: dict[str, str], *, keep: bool) -> None:
    for name in waiting:
        if run.stop.level >= Level.STOP:
            return
        try:
            async with Deadline(run.stop):
                await run.sessions.get(run.plan.hosts[name])
        except ConnectError as error:
            found[name] = f"{error.cause}: {error.message}"
        except TimeoutError:
            return
        if not keep:
            await run.sessions.close(name)
