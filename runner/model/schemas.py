"""JSON Schemas of what runner writes: events, plans, summaries and simulations, made from their types."""

from collections.abc import Mapping
from typing import Any

import msgspec

from runner.model.events import Event, RunEnded, WaveEnded
from runner.model.plan_document import PlanDocument
from runner.model.simulation import Simulation
from runner.model.summary import Summary

RECORD: Mapping[str, Any] = {
    "seq": {"type": "integer", "minimum": 0, "description": "Counts the records of a run, from 0, without gaps."},
    "ts": {
        "type": "string",
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
        "description": "UTC, in microseconds.",
    },
    "run": {"type": "string", "minLength": 1, "description": "The run's id."},
    "sum": {
        "type": "string",
        "pattern": "^[0-9a-f]{8}$",
        "description": "CRC-32 of the sum of the record before and of this line up to here.",
    },
}
"""What stands around the fields of every event in ``events.jsonl``."""

SEAL: Mapping[str, Any] = {
    "seal": {
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "HMAC-SHA-256, by the account's key, of the SHA-256 of all before it.",
    },
}
"""What stands before the sum of a record that the end of a wave or a run makes."""


def event_schema() -> dict[str, Any]:
    """One line of ``events.jsonl``. A new field may come with a minor version, so unknown ones are allowed."""
    schema = msgspec.json.schema(Event)
    kinds = {part["$ref"].rsplit("/", 1)[1] for part in schema["anyOf"]}
    definitions = {name: _record(name, part) if name in kinds else part for name, part in schema["$defs"].items()}
    return {**schema, "$defs": definitions}


def _record(name: str, event: dict[str, Any]) -> dict[str, Any]:
    seal = SEAL if name in {WaveEnded.__name__, RunEnded.__name__} else {}
    return {
        **event,
        "properties": {**RECORD, **event["properties"], **seal},
        "required": sorted({*RECORD, *event["required"]}),
    }


def plan_schema() -> dict[str, Any]:
    """What ``runner plan --format json`` prints."""
    schema: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(PlanDocument)))
    return schema  # as JSON has it: the default of a list is a list


def summary_schema() -> dict[str, Any]:
    """``summary.json``, which is also what ``run.ended`` holds."""
    return msgspec.json.schema(Summary)


def simulation_schema() -> dict[str, Any]:
    """What ``runner simulate --format json`` prints."""
    return msgspec.json.schema(Simulation)
