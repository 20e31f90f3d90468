"""The hosts that steps are delegated to, as far as that is known before the run; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.errors import RenderError
from runner.location import Location, Problem
from runner.model.inventory import Inventory
from runner.model.known import Known, is_unknown
from runner.model.plan import PlannedPlay
from runner.model.playbook import Block, Condition, Node
from runner.model.template import Template, Value, has_template
from runner.patterns import did_you_mean
from runner.planning.names import as_problem
from runner.planning.targets import in_order
from runner.planning.turns import turns
from runner.templating import Templates

HERE = "host"
"""What ``from`` says of a check that each host makes itself."""

Scope = Mapping[str, Any]
Guard = tuple[Condition, str]
"""A condition that must hold for a step to run, and the frame whose names it sees."""


@dataclass(frozen=True, slots=True)
class Delegated:
    """Hosts that steps of a play are delegated to, in the order of the inventory.

    ``undecided`` are the ids of steps of which only the run can tell.
    """

    hosts: tuple[str, ...]
    undecided: tuple[str, ...]
    problems: tuple[Problem, ...]


def delegated(play: PlannedPlay, inventory: Inventory, known: Known, templates: Templates) -> Delegated:
    """Where steps, and checks of the gate, go from any host of a play. Rendered once where it is the same for all."""
    looking = _Looking(play, inventory, known, templates)
    varying = [one for one in _delegations(play) if not looking.is_same_for_all(one)]
    if varying:
        for name in play.hosts:
            looking.look_from(name, varying)
    return Delegated(in_order(looking.names, inventory), tuple(looking.undecided), tuple(looking.problems))


@dataclass(frozen=True, slots=True)
class _Delegation:
    """Where a step, or a check of a gate, says it runs; it does so only where all ``guards`` hold."""

    node: str
    key: str
    value: Value
    location: Location
    frame: str = ""
    loop: Value = None
    guards: tuple[Guard, ...] = ()


def _delegations(play: PlannedPlay) -> Iterator[_Delegation]:
    for section in play.sections:
        yield from _among(section, ())
    for check in play.strategy.gate:
        if check.source != HERE:
            yield _Delegation(check.step.id, "from", check.source, check.step.location)


def _among(nodes: Sequence[Node], guards: tuple[Guard, ...]) -> Iterator[_Delegation]:
    for node in nodes:
        inner = guards if node.when is None else (*guards, (node.when, node.frame))
        if isinstance(node, Block):
            for part in (node.steps, node.rescue, node.always):
                yield from _among(part, inner)
        elif node.delegate_to is not None:
            yield _Delegation(node.id, "delegate_to", node.delegate_to, node.location, node.frame, node.loop, inner)


class _Looking:
    """One look over a play: ``names`` of hosts found, steps that are ``undecided``, and ``problems``."""

    def __init__(self, play: PlannedPlay, inventory: Inventory, known: Known, templates: Templates) -> None:
        self._play = play
        self._inventory = inventory
        self._known = known
        self._templates = templates
        self._alike: dict[str, Scope] = {}
        self._wrong: set[int] = set()
        self.names: set[str] = set()
        self.undecided: dict[str, None] = {}
        self.problems: dict[Problem, None] = {}

    def is_same_for_all(self, one: _Delegation) -> bool:
        """Whether it goes to the same hosts wherever it comes from, all of them known."""
        if one.frame not in self._alike:
            self._alike[one.frame] = self._known.of_all(self._play, frame=one.frame)
        try:
            names = self._rendered(one, self._alike[one.frame])
        except RenderError:
            return False
        if any(self._inventory.find(name) is None for name in names):
            return False
        self.names.update(names)
        return True

    def look_from(self, name: str, delegations: Iterable[_Delegation]) -> None:
        """Where these go from one host of the play."""
        scopes: dict[str, Scope] = {}
        for one in delegations:
            if id(one) not in self._wrong:
                self._look(one, name, scopes)

    def _look(self, one: _Delegation, host: str, scopes: dict[str, Scope]) -> None:
        try:
            names = self._rendered(one, self._scope(host, one.frame, scopes))
        except RenderError as error:
            if not self._is_ruled_out(one, host, scopes):
                self._wrong.add(id(one))
                if is_unknown(error):
                    self.undecided[one.node] = None
                else:
                    self.problems[as_problem(error)] = None
            return
        unknown = [name for name in names if self._inventory.find(name) is None]
        if unknown and not self._is_ruled_out(one, host, scopes):
            self._wrong.add(id(one))
            self.problems.update(dict.fromkeys(self._stranger(one, name) for name in unknown))
        self.names.update(name for name in names if name not in unknown)

    def _scope(self, host: str, frame: str, scopes: dict[str, Scope]) -> Scope:
        if frame not in scopes:
            found = self._inventory.find(host)
            assert found is not None, host  # noqa: S101 - hosts of a play are in the inventory
            scopes[frame] = self._known.of_host(self._play, found, frame=frame)
        return scopes[frame]

    def _rendered(self, one: _Delegation, scope: Scope) -> list[str]:
        """The names it comes to, one for each item of a loop. Raises RenderError."""
        if not has_template(one.value):
            return [str(one.value)]
        values = [
            self._templates.render(one.value, {**scope, **more}) for more in turns(one.loop, scope, self._templates)
        ]
        for value in values:
            if not isinstance(value, str) or not value:
                place = one.value.location if isinstance(one.value, Template) else one.location
                raise RenderError(f'{one.key} of step "{one.node}" names no host; got "{value}"', location=place)
        return list(dict.fromkeys(values))

    def _is_ruled_out(self, one: _Delegation, host: str, scopes: dict[str, Scope]) -> bool:
        """Whether it is known that the step does not run on this host."""
        return any(self._is_false(condition, self._scope(host, frame, scopes)) for condition, frame in one.guards)

    def _is_false(self, condition: Condition, scope: Scope) -> bool:
        try:
            return not self._templates.condition(condition, scope)
        except RenderError:
            return False

    def _stranger(self, one: _Delegation, name: str) -> Problem:
        place = one.value.location if isinstance(one.value, Template) else one.location
        hint = did_you_mean(name, self._inventory.hosts)
        if name in self._inventory.groups:
            hint = f"it is a group; take a host of it: \"{{{{ groups['{name}'][0] }}}}\""
        return Problem("E405", f'there is no host "{name}", of {one.key} of step "{one.node}"', place, hint)
