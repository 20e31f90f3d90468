"""The language as JSON Schema: what is well-formed. Kinds add their own, and ``schemas`` puts it all together.

Short forms are checked by their own branch, chosen before validating, so that a message says what is wrong with what
was meant.
"""

import signal
from typing import Any

from runner.fragments import DURATION, FILLED, TEXT, Schema, mapping, or_template
from runner.loading.input_schema import INPUTS

NAME: Schema = {"title": "a name of letters, digits and _", "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
CONDITION: Schema = {"title": "an expression, true or false", "type": ["string", "boolean"], "minLength": 1}
COUNT: Schema = {"type": "integer", "minimum": 1}
ID: Schema = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]*$"}
IDS: Schema = {
    "title": "an id or a list of ids",
    "anyOf": [FILLED, {"type": "array", "items": FILLED, "uniqueItems": True}],
}
NAMES: Schema = {"title": "a name or a list of names", "anyOf": IDS["anyOf"]}
TAG: Schema = {
    "title": "a tag of letters, digits and _ . : / -, but not and, or, not",
    "type": "string",
    "pattern": "^(?!(and|or|not)$)[A-Za-z0-9_][A-Za-z0-9_.:/-]*$",
}
TAGS: Schema = {"anyOf": [TAG, {"type": "array", "items": TAG, "uniqueItems": True}]}
ONCE: Schema = {"enum": ["run", "wave"], "examples": ["run"]}
TEXT_OR_NUMBER: Schema = {"type": ["string", "integer"]}
SIZE: Schema = {
    "title": "a size such as 10MiB, or a number of bytes",
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?([KMGT]i?B|B)$"}],
}
"""Bytes, or text such as ``10MiB``, ``5MB``."""

WAVE_SIZE: Schema = {
    "title": "a count, a percentage or rest",
    "anyOf": [COUNT, {"type": "string", "pattern": "^([1-9][0-9]?|100)%$"}, {"const": "rest"}],
}

VARS: Schema = {"type": "object", "propertyNames": NAME, "title": "a mapping of names to values"}
ENV: Schema = {
    "type": "object",
    "propertyNames": NAME,
    "additionalProperties": TEXT_OR_NUMBER,
    "examples": ["{LANG: C}"],
}

BECOME_MAPPING: Schema = mapping({"user": FILLED, "method": {"enum": ["sudo"]}, "password": TEXT})
BECOME: Schema = {"anyOf": [{"type": "boolean"}, BECOME_MAPPING], "examples": ["{user: root}"]}

RETRY: Schema = {
    **mapping(
        {
            "attempts": COUNT,
            "delay": DURATION,
            "backoff": {"enum": ["constant", "exponential"]},
            "factor": {"type": "number", "minimum": 1},
            "max_delay": DURATION,
            "jitter": {"enum": ["none", "full"]},
            "on": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"enum": ["failed", "timed_out", "unreachable"]},
            },
            "until": CONDITION,
        }
    ),
    "examples": ["{attempts: 3}"],
}

SIGNALS = sorted(name.removeprefix("SIG") for name in signal.Signals.__members__ if not name.startswith("SIGRT"))
"""Names of signals, as ``ok_codes`` has them."""

STEP_KEYS: dict[str, Schema] = {
    "name": FILLED,
    "id": ID,
    "when": CONDITION,
    "loop": {
        "title": "a list, an expression or a mapping of lists",
        "type": ["array", "string", "object"],
        "examples": ["[a, b]"],
    },
    "loop_label": TEXT,
    "register": TEXT,
    "changed_when": CONDITION,
    "failed_when": CONDITION,
    "ok_codes": {
        "type": "array",
        "minItems": 1,
        "items": {
            "title": "an exit status from 0 to 255, or a signal such as TERM",
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 255},
                {"enum": SIGNALS},
            ],
        },
        "examples": ["[0, 3]"],
    },
    "retry": RETRY,
    "timeout": DURATION,
    "idle_timeout": DURATION,
    "become": BECOME,
    "env": ENV,
    "cwd": FILLED,
    "stdin": TEXT,
    "delegate_to": FILLED,
    "once": ONCE,
    "throttle": or_template(COUNT),
    "needs": IDS,
    "tags": TAGS,
    "notify": NAMES,
    "on_failure": {"enum": ["stop", "continue", "ignore"]},
    "on_resume": {"enum": ["skip", "again"]},
    "read_only": {"type": "boolean"},
    "sensitive": {"type": "boolean"},
    "output_limit": SIZE,
}
"""The keys that any step may have beside its kind."""

FLUSH_KEYS = ("name", "id", "when", "tags")
"""What may stand beside ``flush``, which is no step that could be tried, delegated or left out on some hosts."""

SHARED_KEYS = ("become", "env", "cwd", "delegate_to", "sensitive", "tags")
"""What a block says for each step in it."""

WHOLE_KEYS = ("name", "id", "when", "once", "needs", "on_failure")
"""What a block says of itself."""

BLOCK_KEYS: dict[str, Schema] = {key: STEP_KEYS[key] for key in (*WHOLE_KEYS, *SHARED_KEYS)}

STEPS: Schema = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "object", "title": "a step such as {command: uptime}"},
}

RESCUE_ON: Schema = {
    "type": "array",
    "minItems": 1,
    "uniqueItems": True,
    "items": {"enum": ["failed", "timed_out", "unreachable", "unknown"]},
}
RESCUE: Schema = {"anyOf": [STEPS, mapping({"on": RESCUE_ON, "steps": STEPS}, ("steps",))]}
BLOCK_PARTS: dict[str, Schema] = {"rescue": RESCUE, "always": STEPS}
"""The other lists of steps of a block."""

INCLUDE: Schema = {"anyOf": [FILLED, mapping({"file": FILLED, "vars": VARS}, ("file",))]}
CONTROLS: dict[str, Schema] = {"block": STEPS, "include": INCLUDE}
"""What stands among steps and is none: it holds some, or brings them."""

INCLUDE_KEYS: dict[str, Schema] = {**BLOCK_KEYS, "loop": STEP_KEYS["loop"], "register": STEP_KEYS["register"]}
HANDLERS_INCLUDE_KEYS: dict[str, Schema] = {key: STEP_KEYS[key] for key in ("name", "id", *SHARED_KEYS)}
PLAYS_INCLUDE_KEYS: dict[str, Schema] = {"name": FILLED, "needs": NAMES, "when": CONDITION, "tags": TAGS}
"""What may stand beside an include among steps, handlers and plays."""

FILE_KEYS: dict[str, Schema] = {"inputs": INPUTS, "vars": VARS, "steps": STEPS, "handlers": STEPS}
"""The keys of an included file that is no plain list of steps."""

CHECK_KINDS = ("http", "tcp", "command", "wait_for", "assert")
"""The step kinds that a gate can ask."""

GATE_ONLY = frozenset({"tcp"})
"""Kinds that are no steps."""

CHECK_KEYS: dict[str, Schema] = {
    "from": FILLED,
    "each": {"enum": ["host", "wave"]},
    "successes": COUNT,
    "interval": DURATION,
    "deadline": DURATION,
    "stable_for": DURATION,
    "on_inconclusive": {"enum": ["pause", "fail"]},
    "failed_when": CONDITION,
    "env": ENV,
    "become": BECOME,
    "sensitive": {"type": "boolean"},
}
"""The keys that a check of a gate may have beside its kind."""

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
