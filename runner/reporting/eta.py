"""How much longer a run will take, reckoned from the plan and from what has ended.

The work left is, for each step, the hosts that it has yet to end on times its mean so far; steps nobody has done yet
are taken to be as long as the others. It goes on as fast as the work done so far went, gates and connecting included.
What hosts are busy with now counts with the time they have been at it; in a run that was resumed, what may be done
again is left, and the time in which nobody was there is none. Time in which nothing but a person or a bake was
waited for is no measure of work and left out; the bakes to come are added as they are. Handlers, rescue and the like
take their share of the time and are no work of their own, for nobody knows whether they will run.
"""

from collections.abc import Mapping

from runner.model.progress import Progress
from runner.model.state import PlayProgress

BUSY = 300
"""Hosts in one step up to which each one's own time is looked at; of more, half a mean is taken."""

NO_BAKES: Mapping[str, float] = {}


def seconds_left(progress: Progress, now: float, bakes: Mapping[str, float] = NO_BAKES) -> float | None:
    """Seconds until the end, or None while nothing is known. ``now`` in epoch seconds, ``bakes`` in seconds by play."""
    idle = progress.waited + (now - progress.waiting_since if progress.waiting_since is not None else 0.0)
    elapsed = now - progress.started_at - progress.away - idle
    overall = _overall_mean(progress)
    if overall is None or elapsed <= 0:
        return None
    under_way, saved = _under_way(progress, now, overall)
    done = _work_done(progress) + under_way
    if done <= 0:
        return None
    left = sum(_left(play, overall) for play in progress.plays.values()) - saved
    return elapsed * max(left, 0.0) / done + max(_bakes(progress, now, bakes), default=0.0)


def _bakes(progress: Progress, now: float, bakes: Mapping[str, float]) -> list[float]:
    """Seconds that each play has yet to bake; plays may do so at the same time."""
    return [_bakes_of(play, now, bakes.get(play.id, 0.0)) for play in progress.plays.values()]


def _bakes_of(play: PlayProgress, now: float, bake: float) -> float:
    if play.counts.total() - play.stale >= play.of_hosts:
        return 0.0
    ended = max(play.waves, default=0) - (play.open_wave is not None)
    rest = max(play.bake[1] - now, 0.0) if play.bake is not None else 0.0
    return max(play.of_waves - 1 - ended, 0) * bake + rest


def _work_done(progress: Progress) -> float:
    return sum(stats.micros for play in progress.plays.values() for stats in play.steps.values()) / 1e6


def _overall_mean(progress: Progress) -> float | None:
    ended = sum(stats.count for play in progress.plays.values() for stats in play.steps.values())
    return _work_done(progress) / ended if ended else None


def _left(play: PlayProgress, overall: float) -> float:
    """Seconds of work, over all hosts, that a play has yet to do."""
    unseen = (
        max(play.of_steps - len(play.steps), 0) * max(play.of_hosts - play.counts.total() + play.stale, 0) * overall
    )
    return unseen + sum(
        max(play.of_hosts - stats.gone + stats.stale, 0)
        * (stats.micros / stats.count / 1e6 if stats.count else overall)
        for stats in play.steps.values()
    )


def _under_way(progress: Progress, now: float, overall: float) -> tuple[float, float]:
    """Seconds spent on steps at work, and how much of what is left that has saved: never more than a mean each."""
    spent = saved = 0.0
    for (play, step), began in progress.at_work.items():
        stats = progress.plays[play].steps.get(step)
        if stats is None:
            continue  # a handler or the like, which is no work of its own
        mean = stats.micros / stats.count / 1e6 if stats.count else overall
        times = [now - since for since in began.values()] if len(began) <= BUSY else [mean / 2] * len(began)
        spent += sum(times)
        saved += sum(min(time, mean) for time in times)
    return spent, saved
