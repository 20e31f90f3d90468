"""What the declaration of an input looks like, as JSON Schema."""

from runner.fragments import FILLED, Schema, mapping
from runner.input_values import TYPES

NAMES: Schema = {"title": "a name of letters, digits and _", "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}

INPUT: Schema = {
    **mapping(
        {
            "type": {"enum": list(TYPES), "examples": ["string"]},
            "choices": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"type": ["string", "number", "boolean"]},
            },
            "default": {},
            "pattern": FILLED,
            "help": FILLED,
        },
        ("type",),
    ),
    "title": "a mapping such as {type: string}",
}
"""One input."""

INPUTS: Schema = {"type": "object", "propertyNames": NAMES, "additionalProperties": INPUT}
"""The mapping under ``inputs``."""
