"""A whole run: its plays, each when those it needs have ended, over sessions that live while somebody wants them."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from runner.engine.context import Run
from runner.engine.host_locks import host_locks
from runner.engine.play import PlayRun
from runner.engine.preflight import preflight
from runner.engine.recalling import restore_names
from runner.engine.stop import Level
from runner.model.outcome import HostStatus
from runner.model.plan import PlannedPlay
from runner.model.playbook import leaves


async def run_plan(run: Run) -> None:
    """Carry the plan out; what happened is in the events. Raises the run's fatal error, if any, at its end."""
    restore_names(run)
    run.users.update(name for play in run.plan.plays for name in (*play.hosts, *play.delegates))
    unreachable = await preflight(run)
    over = {play.id: _Over() for play in run.plan.plays}
    async with host_locks(run, unreachable), asyncio.TaskGroup() as group:
        for play in run.plan.plays:
            group.create_task(_play(run, play, over, unreachable))
    await run.sessions.close_all()
    if run.fatal is not None:
        raise run.fatal


async def roll_back_plan(run: Run, reason: str) -> None:
    """Roll every play of a run back, the last first, where earlier processes have touched hosts.

    ``reason`` is said to people. Raises the run's fatal error, if any, at its end.
    """
    restore_names(run)
    run.users.update(name for play in run.plan.plays for name in (*play.hosts, *play.delegates))
    async with host_locks(run, touched=True):
        for play in reversed(run.plan.plays):
            going = PlayRun(run, play, barred={})
            await going.go_back(reason)
            await _let_go(run, play)
    await run.sessions.close_all()
    if run.fatal is not None:
        raise run.fatal


@dataclass(slots=True)
class _Over:
    """What came of a play, for those that need it: the play that failed, and hosts that ended badly, with reasons."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    failed: str = ""
    bad: dict[str, str] = field(default_factory=dict)


async def _play(run: Run, play: PlannedPlay, over: dict[str, _Over], unreachable: dict[str, str]) -> None:
    mine, needed = over[play.id], [over[need] for need in play.needs]
    for other in needed:
        await other.ended.wait()
    for other in needed:
        mine.bad.update(other.bad)
    mine.failed = next((other.failed for other in needed if other.failed), "")
    found = unreachable if play.strategy.preflight else {}
    going = PlayRun(run, play, barred=dict(mine.bad), unreachable=found)
    try:
        await _carry_out(going, mine)
    finally:
        mine.ended.set()
    await _let_go(run, play)


async def _carry_out(going: PlayRun, mine: _Over) -> None:
    run, play = going.run, going.play
    if mine.failed or run.stop.level >= Level.DRAIN:
        reason = run.stop.reason or f"dependency failed: {mine.failed}"
        for wave in play.waves:
            going.skip(wave.hosts, wave.index, reason)
        return
    await going.go()
    mine.failed = play.id if going.has_failed else ""
    for name, status in going.statuses.items():
        if status is not HostStatus.NOT_RUN and not status.is_well:
            mine.bad.setdefault(name, f"{status} in play {play.id}")


async def _let_go(run: Run, play: PlannedPlay) -> None:
    """Close the connections that no other play wants."""
    names = Counter((*play.hosts, *play.delegates))
    run.users.subtract(names)
    for name in names:
        if run.users[name] <= 0:
            await run.sessions.close(name)


def shared_ids(plays: tuple[PlannedPlay, ...]) -> frozenset[str]:
    """Step ids that several plays have."""
    counts = Counter(
        step
        for play in plays
        for step in {leaf.id for nodes in play.sections for leaf in leaves(nodes, everything=True)}
    )
    return frozenset(step for step, count in counts.items() if count > 1)
