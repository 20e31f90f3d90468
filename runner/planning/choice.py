"""Which steps ``--tags``, ``--skip-tags`` and ``--start-at`` choose among the ``steps`` of plays; pure.

``always`` marks a step that is chosen whatever ``--tags`` says, ``never`` one that is chosen only where a tag of it is
asked for. ``--skip-tags`` wins over both. What else a play has (handlers, ``always``, rollback, gate, and what stands
in ``rescue`` and ``always`` of a block that keeps a step) stays with the steps that are chosen.
"""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce

from runner.location import Problem
from runner.model.changed import changed
from runner.model.playbook import Block, Node, Play, Step, leaves, nodes_of
from runner.planning.settings import PlanSettings
from runner.planning.tags import TagError, Tree, holds, matching, parsed, words
from runner.words import suggest

ALWAYS, NEVER = "always", "never"
HINT = 'write tags with and, or, not and parentheses: "web and not slow"'
BESIDE = "it stands in handlers, rescue, always or rollback; name one of the steps"


class Choice:
    """What the command line chooses among the steps of plays. ``problems`` says what is wrong with the options."""

    def __init__(self, plays: Sequence[Play], settings: PlanSettings) -> None:
        self.problems: list[Problem] = []
        self._settings = settings
        self._known = {tag for play in plays for step in leaves(play.steps) for tag in step.tags} | {ALWAYS, NEVER}
        self._tags = self._tree("--tags", settings.tags)
        self._skipped = self._tree("--skip-tags", settings.skip_tags)
        self._asked = {word for word, asked in words(self._tags) if asked} if self._tags else set()
        self._before, self._start = self._started(plays)

    def __str__(self) -> str:
        """What leaves steps out: the options as a person could have typed them, or else the tag that does."""
        settings = self._settings
        options = [("--tags", text) for text in settings.tags] + [("--skip-tags", text) for text in settings.skip_tags]
        options += [("--start-at", settings.start_at)] if settings.start_at is not None else []
        return " ".join(f"{option} {shlex.quote(text)}" for option, text in options) or f'the tag "{NEVER}"'

    def of(self, play: Play) -> tuple[Node, ...]:
        """The chosen of a play's steps, in their blocks; a block left without steps goes."""
        if play.id in self._before:
            return ()
        nodes = play.steps
        if self._start is not None and any(node is self._start for node in nodes_of(nodes)):
            nodes = tuple(_from(self._start, nodes))
        return self._among(nodes)

    def _among(self, nodes: Iterable[Node]) -> tuple[Node, ...]:
        return tuple(kept for node in nodes if (kept := self._kept(node)) is not None)

    def _kept(self, node: Node) -> Node | None:
        if isinstance(node, Step):
            return node if self._is_chosen(node.tags) else None
        steps = self._among(node.steps)
        if not steps:
            return None
        return node if steps == node.steps else changed(node, steps=steps)

    def _is_chosen(self, tags: tuple[str, ...]) -> bool:
        if self._skipped is not None and holds(self._skipped, tags):
            return False
        is_asked = any(True for word in self._asked for _ in matching(word, tags))
        if NEVER in tags and not is_asked:
            return False
        return self._tags is None or ALWAYS in tags or holds(self._tags, tags)

    def _tree(self, option: str, texts: Iterable[str]) -> Tree | None:
        """All expressions of an option, joined by ``or``; each tag in them must stand at some step."""
        trees = [tree for text in texts if (tree := self._parsed(option, text)) is not None]
        for word in dict.fromkeys(word for tree in trees for word, _ in words(tree)):
            if not any(matching(word, self._known)):
                hint = suggest(word, self._known) or self._tags_there_are()
                self.problems.append(Problem("E619", f'{option}: no step has the tag "{word}"', None, hint))
        return reduce(lambda one, other: ("or", one, other), trees) if trees else None

    def _parsed(self, option: str, text: str) -> Tree | None:
        try:
            return parsed(text)
        except TagError as error:
            self.problems.append(Problem("E619", f"{option}: {error}", None, HINT))
            return None

    def _tags_there_are(self) -> str:
        names = sorted(self._known - {ALWAYS, NEVER})
        return f"there are: {', '.join(names)}" if names else "no step of this playbook has tags"

    def _started(self, plays: Sequence[Play]) -> tuple[frozenset[str], Node | None]:
        """The plays before the one that has the step to start at, and that step or block."""
        wanted = self._settings.start_at
        if wanted is None:
            return frozenset(), None
        found = _named(plays, wanted)
        if len(found) == 1:
            index, node = found[0]
            return frozenset(play.id for play in plays[:index]), node
        self.problems.append(_not_one(plays, wanted, [f"{plays[index].id}.{node.id}" for index, node in found]))
        return frozenset(), None


def _named(plays: Sequence[Play], wanted: str) -> list[tuple[int, Node]]:
    """The steps and blocks that an id means, or else ``PLAY.ID``, or else a name; with the numbers of their plays."""
    every = [(index, node) for index, play in enumerate(plays) for node in _startable(play.steps)]
    ways = (
        [(index, node) for index, node in every if node.id == wanted],
        [(index, node) for index, node in every if f"{plays[index].id}.{node.id}" == wanted],
        [(index, node) for index, node in every if node.name == wanted],
    )
    return next((found for found in ways if found), [])


def _startable(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        if isinstance(node, Block):
            yield from _startable(node.steps)


def _every(plays: Iterable[Play]) -> Iterator[tuple[Play, Node]]:
    return ((play, node) for play in plays for part in play.sections for node in nodes_of(part))


def _not_one(plays: Sequence[Play], wanted: str, found: list[str]) -> Problem:
    if found:
        hint = f"write {' or '.join(found)}"
        return Problem("E619", f'--start-at: several steps are called "{wanted}"', None, hint)
    if any(wanted in {node.id, f"{play.id}.{node.id}"} for play, node in _every(plays)):
        return Problem("E619", f'--start-at: there is no step "{wanted}" under steps', None, BESIDE)
    ids = {node.id for play in plays for node in _startable(play.steps)}
    full = {f"{play.id}.{node.id}" for play in plays for node in _startable(play.steps)}
    return Problem("E619", f'--start-at: there is no step "{wanted}"', None, suggest(wanted, ids | full))


def _from(start: Node, nodes: Iterable[Node]) -> Iterator[Node]:
    """The nodes from ``start`` on; of a block that holds it, its steps from there on."""
    is_begun = False
    for node in nodes:
        if is_begun or node is start:
            is_begun = True
            yield node
        elif isinstance(node, Block) and (steps := tuple(_from(start, node.steps))):
            is_begun = True
            yield changed(node, steps=steps)
