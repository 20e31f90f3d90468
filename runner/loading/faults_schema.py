"""A file of faults as JSON Schema, for our own checks and for editors."""

from collections.abc import Mapping

from runner.fragments import FILLED, Schema, mapping
from runner.model.faults import FaultKind

FORMS: Mapping[FaultKind, str] = {
    "fail": "HOST:STEP[@TRY]",
    "unreachable": "HOST[:STEP]",
    "lost": "HOST:STEP",
    "takes": "[HOST:]STEP=DURATION",
}
"""What each kind of fault is written as."""

_HOST: Schema = {**FILLED, "description": "a host, glob, range or group"}
_STEP: Schema = {**FILLED, "description": "the id of a step, PLAY.ID, a glob, or gate"}
_TRY: Schema = {"type": "integer", "minimum": 1, "description": "only this try; counts from 1"}
_TIME: Schema = {"anyOf": [{"type": "number", "minimum": 0}, FILLED], "title": "a duration"}
_PARTS: Mapping[FaultKind, Schema] = {
    "fail": mapping({"host": _HOST, "step": _STEP, "try": _TRY}, ("host", "step")),
    "unreachable": mapping({"host": _HOST, "step": _STEP}, ("host",)),
    "lost": mapping({"host": _HOST, "step": _STEP}, ("host", "step")),
    "takes": mapping({"host": _HOST, "step": _STEP, "duration": _TIME}, ("step", "duration")),
}
_FAULT: Schema = {
    **mapping({kind: {"anyOf": [{**FILLED, "examples": [FORMS[kind]]}, parts]} for kind, parts in _PARTS.items()}),
    "minProperties": 1,
    "maxProperties": 1,
    "title": "exactly one of fail, unreachable, lost and takes",
}
_LIST: Schema = {"type": "array", "items": _FAULT}
_PERCENT: Schema = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%$", "title": 'a percentage such as "2%"'}

SCHEMA: Schema = {
    "anyOf": [
        _LIST,
        mapping({"faults": _LIST, "seed": {"type": "integer"}, "deny": {"type": "boolean"}, "chance": _PERCENT}),
    ]
}
"""A whole file."""
