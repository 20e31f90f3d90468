"""Where hosts of a wave wait for each other while there is no room for all of them; pure.

A host that waits gives up its place under ``concurrency``, so no window ever blocks; its place under
``per_group_limit`` it keeps, so hosts of its group that have not come in yet would be waited for without end.
"""

from collections.abc import Iterator
from itertools import groupby

from runner.hostlist import fold
from runner.location import Problem
from runner.model.changing import may_change
from runner.model.plan import PlannedPlay, Wave
from runner.model.playbook import Node, Step, nodes_of


def blocked(play: PlannedPlay) -> list[Problem]:
    """Steps at which the play would wait without end: hosts wait there for others that their group keeps out."""
    if play.strategy.sync == "lockstep":
        return []  # all hosts end a step before any begins the next, and no place is held between them
    narrow = _narrow(play)
    return [] if narrow is None else [_never(node, *narrow) for node in nodes_of(play.steps) if _waits_for_all(node)]


def held_up(play: PlannedPlay) -> list[Problem]:
    """Warnings (W422) of steps that all hosts of a wave come to, a window at a time, before the first goes on."""
    if play.strategy.sync == "lockstep":
        return []
    return [
        _late(play, node, done, wave)
        for node, done in _behind_changes(play)
        if len((wave := _largest_wait(play, node)).hosts) > play.concurrency
    ]


def _late(play: PlannedPlay, node: Node, done: str, wave: Wave) -> Problem:
    message = (
        f'play "{play.id}": step "{node.id}" waits for all {len(wave.hosts)} hosts of wave {wave.index},'
        f' {play.concurrency} at once: "{done}" will have run on all of them before the first goes on'
    )
    hint = f"write waves: {play.concurrency} where that is too many"
    return Problem("W422", message, node.location, hint, "warning")


def _largest_wait(play: PlannedPlay, node: Node) -> Wave:
    """The largest wave whose hosts wait at a node. What runs once in the run has run when the first wave is over."""
    is_over = node.once == "run" and node.when is None and not node.needs
    return max(play.waves[:1] if is_over else play.waves, key=lambda wave: len(wave.hosts))


def _narrow(play: PlannedPlay) -> tuple[Wave, str, tuple[str, ...], int] | None:
    """The first wave with more hosts of a group than may come in at once: the group, those hosts, and the limit."""
    limit = play.strategy.per_group_limit
    if limit is None or not play.group_of:
        return None
    for wave in play.waves:
        members = sorted(wave.hosts, key=play.group_of.__getitem__)
        for group, hosts in groupby(members, key=play.group_of.__getitem__):
            names = tuple(hosts)
            most = limit if isinstance(limit, int) else limit.get(group, len(names))
            if len(names) > most:
                return wave, group, names, most
    return None


def _waits_for_all(node: Node) -> bool:
    """Without ``when`` the first host of a wave that comes to a ``once`` step does it: nobody waits for the others."""
    return bool(node.needs) or (node.once is not None and node.when is not None)


def _never(node: Node, wave: Wave, group: str, hosts: tuple[str, ...], limit: int) -> Problem:
    message = (
        f'step "{node.id}" would wait without end: wave {wave.index} has {len(hosts)} hosts of "{group}"'
        f" ({fold(hosts)}); per_group_limit lets in {limit} at once"
    )
    hint = f"write per_group_limit: {len(hosts)}, waves with at most {limit} of a group, or sync: lockstep"
    return Problem("E420", message, node.location, hint)


def _behind_changes(play: PlannedPlay) -> Iterator[tuple[Node, str]]:
    """Nodes where hosts wait for each other, with the id of the last step before them that changes something."""
    changing = ""
    for node in nodes_of(play.steps):
        if node.section:
            continue  # it is there for what goes wrong, or runs behind the others
        if changing and (node.needs or node.once is not None):
            yield node, changing
        if isinstance(node, Step) and may_change(node):
            changing = node.id
