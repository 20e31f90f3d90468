"""Variables that need themselves, directly or through others (E431): found without rendering any."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runner.loading.documents import Problems
from runner.loading.playbook import PlaybookTexts
from runner.loading.plays import PlayTexts
from runner.location import Location
from runner.model.inventory import Inventory, Layer
from runner.model.template import Template, Value, templates_in
from runner.templating import Templates


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable whose value is a template: where it stands, and what it certainly reads."""

    name: str
    location: Location
    reads: frozenset[str]


def check_circles(texts: PlaybookTexts, inventory: Inventory, problems: Problems, templates: Templates) -> None:
    """Complain of each circle once, at the first of its variables, with the places of all."""
    hosts = {id(host.vars): host.layers for host in [inventory.controller, *inventory.hosts.values()]}
    reads = _Reads(templates)
    for layers in {_key(layers): layers for layers in hosts.values()}.values():
        for play in texts.plays:
            for circle in _circles(_variables([*layers, *_layers(play, texts)], reads)):
                _complain(circle, problems)


def _key(layers: tuple[Layer, ...]) -> tuple[tuple[str, str], ...]:
    """Hosts whose variables with templates read alike are looked at once."""
    values = ((name, value) for layer in layers for name, value in layer.values.items() if _is_read(value))
    return tuple((name, template.source) for name, value in values for template in templates_in(value))


class _Reads:
    """What templates certainly read, each text looked at once."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._known: dict[str, frozenset[str]] = {}

    def of(self, value: Value) -> frozenset[str]:
        """The names that all templates of a value read."""
        return frozenset[str]().union(*(self._certain(template) for template in templates_in(value)))

    def _certain(self, template: Template) -> frozenset[str]:
        if template.source not in self._known:
            is_broken = self._templates.faults(template)
            self._known[template.source] = frozenset() if is_broken else self._templates.certain(template)
        return self._known[template.source]


def _is_read(value: Value) -> bool:
    """Whether all of a value is rendered when it is used: a mapping's items are rendered one by one."""
    return not isinstance(value, dict) and next(templates_in(value), None) is not None


def _layers(play: PlayTexts, texts: PlaybookTexts) -> Iterator[Layer]:
    yield from play.origin.layers if play.origin else texts.playbook.layers
    yield play.play.vars


def _variables(layers: list[Layer], reads: _Reads) -> dict[str, Variable]:
    """The variables that count, the nearest of each name."""
    found: dict[str, Variable | None] = {}
    for layer in layers:
        for name, value in layer.values.items():
            found[name] = Variable(name, layer.locations[name], reads.of(value)) if _is_read(value) else None
    return {name: variable for name, variable in found.items() if variable}


def _circles(variables: Mapping[str, Variable]) -> Iterator[list[Variable]]:
    """Each ring of variables that read each other, from the one that comes first."""
    seen: set[str] = set()
    for name in variables:
        way: list[str] = []
        _follow(name, way, seen, variables)
        if way and way[-1] in way[:-1]:
            ring = way[way.index(way[-1]) : -1]
            first = min(range(len(ring)), key=lambda number: list(variables).index(ring[number]))
            yield [variables[one] for one in (*ring[first:], *ring[:first])]
        seen |= set(way)


def _follow(name: str, way: list[str], seen: set[str], variables: Mapping[str, Variable]) -> bool:
    """Go on to what a variable reads until one comes again; gives whether one did, with ``way`` leading to it."""
    if name in way:
        way.append(name)
        return True
    if name in seen or name not in variables:
        return False
    way.append(name)
    for other in sorted(variables[name].reads):
        if _follow(other, way, seen, variables):
            return True
    seen.add(name)
    way.pop()
    return False


def _complain(circle: list[Variable], problems: Problems) -> None:
    way = " -> ".join(f'"{one.name}" ({one.location})' for one in circle)
    message = f'a variable needs itself: {way} -> "{circle[0].name}"'
    problems.error("E431", message, circle[0].location, "give one of them a value of its own, or another name")
