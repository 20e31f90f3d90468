"""A plan as JSON bytes, exactly, and back.

Values of variables and params are trees of any shape, in which a type has to be told from data that looks like it. So
a mapping whose only key begins with ``$`` says what stands in it: ``{"$template": [source, location, bare]}``,
``{"$number": "inf"}`` for what JSON has no word for, and ``{"$mapping": …}`` round an author's own mapping that would
read like one of these.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from runner.errors import JournalError
from runner.location import Location
from runner.model.inventory import Become, Host, Layer
from runner.model.plan import Plan, PlannedPlay
from runner.model.playbook import Block, Check, Frame, Input, Step
from runner.model.template import Template, Value

Change: TypeAlias = Callable[[Any], Any]

TEMPLATE, NUMBER, MAPPING = "$template", "$number", "$mapping"

VALUES: Mapping[type[msgspec.Struct], tuple[str, ...]] = {
    Become: ("user", "password"),
    Host: ("address", "options", "vars"),
    Layer: ("values",),
    Plan: ("extra", "given"),
    PlannedPlay: ("vars", "env", "cwd", "given"),
    Step: ("name", "params", "loop", "loop_label", "env", "cwd", "stdin", "delegate_to", "verify"),
    Block: ("name",),
    Frame: ("given", "vars", "item", "loop"),
    Input: ("default", "choices"),
    Check: ("source",),
}
"""The fields that are value trees, or mappings of them."""


def encode_plan(plan: Plan) -> bytes:
    """The plan as one JSON object, in UTF-8."""
    return msgspec.json.encode(_Walk(packed).struct(plan))


def decode_plan(data: bytes) -> Plan:
    """The plan that ``encode_plan`` wrote. Raises JournalError for anything else."""
    try:
        plan: Plan = _Walk(unpacked).struct(msgspec.json.decode(data, type=Plan))
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
        raise JournalError(f"the stored plan can't be read: {error}") from None
    return plan


def packed(value: Value) -> Any:
    """A value tree as plain data for JSON. Parts that are so already are shared."""
    if isinstance(value, Template):
        place = value.location
        return {TEMPLATE: [value.source, [place.file, place.line, place.column, place.length], value.bare]}
    if isinstance(value, dict):
        new = _dict(value, packed)
        return {MAPPING: new} if _looks_tagged(value) else new
    if isinstance(value, list | tuple):
        return _list(value, packed)
    return value if _is_json(value) else {NUMBER: str(value)}


def unpacked(value: Any) -> Value:
    """The value tree that ``packed`` made plain. Raises ValueError and TypeError for what it never makes."""
    if isinstance(value, list | tuple):
        done = _list(value, unpacked)
        return tuple(done) if isinstance(value, tuple) else done  # as the type of the field says
    if not isinstance(value, dict):
        return value
    if not _looks_tagged(value):
        return _dict(value, unpacked)
    ((tag, inner),) = value.items()
    if tag == TEMPLATE:
        source, place, bare = inner
        return Template(source, Location(*place), bare)
    if tag == NUMBER:
        return float(inner) if inner in {"inf", "-inf", "nan"} else int(inner)
    if tag != MAPPING or not isinstance(inner, dict):
        raise ValueError(f'"{tag}" is no tag of a value')
    return _dict(inner, unpacked)


def _looks_tagged(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith("$")


def _is_json(value: Any) -> bool:
    """Whether JSON, as it is written here, keeps a scalar as it is: finite, and within 64 bits."""
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or -(1 << 63) <= value < 1 << 64


def _dict(value: dict[str, Any], change: Change) -> dict[str, Any]:
    new = {key: change(part) for key, part in value.items()}
    return value if all(new[key] is part for key, part in value.items()) else new


def _list(value: list[Any] | tuple[Any, ...], change: Change) -> list[Any] | tuple[Any, ...]:
    new = [change(part) for part in value]
    return value if all(done is part for done, part in zip(new, value, strict=True)) else new


class _Walk:
    """Goes through a plan and changes its value trees. What hosts of a range share is changed once and stays shared."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self._seen: dict[int, tuple[Any, Any]] = {}

    def struct(self, node: Any) -> Any:
        """The struct with its value trees changed, and those of all structs in it; itself where nothing was."""
        values = VALUES.get(type(node), ())
        new = {}
        for name in node.__struct_fields__:
            old = getattr(node, name)
            done = self._once(old, self._change if name in values else self._inner)
            if done is not old:
                new[name] = done
        return msgspec.structs.replace(node, **new) if new else node

    def _once(self, part: Any, work: Change) -> Any:
        if part is None or isinstance(part, str):
            return part
        if id(part) not in self._seen:
            self._seen[id(part)] = (part, work(part))  # the part is kept, so that its id stays its own
        return self._seen[id(part)][1]

    def _inner(self, part: Any) -> Any:
        """Structs anywhere in typed tuples and mappings."""
        if isinstance(part, msgspec.Struct):
            return part if isinstance(part, Template | Location) else self.struct(part)
        if isinstance(part, dict):
            return _dict(part, lambda inner: self._once(inner, self._inner))
        if isinstance(part, tuple):
            done = _list(part, lambda inner: self._once(inner, self._inner))
            return part if done is part else tuple(done)
        return part
