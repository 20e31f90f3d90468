"""Hosts and groups: where a playbook can run."""

from collections.abc import Mapping
from typing import Any

import msgspec

from runner.location import Location
from runner.model.template import Value

CONTROLLER = "controller"
"""The machine runner runs on: a host that is always there, in no group and not in ``all``."""

RESERVED_NAMES = frozenset({"all", "none", CONTROLLER})
"""Names no host of an inventory may have."""


class Become(msgspec.Struct, frozen=True):
    """Run as another user, through sudo. ``user`` is text or a Template.

    ``password`` is text, a Template, the name of a secret, None, or when it is used a SecretText.
    """

    user: Value = "root"
    method: str = "sudo"
    password: Value = None


class Layer(msgspec.Struct, frozen=True):
    """Variables set in one place, with where each stands: a link in the chain that ``inventory explain`` prints.

    ``origin`` reads as people say it: ``inventory``, ``group web``, ``host web01``.
    """

    origin: str
    values: Mapping[str, Value]
    locations: Mapping[str, Location]


class Host(msgspec.Struct, frozen=True):
    """One host, with all that applies to it.

    ``index`` counts from 1 in the order of the inventory. ``options`` are the keys under ``ssh:``, merged, the nearest
    winning. ``groups`` are its groups, parents first and then in file order. ``layers`` are its variables, lowest
    precedence first; ``vars`` are the same merged. Hosts made by one range share their layers and vars.
    """

    name: str
    index: int
    address: Value
    location: Location
    connection: str = "ssh"
    options: Mapping[str, Value] = {}
    become: Become | None = None
    groups: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    vars: Mapping[str, Value] = {}


class Group(msgspec.Struct, frozen=True):
    """A named set of hosts: ``hosts`` has all members by name, those of its child groups too, in inventory order."""

    name: str
    hosts: tuple[str, ...]
    children: tuple[str, ...]
    location: Location


class Inventory(msgspec.Struct, frozen=True):
    """All hosts by name in inventory order, without the controller, which ``controller`` holds; all groups by name.

    ``connecting`` are the file-wide limits on opening connections: ``total`` and ``per_address``.
    """

    hosts: Mapping[str, Host]
    groups: Mapping[str, Group]
    controller: Host
    connecting: Mapping[str, int] = {}
    files: tuple[str, ...] = ()

    def find(self, name: str) -> Host | None:
        """The host of that name, the controller too, or None."""
        return self.controller if name == CONTROLLER else self.hosts.get(name)


def merged(layers: tuple[Layer, ...]) -> dict[str, Any]:
    """The variables of all layers, later ones winning."""
    result: dict[str, Any] = {}
    for layer in layers:
        result.update(layer.values)
    return result
