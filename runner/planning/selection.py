"""The hosts that a play means, in inventory order, before and after what the command line leaves of them; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.errors import InputError, RenderError
from runner.location import Location, Problem
from runner.model.inventory import Inventory
from runner.model.playbook import Play
from runner.model.template import Value
from runner.patterns import Flaw
from runner.planning.names import as_problem
from runner.planning.targets import PatternError, narrow, select
from runner.templating import Templates


@dataclass(frozen=True, slots=True)
class Filters:
    """What ``--limit`` and ``--exclude`` said: patterns."""

    limit: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.limit or self.exclude)

    def __str__(self) -> str:
        """As a person could have typed it."""
        words = [("--limit", text) for text in self.limit] + [("--exclude", text) for text in self.exclude]
        return " ".join(f"{option} {text}" for option, text in words)

    def problems(self, inventory: Inventory) -> tuple[Problem, ...]:
        """Names in them that name nothing."""
        try:
            narrow((), self.limit, self.exclude, inventory)
        except PatternError as error:
            return tuple(self._problem(index, flaw) for index, flaw in error.flaws)
        return ()

    def _problem(self, index: int, flaw: Flaw) -> Problem:
        option = "--limit" if index < len(self.limit) else "--exclude"
        return Problem("E619" if flaw.code == "E405" else flaw.code, f"{option}: {flaw.message}", None, flaw.hint)

    def left(self, names: Sequence[str], inventory: Inventory) -> tuple[str, ...]:
        """What they leave of hosts, in order."""
        return narrow(names, self.limit, self.exclude, inventory) if self else tuple(names)


def hosts_of(play: Play, inventory: Inventory, templates: Templates, scope: Mapping[str, Any]) -> tuple[str, ...]:
    """The hosts that ``play.hosts`` means. ``scope`` are the names its templates see.

    Raises InputError for templates that can't be rendered, for names that name nothing, and where the play is left
    without a host and does not say that it may be.
    """
    patterns = _patterns(play, templates, scope)
    try:
        names = select([text for text, _ in patterns], inventory)
    except PatternError as error:
        raise InputError(error.problems(lambda index: patterns[index][1])) from None
    if not names and not play.allow_empty:
        words = ", ".join(text for text, _ in patterns)
        hint = 'say "allow_empty: true" in the play if that is fine'
        raise InputError([Problem("E405", f'no host is meant by "{words}"', play.hosts_location, hint)])
    return names


def _patterns(play: Play, templates: Templates, scope: Mapping[str, Any]) -> list[tuple[str, Location]]:
    """Each pattern with its place."""
    parts = play.hosts if isinstance(play.hosts, list | tuple) else [play.hosts]
    places = play.host_places or [play.hosts_location] * len(parts)
    return [
        found for part, place in zip(parts, places, strict=True) for found in _rendered(part, place, templates, scope)
    ]


def _rendered(
    part: Value, place: Location, templates: Templates, scope: Mapping[str, Any]
) -> Iterable[tuple[str, Location]]:
    try:
        value = templates.render(part, scope)
    except RenderError as error:
        raise InputError([as_problem(error)]) from None
    texts = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise InputError([Problem("E405", f'hosts are names and patterns; got "{value}"', place)])
    return [(text, place) for text in texts]
