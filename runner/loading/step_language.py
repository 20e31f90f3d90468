"""The language of steps as JSON Schema: what is well-formed in a list of steps, in a gate, and in an included file.

Kinds add their own, and ``schemas`` puts it all together.
"""

import signal

from runner.fragments import DURATION, FILLED, TEXT, WORDS, Schema, mapping, or_template
from runner.loading.input_schema import INPUTS

NAME: Schema = {"title": "a name of letters, digits and _", "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
CONDITION: Schema = {"title": "an expression, true or false", "type": ["string", "boolean"], "minLength": 1}
LARGEST = 1_000_000
"""Where counts end: that many hosts may be in an inventory."""

COUNT: Schema = {"type": "integer", "minimum": 1, "maximum": LARGEST}
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
    "idempotent": {"type": "boolean"},
    "on_unknown": {"enum": ["stop", "rerun", "skip"]},
    "verify": {**WORDS, "title": "a list of words: a program and its arguments", "examples": ["[test, -e, /srv/done]"]},
    "on_disconnect": {"enum": ["finish", "kill"]},
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
