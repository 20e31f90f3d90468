"""The files of the project that steps send to hosts, as far as their names are known before the run; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.errors import RenderError
from runner.model.known import UNKNOWN, Known
from runner.model.plan import Plan, PlannedPlay
from runner.model.playbook import Step, leaves
from runner.model.template import Value, has_template
from runner.planning.turns import turns
from runner.templating import Templates

Scope = Mapping[str, Any]
NamedPath = tuple[str, str]
"""The folder that a path starts at, and the path as a step has it."""


@dataclass(frozen=True, slots=True)
class LocalPaths:
    """``named`` are paths with the folder that each starts at, in the order of the plan.

    ``undecided`` are steps, by play and id, of which only the run can tell which files they send.
    """

    named: tuple[tuple[str, str], ...]
    undecided: tuple[tuple[str, str], ...]


def local_paths(plan: Plan, templates: Templates, params: Mapping[str, tuple[str, ...]]) -> LocalPaths:
    """Those of all steps, on any host. ``params`` are, by step kind, the params that name such files."""
    known = Known(plan, templates.render, dict.fromkeys(plan.secrets, UNKNOWN))
    looking = _Looking(plan, known, templates, params)
    for play in plan.plays:
        looking.look(play)
    return LocalPaths(tuple(looking.named), tuple(looking.undecided))


@dataclass(slots=True)
class _Looking:
    """One look over a plan: what was found so far."""

    plan: Plan
    known: Known
    templates: Templates
    params: Mapping[str, tuple[str, ...]]
    named: dict[tuple[str, str], None] = field(default_factory=dict)
    undecided: dict[tuple[str, str], None] = field(default_factory=dict)

    def look(self, play: PlannedPlay) -> None:
        """A path that is the same for all hosts is rendered once, any other for each host."""
        alike: dict[str, Scope] = {}
        varying = []
        for step in self._senders(play):
            if step.frame not in alike:
                alike[step.frame] = self.known.of_all(play, frame=step.frame)
            if not self._is_named(step, alike[step.frame]):
                varying.append(step)
        for wave in play.waves if varying else ():
            for name in wave.hosts:
                host = self.plan.hosts[name]
                frames = dict.fromkeys(step.frame for step in varying)
                scopes = {frame: self.known.of_host(play, host, wave=wave.index, frame=frame) for frame in frames}
                for step in [one for one in varying if not self._is_named(one, scopes[one.frame])]:
                    self.undecided[play.id, step.id] = None
                    varying.remove(step)

    def _senders(self, play: PlannedPlay) -> Iterator[Step]:
        for section in play.sections:
            for step in leaves(section, everything=True):
                if self.params.get(step.kind):
                    yield step

    def _is_named(self, step: Step, scope: Scope) -> bool:
        """Take in the paths of a step among these names; False where they do not tell."""
        found = _paths(self.plan, step, self.params[step.kind], scope, self.templates)
        self.named.update(dict.fromkeys(found or ()))
        return found is not None


class PathsOnHosts:
    """The same of one step on one host, for whoever asks about few of them."""

    def __init__(self, plan: Plan, templates: Templates, params: Mapping[str, tuple[str, ...]]) -> None:
        self._plan = plan
        self._templates = templates
        self._params = params
        self._known = Known(plan, templates.render, dict.fromkeys(plan.secrets, UNKNOWN))
        self._alike: dict[tuple[str, str], tuple[NamedPath, ...] | None] = {}

    def of(self, play: PlannedPlay, step: Step, host: str) -> tuple[NamedPath, ...]:
        """Paths with the folder that each starts at; none where only the run can tell."""
        params = self._params.get(step.kind)
        if not params:
            return ()
        key = (play.id, step.id)
        if key not in self._alike:
            self._alike[key] = self._named(step, params, self._known.of_all(play, frame=step.frame))
        alike, known = self._alike[key], self._plan.hosts.get(host)
        if alike is not None or known is None:
            return alike or ()
        return self._named(step, params, self._known.of_host(play, known, frame=step.frame)) or ()

    def _named(self, step: Step, params: tuple[str, ...], scope: Scope) -> tuple[NamedPath, ...] | None:
        return _paths(self._plan, step, params, scope, self._templates)


def _paths(
    plan: Plan, step: Step, params: tuple[str, ...], scope: Scope, templates: Templates
) -> tuple[NamedPath, ...] | None:
    """The paths of a step among these names; None where they do not tell."""
    values = [step.params[name] for name in params if name in step.params]
    try:
        turned = turns(step.loop, scope, templates) if any(map(has_template, values)) else [{}]
        found = [templates.render(value, {**scope, **names}) for names in turned for value in values]
    except RenderError:
        return None
    return tuple((step.folder or plan.folder, text) for value in found for text in _texts(value))


def _texts(value: Value) -> list[str]:
    parts = value if isinstance(value, list | tuple) else [value]
    return [part for part in parts if isinstance(part, str)]
