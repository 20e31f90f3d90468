"""A play with all that is said of it, before it is known which hosts and steps of it are wanted; pure."""

from runner.model.changed import changed
from runner.model.inventory import merged
from runner.model.plan import PlannedPlay
from runner.model.playbook import Condition, Node, Play, Playbook, Step, Strategy, map_steps
from runner.model.template import Template
from runner.planning.settings import PlanSettings


def draft(play: Play, playbook: Playbook, settings: PlanSettings) -> PlannedPlay:
    """The play without hosts and waves. The variables and inputs that it sees are those of the playbook it is from."""
    layers = playbook.layers if play.layers is None else play.layers
    return PlannedPlay(
        id=play.id,
        name=play.name,
        hosts=(),
        waves=(),
        steps=timed(play.steps, settings.timeout),
        strategy=adjusted(play.strategy, settings),
        concurrency=1,
        location=play.location,
        vars={**merged(layers), **play.vars.values},
        become=play.become,
        env=play.env,
        cwd=play.cwd,
        needs=play.needs,
        when=play.when,
        handlers=timed(play.handlers, settings.timeout),
        rollback=timed(play.rollback, settings.timeout),
        always=timed(play.always, settings.timeout),
        frames=play.frames,
        given=settings.given if play.given is None else play.given,
    )


def adjusted(strategy: Strategy, settings: PlanSettings) -> Strategy:
    """The strategy with what the command line says about it."""
    if settings.concurrency is not None:
        strategy = changed(strategy, concurrency=settings.concurrency)
    if settings.fail_fast:
        strategy = changed(strategy, max_failures=0, max_failure_percent=None, on_exceed="kill")
    if strategy.gate and settings.timeout is not None:
        gate = (changed(check, step=_with_timeout(check.step, settings.timeout)) for check in strategy.gate)
        strategy = changed(strategy, gate=tuple(gate))
    return strategy


def timed(nodes: tuple[Node, ...], timeout: float | None) -> tuple[Node, ...]:
    """Nodes with the limit, in seconds, of steps that name none; None where nothing is said about it."""
    return nodes if timeout is None else map_steps(nodes, lambda step: _with_timeout(step, timeout))


def _with_timeout(step: Step, timeout: float) -> Step:
    """``timeout`` 0 is none, as in a playbook."""
    return changed(step, timeout=timeout or None) if step.timeout_is_default else step


def written(condition: Condition | None) -> str:
    """A condition as it was written."""
    return condition.source if isinstance(condition, Template) else str(condition).lower()
