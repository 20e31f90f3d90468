"""What a step does, apart from how it is written and how it is tried: a change of it is a change of what was done.

Left out are names, places and tags, and what only says how often, how long, when or with what care it is tried: who
gives a step that is stuck more time, or says that it may run twice, has changed nothing that was done.
"""

from collections.abc import Iterator
from typing import Any

from runner.model.canonical import canonical
from runner.model.inventory import Become
from runner.model.plan import PlannedPlay
from runner.model.playbook import Step
from runner.model.template import Template, templates_in

FIELDS = (
    "kind",
    "params",
    "when",
    "loop",
    "register",
    "changed_when",
    "failed_when",
    "ok_codes",
    "become",
    "env",
    "cwd",
    "stdin",
    "read_only",
    "once",
    "delegate_to",
    "notify",
    "section",
)


def essence(step: Step, play: PlannedPlay) -> dict[str, str]:
    """Equal texts for equal meanings, by the key that says it."""
    return {name: canonical(value) for name, value in _parts(step, play)}


def templates_of(step: Step, play: PlannedPlay) -> list[Template]:
    """The templates that decide what it does."""
    return [template for _, value in _parts(step, play) for template in _within(value)]


def _parts(step: Step, play: PlannedPlay) -> Iterator[tuple[str, Any]]:
    for name in FIELDS:
        value = getattr(step, name)
        if name in {"become", "cwd"} and value is None:
            value = getattr(play, name)
        yield name, {**play.env, **step.env} if name == "env" else value


def _within(value: Any) -> Iterator[Template]:
    return templates_in([value.user, value.password] if isinstance(value, Become) else value)
