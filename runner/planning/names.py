"""The names that templates see before anything runs: variables and groups, and of a host what the inventory says."""

from collections.abc import Mapping
from typing import Any

from runner.errors import RenderError
from runner.location import Problem
from runner.model.inventory import Host, Inventory
from runner.model.scope import static_names
from runner.model.template import Value


def static_scope(
    variables: Mapping[str, Value], inventory: Inventory, *, given: Mapping[str, Value], extra: Mapping[str, Value]
) -> dict[str, Any]:
    """What ``hosts`` of a play sees: variables, inputs (``given``) and groups alone."""
    groups = {name: group.hosts for name, group in inventory.groups.items()}
    return static_names(variables, groups, given, extra)


def scope_of_host(host: Host, scope: Mapping[str, Any]) -> dict[str, Any]:
    """What a host's own address, options and group see: its variables below those of ``scope``, and itself.

    Its address is not among them, since it may be what is being rendered.
    """
    view = {"name": host.name, "index": host.index, "groups": list(host.groups), "vars": host.vars}
    return {**host.vars, **scope, "host": view}


def as_problem(error: RenderError) -> Problem:
    """A template that can't be rendered, as a problem with its place."""
    return Problem("E407" if error.undefined else "E409", error.message, error.location, error.hint)
