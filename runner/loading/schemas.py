"""The published schemas: for editors, and for whoever reads what runner writes.

They are made from the code, so they can't lag behind it. The playbook's says ``anyOf`` over the step kinds, which
editors complete from; runner itself finds a step's kind by its key and validates by that kind alone, because a failed
``anyOf`` tells nobody what is wrong.
"""

from collections.abc import Callable, Mapping
from typing import Any

from runner.fragments import mapping
from runner.loading import inventory_schema, language
from runner.model.schemas import event_schema, plan_schema, summary_schema
from runner.step import StepKind

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Kinds = Mapping[str, StepKind[Any]]


def published(kinds: Kinds) -> dict[str, dict[str, Any]]:
    """Every schema by the name of what it describes: ``playbook inventory event plan summary``."""
    makers: dict[str, Callable[[], Mapping[str, Any]]] = {
        "playbook": lambda: playbook_schema(kinds),
        "inventory": lambda: inventory_schema.SCHEMA,
        "event": event_schema,
        "plan": plan_schema,
        "summary": summary_schema,
    }
    return {name: {"$schema": DIALECT, "title": f"runner {name}", **make()} for name, make in makers.items()}


def playbook_schema(kinds: Kinds) -> dict[str, Any]:
    """A playbook: with ``plays``, or with the keys of its single play."""
    play = _with_steps(language.play_schema())
    many = language.playbook_schema({"plays": []})
    many["properties"] = {**many["properties"], **_plays()}
    one = _with_steps(language.playbook_schema({}))
    for top in (many, one):
        top["properties"] = {**top["properties"], "inventory": _inventory()}
    steps = {f"step-{name}": _step(kind) for name, kind in kinds.items()}
    references = [{"$ref": f"#/$defs/{name}"} for name in steps]
    definitions = {
        "inventory": dict(inventory_schema.SCHEMA),
        "play": play,
        "step": {"anyOf": references},
        **steps,
        **{f"key-{key}": dict(shape) for key, shape in language.STEP_KEYS.items()},
    }
    return {"if": {"required": ["plays"]}, "then": many, "else": one, "type": "object", "$defs": definitions}


def _with_steps(shape: dict[str, Any]) -> dict[str, Any]:
    steps = {**shape["properties"]["steps"], "items": {"$ref": "#/$defs/step"}}
    return {**shape, "properties": {**shape["properties"], "steps": steps}}


def _plays() -> dict[str, Any]:
    return {"plays": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/play"}}}


def _inventory() -> dict[str, Any]:
    files = [part for part in language.PLAYBOOK_KEYS["inventory"]["anyOf"] if part.get("type") != "object"]
    return {"anyOf": [*files, {"$ref": "#/$defs/inventory"}]}


def _step(kind: StepKind[Any]) -> dict[str, Any]:
    own = {**kind.schema, "description": kind.summary}
    shared = {key: {"$ref": f"#/$defs/key-{key}"} for key in language.STEP_KEYS}
    return mapping({kind.name: own, **shared}, (kind.name,))
