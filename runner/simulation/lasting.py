"""How long a step takes in a simulation where nobody says: a second, or less where it would not be well then. Pure."""

from collections.abc import Iterator, Mapping

from runner.model.plan import Plan
from runner.model.playbook import Check, Step, nodes_of

STEP_TAKES = 1.0
"""Seconds."""


def shorter(plan: Plan) -> Mapping[tuple[str, str], float]:
    """Seconds of each step and check that can't take a whole one, by play and id."""
    return {key: seconds for key, seconds in _each(plan) if seconds < STEP_TAKES}


def _each(plan: Plan) -> Iterator[tuple[tuple[str, str], float]]:
    for play in plan.plays:
        for part in play.sections:
            for node in nodes_of(part):
                if isinstance(node, Step):
                    yield (play.id, node.id), _within(node)
        for check in play.strategy.gate:
            yield (play.id, check.step.id), _within_deadline(check)


def _within(step: Step) -> float:
    """Well inside the limits of one try."""
    limits = [limit / 2 for limit in (step.timeout, step.idle_timeout) if limit]
    return min([STEP_TAKES, *limits])


def _within_deadline(check: Check) -> float:
    """All looks fit into the deadline, with the intervals between them."""
    left = check.deadline - (check.successes - 1) * check.interval
    return min(_within(check.step), max(0.0, left) / (check.successes + 1))
