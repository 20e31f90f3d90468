"""How many hosts work at once, and in how many turns a wave gets through; pure."""

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence

from runner.model.plan import PlannedPlay, Wave


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


def at_once_in(play: PlannedPlay, wave: Wave) -> int:
    """The most hosts of a wave that are ever at work at once."""
    limit, most = play.strategy.per_group_limit, min(play.concurrency, len(wave.hosts))
    if limit is None or not play.group_of:
        return most
    sizes = Counter(play.group_of[name] for name in wave.hosts)
    return min(most, sum(min(size, _limit_of(group, limit, size)) for group, size in sizes.items()))


def at_once(plays: Sequence[PlannedPlay]) -> int:
    """The most hosts that are ever at work at once, in all plays that may run at the same time."""
    widest = {play.id: max(at_once_in(play, wave) for wave in play.waves) for play in plays}
    apart = _apart(plays)
    most = max((sum(widest[other] for other in apart[play.id]) for play in plays), default=0)
    return min(most, len({name for play in plays for name in play.hosts}))


def _apart(plays: Sequence[PlannedPlay]) -> dict[str, list[str]]:
    """For each play itself and those that neither wait for it nor it for them."""
    before = {play.id: _all_before(play, {other.id: other for other in plays}) for play in plays}
    return {
        one.id: [two.id for two in plays if one.id not in before[two.id] and two.id not in before[one.id]]
        for one in plays
    }


def _all_before(play: PlannedPlay, by_id: Mapping[str, PlannedPlay]) -> set[str]:
    found: set[str] = set()
    waiting = list(play.needs)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += by_id[name].needs
    return found


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


def _limit_of(group: str, limit: int | Mapping[str, int], otherwise: int) -> int:
    return limit if isinstance(limit, int) else limit.get(group, otherwise)
