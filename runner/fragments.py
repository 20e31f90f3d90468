"""Pieces of JSON Schema that step kinds are written with.

A scalar may be a template wherever it stands, so a number, a boolean or a choice is ``anyOf`` the typed value and text
with a template in it; the rendered value meets its type again in :func:`runner.step.typed`.
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

TEMPLATE: Schema = {"type": "string", "pattern": r"\{\{|\{%"}
"""Text that has to be rendered first."""

TEXT: Schema = {"type": "string"}
FILLED: Schema = {"type": "string", "minLength": 1}


def or_template(schema: Schema) -> Schema:
    """What ``schema`` allows, or a template for it."""
    return {"anyOf": [schema, TEMPLATE]}


def choice(*words: str) -> Schema:
    """One of some words, or a template for one."""
    return or_template({"enum": list(words)})


def mapping(properties: Mapping[str, Schema], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """A mapping with these keys and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


BOOLEAN = or_template({"type": "boolean"})
DURATION: Schema = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$|\{\{|\{%"},
    ]
}
"""Seconds, or text such as ``500ms``, ``10s``, ``1h30m``."""

MODE: Schema = {"type": "string", "pattern": r"^[0-7]{3,4}$|\{\{|\{%"}
"""A file mode: a quoted octal string."""

OWNER: Schema = {"anyOf": [FILLED, {"type": "integer", "minimum": 0}]}
"""The name, or the number, of a user or group."""

WORD: Schema = {"type": ["string", "integer"]}
"""A word of an argument list. No float or boolean: 1.10 would become 1.1, and ``yes`` is text already."""

WORDS: Schema = {"type": "array", "items": WORD, "minItems": 1}

GUARDS: Mapping[str, Schema] = {
    "creates": FILLED,
    "removes": FILLED,
    "unless": {"anyOf": [FILLED, WORDS]},
    "only_if": {"anyOf": [FILLED, WORDS]},
}
"""The keys that say when a command has nothing to do."""
