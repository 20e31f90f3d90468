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
        values = [step.params[name] for name in self.params[step.kind] if name in step.params]
        try:
            turned = turns(step.loop, scope, self.templates) if any(map(has_template, values)) else [{}]
            found = [self.templates.render(value, {**scope, **names}) for names in turned for value in values]
        except RenderError:
            return False
        folder = step.folder or self.plan.folder
        self.named.update(dict.fromkeys((folder, text) for value in found for text in _texts(value)))
        return True


def _texts(value: Value) -> list[str]:
    parts = value if isinstance(value, list | tuple) else [value]
    return [part for part in parts if isinstance(part, str)]
