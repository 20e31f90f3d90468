"""The turns of a loop, as far as they are known before the run; pure."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from runner.errors import RenderError
from runner.model.known import is_unknown
from runner.model.template import Value
from runner.templating import Templates

MOST_ITEMS = 1000
"""Items of a loop that are looked at; what a longer one comes to only the run tells."""

Scope = Mapping[str, Any]


def turns(loop: Value, scope: Scope, templates: Templates) -> Sequence[Scope]:
    """The names of each turn; nothing more where there is no loop, or where the run decides on it.

    Raises RenderError for a loop that is wrong.
    """
    if loop is None:
        return [{}]
    try:
        items = _items(templates.render(loop, scope))
    except RenderError as error:
        if not is_unknown(error):
            raise
        items = None
    return [{}] if items is None else [{"item": item} for item in items]


def _items(value: Value) -> list[Value] | None:
    """The items of a rendered loop; None where it is none, or very long."""
    if isinstance(value, dict) and all(isinstance(part, list | tuple) for part in value.values()):
        size = 1
        for part in value.values():
            size *= len(part)
        return (
            None if size > MOST_ITEMS else [dict(zip(value, parts, strict=True)) for parts in product(*value.values())]
        )
    return list(value) if isinstance(value, list | tuple) and len(value) <= MOST_ITEMS else None
