"""The order of names as people count: ``web2`` before ``web10``."""

import re
from collections.abc import Iterable

_PARTS = re.compile(r"\d+|\D+", re.ASCII)


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """What to sort names by so that numbers in them count as numbers."""
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in _PARTS.findall(name))


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The names in that order."""
    return tuple(sorted(names, key=natural_key))
