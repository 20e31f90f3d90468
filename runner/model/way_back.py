"""What is left of the way back of a plan: the rollback steps that a resume runs, and ``always`` behind them. Pure.

The latest wave goes first; hosts that nothing has touched are left alone, and what ran well on the way back stays done.
What runs once is told of the first host that it may run on.
"""

from collections.abc import Iterator, Sequence

from runner.model.outcome import HostStatus
from runner.model.past import HostPast, Past, PlayPast
from runner.model.plan import Plan, PlannedPlay
from runner.model.playbook import Node, leaves
from runner.model.remaining import Left, is_back_due, left, steps_left

Place = tuple[int, str]
"""A wave, from 1, and a host of it."""


def left_at_all(plan: Plan, past: Past, *, is_asked: bool) -> tuple[Left, ...]:
    """What a resume will do if nothing goes wrong, in that order.

    ``is_asked`` where the whole run goes back because somebody asked for it: the last play first, and nothing forwards.
    """
    if is_asked:
        found = [play for play in reversed(plan.plays) if play.rollback]
        return tuple(one for play in found for one in left_back(play, past.plays.get(play.id) or PlayPast()))
    forwards = left(plan, past)
    parts: list[Left] = []
    for play in plan.plays:
        mine = past.plays.get(play.id)
        is_back = mine is not None and is_back_due(play, mine)
        parts += left_back(play, mine) if is_back and mine else [one for one in forwards if one.play == play.id]
    return tuple(parts)


def left_back(play: PlannedPlay, past: PlayPast) -> Iterator[Left]:
    """What is left of the way back of one play."""
    if past.rollback == HostStatus.ROLLED_BACK:
        return
    waves = [[(wave.index, name) for name in wave.hosts if _is_due(past.hosts.get(name))] for wave in play.waves]
    for wave in reversed(waves):
        for place in wave:
            yield from _rollback(play, past, place, None)
            yield from _always(play, place, None)
        yield from _rollback(play, past, wave[0], "wave") if wave else ()
    due = [place for wave in reversed(waves) for place in wave]
    yield from _rollback(play, past, due[0], "run") if due else ()
    started = [name for name in play.hosts if name in past.hosts and past.hosts[name].is_started]
    yield from _always(play, (past.hosts[started[0]].wave, started[0]), "run") if started else ()


def _is_due(host: HostPast | None) -> bool:
    """Whether a step changed something on it, failed or may have, and it is not back."""
    if host is None or host.status == HostStatus.ROLLED_BACK:
        return False
    return any(step.has_touched for step in host.steps.values())


def _rollback(play: PlannedPlay, past: PlayPast, place: Place, once: str | None) -> Iterator[Left]:
    """What is left on one host of the way back: of what each host runs, or of what runs once in the wave or the run."""
    host = past.hosts[place[1]]
    steps = tuple(steps_left(_nodes(play.rollback, once), host.steps if host.is_back else {}))
    if steps:
        yield Left(play.id, *place, steps, "rollback")


def _always(play: PlannedPlay, place: Place, once: str | None) -> Iterator[Left]:
    """What runs behind it whatever happened, and whatever ran before."""
    steps = tuple(step.id for step in leaves(_nodes(play.always, once)))
    if steps:
        yield Left(play.id, *place, steps, "always")


def _nodes(nodes: Sequence[Node], once: str | None) -> list[Node]:
    return [node for node in nodes if node.once == once]
