"""Which hosts and steps of a plan the faults of a simulation mean; pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from runner.errors import InputError
from runner.location import Location, Problem
from runner.model.faults import GATE, Fault, Faults, Wanted, Written
from runner.model.plan import Plan, PlannedPlay
from runner.model.playbook import Step, nodes_of
from runner.patterns import Names, resolve
from runner.words import suggest

LISTED = 8
"""Steps that an error lists where no name is near."""


def faults_of(wanted: Wanted, plan: Plan) -> Faults:
    """The faults of a plan. Raises InputError for everything that names no host or step of it."""
    finding = _Finding(plan)
    for written in wanted.faults:
        finding.add(written)
    if finding.problems:
        raise InputError(finding.problems, wanted.sources)
    return Faults(
        unreachable=frozenset(finding.unreachable),
        steps={key: tuple(found) for key, found in finding.steps.items()},
        gates={key: tuple(found) for key, found in finding.gates.items()},
        chance=wanted.chance,
        deny=wanted.deny,
    )


@dataclass(slots=True)
class _Finding:
    """What was found so far."""

    plan: Plan
    unreachable: set[str] = field(default_factory=set)
    steps: dict[tuple[str, str], list[Fault]] = field(default_factory=dict)
    gates: dict[str, list[Fault]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _known: dict[str, frozenset[str]] = field(default_factory=dict)

    def add(self, written: Written) -> None:
        """One more fault."""
        before = len(self.problems)
        hosts = self._hosts(written)
        places = [place for place in _all(self.plan) if place.is_meant(written.step)] if written.step else []
        if written.step and not places:
            self._complain(
                "E404", f'no step of the plan is called "{written.step}"', written.step_at, self._near(written)
            )
        if len(self.problems) > before:
            return
        if not written.step:
            self.unreachable |= hosts
        elif not sum(self._befall(written, place, hosts) for place in places):
            message = f'"{written.step}" runs on no host of "{written.hosts}"'
            self._complain("E405", message, written.hosts_at)

    def _befall(self, written: Written, place: "_Place", hosts: frozenset[str]) -> bool:
        """Keep it for one step, or the gate, of a play; False where none of the hosts runs it."""
        play = place.play
        mine = hosts & frozenset(play.hosts) if written.hosts else frozenset(play.hosts)
        fault = Fault(written.kind, mine, written.attempt, written.duration)
        if mine and place.is_gate:
            self.gates.setdefault(play.id, []).append(fault)
        elif mine:
            self.steps.setdefault((play.id, place.step), []).append(fault)
        return bool(mine)

    def _hosts(self, written: Written) -> frozenset[str]:
        if not written.hosts or written.hosts in self._known:
            return self._known.get(written.hosts, frozenset())
        hosts = self.plan.hosts
        members = {name: [host for host in group if host in hosts] for name, group in self.plan.groups.items()}
        found, flaws = resolve(written.hosts, Names(hosts, members))
        for flaw in flaws:
            at = written.hosts_at
            place = at and Location(at.file, at.line, at.column + flaw.offset, max(flaw.length, 1))
            self._complain(flaw.code, flaw.message, place, flaw.hint)
        if not flaws and not found & hosts.keys():
            self._complain("E405", f'"{written.hosts}" is no host of the plan', written.hosts_at)
        self._known[written.hosts] = frozenset(found & hosts.keys())
        return self._known[written.hosts]

    def _near(self, written: Written) -> str:
        words = {word for place in _all(self.plan) for word in place.names}
        return suggest(written.step, sorted(words)) or f"the steps are: {_listed(self.plan)}"

    def _complain(self, code: str, message: str, place: Location | None, hint: str = "") -> None:
        self.problems.append(Problem(code, message, place, hint))


@dataclass(frozen=True, slots=True)
class _Place:
    """A step of a play, or its gate."""

    play: PlannedPlay
    step: str
    is_gate: bool = False

    @property
    def names(self) -> tuple[str, str]:
        """What it may be called."""
        return self.step, f"{self.play.id}.{self.step}"

    def is_meant(self, pattern: str) -> bool:
        """Whether an id, ``PLAY.ID`` or a glob means it. No glob means a gate."""
        return pattern in self.names or (not self.is_gate and any(fnmatchcase(name, pattern) for name in self.names))


def _all(plan: Plan) -> Iterator[_Place]:
    """Every step of every section, and every gate."""
    for play in plan.plays:
        for part in play.sections:
            yield from (_Place(play, node.id) for node in nodes_of(part) if isinstance(node, Step))
        if play.strategy.gate:
            yield _Place(play, GATE, is_gate=True)


def _listed(plan: Plan) -> str:
    words = list(dict.fromkeys(place.step for place in _all(plan)))
    return ", ".join(words if len(words) <= LISTED else [*words[:LISTED], "…"])
