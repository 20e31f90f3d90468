"""Plain data from a file becomes data with Templates: the one place where text turns into something to be rendered.

Every template made here is noted with its place in the document, so that lint can point into the text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from runner.loading.cursor import Cursor, given
from runner.model.inventory import Layer
from runner.model.playbook import Condition
from runner.model.template import Template, Value, is_template_text

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z", re.ASCII)
"""What a variable may be called."""

CONDITION_HINT = "a condition is an expression already; write it without {{ }}"


@dataclass(frozen=True, slots=True)
class Written:
    """A template and the place it was made at."""

    template: Template
    cursor: Cursor


def templates_of(cursor: Cursor, notes: list[Written]) -> Value:
    """The data at a place, with Templates for text that has template syntax; each is added to ``notes``."""
    data = cursor.data
    if isinstance(data, str):
        return _template(cursor, notes) if is_template_text(data) else data
    if isinstance(data, dict):
        return {key: templates_of(part, notes) for key, part in cursor.items()}
    if isinstance(data, list):
        return [templates_of(part, notes) for part in cursor.parts()]
    return data


def _template(cursor: Cursor, notes: list[Written], *, bare: bool = False) -> Template:
    template = Template(cursor.data, cursor.here, bare=bare)
    notes.append(Written(template, cursor))
    return template


def condition_of(cursor: Cursor, notes: list[Written]) -> Condition:
    """A condition: true or false as written, or a bare expression. Complains (E411) of anything else."""
    data = cursor.data
    if isinstance(data, bool):
        return data
    if isinstance(data, str) and is_template_text(data):
        cursor.error("E411", "a condition has template marks in it", CONDITION_HINT)
    elif isinstance(data, str) and data.strip():
        return _template(cursor, notes, bare=True)
    else:
        cursor.error(
            "E411", f"got {given(data)}, expected a condition", "write an expression, such as rc == 0, or true"
        )
    return True


def layer_of(cursor: Cursor, origin: str, notes: list[Written]) -> Layer:
    """Variables as a layer. Names are checked by the schema of whoever has them."""
    values = {name: templates_of(part, notes) for name, part in cursor.items()}
    return Layer(origin, values, {name: part.key for name, part in cursor.items()})


def mapping_of(cursor: Cursor, notes: list[Written]) -> Mapping[str, Value]:
    """A mapping of text to values, such as ``env``; numbers in it become text."""
    result: dict[str, Value] = {}
    for key, part in cursor.items():
        value = templates_of(part, notes)
        result[key] = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return result
