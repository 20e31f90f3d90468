"""The names of a run before it begins: what inputs, variables and the inventory say. Pure.

**Why a poisoned name.** What a step will register is not undefined, it is unknown: ``x | default('none')`` must not
give ``none``. So every name that only the run can fill stands for a template that can't be rendered: whatever uses it,
even to ask whether it is defined, fails in a way that :func:`is_unknown` tells from a mistake.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from runner.errors import RenderError
from runner.location import Location
from runner.model.inventory import Host
from runner.model.plan import Plan, PlannedPlay
from runner.model.playbook import Node, Step, nodes_of
from runner.model.scope import HostsView, HostView, host_scope, static_names
from runner.model.template import Template, Value

UNKNOWN = Template("{{ 0 / 0 }}", Location("", 1))
"""In place of a value that only the run can tell."""

Render = Callable[[Value, Mapping[str, Any]], Value]
"""A tree of templates with the names they see to values; raises RenderError."""


def is_unknown(error: RenderError) -> bool:
    """Whether something could not be rendered because only the run can tell a name of it."""
    return error.location == UNKNOWN.location


class KnownHost(HostView):
    """A host as templates see it, its facts and results unknown."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        return UNKNOWN if key in {"facts", "results"} else super().__getitem__(key)


class KnownHosts(HostsView):
    """All hosts by name, as :class:`KnownHost`."""

    __slots__ = ()

    def __getitem__(self, name: str) -> KnownHost:
        return KnownHost(self._plan.hosts.get(name) or self._plan.others[name], {})


class Known:
    """The names that the plays of a plan see before the run. Secrets have the values of ``secrets``."""

    def __init__(self, plan: Plan, render: Render, secrets: Mapping[str, Any]) -> None:
        self._plan = plan
        self._render = render
        self._secrets = secrets
        self._hosts = KnownHosts(plan, {})
        self._given = _given_by(plan)
        unknown = ("facts", "item", "loop", "result", *self._given.get(("", ""), ()))
        self._unknown = dict.fromkeys(unknown, UNKNOWN)
        self._of_hosts: dict[str, Template] | None = None

    def of_host(self, play: PlannedPlay, host: Host, *, wave: int = 0, frame: str = "") -> dict[str, Any]:
        """What is known for a host of a play, inside a frame or outside any; ``wave`` 0 is not known yet."""
        base = host_scope(self._plan, play, host, wave=max(wave, 1), secrets=self._secrets)
        base |= {"host": KnownHost(host, {}), "hosts": self._hosts, "run": {"id": UNKNOWN}, "facts": UNKNOWN}
        return self._inside(play, frame, base if wave else {**base, "wave": UNKNOWN})

    def of_all(self, play: PlannedPlay, *, frame: str = "") -> dict[str, Any]:
        """What is the same for all hosts of a play: what differs between hosts is unknown here."""
        same = static_names(play.vars, self._plan.groups, play.given, self._plan.extra)
        base = {**self._host_variables(), **same, "hosts": self._hosts, "secrets": self._secrets}
        base |= {"play": {"id": play.id, "name": play.name}} | dict.fromkeys(("host", "wave", "run", "facts"), UNKNOWN)
        return self._inside(play, frame, base)

    def _host_variables(self) -> dict[str, Template]:
        """The names of variables that any host has. Hosts of a range share theirs, so few mappings are looked at."""
        if self._of_hosts is None:
            hosts = [*self._plan.hosts.values(), *self._plan.others.values()]
            shared = {id(host.vars): host.vars for host in hosts}
            self._of_hosts = dict.fromkeys((name for values in shared.values() for name in values), UNKNOWN)
        return self._of_hosts

    def _inside(self, play: PlannedPlay, frame: str, base: Mapping[str, Any]) -> dict[str, Any]:
        """Inside a frame its own names come first, and of what steps give it has its own alone."""
        if not frame:
            return {**base, **self._unknown}
        spec = play.frames[frame]
        outer = self._inside(play, spec.parent, base)
        defaults = {name: one.default for name, one in spec.inputs.items()}
        handed = {name: self._tried(value, {**outer, **spec.items}) for name, value in spec.given.items()}
        values = {**defaults, **handed}
        items = {"item": UNKNOWN, "loop": UNKNOWN, **spec.items}
        own = dict.fromkeys(("result", *self._given.get((play.id, frame), ())), UNKNOWN)
        return {**base, **spec.vars, **values, **items, "inputs": values, **own}

    def _tried(self, value: Value, scope: Mapping[str, Any]) -> Value:
        """What an include hands to its file; unknown where it is, and where it is wrong, which the run will say."""
        try:
            return self._render(value, scope)
        except RenderError:
            return UNKNOWN


def names_given(node: Node) -> Iterator[str]:
    """The names that exist outside of a node once it has run: what it registers and sets."""
    if node.register:
        yield node.register
    if isinstance(node, Step) and node.kind == "set":
        values = node.params.get("values", node.params)
        yield from values if isinstance(values, Mapping) else ()


def _given_by(plan: Plan) -> dict[tuple[str, str], set[str]]:
    """The names that nodes give: inside an include by play and frame; others, under empty texts, for the whole run."""
    found: dict[tuple[str, str], set[str]] = {}
    for play in plan.plays:
        for node in (one for section in play.sections for one in nodes_of(section)):
            place = (play.id, node.frame) if node.frame else ("", "")
            found.setdefault(place, set()).update(names_given(node))
    return found
