"""The published schema where templates over inputs, vars and groups may stand: for editors, which see them unrendered.

runner itself checks their values, so its own schemas know nothing of them.
"""

from collections.abc import Collection, Mapping
from typing import Any

from runner.fragments import TEMPLATE
from runner.loading.static import STEP_KEYS

PLAY_KEYS: Mapping[str, Collection[str]] = {"strategy": {"gate"}, "needs": ()}
"""Keys of plays whose values may be templates, and the keys below them that may not."""

DEFINITIONS: Mapping[str, Collection[str]] = {f"key-{key}": () for key in STEP_KEYS} | {"key-retry": {"until"}}
"""The same of steps, as the published schema names their keys."""


def with_templates(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The playbook's schema, with templates allowed in these places."""
    definitions = {
        name: templated(shape, DEFINITIONS[name]) if name in DEFINITIONS else shape
        for name, shape in schema["$defs"].items()
    }
    definitions["play"] = _play(definitions["play"])
    return {**schema, "then": _play(schema["then"]), "else": _play(schema["else"]), "$defs": definitions}


def templated(schema: Mapping[str, Any], but: Collection[str] = ()) -> dict[str, Any]:
    """A schema whose value, and every value below it save those under the keys ``but``, may be a template."""
    if "anyOf" in schema:
        branches = [_below(branch, but) for branch in schema["anyOf"]]
        return {**schema, "anyOf": branches if TEMPLATE in branches else [*branches, TEMPLATE]}
    return {"anyOf": [_below(schema, but), TEMPLATE]}


def _below(schema: Mapping[str, Any], but: Collection[str]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    if "properties" in schema:
        parts = schema["properties"].items()
        changed["properties"] = {key: part if key in but else templated(part) for key, part in parts}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            changed[key] = templated(schema[key])
    return {**schema, **changed}


def _play(shape: Mapping[str, Any]) -> dict[str, Any]:
    parts = shape["properties"].items()
    new = {key: templated(part, PLAY_KEYS[key]) if key in PLAY_KEYS else part for key, part in parts}
    return {**shape, "properties": new}
