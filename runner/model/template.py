"""Text that may be rendered. Only ``loading`` makes it, from our own files: text from a host can never become one.

**Why a type of its own.** Whether text is a template is a question of where it came from, never of what it looks like.
A string with ``{{`` in it that a host printed is a plain ``str`` and stays one, however often it is copied.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec

from runner.location import Location

Value: TypeAlias = Any
"""A tree of None, bool, int, float, str, Template, list and dict with text keys."""


class Template(msgspec.Struct, frozen=True, tag_field="kind", tag="template"):
    """Source text with its place.

    ``bare`` marks a condition (``when: a == 1``): the whole source is one expression, without ``{{ }}``.
    Its value is the expression's, of any type; other sources give text, but for a lone ``{{ expression }}``, which
    keeps its type too.
    """

    source: str
    location: Location
    bare: bool = False


class Unknown(str):
    """What only a host's answer could tell, where there is none: as text to show in its place."""

    __slots__ = ()


class Withheld(msgspec.Struct, frozen=True):
    """In place of a value that is gone: whoever uses it is told why. ``hint`` says what to do."""

    reason: str
    hint: str = ""


def is_template_text(text: str) -> bool:
    """Whether text from one of our files needs rendering: it has ``{{``, ``{%`` or ``{#``."""
    return "{{" in text or "{%" in text or "{#" in text


def templates_in(value: Value) -> Iterator[Template]:
    """Every Template in a tree, depth first, in order."""
    if isinstance(value, Template):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from templates_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from templates_in(part)


def has_template(value: Value) -> bool:
    """Whether any Template stands in the tree."""
    return next(templates_in(value), None) is not None


def map_templates(value: Value, change: Callable[[Template], Value]) -> Value:
    """The tree with each Template replaced by ``change(template)``; parts without one are shared, not copied."""
    if isinstance(value, Template):
        return change(value)
    if isinstance(value, dict) and has_template(value):
        return {key: map_templates(part, change) for key, part in value.items()}
    if isinstance(value, list | tuple) and has_template(value):
        return [map_templates(part, change) for part in value]
    return value
