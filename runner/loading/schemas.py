"""The published schemas: for editors, and for whoever reads what runner writes.

They are made from the code, so they can't lag behind it. The playbook's says ``anyOf`` over the step kinds, which
editors complete from; runner itself finds a step's kind by its key and validates by that kind alone, because a failed
``anyOf`` tells nobody what is wrong.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from runner.fragments import mapping
from runner.loading import faults_schema, inventory_schema, language, step_language
from runner.loading.forms import CHECK, FLUSH, STEP, Form, check_shapes, step_shapes
from runner.loading.setting import Kinds
from runner.loading.static_schema import with_templates
from runner.model.plan_difference import difference_schema
from runner.model.saved_plan import saved_plan_schema
from runner.model.schemas import event_schema, plan_schema, simulation_schema, summary_schema
from runner.step import StepKind

NO_HANDLERS = frozenset({"step-block", "step-include", "step-flush"})
"""What stands among steps and can't be a handler, or not in the same form."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def published(kinds: Kinds) -> dict[str, dict[str, Any]]:
    """Every schema by the name of what it describes: ``playbook inventory faults event plan`` and so on."""
    makers: dict[str, Callable[[], Mapping[str, Any]]] = {
        "playbook": lambda: with_templates(playbook_schema(kinds)),
        "inventory": lambda: inventory_schema.SCHEMA,
        "faults": lambda: faults_schema.SCHEMA,
        "event": event_schema,
        "plan": plan_schema,
        "saved-plan": saved_plan_schema,
        "plan-difference": difference_schema,
        "summary": summary_schema,
        "simulation": simulation_schema,
    }
    return {name: {"$schema": DIALECT, "title": f"runner {name}", **make()} for name, make in makers.items()}


def playbook_schema(kinds: Kinds) -> dict[str, Any]:
    """A playbook: with ``plays``, or with the keys of its single play."""
    play = _play(language.play_schema())
    many = language.playbook_schema({"plays": []})
    many["properties"] = {**many["properties"], **_plays()}
    one = _play(language.playbook_schema({}))
    for top in (many, one):
        top["properties"] = {**top["properties"], "inventory": _inventory()}
    forms = {f"step-{name}": _step(kinds, name) for name in step_shapes(kinds)}
    checks = {f"check-{name}": _formed(kinds[name], CHECK) for name in check_shapes(kinds)}
    definitions = {
        "inventory": dict(inventory_schema.SCHEMA),
        "play": play,
        "step": _any_of(forms),
        "handler": _any_of(["handlers-include", *(name for name in forms if name not in NO_HANDLERS)]),
        "handlers-include": _including(_shared(step_language.HANDLERS_INCLUDE_KEYS)),
        "plays-include": _including(step_language.PLAYS_INCLUDE_KEYS),
        "check": _any_of(checks),
        **forms,
        **checks,
        **{f"key-{key}": dict(shape) for key, shape in step_language.STEP_KEYS.items()},
    }
    return {"if": {"required": ["plays"]}, "then": many, "else": one, "type": "object", "$defs": definitions}


def _any_of(names: Iterable[str]) -> dict[str, Any]:
    return {"anyOf": [_reference(name) for name in names]}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _list_of(name: str) -> dict[str, Any]:
    return {**step_language.STEPS, "items": _reference(name)}


def _play(shape: dict[str, Any]) -> dict[str, Any]:
    """A play with its lists of steps and its gate spelt out."""
    items = {"steps": "step", "handlers": "handler", "rollback": "step", "always": "step"}
    lists = {key: {**shape["properties"][key], "items": {"$ref": f"#/$defs/{item}"}} for key, item in items.items()}
    strategy = language.STRATEGY_MAPPING["properties"]
    gate = {**strategy["gate"], "items": {"$ref": "#/$defs/check"}}
    long = {**language.STRATEGY_MAPPING, "properties": {**strategy, "gate": gate}}
    spelt = {**lists, "strategy": {"anyOf": [language.STRATEGY["anyOf"][0], long]}}
    return {**shape, "properties": {**shape["properties"], **spelt}}


def _plays() -> dict[str, Any]:
    items = {"if": {"required": ["include"]}, "then": _reference("plays-include"), "else": _reference("play")}
    return {"plays": {"type": "array", "minItems": 1, "items": items}}


def _inventory() -> dict[str, Any]:
    files = [part for part in language.PLAYBOOK_KEYS["inventory"]["anyOf"] if part.get("type") != "object"]
    return {"anyOf": [*files, {"$ref": "#/$defs/inventory"}]}


def _step(kinds: Kinds, name: str) -> dict[str, Any]:
    """What may stand among steps under a key: a kind, or a block."""
    if name == "block":
        rescue = {
            "anyOf": [_list_of("step"), mapping({"on": step_language.RESCUE_ON, "steps": _list_of("step")}, ("steps",))]
        }
        own = {"block": _list_of("step"), "rescue": rescue, "always": _list_of("step")}
        return mapping({**own, **_shared(step_language.BLOCK_KEYS)}, ("block",))
    if name == "include":
        return _including(_shared(step_language.INCLUDE_KEYS))
    return _formed(kinds[name], FLUSH if name == "flush" else STEP)


def _including(keys: Mapping[str, Any]) -> dict[str, Any]:
    return mapping({"include": step_language.INCLUDE, **keys}, ("include",))


def _formed(kind: StepKind[Any], form: Form) -> dict[str, Any]:
    keys = form.keys if form is CHECK else _shared(form.keys)
    return mapping({kind.name: {**kind.schema, "description": kind.summary}, **keys}, (kind.name,))


def _shared(keys: Iterable[str]) -> dict[str, Any]:
    return {key: _reference(f"key-{key}") for key in keys}
