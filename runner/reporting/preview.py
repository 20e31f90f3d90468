"""What a plan's templates come to, as far as no answer of a host is needed; the rest is shown as it is written."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from math import prod
from typing import Any

from runner.errors import RenderError
from runner.model.known import UNKNOWN, Known
from runner.model.plan import Plan, PlannedPlay, Wave
from runner.model.plan_document import HIDDEN, TaskDocument
from runner.model.playbook import Step
from runner.model.template import Template, Value, has_template, map_templates
from runner.templating import Templates

Scope = Mapping[str, Any]


class Preview:
    """Renders the steps of one plan. Secrets are shown as ``***``."""

    def __init__(self, plan: Plan, templates: Templates) -> None:
        self._plan = plan
        self._templates = templates
        self._known = Known(plan, templates.render, dict.fromkeys(plan.secrets, HIDDEN))
        self._items: dict[tuple[str, str], int | None] = {}
        self._fixed: dict[int, bool] = {}

    def items(self, play: PlannedPlay, step: Step) -> int | None:
        """How many items a step's loop has: 1 without a loop, None where hosts or the run decide."""
        key = (play.id, step.id)
        if key not in self._items:
            self._items[key] = self._count(play, step)
        return self._items[key]

    def tasks(self, hosts: Iterable[str] | None = None) -> Iterator[TaskDocument]:
        """Every step on every host, or on these hosts, in the order of plays, waves, hosts and steps."""
        wanted = None if hosts is None else frozenset(hosts)  # as they may be thousands
        for play in self._plan.plays:
            yield from self.tasks_of(play, wanted)

    def tasks_of(self, play: PlannedPlay, hosts: Collection[str] | None = None) -> Iterator[TaskDocument]:
        """The same of one play."""
        for wave in play.waves:
            for name in wave.hosts:
                if hosts is None or name in hosts:
                    yield from self._host(play, wave, name)

    def on(self, play: PlannedPlay, wave: Wave, host: str) -> "HostPreview":
        """The steps of a play as they are on one host."""
        return HostPreview(self, play, wave, host)

    def scope(self, play: PlannedPlay, wave: Wave, host: str, frame: str = "") -> dict[str, Any]:
        """The names that are known before the run, inside a frame or outside any."""
        return self._known.of_host(play, self._plan.hosts[host], wave=wave.index, frame=frame)

    def rendered(self, value: Value, scope: Scope) -> Value:
        """A value of a step, each template in it rendered or else as it is written."""
        if id(value) not in self._fixed:
            self._fixed[id(value)] = not has_template(value)
        return value if self._fixed[id(value)] else map_templates(value, lambda one: self._template(one, scope))

    def _template(self, template: Template, scope: Scope) -> Value:
        if template.bare:
            return template.source
        try:
            return self._templates.render(template, scope)
        except RenderError:
            return template.source

    def _host(self, play: PlannedPlay, wave: Wave, host: str) -> Iterator[TaskDocument]:
        here = self.on(play, wave, host)
        for step in play.counted:
            yield TaskDocument(
                play=play.id,
                wave=wave.index,
                host=host,
                step=step.id,
                params=here.params(step),
                delegate_to=here.delegate(step),
            )

    def _count(self, play: PlannedPlay, step: Step) -> int | None:
        """The length of a loop that is the same on all hosts."""
        loop = step.loop
        if loop is None:
            return 1
        try:
            scope = self._known.of_all(play, frame=step.frame)
            value = self._templates.render(loop, scope) if isinstance(loop, Template | dict) else loop
        except RenderError:
            return None
        if isinstance(value, dict):
            return prod(len(part) for part in value.values()) if all(map(_is_list, value.values())) else None
        return len(value) if _is_list(value) else None


class HostPreview:
    """The steps of a play as they are on one host. Scopes are made once for each frame."""

    def __init__(self, preview: Preview, play: PlannedPlay, wave: Wave, host: str) -> None:
        self._preview = preview
        self._play = play
        self._wave = wave
        self._host = host
        self._scopes: dict[str, Scope] = {}

    def params(self, step: Step) -> Any:
        """The params of a step; hidden where it is sensitive."""
        return HIDDEN if step.sensitive else self._rendered(step, step.params)

    def delegate(self, step: Step) -> str | None:
        """The host that a step is delegated to, if it is."""
        return None if step.delegate_to is None else str(self._rendered(step, step.delegate_to))

    def _rendered(self, step: Step, value: Value) -> Value:
        if step.frame not in self._scopes:
            self._scopes[step.frame] = self._preview.scope(self._play, self._wave, self._host, step.frame)
        scope = self._scopes[step.frame]
        if step.loop is not None:
            scope = {**scope, "item": UNKNOWN, "loop": UNKNOWN}
        return self._preview.rendered(value, scope)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)
