"""One YAML file as data, with the place of every key and value.

The places are kept beside the data, not in it: a list of numbers for each mapping and list, found by the identity of
that object. So the data stays plain (what jsonschema and msgspec take), and 50,000 hosts load in under a second.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.loading.characters import check_characters
from runner.loading.composer import LENGTHS, SHIFT, Composed, compose
from runner.loading.inside import offset_in_source
from runner.loading.limits import INVENTORY, PLAYBOOK, Limits
from runner.loading.problems_list import Problems
from runner.loading.reading import STDIN, a_file, decode, read_bytes, read_standard_input
from runner.loading.source import Source
from runner.location import Location
from runner.model.saved_plan import RUNS_PLAN, SAVED_PLAN, foreign_kind, stored_kind

__all__ = ["Document", "Path", "Problems", "Steps", "read_document", "read_text"]

PROPERTIES = re.compile(r"(?:[&!]\S*\s+)+")
"""An anchor and a tag before a value."""

HINTS = {SAVED_PLAN: "runner plan shows a saved plan, runner run runs it", RUNS_PLAN: "runner runs show RUN"}
"""What to do with a file of ours that stands in the wrong place."""

Steps = tuple[str | int, ...]
"""The way from the top of a document to a place in it: keys and, counted from 0, list positions."""


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """What one file says.

    ``name`` is what messages show. ``data`` is a tree of dict (keys are text), list, str, int, float, bool and None;
    take it as read-only, parts of it may be shared. ``sha256`` is the hex digest of the bytes that were parsed.
    """

    path: Path
    name: str
    data: Any
    sha256: str
    source: Source
    _composed: Composed
    _orders: dict[int, dict[str, int]] = field(default_factory=dict)
    _own: dict[int, Any] = field(default_factory=dict)
    _gone: list[Any] = field(default_factory=list)

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the file, without their ends."""
        return self.source.lines

    def value_at(self, path: Steps) -> Location:
        """The place of the value at ``path``, or of the nearest thing around it."""
        return self._location(*self._span(path, key=False))

    def key_at(self, path: Steps) -> Location:
        """The place of the key that ``path`` ends with (of the value, in a list), or of the nearest thing around it."""
        return self._location(*self._span(path, key=True))

    def keys_of(self, node: dict[str, Any]) -> dict[str, Location]:
        """The place of every key of a mapping that is part of ``data``: cheaper than asking for each by its path."""
        spans = self._composed.places.get(id(node), [])[::2]
        return {key: self._location(span >> SHIFT, span & LENGTHS) for key, span in zip(node, spans, strict=False)}

    def text_at(self, path: Steps) -> str:
        """The source text of the value at ``path``, without its anchor; of a mapping or list, its first character."""
        return self._written(path)[1]

    def inside(self, path: Steps, offset: int) -> Location:
        """The place of a character of the text at ``path``, counted from 0; of its start where that can't be told."""
        start, written = self._written(path)
        value = self.at(path)
        if not isinstance(value, str):
            return self.value_at(path)
        return self._location(start + offset_in_source(written, value, offset), 1)

    def _written(self, path: Steps) -> tuple[int, str]:
        """Where a value's own text starts, behind an anchor and tag, and that text. An alias leads to its anchor."""
        start, length = self._span(path, key=False)
        start, length = self._composed.aliases.get(start, (start, length))
        text = self.source.text[start : start + length]
        properties = PROPERTIES.match(text)
        skipped = properties.end() if properties else 0
        return start + skipped, text[skipped:]

    def start_of(self, path: Steps) -> Location:
        """Where the value at ``path`` starts: what is missing in it is told there."""
        return self._location(self._span(path, key=False)[0], 1)

    def at(self, path: Steps) -> Any:
        """The value at ``path``, or None where there is none."""
        value = self.data
        for step in path:
            value = _child(value, step)
        return value

    def put(self, path: Steps, value: Any) -> None:
        """Put a value in place of the one at ``path``, whose place it keeps.

        Where an alias repeats what is around it, it stays as it was there: what is shared is copied on the way.
        """
        *most, last = path
        node = self.data
        for step in most:
            node[step] = self._copied(node[step])
            node = node[step]
        node[last] = value

    def copy(self) -> "Document":
        """The same file once more, in which values can be put without changing this one."""
        top = self.data.copy() if isinstance(self.data, dict | list) else self.data
        places = {**self._composed.places, id(top): self._composed.places.get(id(self.data), [])}
        return replace(self, data=top, _composed=replace(self._composed, places=places), _orders={}, _own={}, _gone=[])

    def _copied(self, node: Any) -> Any:
        """A mapping or list that stands in one place alone, with the places of the first.

        Both are kept: what has places is known by its identity, and no other value may take that over.
        """
        if id(node) in self._own:
            return node
        copy = node.copy()
        self._own[id(copy)] = copy
        self._gone.append(node)
        if id(node) in self._composed.places:
            self._composed.places[id(copy)] = self._composed.places[id(node)]
        return copy

    def _span(self, path: Steps, *, key: bool) -> tuple[int, int]:
        node, span = self.data, self._composed.root
        for number, step in enumerate(path):
            pair = self._pair(node, step)
            if pair is None:
                break
            span = pair[0] if key and number == len(path) - 1 else pair[1]
            node = _child(node, step)
        return span >> SHIFT, span & LENGTHS

    def _pair(self, node: Any, step: str | int) -> tuple[int, int] | None:
        """The packed places of one key and its value."""
        places = self._composed.places.get(id(node))
        if places is None:  # what a template gave has no places of its own
            return None
        if isinstance(node, dict) and isinstance(step, str) and step in node:
            at = 2 * self._order(node)[step]
            return places[at], places[at + 1]
        if isinstance(node, list) and isinstance(step, int) and 0 <= step < len(node):
            return places[step], places[step]
        return None

    def _order(self, node: dict[str, Any]) -> dict[str, int]:
        """Which place among its siblings each key of a mapping has, reckoned when first asked for."""
        order = self._orders.get(id(node))
        if order is None:
            order = self._orders[id(node)] = {key: number for number, key in enumerate(node)}
        return order

    def _location(self, start: int, length: int) -> Location:
        return self.source.location(start, length)


def _child(node: Any, step: str | int) -> Any:
    if isinstance(node, dict):
        return node.get(step)
    return node[step] if isinstance(node, list) and isinstance(step, int) and 0 <= step < len(node) else None


Refusal = tuple[str, str, str]
"""Why a file is none that can be read: code, message, hint."""


def read_document(
    path: Path,
    problems: Problems,
    *,
    what: str = "playbook",
    limits: Limits | None = None,
    cwd: Path | None = None,
    refused: Callable[[Path, bytes], Refusal | None] | None = None,
) -> Document | None:
    """The document in a file, or None where it can't be read as one; ``problems`` says why.

    A playbook called ``-`` in the current folder is what comes through standard input.

    ``what`` is the word for the file in messages; "inventory" has limits of its own. ``cwd`` is the folder that names
    are shown relative to. ``refused`` may look at its bytes first: they are read once.
    """
    here = cwd or Path.cwd()
    is_stdin = what == "playbook" and path == here / "-"
    name = STDIN if is_stdin else shown(path, here)
    limits = limits or (INVENTORY if what == "inventory" else PLAYBOOK)
    if is_stdin:
        data = read_standard_input(problems, limits)
    else:
        data = read_bytes(path, name, problems, what=what, limits=limits)
    if data is not None and refused is not None and (why := refused(path, data)):
        problems.error(why[0], why[1], Location(name, 1), why[2])
        return None
    if data is not None and (kind := stored_kind(data) or foreign_kind(data)):
        problems.error(
            "E612", f"this looks like {kind}, not like {a_file(what)}", Location(name, 1), HINTS.get(kind, "")
        )
        return None
    text = None if data is None else decode(data, name, problems)
    if data is None or text is None:
        return None
    return _document(path, Source(name, text), data, problems, limits, what)


def read_text(
    text: str, name: str, problems: Problems, *, what: str = "playbook", limits: Limits = PLAYBOOK
) -> Document | None:
    """The document in text that is in memory, under a name for messages; None and problems as for a file."""
    data = text.encode("utf-8", "surrogatepass")
    return _document(Path(name), Source(name, text), data, problems, limits, what)


def _document(
    path: Path, source: Source, data: bytes, problems: Problems, limits: Limits, what: str
) -> Document | None:
    problems.sources[source.name] = source.lines
    problems.hashes[source.name] = hashlib.sha256(data).hexdigest()
    if not check_characters(source, problems):
        return None
    composed = compose(source, problems, limits)
    if composed is None:
        return None
    if composed.data is None:
        called = "the file" if what == "steps" else what
        problems.error("E101", f"{called} is empty", Location(source.name, 1), EXAMPLES.get(what, ""))
        return None
    return Document(path, source.name, composed.data, problems.hashes[source.name], source, composed)


EXAMPLES = {
    "playbook": "the smallest one: {version: 1, hosts: all, steps: [{command: uptime}]}",
    "inventory": "the smallest one: {hosts: {web1: {address: 192.0.2.1}}}",
    "steps": "the smallest one: [{command: uptime}]",
}


def shown(path: Path, cwd: Path) -> str:
    """The name of a file in messages: relative where it is below the current folder, else as given."""
    try:
        return str(path.relative_to(cwd)) if path.is_absolute() else str(path)
    except ValueError:
        return str(path)
