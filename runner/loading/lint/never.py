"""Steps that can never run (W426): their condition is false as written, or a step before them always fails."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from runner.loading.documents import Problems
from runner.loading.nodes import Texts
from runner.loading.plays import PlayTexts
from runner.loading.steps import StepTexts
from runner.model.playbook import Block, Condition, Node, Step, nodes_of
from runner.model.template import Template


def check_never(play: PlayTexts, problems: Problems) -> None:
    """Warn of all of a play."""
    if is_false(play.play.when) and "when" in play.cursor.data:
        place = play.cursor.at("when").here
        problems.warning("W426", "this play never runs", place, "write a condition, or remove the play")
    for part in play.parts:
        if is_false(_condition(part)):
            place = part.cursor.at("when").here
            problems.warning("W426", "this step never runs", place, "write a condition, or remove the step")
    for section in (play.play.steps, play.play.rollback, play.play.always):
        for node, before in _behind_failures(section):
            message = f'this step never runs: "{before.id}" ({before.location}) always fails'
            problems.warning("W426", message, node.location, "give that step a condition, or remove what stands behind")


def _condition(part: Texts) -> Condition | None:
    if isinstance(part, StepTexts):
        return part.step.when
    return part.block.when if part.block else None


def is_false(condition: Condition | None) -> bool:
    """Whether a condition is false as it is written."""
    return condition is False or (isinstance(condition, Template) and condition.source.strip().lower() == "false")


def _behind_failures(nodes: tuple[Node, ...]) -> Iterator[tuple[Node, Step]]:
    """The first node that can't be reached of each list, with the step that always fails before it."""
    yield from _in_list(nodes)
    for node in nodes_of(nodes):
        for part in (node.steps, node.rescue, node.always) if isinstance(node, Block) else ():
            yield from _in_list(part)


def _in_list(nodes: tuple[Node, ...]) -> Iterator[tuple[Node, Step]]:
    for before, node in pairwise(nodes):
        if (failed := _failure(before)) is not None:
            yield node, failed
            return


def _failure(node: Node) -> Step | None:
    """The step of a node that always fails and ends what it stands in, if there is one."""
    if node.on_failure != "stop" or node.when not in (None, True) or "never" in node.tags:
        return None
    if isinstance(node, Step):
        return node if _fails(node) else None
    failed = _any(node.steps)
    if failed and node.rescue and "failed" in node.rescue_on:
        failed = _any(node.rescue)
    return failed or _any(node.always)


def _any(nodes: Iterable[Node]) -> Step | None:
    return next((found for one in nodes if (found := _failure(one))), None)


def _fails(step: Step) -> bool:
    if step.loop is not None:
        return False  # it may have no items
    if step.failed_when is not None:
        return step.failed_when is True
    that = step.params.get("that") if step.kind == "assert" else None
    return any(is_false(one) for one in (that if isinstance(that, list | tuple) else [that]) if one is not None)
