"""In which order hosts are let in, and the groups that waves draw from; pure.

**Why sort by numbers drawn, and not** ``random.shuffle``. Python promises that equal seeds give equal numbers from
``random()`` in every version; how ``shuffle`` uses them it may change, and a plan must be the same on every machine.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from random import Random

from runner.model.inventory import Group
from runner.model.natural import natural_key


def ordered(hosts: Sequence[str], order: str, seed: int) -> tuple[str, ...]:
    """Hosts, given in inventory order, as ``order`` says: ``inventory``, ``reverse``, ``sorted`` or ``shuffle``.

    ``sorted`` takes numbers in names as numbers (``web2`` before ``web10``). ``seed`` decides a shuffle alone.
    """
    match order:
        case "reverse":
            return tuple(reversed(hosts))
        case "sorted":
            return tuple(sorted(hosts, key=natural_key))
        case "shuffle":
            chance = Random(seed)  # noqa: S311 - it spreads load and guards nothing
            return tuple(host for _, host in sorted([(chance.random(), host) for host in hosts]))
    return tuple(hosts)


def by_groups(hosts: Iterable[str], groups: Sequence[Group]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Each host's group, the first of ``groups`` that has it; and the hosts that are in none."""
    group_of: dict[str, str] = {}
    for group in reversed(groups):
        group_of.update(dict.fromkeys(group.hosts, group.name))
    return _split(hosts, group_of.get)


def by_value(hosts: Iterable[str], value_of: Callable[[str], str | None]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Each host's group, named as the value that ``value_of`` gives for it; and the hosts that it gives None for."""
    return _split(hosts, value_of)


def drawn_in(spread: str, hosts: Iterable[str], group_of: Mapping[str, str]) -> tuple[str, ...]:
    """Hosts in the order in which they are drawn from their groups.

    In turn (a1 b1 c1 a2 b2 a3), so that each wave takes evenly from all groups; with ``group_at_a_time`` one group
    after the other. Groups come in the order of their first hosts, and hosts of a group stay in order.
    """
    members: dict[str, list[str]] = {}
    for host in hosts:
        members.setdefault(group_of[host], []).append(host)
    drawn = chain.from_iterable if spread == "group_at_a_time" else _taken_in_turn
    return tuple(drawn(members.values()))


def _split(hosts: Iterable[str], group: Callable[[str], str | None]) -> tuple[dict[str, str], tuple[str, ...]]:
    named = [(host, group(host)) for host in hosts]
    return (
        {host: name for host, name in named if name is not None},
        tuple(host for host, name in named if name is None),
    )


def _taken_in_turn(lists: Iterable[list[str]]) -> Iterator[str]:
    """The first of each list, then the second of each; lists that have come to their end are not looked at again."""
    turn, left = 0, list(lists)
    while left:
        yield from (members[turn] for members in left)
        turn += 1
        left = [members for members in left if len(members) > turn]
