"""What helps with a key that nothing knows: letters that only look right, and other places where it is known; pure."""

import unicodedata
from collections.abc import Mapping
from typing import Any


def look_alike(key: str) -> str:
    """``contains U+043E CYRILLIC SMALL LETTER O``, for the first letter beyond ASCII, or nothing."""
    strange = next((letter for letter in key if not letter.isascii()), None)
    if strange is None:
        return ""
    return f"contains U+{ord(strange):04X} {unicodedata.name(strange, '')}".rstrip()


def homes(schema: Mapping[str, Any]) -> dict[str, list[str]]:
    """For every key that a schema names below its first level: the keys it may stand under."""
    found: dict[str, list[str]] = {}
    _collect(schema, "", found)
    return found


def _collect(schema: Any, parent: str, found: dict[str, list[str]]) -> None:
    for key, part in schema.get("properties", {}).items():
        if parent and parent not in found.setdefault(key, []):
            found[key].append(parent)
        if isinstance(part, Mapping):
            _collect(part, key, found)
    for part in (
        *schema.get("anyOf", ()),
        *schema.get("oneOf", ()),
        schema.get("items"),
        schema.get("additionalProperties"),
    ):
        if isinstance(part, Mapping):
            _collect(part, parent, found)
