"""The steps of a play as text: a tree, rendered for a few hosts. Safe to show."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from runner.model import longest
from runner.model.plan import PlannedPlay, Wave
from runner.model.plan_description import handed_to
from runner.model.playbook import Block, Node, Step
from runner.reporting import plan_wording as words
from runner.reporting.escape import visible
from runner.reporting.preview import Preview
from runner.reporting.wording import hosts
from runner.reporting.yaml_like import flow

DETAILS = 5
"""Columns by which what a step says stands behind its number."""


class Tree:
    """The steps of one play, rendered for ``chosen`` hosts, which are given with their waves."""

    def __init__(self, play: PlannedPlay, preview: Preview, chosen: Sequence[tuple[Wave, str]]) -> None:
        self._play = play
        self._preview = preview
        self._here = [(name, preview.on(play, wave, name)) for wave, name in chosen]

    def lines(self, nodes: Iterable[Node]) -> Iterator[str]:
        """Numbered steps and blocks, what they say below them."""
        for number, node in enumerate(nodes, 1):
            frame = self._play.frames.get(node.opens) if isinstance(node, Block) else None
            yield f"{number}. {words.heading(node, frame)}"
            details = self._step(node) if isinstance(node, Step) else self._block(node)
            yield from indented(DETAILS, details)

    def _step(self, step: Step) -> Iterator[str]:
        yield from self._params(step)
        if step.delegate_to is not None:
            yield f"delegate_to: {self._delegates(step)}"
        yield from words.settings(step, longest.of_step(self._play, step, self._preview.items))

    def _block(self, block: Block) -> Iterator[str]:
        frame = self._play.frames.get(block.opens)
        if frame is not None and frame.given:
            yield f"vars: {flow(handed_to(block, frame))}"
        yield from words.of_block(block)
        yield from self.lines(block.steps)
        if block.rescue:
            yield f"rescue, where a step is {' or '.join(block.rescue_on)}:"
            yield from indented(2, self.lines(block.rescue))
        if block.always:
            yield "always:"
            yield from indented(2, self.lines(block.always))

    def _params(self, step: Step) -> Iterator[str]:
        """The params once where all hosts have the same, else for each kind of them."""
        groups: dict[str, tuple[Any, list[str]]] = {}
        for name, here in self._here:
            params = here.params(step)
            groups.setdefault(repr(params), (params, []))[1].append(name)
        for params, names in groups.values():
            if len(groups) > 1:
                yield f"on {hosts(names)}:"
            yield from indented(2 if len(groups) > 1 else 0, words.params(params))

    def _delegates(self, step: Step) -> str:
        """Where it runs, for whom where that differs."""
        groups: dict[str, list[str]] = {}
        for name, here in self._here:
            groups.setdefault(here.delegate(step) or "", []).append(name)
        if len(groups) == 1:
            return visible(next(iter(groups)))
        return ", ".join(f"{visible(delegate)} for {hosts(names)}" for delegate, names in groups.items())


def indented(width: int, lines: Iterable[str]) -> Iterator[str]:
    """Lines with so many blanks before them."""
    return (" " * width + line for line in lines)
