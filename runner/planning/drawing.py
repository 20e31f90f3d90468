"""The order in which a play lets its hosts in, drawn from their groups where it has some; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.errors import InputError, RenderError
from runner.hostlist import fold
from runner.location import Location, Problem
from runner.model.inventory import Inventory
from runner.model.playbook import Play
from runner.model.template import has_template
from runner.patterns import did_you_mean
from runner.planning.groups import by_groups, by_value, drawn_in, ordered
from runner.planning.names import as_problem, scope_of_host
from runner.templating import Templates
from runner.words import suggest


@dataclass(frozen=True, slots=True)
class Draw:
    """Hosts in the order in which they are let in, the group of each where there are groups, and notes for people."""

    hosts: tuple[str, ...]
    group_of: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def drawn(
    play: Play,
    names: Sequence[str],
    inventory: Inventory,
    *,
    seed: int,
    templates: Templates,
    scope: Mapping[str, Any],
) -> Draw:
    """The order of the hosts of a play. Raises InputError for hosts in no group and for groups that do not exist."""
    hosts = ordered(names, play.strategy.order, seed)
    by = play.strategy.group_by
    if by is None:
        return Draw(hosts)
    place = play.strategy_location or play.location
    if isinstance(by, str):
        group_of = _by_variable(by, hosts, _Values(inventory, templates, scope), place)
    else:
        group_of = _by_groups(by, hosts, inventory, place)
    _check_limited(play, by, place)
    return Draw(drawn_in(play.strategy.spread, hosts, group_of), group_of, _notes(play, by, group_of))


class _Values:
    """The value that a variable has on a host. ``faults`` are templates that could not be rendered, each once."""

    def __init__(self, inventory: Inventory, templates: Templates, scope: Mapping[str, Any]) -> None:
        self._inventory = inventory
        self._templates = templates
        self._scope = scope
        self.faults: dict[Location | None, Problem] = {}

    def names(self, name: str) -> set[str]:
        """The variables that a host has."""
        host = self._inventory.find(name)
        return {*self._scope, *(host.vars if host else ())}

    def text(self, variable: str, name: str) -> str | None:
        """As text, or None where the host has none, or one that names no group."""
        host = self._inventory.find(name)
        value = None if host is None else self._scope.get(variable, host.vars.get(variable))
        if host is not None and has_template(value):
            try:
                value = self._templates.render(value, scope_of_host(host, self._scope))
            except RenderError as error:
                self.faults.setdefault(error.location, as_problem(error))
                return ""
        return None if value is None or isinstance(value, dict | list) else str(value)


def _by_variable(variable: str, hosts: Sequence[str], values: _Values, place: Location) -> dict[str, str]:
    group_of, without = by_value(hosts, lambda name: values.text(variable, name))
    problems = list(values.faults.values())
    if without:
        others = values.names(without[0]) - {variable}
        hint = suggest(variable, others) or "give it to them in the inventory, as text or a number"
        problems.append(Problem("E405", f'"{variable}", of group_by, names no group for {fold(without)}', place, hint))
    if problems:
        raise InputError(problems)
    return group_of


def _by_groups(names: Sequence[str], hosts: Sequence[str], inventory: Inventory, place: Location) -> dict[str, str]:
    unknown = [name for name in names if name not in inventory.groups]
    if unknown:
        raise InputError(
            Problem("E405", f'there is no group "{name}", of group_by', place, did_you_mean(name, inventory.groups))
            for name in unknown
        )
    group_of, without = by_groups(hosts, [inventory.groups[name] for name in names])
    if without:
        words = f"in no group of group_by: {fold(without)}"
        raise InputError([Problem("E405", words, place, "add a group that has them, or leave them out of the play")])
    return group_of


def _check_limited(play: Play, by: str | tuple[str, ...], place: Location) -> None:
    """Groups in ``per_group_limit`` that a list in ``group_by`` does not have."""
    unknown = [] if isinstance(by, str) else [name for name in _limited(play) if name not in by]
    if unknown:
        raise InputError(
            Problem("E405", f'"{name}", of per_group_limit, is no group of group_by', place, did_you_mean(name, by))
            for name in unknown
        )


def _limited(play: Play) -> list[str]:
    limit = play.strategy.per_group_limit
    return list(limit) if isinstance(limit, Mapping) else []


def _notes(play: Play, by: str | tuple[str, ...], group_of: Mapping[str, str]) -> tuple[str, ...]:
    """A value that no host has may be a slip or a filter's doing; nobody can tell, so it is no error."""
    have = set(group_of.values())
    missing = [name for name in _limited(play) if name not in have] if isinstance(by, str) else []
    return tuple(f'per_group_limit of play "{play.id}" names "{name}", which no host has as "{by}"' for name in missing)
