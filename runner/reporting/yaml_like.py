"""Values as people write them in a playbook, near enough to read; never meant to be read back. Safe to show."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from runner.reporting.escape import visible

_NEEDS_QUOTES = frozenset("[]{},#&*!|>'\"%@`")
_WORDS = frozenset({"", "true", "false", "null", "~"})


def flow(value: Any) -> str:
    """A value in one line: ``[a, {b: 1}]``."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(str(key))}: {flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        return _quoted(value) if _is_mistakable(value) else visible(value)
    return json.dumps(value)


def block(key: str, value: Any) -> Iterator[str]:
    """``key: value``, text of several lines below its key."""
    if isinstance(value, str) and "\n" in value.rstrip("\n"):
        yield f"{visible(key)}: |"
        yield from (f"  {visible(line)}" for line in value.rstrip("\n").split("\n"))
    elif isinstance(value, str):
        yield f"{visible(key)}: {visible(value) if value.strip() else _quoted(value)}"
    else:
        yield f"{visible(key)}: {flow(value)}"


def _quoted(text: str) -> str:
    return visible(json.dumps(text, ensure_ascii=False))


def _is_mistakable(text: str) -> bool:
    """Whether text inside a list would read as something else: more items, a number, a word of YAML."""
    if text in _WORDS or text != text.strip() or "\n" in text or ": " in text:
        return True
    return not _NEEDS_QUOTES.isdisjoint(text) or _is_number(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
