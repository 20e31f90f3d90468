"""The language of playbooks and plays as JSON Schema: what is well-formed. That of steps is ``step_language``.

Short forms are checked by their own branch, chosen before validating, so that a message says what is wrong with what
was meant.
"""

from typing import Any

from runner.fragments import DURATION, FILLED, Schema, mapping
from runner.loading.input_schema import INPUTS
from runner.loading.step_language import BECOME, CONDITION, COUNT, ENV, NAME, NAMES, STEPS, TAGS, VARS

WAVE_SIZE: Schema = {
    "title": "a count, a percentage or rest",
    "anyOf": [COUNT, {"type": "string", "pattern": "^([1-9][0-9]?|100)%$"}, {"const": "rest"}],
}

STRATEGY_TYPES = ("parallel", "rolling", "sequential")
STRATEGY_MAPPING: Schema = mapping(
    {
        "type": {"enum": list(STRATEGY_TYPES)},
        "waves": {"anyOf": [WAVE_SIZE, {"type": "array", "minItems": 1, "items": WAVE_SIZE}]},
        "order": {"enum": ["inventory", "reverse", "sorted", "shuffle"]},
        "group_by": {
            "title": "the name of a variable, or a list of groups",
            "anyOf": [FILLED, {"type": "array", "minItems": 1, "items": FILLED}],
            "examples": ["rack"],
        },
        "per_group_limit": {
            "title": "a count, or a mapping of groups to counts",
            "anyOf": [COUNT, {"type": "object", "minProperties": 1, "additionalProperties": COUNT}],
            "examples": ["2"],
        },
        "concurrency": {"title": "a count or auto", "anyOf": [COUNT, {"const": "auto"}], "examples": ["5"]},
        "sync": {"enum": ["independent", "lockstep"]},
        "max_failures": {"type": "integer", "minimum": 0},
        "max_failure_percent": {"type": "integer", "minimum": 0, "maximum": 100},
        "failure_scope": {"enum": ["run", "wave"]},
        "on_exceed": {"enum": ["stop", "drain", "kill", "pause", "rollback"]},
        "of": {"enum": ["total", "remaining"]},
        "spread": {"enum": ["even", "one_per_group", "group_at_a_time"]},
        "preflight": {"type": "boolean"},
        "gate": {"type": "array", "minItems": 1, "items": {"type": "object"}},
        "bake": DURATION,
        "approve": {
            "title": "after-first, each, none, or numbers of waves",
            "anyOf": [
                {"enum": ["after-first", "each", "none"]},
                COUNT,
                {"type": "array", "minItems": 1, "uniqueItems": True, "items": COUNT},
            ],
        },
    }
)
STRATEGY: Schema = {
    "anyOf": [{"type": "string", "enum": list(STRATEGY_TYPES)}, STRATEGY_MAPPING],
    "examples": ["{type: rolling, waves: [1, rest]}"],
}

HOSTS: Schema = {"anyOf": [FILLED, {"type": "array", "minItems": 1, "items": FILLED}]}

PLAY_KEYS: dict[str, Schema] = {
    "name": FILLED,
    "hosts": {**HOSTS, "examples": ["all"]},
    "steps": {**STEPS, "examples": ["[{command: uptime}]"]},
    "vars": VARS,
    "strategy": STRATEGY,
    "become": BECOME,
    "env": ENV,
    "cwd": FILLED,
    "allow_empty": {"type": "boolean"},
    "needs": NAMES,
    "when": CONDITION,
    "tags": TAGS,
    "handlers": STEPS,
    "rollback": STEPS,
    "always": STEPS,
}
"""The keys of a play."""

SECRET: Schema = {
    **mapping(
        {"env": FILLED, "file": FILLED, "prompt": FILLED, "command": {"type": "array", "minItems": 1, "items": FILLED}}
    ),
    "title": "one of env, file, prompt and command",
    "examples": ["{env: API_TOKEN}"],
    "minProperties": 1,
    "maxProperties": 1,
}

PLAYBOOK_KEYS: dict[str, Schema] = {
    "version": {"const": 1},
    "name": FILLED,
    "inventory": {"anyOf": [FILLED, {"type": "array", "minItems": 1, "items": FILLED}, {"type": "object"}]},
    "vars": VARS,
    "inputs": INPUTS,
    "vars_files": {"type": "array", "minItems": 1, "items": FILLED},
    "lock": {"enum": ["controller", "hosts"]},
    "secrets": {"type": "object", "propertyNames": NAME, "additionalProperties": SECRET},
    "plays": {"type": "array", "minItems": 1, "items": {"type": "object"}},
}
"""The keys at the top of a playbook; those of a single play may stand beside them in place of ``plays``."""


def play_schema() -> dict[str, Any]:
    """A play under ``plays``."""
    return mapping(PLAY_KEYS, ("hosts", "steps"))


def unsized(shape: dict[str, Any]) -> dict[str, Any]:
    """A schema with the sizes of waves left open; :mod:`runner.loading.strategy` says more of them than it could."""
    if "strategy" not in shape["properties"]:
        return shape
    return {**shape, "properties": {**shape["properties"], "strategy": UNSIZED_STRATEGY}}


UNSIZED_STRATEGY: Schema = {
    **STRATEGY,
    "anyOf": [
        STRATEGY["anyOf"][0],
        {**STRATEGY_MAPPING, "properties": {**STRATEGY_MAPPING["properties"], "waves": True}},
    ],
}


def playbook_schema(data: Any) -> dict[str, Any]:
    """The top of a playbook: with plays, or with the keys of its single play."""
    if isinstance(data, dict) and "plays" in data:
        return mapping(PLAYBOOK_KEYS, ("version", "plays"))
    keys = {key: schema for key, schema in PLAYBOOK_KEYS.items() if key != "plays"}
    return mapping({**PLAY_KEYS, **keys}, ("version", "hosts", "steps"))
