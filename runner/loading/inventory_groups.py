"""The groups of an inventory: their members, their order, and what is wrong with how they stand to each other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runner.loading.cursor import Cursor
from runner.loading.inventory_entries import Settings, twice
from runner.location import Location
from runner.model.inventory import CONTROLLER, Group
from runner.patterns import Flaw, Names, did_you_mean, resolve

MAX_NESTING = 64
"""Groups within groups within groups."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A group as it is written: its settings, and where its ``hosts`` and ``groups`` stand."""

    name: str
    settings: Settings
    hosts: tuple[Cursor, ...]
    children: tuple[Cursor, ...]


def declared(name: str, settings: Settings, cursors: Sequence[Cursor]) -> Declared:
    """A group from what all files say about it. A list in two files, or a name twice in one, is a problem (E501)."""
    return Declared(name, settings, _listed(name, cursors, "hosts"), _listed(name, cursors, "groups"))


def _listed(group: str, cursors: Sequence[Cursor], key: str) -> tuple[Cursor, ...]:
    lists = [cursor.at(key) for cursor in cursors if isinstance(cursor.at(key).data, list)]
    for second in lists[1:]:
        twice(second, f'"{key}" of group {group}', lists[0].key)
    seen: dict[str, Cursor] = {}
    for part in lists[0].parts() if lists else ():
        if isinstance(part.data, str) and part.data in seen:
            twice(part, f'"{part.data}" in {key} of group {group}', seen[part.data].here)
        elif isinstance(part.data, str):
            seen[part.data] = part
    return tuple(seen.values())


class Members(Mapping[str, frozenset[str]]):
    """The members of each group, found when they are asked for, those of child groups among them.

    What is wrong with a group is said while its members are looked for: each once, cycles too.
    """

    def __init__(self, groups: Mapping[str, Declared], hosts: Mapping[str, int]) -> None:
        self._groups = groups
        self._names = Names(hosts, self)
        self._found: dict[str, frozenset[str]] = {}
        self._asked: list[str] = []

    def __getitem__(self, name: str) -> frozenset[str]:
        group = self._groups[name]
        if name not in self._found:
            self._asked.append(name)
            self._found[name] = self._members(group)
            self._asked.pop()
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)

    def _members(self, group: Declared) -> frozenset[str]:
        found: set[str] = set()
        for place in group.hosts:
            found |= self._named(place)
        for place in group.children:
            found |= self._child(place)
        return frozenset(found)

    def _named(self, place: Cursor) -> set[str]:
        """The hosts of one pattern."""
        if self._is_cycle(place):
            return set()
        found, flaws = resolve(place.data, self._names)
        for flaw in flaws:
            place.problems.error(flaw.code, flaw.message, _inside(place, flaw), flaw.hint)
        if CONTROLLER in found:
            place.error("E405", f'"{CONTROLLER}" is in no group', f"name it in a play: hosts: {CONTROLLER}")
        return found - {CONTROLLER}

    def _child(self, place: Cursor) -> frozenset[str]:
        if place.data in self._groups:
            return frozenset() if self._is_cycle(place) else self[place.data]
        is_host = place.data in self._names.hosts
        hint = 'it is a host: write it under "hosts"' if is_host else did_you_mean(place.data, self._groups)
        place.error("E504", f'no group is called "{place.data}"', hint)
        return frozenset()

    def _is_cycle(self, place: Cursor) -> bool:
        """Whether a group is within itself, or too deep within others, which is then a problem."""
        if place.data in self._asked:
            circle = " > ".join([*self._asked[self._asked.index(place.data) :], place.data])
            place.error("E504", f"a group is within itself: {circle}", "take one of them out")
            return True
        if len(self._asked) > MAX_NESTING:
            place.error("E504", f"groups are nested more than {MAX_NESTING} deep")
            return True
        return False


def _inside(place: Cursor, flaw: Flaw) -> Location:
    start = place.document.inside(place.path, flaw.offset)
    return Location(start.file, start.line, start.column, max(flaw.length, 1))


def parents_first(groups: Mapping[str, Declared]) -> list[str]:
    """All groups, those that are in no other first, then their children; in file order where that says nothing.

    How deep a group lies is the longest way to it. Groups in a cycle, which is reported elsewhere, come in any order.
    """
    depth = dict.fromkeys(groups, 0)
    for _ in range(min(len(groups), MAX_NESTING + 1)):
        moved = False
        for name, group in groups.items():
            for place in group.children:
                if place.data in depth and depth[place.data] <= depth[name]:
                    depth[place.data] = depth[name] + 1
                    moved = True
        if not moved:
            break
    return sorted(groups, key=depth.__getitem__)


def built(group: Declared, members: frozenset[str], order: Mapping[str, int]) -> Group:
    """The group of the model, with its members in inventory order."""
    return Group(
        name=group.name,
        hosts=tuple(sorted(members, key=order.__getitem__)),
        children=tuple(place.data for place in group.children),
        location=group.settings.place,
    )
