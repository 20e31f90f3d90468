"""The checks of gates in a simulation. They are step kinds like others, but nothing is recorded before a look.

So each says in its params whose gate it looks at, where the kind can read it. The host's name is rendered on the way,
like every other param: a check may run on another host than the one it is for.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from runner.model.changed import changed
from runner.model.plan import Plan, PlannedPlay
from runner.model.playbook import Check
from runner.model.template import Template

MARK = "of a gate"
"""The param; no kind has one with blanks in its name."""


class Looked(NamedTuple):
    """Whose gate it is: of which play, for which host (the first of a wave's), in which check."""

    play: str
    host: str
    check: str


def with_marks(plan: Plan) -> Plan:
    """The plan with marked checks."""
    return changed(plan, plays=tuple(_marked(play) if play.strategy.gate else play for play in plan.plays))


def _marked(play: PlannedPlay) -> PlannedPlay:
    gate = tuple(_with_mark(play.id, check) for check in play.strategy.gate)
    return changed(play, strategy=changed(play.strategy, gate=gate))


def _with_mark(play: str, check: Check) -> Check:
    step = check.step
    mark = [play, Template("{{ host.name }}", step.location), step.id]
    return changed(check, step=changed(step, params={**step.params, MARK: mark}))


def unmarked(params: Mapping[str, Any]) -> tuple[Mapping[str, Any], Looked | None]:
    """The params as the kind has them, and whose gate it looks at, None for a step."""
    if MARK not in params:
        return params, None
    return {key: value for key, value in params.items() if key != MARK}, Looked(*params[MARK])
