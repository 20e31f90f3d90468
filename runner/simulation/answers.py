"""Templates for a run in which no host answers.

A template that needs an answer shows its own source, in angle brackets; a condition on one holds; a loop over one has
one item. All that needs none is rendered as in a run.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runner.model.inventory import CONTROLLER
from runner.model.plan import Plan
from runner.model.playbook import Step, nodes_of
from runner.model.template import Template, Unknown, Value, map_templates, templates_in
from runner.simulation.needs import Needs
from runner.templating import Templates

if TYPE_CHECKING:
    from runner.templating.compiler import Compiler

_EXPRESSION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)


class AnsweredTemplates(Templates):
    """The templates of a plan. ``templates`` are those it was loaded with."""

    def __init__(self, templates: Templates, plan: Plan) -> None:
        super().__init__()
        self._real = templates
        self._needs = Needs(templates.uses)
        self._within: dict[int, tuple[Value, tuple[Template, ...]]] = {}
        steps = list(_steps(plan))
        self._loops = frozenset(template for step in steps for template in templates_in(step.loop))
        self._places = frozenset(_places(plan, steps))
        self._failing = frozenset(step.failed_when for step in steps if isinstance(step.failed_when, Template))

    @property
    def _compiler(self) -> "Compiler":
        return self._real._compiler  # noqa: SLF001 - its own kind

    def render(self, value: Value, scope: Mapping[str, Any]) -> Value:
        """A tree with each Template replaced by its value, or by text that stands for it."""
        if value is None or isinstance(value, str):
            return value
        found = self._within.get(id(value))
        if found is None:  # the value is kept, so that its id stays its own
            found = self._within[id(value)] = (value, tuple(templates_in(value)))
        if not any(self._needs.answer(template, scope) for template in found[1]):
            return self._compiler.render(value, scope) if found[1] else value
        return map_templates(value, lambda template: self._rendered(template, scope))

    def condition(self, value: Template | bool, scope: Mapping[str, Any]) -> bool:  # noqa: FBT001 - as it was written
        """Whether a condition holds. One on an answer does; but ``failed_when`` leaves a step as it was told to end."""
        if isinstance(value, bool) or not self._needs.answer(value, scope):
            return super().condition(value, scope)
        return bool(scope["result"]["failed"]) if value in self._failing and "result" in scope else True

    def _rendered(self, template: Template, scope: Mapping[str, Any]) -> Value:
        if not self._needs.answer(template, scope):
            return super().render(template, scope)
        if template in self._places:
            return CONTROLLER  # nobody knows on which host; on this machine nothing is in its way
        text = stand_in(template)
        return [text] if template in self._loops else text


def stand_in(template: Template) -> Unknown:
    """The text in place of a value that nobody knows: ``<version.stdout>``."""
    source = template.source.strip()
    if template.bare or "{%" in source or "{#" in source:
        return Unknown(f"<{source}>")
    return Unknown(_EXPRESSION.sub(r"<\1>", source))


def _steps(plan: Plan) -> Iterator[Step]:
    """Every step of a plan, those of all sections and gates too."""
    for play in plan.plays:
        for part in play.sections:
            yield from (node for node in nodes_of(part) if isinstance(node, Step))
        yield from (check.step for check in play.strategy.gate)


def _places(plan: Plan, steps: list[Step]) -> Iterator[Template]:
    """Templates that name hosts."""
    sources = [check.source for play in plan.plays for check in play.strategy.gate]
    for value in [*(step.delegate_to for step in steps), *sources]:
        yield from templates_in(value)
