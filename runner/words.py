"""The nearest right word for a wrong one, and the words for a value; pure."""

from collections.abc import Iterable
from typing import Any

ABBREVIATION = 3
"""Letters from which on the beginning of a word stands for it."""


def suggest(word: str, candidates: Iterable[str]) -> str:
    """``did you mean "timeout"?`` for the candidate at most two typing errors away, or nothing."""
    near = nearest(word, candidates)
    return f'did you mean "{near}"?' if near else ""


def nearest(word: str, candidates: Iterable[str]) -> str:
    """The candidate with the fewest typing errors, at most two and fewer than half of the letters; or nothing.

    The only one that begins so comes before one with two errors: ``int`` of ``integer``.
    """
    allowed = min(2, max(1, len(word) // 2)) if len(word) > 1 else 0
    others = set(candidates)
    ranked = sorted((distance(word.lower(), other.lower(), allowed), other) for other in others)
    longer = [other for other in others if other.lower().startswith(word.lower())]
    if len(longer) == 1 and len(word) >= ABBREVIATION and ranked[0][0] > 1:
        return longer[0]
    return ranked[0][1] if ranked and ranked[0][0] <= allowed else ""


def distance(one: str, other: str, most: int) -> int:
    """How many letters were left out, added, mistaken or swapped; anything above ``most`` may be given as more."""
    if abs(len(one) - len(other)) > most or len(one) > 64:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]


def given(value: Any) -> str:
    """A value as a message shows what was given."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str():
            return f'"{value if len(value) <= 60 else value[:57] + "…"}"'
        case dict():
            return f"a mapping of {len(value)} {'key' if len(value) == 1 else 'keys'}"
    return f"a list of {len(value)} {'item' if len(value) == 1 else 'items'}"
