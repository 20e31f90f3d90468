"""Which hosts a play, a limit and an exclusion mean, in the order of the inventory; pure."""

from collections.abc import Callable, Iterable, Sequence

from runner.errors import RunnerError
from runner.location import Location, Problem
from runner.model.inventory import CONTROLLER, Inventory
from runner.patterns import Flaw, Names, resolve


class PatternError(RunnerError):
    """Patterns that mean nothing: one flaw for each bad name, though other names be good.

    ``flaws`` pairs each flaw with the index of its pattern among those that were given (0 for a single text).
    """

    def __init__(self, flaws: Iterable[tuple[int, Flaw]]) -> None:
        self.flaws = tuple(flaws)
        super().__init__("; ".join(flaw.message for _, flaw in self.flaws))

    def problems(self, locate: Callable[[int], Location | None] = lambda _: None) -> tuple[Problem, ...]:
        """The flaws as problems. ``locate`` gives the place of the pattern with that index, or None."""
        return tuple(
            Problem(flaw.code, flaw.message, _within(locate(index), flaw), flaw.hint) for index, flaw in self.flaws
        )


def select(pattern: str | Sequence[str], inventory: Inventory) -> tuple[str, ...]:
    """The hosts that a pattern, or any of a list of patterns, means: in inventory order, the controller last.

    A group that is declared empty gives no host and no error. Raises PatternError for all names that name nothing.
    """
    chosen: set[str] = set()
    flaws: list[tuple[int, Flaw]] = []
    names = names_of(inventory)
    for index, text in enumerate([pattern] if isinstance(pattern, str) else pattern):
        found, wrong = resolve(text, names)
        chosen |= found
        flaws += [(index, flaw) for flaw in wrong]
    if flaws:
        raise PatternError(flaws)
    return in_order(chosen, inventory)


def narrow(names: Sequence[str], limit: Sequence[str], exclude: Sequence[str], inventory: Inventory) -> tuple[str, ...]:
    """The names that any of ``limit`` means (no limit means all) and none of ``exclude``, in their own order.

    The controller is untouched by a limit; only an exclusion that names it takes it away. Raises PatternError for bad
    names of both; those of ``exclude`` count on from those of ``limit``.
    """
    kept, gone = _select_both(limit, exclude, inventory)
    return tuple(name for name in names if (not limit or name in kept or name == CONTROLLER) and name not in gone)


def pattern_lines(text: str) -> list[str]:
    """The patterns of an ``@file``: one a line, without comments (``#``) and empty lines."""
    return [pattern for line in text.splitlines() if (pattern := line.partition("#")[0].strip())]


def names_of(inventory: Inventory) -> Names:
    """What patterns can name in an inventory."""
    return Names(inventory.hosts, {name: group.hosts for name, group in inventory.groups.items()})


def in_order(names: Iterable[str], inventory: Inventory) -> tuple[str, ...]:
    """Known names in inventory order, the controller last."""
    hosts = inventory.hosts
    return tuple(sorted(names, key=lambda name: hosts[name].index if name in hosts else len(hosts) + 1))


def _select_both(limit: Sequence[str], exclude: Sequence[str], inventory: Inventory) -> tuple[set[str], set[str]]:
    results: list[set[str]] = []
    flaws: list[tuple[int, Flaw]] = []
    for patterns, first in ((limit, 0), (exclude, len(limit))):
        try:
            results.append(set(select(patterns, inventory)))
        except PatternError as error:
            flaws += [(first + index, flaw) for index, flaw in error.flaws]
    if flaws:
        raise PatternError(flaws)
    return results[0], results[1]


def _within(location: Location | None, flaw: Flaw) -> Location | None:
    """The place of a flaw inside the scalar it stands in; the scalar itself where escapes or lines hide the place."""
    if location is None or location.length not in (len(flaw.text), len(flaw.text) + 2):
        return location
    quote = 1 if location.length == len(flaw.text) + 2 else 0
    return Location(location.file, location.line, location.column + quote + flaw.offset, max(flaw.length, 1))
