"""A whole run: its plays one after another, over sessions that live as long as it does."""

from collections import Counter

from runner.engine.context import Run
from runner.engine.play import PlayRun
from runner.engine.stop import Level
from runner.model.outcome import HostStatus
from runner.model.plan import PlannedPlay


async def run_plan(run: Run) -> None:
    """Carry the plan out; what happened is in the events. Raises the run's fatal error, if any, at its end."""
    barred: dict[str, str] = {}
    failed: str | None = None
    last = _last_plays(run.plan.plays)
    for number, play in enumerate(run.plan.plays):
        keep = frozenset(name for name, at in last.items() if at > number)
        going = PlayRun(run, play, barred=barred, keep=keep)
        if failed is not None or run.stop.level >= Level.DRAIN:
            reason = run.stop.reason or f"dependency failed: {failed}"
            for wave in play.waves:
                going.skip(wave.hosts, wave.index, reason)
            continue
        await going.go()
        failed = play.id if going.has_failed else None
        for name, status in going.statuses.items():
            if status is not HostStatus.NOT_RUN and not status.is_well:
                barred.setdefault(name, f"{status} in play {play.id}")
    await run.sessions.close_all()
    if run.fatal is not None:
        raise run.fatal


def _last_plays(plays: tuple[PlannedPlay, ...]) -> dict[str, int]:
    """The number of the last play that each host is in: until then its connection stays open."""
    return {name: number for number, play in enumerate(plays) for name in play.hosts}


def shared_ids(plays: tuple[PlannedPlay, ...]) -> frozenset[str]:
    """Step ids that several plays have."""
    counts = Counter(step.id for play in plays for step in play.counted)
    return frozenset(step for step, count in counts.items() if count > 1)
