"""What a plan's templates come to, as far as no answer of a host is needed.

**Why a poisoned name.** What a step will register is not undefined, it is unknown: ``x | default('none')`` must not
show ``none``. So every name that only the run can fill is given a template that can't be rendered: whatever uses it,
even to ask whether it is defined, is shown as it is written.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from math import prod
from typing import Any

from runner.errors import RenderError
from runner.location import Location
from runner.model.plan import Plan, PlannedPlay, Wave
from runner.model.plan_document import HIDDEN, TaskDocument
from runner.model.playbook import Step
from runner.model.scope import host_scope, static_names
from runner.model.template import Template, Value, has_template, map_templates
from runner.templating import Templates

_UNKNOWN = Template("{{ 0 / 0 }}", Location("", 1))


class Preview:
    """Renders the steps of one plan. Secrets are shown as ``***``."""

    def __init__(self, plan: Plan, templates: Templates) -> None:
        self._plan = plan
        self._templates = templates
        self._unknown = dict.fromkeys(("facts", "item", "loop", "result", *_registered(plan)), _UNKNOWN)
        self._secrets = dict.fromkeys(plan.secrets, HIDDEN)
        self._items: dict[tuple[str, str], int | None] = {}
        self._fixed: dict[int, bool] = {}

    def items(self, play: PlannedPlay, step: Step) -> int | None:
        """How many items a step's loop has: 1 without a loop, None where hosts or the run decide."""
        key = (play.id, step.id)
        if key not in self._items:
            self._items[key] = self._count(play, step.loop)
        return self._items[key]

    def tasks(self, hosts: Iterable[str] | None = None) -> Iterator[TaskDocument]:
        """Every step on every host, or on these hosts, in the order of plays, waves, hosts and steps."""
        wanted = None if hosts is None else frozenset(hosts)
        for play in self._plan.plays:
            yield from self.tasks_of(play, wanted)

    def tasks_of(self, play: PlannedPlay, hosts: Collection[str] | None = None) -> Iterator[TaskDocument]:
        """The same of one play."""
        for wave in play.waves:
            for name in wave.hosts:
                if hosts is None or name in hosts:
                    yield from self._host(play, wave, name)

    def params(self, play: PlannedPlay, wave: Wave, host: str, step: Step) -> Any:
        """The params of a step on a host."""
        return self._params(step, self.scope(play, wave, host))

    def scope(self, play: PlannedPlay, wave: Wave, host: str) -> dict[str, Any]:
        """The names that are known before the run."""
        known = host_scope(self._plan, play, self._plan.hosts[host], wave=wave.index, secrets=self._secrets)
        return {**known, **self._unknown, "run": {"id": _UNKNOWN}}

    def _host(self, play: PlannedPlay, wave: Wave, host: str) -> Iterator[TaskDocument]:
        scope = self.scope(play, wave, host)
        for step in play.counted:
            params = self._params(step, scope)
            yield TaskDocument(play=play.id, wave=wave.index, host=host, step=step.id, params=params)

    def _params(self, step: Step, scope: Mapping[str, Any]) -> Any:
        if step.sensitive:
            return HIDDEN
        if id(step) not in self._fixed:
            self._fixed[id(step)] = not has_template(step.params)
        if self._fixed[id(step)]:
            return step.params
        return map_templates(dict(step.params), lambda template: self._rendered(template, scope))

    def _rendered(self, template: Template, scope: Mapping[str, Any]) -> Value:
        if template.bare:
            return template.source
        try:
            return self._templates.render(template, scope)
        except RenderError:
            return template.source

    def _count(self, play: PlannedPlay, loop: Value) -> int | None:
        """The length of a loop that is the same on all hosts."""
        if loop is None:
            return 1
        scope = {**static_names(play.vars, self._plan.groups, play.given, self._plan.extra), **self._unknown}
        try:
            value = self._templates.render(loop, scope) if isinstance(loop, Template | dict) else loop
        except RenderError:
            return None
        if isinstance(value, dict):
            return prod(len(part) for part in value.values()) if all(map(_is_list, value.values())) else None
        return len(value) if _is_list(value) else None


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _registered(plan: Plan) -> Iterator[str]:
    """Names that steps give to results, and values that they set."""
    for play in plan.plays:
        for step in play.counted:
            if step.register:
                yield step.register
            if step.kind == "set":
                yield from _names_set(step)


def _names_set(step: Step) -> Iterator[str]:
    values = step.params.get("values", step.params)
    yield from values if isinstance(values, Mapping) else ()
