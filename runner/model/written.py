"""The templates that stand in parts of a playbook."""

from collections.abc import Iterator
from typing import Any

import msgspec

from runner.model.playbook import Block, Node
from runner.model.template import Template, templates_in

_INSIDE = frozenset({"steps", "rescue", "always"})
"""Of a block: what it holds, not what it says."""


def templates_of(node: Node) -> Iterator[Template]:
    """Every template in what a node itself says: params, conditions, retry policy, environment and the rest."""
    for name in node.__struct_fields__:
        if not (isinstance(node, Block) and name in _INSIDE):
            yield from _within(getattr(node, name))


def _within(value: Any) -> Iterator[Template]:
    if isinstance(value, msgspec.Struct) and not isinstance(value, Template):
        for name in value.__struct_fields__:
            yield from _within(getattr(value, name))
    else:
        yield from templates_in(value)
