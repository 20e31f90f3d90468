"""The longest time that steps, waves, plays and plans may take: what timeouts and retries allow at most. Pure.

Connecting is not counted, nor the seconds that ending a process group takes.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from runner.model.plan import PlannedPlay, Wave
from runner.model.playbook import Retry, Step

Items = Callable[[PlannedPlay, Step], int | None]
"""How many items the loop of a step has; 1 where it has none, None where only the run can tell."""


@dataclass(frozen=True, slots=True)
class Longest:
    """Seconds, or None where there is no knowing: steps in ``endless`` have no timeout, loops in ``open`` no length.

    Steps are named ``play/step``.
    """

    seconds: float | None = 0.0
    endless: tuple[str, ...] = ()
    open: tuple[str, ...] = ()

    def __add__(self, other: "Longest") -> "Longest":
        known = None if self.seconds is None or other.seconds is None else self.seconds + other.seconds
        return Longest(known, _union(self.endless, other.endless), _union(self.open, other.open))

    def times(self, number: int) -> "Longest":
        """The same ``number`` times in a row."""
        return Longest(None if self.seconds is None else self.seconds * number, self.endless, self.open)


def of_step(play: PlannedPlay, step: Step, items: Items) -> Longest:
    """One step on one host: every try of every item to its timeout, and the delays between them."""
    name = f"{play.id}/{step.id}"
    endless = (name,) if step.timeout is None else ()
    number = items(play, step)
    if step.timeout is None or number is None:
        return Longest(None, endless, (name,) if number is None else ())
    attempts = step.retry.attempts if step.retry else 1
    return Longest((attempts * step.timeout + delays(step.retry)) * number)


def of_host(play: PlannedPlay, items: Items) -> Longest:
    """All steps of a play on one host."""
    return _sum(of_step(play, step, items) for step in play.counted)


def of_wave(play: PlannedPlay, wave: Wave, items: Items) -> Longest:
    """One wave: as many turns as its hosts need, each as long as a host may take."""
    return of_host(play, items).times(turns(play, wave))


def of_play(play: PlannedPlay, items: Items) -> Longest:
    """All waves of a play, one after another."""
    return of_host(play, items).times(sum(turns(play, wave) for wave in play.waves))


def of_plays(plays: Iterable[PlannedPlay], items: Items) -> Longest:
    """Plays one after another."""
    return _sum(of_play(play, items) for play in plays)


def delays(policy: Retry | None) -> float:
    """Seconds of all waits between the tries of a step, at most."""
    if policy is None:
        return 0.0
    growth = policy.factor if policy.backoff == "exponential" else 1.0
    total, delay = 0.0, policy.delay
    for tried in range(1, policy.attempts):
        if growth == 1.0 or delay >= policy.max_delay:
            # From here on all waits are equal: a policy may have very many tries.
            return total + min(delay, policy.max_delay) * (policy.attempts - tried)
        total += delay
        delay *= growth
    return total


def turns(play: PlannedPlay, wave: Wave) -> int:
    """How often hosts of a wave follow each other under ``concurrency`` and ``per_group_limit``."""
    limit = play.strategy.per_group_limit
    if limit is None or not play.group_of:
        return -(-len(wave.hosts) // play.concurrency)
    left = OrderedDict(Counter(play.group_of[name] for name in wave.hosts))
    number = 0
    while left:
        number += 1
        _let_in(left, play.concurrency, limit)
    return number


def _let_in(left: OrderedDict[str, int], places: int, limit: int | Mapping[str, int]) -> None:
    """One turn: hosts come in by their groups as long as there are places. Looks only at groups that get one."""
    done = []
    for group, number in left.items():
        let_in = min(number, places, _limit_of(group, limit, places))
        left[group] -= let_in
        places -= let_in
        if not left[group]:
            done.append(group)
        if not places:
            break
    for group in done:
        del left[group]


def at_once(play: PlannedPlay) -> int:
    """The most hosts of a play that are ever at work at once."""
    return max((_at_once(play, wave) for wave in play.waves), default=0)


def _at_once(play: PlannedPlay, wave: Wave) -> int:
    limit, most = play.strategy.per_group_limit, min(play.concurrency, len(wave.hosts))
    if limit is None or not play.group_of:
        return most
    sizes = Counter(play.group_of[name] for name in wave.hosts)
    return min(most, sum(min(size, _limit_of(group, limit, size)) for group, size in sizes.items()))


def _limit_of(group: str, limit: int | Mapping[str, int], otherwise: int) -> int:
    return limit if isinstance(limit, int) else limit.get(group, otherwise)


def _sum(parts: Iterable[Longest]) -> Longest:
    return sum(parts, Longest())


def _union(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))
