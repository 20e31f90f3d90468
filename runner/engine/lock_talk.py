"""What is said to hosts about their locks, and in which time; who gets them is decided in ``host_locks``."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from runner.engine.sessions import Sessions
from runner.engine.stop import Deadline, Stop
from runner.errors import LostError, RunnerError
from runner.host_lock import BEAT, LONGEST, RELEASE, SETTLE, TAKE, Answer, Claim, answer_of
from runner.model.inventory import Host
from runner.transport import Command, Session

WORKERS = 64
"""Hosts that are asked at once."""

LIMIT = 30.0
"""Seconds that a host has for its answer."""

PATIENCE = 15.0
"""Seconds for a sign of life, and for giving one lock back, connecting anew included."""

EVERY = 30.0
"""Seconds between two signs of life."""


async def each(hosts: Iterable[Host], work: Callable[[Host], Awaitable[None]], *, at_once: int = WORKERS) -> None:
    """Do it for all of them, some at once."""
    waiting = iter(hosts)

    async def one_after_another() -> None:
        for host in waiting:
            await work(host)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(one_after_another())


async def ask_for(sessions: Sessions, host: Host, claim: Claim, stop: Stop) -> Answer:
    """Ask a host for its lock; again where the connection went away, for it may have heard us.

    Raises RunnerError, and TimeoutError where it does not answer or the run is killed.
    """
    try:
        async with Deadline(stop, limit=LIMIT):
            return await _ask(await sessions.get(host), TAKE, claim.id, claim.line)
    except LostError:
        async with Deadline(stop, limit=LIMIT):
            return await _ask(await sessions.get(host), TAKE, claim.id, claim.line)


async def give_back(sessions: Sessions, hosts: Iterable[Host], claim: Claim) -> dict[str, Answer]:
    """Give locks back; gives the answers of the hosts that gave one, within four times ``PATIENCE``."""
    found: dict[str, Answer] = {}

    async def work(host: Host) -> None:
        sessions.bar(host.name, None)
        with suppress(RunnerError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                found[host.name] = await _ask(await sessions.get(host), RELEASE, claim.id)

    with suppress(TimeoutError):
        async with asyncio.timeout(4 * PATIENCE):
            await each(hosts, work)
    return found


async def release_by_hand(sessions: Sessions, hosts: Iterable[Host], lock_id: str) -> dict[str, Answer | RunnerError]:
    """Release the locks of that id, whoever has them: what came of it on each host, or why it was not reached."""
    found: dict[str, Answer | RunnerError] = {}

    async def work(host: Host) -> None:
        try:
            session = await sessions.get(host)
            async with asyncio.timeout(LIMIT):
                found[host.name] = await _ask(session, RELEASE, lock_id)
        except RunnerError as error:
            found[host.name] = error
        except TimeoutError:
            found[host.name] = LostError("it did not answer")

    await each(hosts, work)
    return found


async def show_life(sessions: Sessions, hosts: list[Host], claim: Claim) -> None:
    """Say that the run has all its hosts, and then, until this is cancelled, that it still lives.

    Nobody opens a connection for either, and hosts that don't answer are passed over.
    """

    async def settle(host: Host) -> None:
        if (session := sessions.ready(host, None)) is not None:
            await _told(session, SETTLE, claim)

    async def beat(host: Host) -> None:
        if sessions.ready(host, None) is not None:
            with suppress(RunnerError):
                async with sessions.beside(host) as session:
                    await _told(session, BEAT, claim)

    await each(hosts, settle, at_once=len(hosts))  # before their steps, which would keep it waiting
    while True:
        await asyncio.sleep(EVERY)
        await each(hosts, beat)


async def _told(session: Session, script: str, claim: Claim) -> None:
    with suppress(RunnerError, TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await session.run(Command(script=script, args=(claim.id,), limit=LONGEST))


async def _ask(session: Session, script: str, *args: str) -> Answer:
    result = await session.run(Command(script=script, args=args, limit=LONGEST))
    return answer_of(result.stdout.head)
