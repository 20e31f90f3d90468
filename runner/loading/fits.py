"""Whether a value plainly fits a JSON Schema; pure, and a tenth of jsonschema's work.

It is asked first, and its yes is final: what fits needs no words. Its no only means that it is not sure, and then
jsonschema decides and says what is wrong. So importing jsonschema, which takes as long as twenty connections, is left
to files that have a mistake in them, and ten thousand sound hosts are checked in no time.

The keywords are those of JSON Schema 2020-12 that our schemas use. One that is not known here is never sure.
"""

import re
from collections.abc import Callable, Mapping, Sized
from functools import lru_cache
from typing import Any

Schema = Mapping[str, Any] | bool
Check = Callable[[Any, Any, Mapping[str, Any]], bool]
"""Takes the keyword's own value, the value that is checked, and the whole schema."""

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}


def fits(value: Any, schema: Schema) -> bool:
    """True where the value certainly fits; False where it does not, or where that is not certain."""
    if isinstance(schema, bool):
        return schema
    return all(_holds(keyword, wanted, value, schema) for keyword, wanted in schema.items())


def _holds(keyword: str, wanted: Any, value: Any, schema: Mapping[str, Any]) -> bool:
    check = _CHECKS.get(keyword)
    return check is not None and check(wanted, value, schema)


def _type(wanted: Any, value: Any, _: Mapping[str, Any]) -> bool:
    return any(_TYPES[name](value) for name in ([wanted] if isinstance(wanted, str) else wanted))


def _enum(wanted: Any, value: Any, _: Mapping[str, Any]) -> bool:
    # In Python 1 == True and 1 == 1.0; only equal types are certain.
    return any(type(value) is type(allowed) and value == allowed for allowed in wanted)


def _properties(wanted: Any, value: Any, _: Mapping[str, Any]) -> bool:
    return not isinstance(value, dict) or all(fits(value[key], part) for key, part in wanted.items() if key in value)


def _additional(wanted: Any, value: Any, schema: Mapping[str, Any]) -> bool:
    if not isinstance(value, dict) or wanted is True:
        return True
    known = schema.get("properties", {})
    return all(fits(part, wanted) for key, part in value.items() if key not in known)


def _one_of(wanted: Any, value: Any, _: Mapping[str, Any]) -> bool:
    """Sure only where one fits and the others ask for keys that are not there."""
    sure = [branch for branch in wanted if fits(value, branch)]
    others = [branch for branch in wanted if branch not in sure]
    return len(sure) == 1 and isinstance(value, dict) and all(_lacks(value, branch) for branch in others)


def _lacks(value: dict[str, Any], branch: Schema) -> bool:
    return isinstance(branch, Mapping) and any(key not in value for key in branch.get("required", ()))


def _size(kind: type[Sized], holds: Callable[[int, Any], bool]) -> Check:
    return lambda wanted, value, _: not isinstance(value, kind) or holds(len(value), wanted)


def _number(holds: Callable[[Any, Any], bool]) -> Check:
    return lambda wanted, value, _: (
        isinstance(value, bool) or not isinstance(value, int | float) or holds(value, wanted)
    )


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _annotation(_wanted: Any, _value: Any, _schema: Mapping[str, Any]) -> bool:
    return True


_CHECKS: Mapping[str, Check] = {
    **dict.fromkeys(("title", "description", "examples", "default", "$schema", "$id", "$comment"), _annotation),
    "type": _type,
    "enum": _enum,
    "const": lambda wanted, value, schema: _enum([wanted], value, schema),
    "properties": _properties,
    "additionalProperties": _additional,
    "required": lambda wanted, value, _: not isinstance(value, dict) or all(key in value for key in wanted),
    "propertyNames": lambda wanted, value, _: not isinstance(value, dict) or all(fits(key, wanted) for key in value),
    "items": lambda wanted, value, _: not isinstance(value, list) or all(fits(part, wanted) for part in value),
    "anyOf": lambda wanted, value, _: any(fits(value, branch) for branch in wanted),
    "oneOf": _one_of,
    "pattern": lambda wanted, value, _: not isinstance(value, str) or _pattern(wanted).search(value) is not None,
    "minLength": _size(str, lambda size, wanted: size >= wanted),
    "maxLength": _size(str, lambda size, wanted: size <= wanted),
    "minItems": _size(list, lambda size, wanted: size >= wanted),
    "maxItems": _size(list, lambda size, wanted: size <= wanted),
    "minProperties": _size(dict, lambda size, wanted: size >= wanted),
    "maxProperties": _size(dict, lambda size, wanted: size <= wanted),
    "minimum": _number(lambda value, wanted: value >= wanted),
    "maximum": _number(lambda value, wanted: value <= wanted),
    "exclusiveMinimum": _number(lambda value, wanted: value > wanted),
    "exclusiveMaximum": _number(lambda value, wanted: value < wanted),
}
