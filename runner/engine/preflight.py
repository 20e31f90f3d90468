"""Preflight: before the first play connect to every host of plays that ask for it, and to the delegates that are known.

Connections stay open, so that nothing is connected twice, unless there are more than open files allow.
"""

import asyncio
from collections.abc import Iterator

from runner.engine.context import Run
from runner.engine.stop import Deadline, Level
from runner.errors import ConnectError
from runner.model.inventory import CONTROLLER
from runner.model.past import PlayPast
from runner.model.plan import PlannedPlay
from runner.model.remaining import is_over, is_play_over

WORKERS = 64
"""Connections asked for at once; how many are being opened is the limits' affair."""


async def preflight(run: Run) -> dict[str, str]:
    """The hosts that can't be reached, with the reason."""
    plays = [play for play in run.plan.plays if play.strategy.preflight]
    names = dict.fromkeys(name for play in plays for name in _wanted(run, play) if name != CONTROLLER)
    waiting = iter(names)
    found: dict[str, str] = {}
    keep = run.max_open is None or len(run.plan.hosts) <= run.max_open
    async with asyncio.TaskGroup() as group:
        for _ in range(min(WORKERS, len(names))):
            group.create_task(_connect(run, waiting, found, keep=keep))
    return {name: found[name] for name in names if name in found}


def _wanted(run: Run, play: PlannedPlay) -> Iterator[str]:
    """The delegates of a play and its hosts, but for those that earlier processes have done with."""
    past = (run.past.plays.get(play.id) if run.past else None) or PlayPast()
    if not is_play_over(play, past):
        yield from play.delegates
        yield from (name for name in play.hosts if not is_over(past.hosts.get(name)))


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
