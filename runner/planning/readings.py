"""What templates read, as it is defined, not rendered: through variables, to the end.

Two plans are compared by it. A step whose own text is the same does something else where a variable it reads, or one
that this variable reads, has another definition now.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from runner.model.canonical import canonical
from runner.model.inventory import Host
from runner.model.plan import Plan, PlannedPlay
from runner.model.scope import ALWAYS
from runner.model.template import Template, Value, templates_in
from runner.templating import Templates

Path = tuple[str | int | None, ...]


class Found(NamedTuple):
    """Something that is read: what it is called, its definition, and the frame in which that is rendered."""

    label: str
    value: Any
    frame: str = ""


class Readings:
    """Of one play of a plan."""

    def __init__(self, plan: Plan, play: PlannedPlay, templates: Templates) -> None:
        self._plan = plan
        self._play = play
        self._templates = templates
        self._above: Mapping[str, Value] = {**play.vars, **play.given, **plan.extra}

    def of(self, templates: Iterable[Template], frame: str, host: Host) -> dict[str, str]:
        """The definitions that these templates, which stand in a frame or outside any, come to on a host, by name."""
        found: dict[str, str] = {}
        left = [(frame, template) for template in templates]
        while left:
            here, template = left.pop()
            for path in self._paths(template):
                for label, value, inner in self._read(path, here, host):
                    if label not in found:
                        found[label] = canonical(value)
                        left += [(inner, one) for one in templates_in(value)]
        return found

    def _paths(self, template: Template) -> Iterator[Path]:
        """What it reads, and whether what it only asks about is there."""
        paths = self._templates.uses(template).paths
        yield from paths
        yield from ((name,) for name in self._templates.mentions(template) - {path[0] for path in paths})

    def _read(self, path: Path, frame: str, host: Host) -> Iterator[Found]:
        name, members = str(path[0]), path[1:]
        if frame and (own := self._own(name, members, frame)) is not None:
            yield from own
        elif name == "inputs":
            yield from _members("inputs", self._play.given, members)
        elif name == "groups":
            yield from _members("groups", self._plan.groups, members)
        elif name == "host":
            yield from _of_host("host", host, members)
        elif name == "hosts":
            yield from self._of_others(members)
        elif name == "play":
            yield Found("play.name", self._play.name)
        elif name not in ALWAYS:
            yield from self._variable(name, host)

    def _variable(self, name: str, host: Host) -> Iterator[Found]:
        if name in self._above:
            yield Found(name, self._above[name])
        elif name in host.vars:
            yield Found(name, host.vars[name])

    def _own(self, name: str, members: Path, frame: str) -> Iterable[Found] | None:
        """What a name means that a frame has itself; None where it has no such name."""
        spec = self._play.frames[frame]
        if name == "inputs":
            inner: Mapping[str, Any] = {**{key: one.default for key, one in spec.inputs.items()}, **spec.given}
            return [
                Found(label, value, spec.parent if label.partition(".")[2] in spec.given else frame)
                for label, value, _ in _members("inputs", inner, members)
            ]
        if name in {"item", "loop"} and spec.has_item:
            return [Found(f"{frame}: {name}", spec.items[name], spec.parent)]
        if name in spec.given:
            return [Found(f"{frame}: {name}", spec.given[name], spec.parent), *self._item_of(frame)]
        if name in spec.inputs:
            return [Found(f"{frame}: {name}", spec.inputs[name].default, frame)]
        if name in spec.vars:
            return [Found(f"{frame}: {name}", spec.vars[name], frame)]
        return None

    def _item_of(self, frame: str) -> Iterator[Found]:
        """What is handed to a file may be made of the item that its include is for."""
        spec = self._play.frames[frame]
        for name, value in spec.items.items():
            yield Found(f"{frame}: {name}", value, spec.parent)

    def _of_others(self, members: Path) -> Iterator[Found]:
        name = members[0] if members else None
        other = self._host(name) if isinstance(name, str) else None
        if other is not None:
            yield from _of_host(f"hosts.{name}", other, members[1:])
        elif not isinstance(name, str):
            yield Found("hosts", self._all_hosts)

    def _host(self, name: str) -> Host | None:
        return self._plan.hosts.get(name) or self._plan.others.get(name)

    @cached_property
    def _all_hosts(self) -> dict[str, Any]:
        names = {**self._plan.others, **self._plan.hosts}
        return {name: [host.vars, host.groups, host.index] for name, host in names.items()}


def _members(label: str, values: Mapping[str, Any], path: Path) -> Iterator[Found]:
    """One of them where the path names it, else all."""
    name = path[0] if path else None
    if isinstance(name, str):
        if name in values:
            yield Found(f"{label}.{name}", values[name])
    else:
        yield from (Found(f"{label}.{key}", value) for key, value in values.items())


def _of_host(label: str, host: Host, path: Path) -> Iterator[Found]:
    """What is said of a host: its variables as the inventory has them, its groups, its number."""
    part = path[0] if path else None
    if part in {None, "vars"}:
        yield from _members(f"{label}.vars", host.vars, path[1:])
    if part in {None, "groups"}:
        yield Found(f"{label}.groups", host.groups)
    if part in {None, "index"}:
        yield Found(f"{label}.index", host.index)
