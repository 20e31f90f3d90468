"""What took the longest: steps over their hosts, and hosts over their steps."""

from collections import Counter

from runner.model.account import SlowHost, SlowStep
from runner.model.ends import CODES, end_at
from runner.model.natural import natural_key
from runner.model.outcome import Status
from runner.model.state import PlayProgress, RunState, StepStats

SLOWEST = 5
"""How many of the slowest steps, and hosts, are named."""


_NOT_RUN = (0, CODES[Status.SKIPPED])


def slowest_steps(state: RunState) -> tuple[SlowStep, ...]:
    """The steps that took the longest on one host; of handlers, rescue, always and rollback too."""
    steps = [
        (stats.longest, play.id, name, stats, play)
        for play in state.plays.values()
        for name, stats in [*play.steps.items(), *play.others.items()]
        if stats.longest > 0
    ]
    steps.sort(key=lambda step: (-step[0], step[1], step[2]))
    return tuple(
        SlowStep(
            play=play,
            step=step,
            count=stats.count,
            hosts=_hosts(state, of, step, stats),
            mean=round(stats.micros / stats.count / 1e6, 6),
            longest=longest / 1e6,
            host=stats.slowest,
        )
        for longest, play, step, stats, of in steps[:SLOWEST]
    )


def _hosts(state: RunState, play: PlayProgress, step: str, stats: StepStats) -> int:
    """On how many hosts it has run; 0 where nobody keeps count of that: what belongs to a section, in a resumed run."""
    if step not in play.steps:
        return stats.count if state.processes == 1 and stats.count <= len(play.hosts) else 0
    return sum(end_at(host.ends, stats.index) not in _NOT_RUN for host in play.hosts.values())


def slowest_hosts(state: RunState) -> tuple[SlowHost, ...]:
    """The hosts that were at work the longest, over all plays."""
    micros: Counter[str] = Counter()
    for play in state.plays.values():
        for name, host in play.hosts.items():
            micros[name] += host.micros
    slowest = sorted((item for item in micros.items() if item[1]), key=lambda item: (-item[1], natural_key(item[0])))
    return tuple(SlowHost(host=host, duration=total / 1e6) for host, total in slowest[:SLOWEST])
