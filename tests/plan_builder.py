"""Playbooks and inventories as values, for tests of planning and of what shows plans."""

from collections.abc import Mapping
from typing import Any

from runner.hostlist import expand
from runner.location import Location
from runner.model.inventory import CONTROLLER, Group, Host, Inventory, Layer
from runner.model.playbook import Play, Playbook, Step, Strategy
from runner.model.template import Template

PLACE = Location("inventory.yaml", 1)
HERE = Location("site.yaml", 3, 5)


def tpl(source: str, *, bare: bool = False) -> Template:
    """A template that stands in the playbook."""
    return Template(source, Location("site.yaml", 9, 7, len(source)), bare)


def host(name: str, index: int = 1, **fields: Any) -> Host:
    """A host; its address is its name where nothing else is said."""
    return Host(name, index, fields.pop("address", name), PLACE, **fields)


def inventory(*hosts: str | Host, **groups: str) -> Inventory:
    """An inventory of host lists and hosts, and groups given as host lists."""
    listed = [one for part in hosts for one in ([part] if isinstance(part, Host) else expand(part))]
    known = [one if isinstance(one, Host) else host(one) for one in listed]
    numbered = {one.name: _numbered(one, index) for index, one in enumerate(known, 1)}
    members = {name: Group(name, tuple(expand(text)) if text else (), (), PLACE) for name, text in groups.items()}
    local = Host(CONTROLLER, 0, "localhost", PLACE, connection="local")
    return Inventory(numbered, members, local, files=("inventory.yaml",))


def _numbered(one: Host, index: int) -> Host:
    fields = {name: getattr(one, name) for name in one.__struct_fields__}
    return Host(**{**fields, "index": index})


def step(kind: str = "command", params: Mapping[str, Any] | None = None, **fields: Any) -> Step:
    """A step of a play."""
    given = {"argv": ["true"]} if params is None else params
    return Step(fields.pop("id", kind), fields.pop("name", None), kind, given, HERE, **fields)


def play(hosts: Any = "all", *steps: Step, **fields: Any) -> Play:
    """A play, of one step where none is given."""
    name = fields.pop("id", "web")
    variables = Layer("play", fields.pop("vars", {}), {})
    place = Location("site.yaml", 2, 8, len(hosts) if isinstance(hosts, str) else 1)
    return Play(name, fields.pop("name", name), hosts, steps or (step(),), HERE, place, vars=variables, **fields)


def rolling(*waves: int | str, **fields: Any) -> Strategy:
    """A rolling strategy with the defaults of its type."""
    if "max_failure_percent" not in fields:
        fields.setdefault("max_failures", 0)
    return Strategy("rolling", waves or (1,), **fields)


def playbook(*plays: Play, **fields: Any) -> Playbook:
    """A playbook; ``vars`` are its variables."""
    layers = (Layer("playbook", fields.pop("vars"), {}),) if "vars" in fields else ()
    return Playbook(fields.pop("name", "site"), "site.yaml", ".", plays, layers, **fields)
