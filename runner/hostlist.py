"""Many host names in a few characters: ``web[01-12]`` to names, and names back to ``web[01-07,12]``.

A list is patterns joined by commas. In a pattern, brackets hold numbers and ranges of them: ``[1,3,7-9]``; ``[0-20/5]``
takes every fifth. A number written with leading zeros keeps its width. With several brackets every combination is
meant, the last one varying fastest.

Why numbers alone, and not letters or globs, in brackets: a name then folds back to exactly one text, and ``web[ab]``
can be an error with a position where a shell would silently mean something else.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import product

MAX_HOSTS = 1_000_000
"""Names that one list may stand for; met before anything is expanded."""

_MAX_DIGITS = 18
_ITEM = re.compile(r"([0-9]+)(?:-([0-9]+)(?:/([0-9]+))?)?")
_ITEM_SO_FAR = re.compile(r"(?:[0-9]+(?:-(?:[0-9]+/?)?)?)?")
_NUMBER = re.compile(rf"(?<![0-9])([0-9]{{1,{_MAX_DIGITS}}})(?![0-9])")

Range = tuple[range, int]
"""The numbers that one item of a bracket means, and the width they are padded to."""


class HostListError(ValueError):
    """A host list that means nothing: ``message``, the 0-based ``position`` of what is wrong, a ``hint`` or nothing."""

    def __init__(self, message: str, position: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.hint = hint


def expand(text: str, *, most: int = MAX_HOSTS) -> list[str]:
    """All names that a list of patterns stands for, in order; of equal names the first stays.

    Raises HostListError for what is empty, unclosed, nested, reversed or no number, and for more than ``most`` names.
    """
    if "[" not in text and "]" not in text and "," not in text:
        return [_not_empty(text, 0)]
    patterns = [_parse(part, start) for start, part in _parts(text)]
    _check_count(patterns, most)
    return list(dict.fromkeys(name for pattern in patterns for name in _names(pattern)))


def split(text: str) -> list[str]:
    """The patterns of a list, cut at the commas outside of brackets, without the white space around them.

    Raises HostListError for an empty pattern and for brackets that do not match.
    """
    return [part for _, part in _parts(text)]


def fold(names: Iterable[str]) -> str:
    """The shortest list we know that expands to the same set of names.

    Names that differ in one number only come together, where the first of them stood; in brackets numbers ascend.
    Several differing numbers make a product only where every combination is among the names. Names hold no bracket and
    no comma.
    """
    shapes: dict[tuple[str, ...], dict[tuple[str, ...], None]] = {}
    for name in names:
        pieces = _NUMBER.split(name)
        shapes.setdefault(tuple(pieces[::2]), {})[tuple(pieces[1::2])] = None
    return ",".join(
        _joined(literals, numbers) for literals, rows in shapes.items() for numbers in _fold_rows(list(rows))
    )


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Each pattern of a list with its position."""
    start = 0
    for end in (*_commas(text), len(text)):
        part = text[start:end]
        yield start + len(part) - len(part.lstrip()), _not_empty(part, start)
        start = end + 1


def _not_empty(text: str, position: int) -> str:
    if not text.strip():
        raise HostListError("empty host pattern", position)
    return text.strip()


def _commas(text: str) -> Iterator[int]:
    """The positions of the commas outside of brackets."""
    opened = -1
    for position, character in enumerate(text):
        if character == "[":
            if opened >= 0:
                raise HostListError('nested "["', position, "put ranges one after another: [1-2][1-4]")
            opened = position
        elif character == "]":
            if opened < 0:
                raise HostListError('"]" without "["', position)
            opened = -1
        elif character == "," and opened < 0:
            yield position
    if opened >= 0:
        raise HostListError('"[" is not closed', opened)


def _parse(pattern: str, start: int) -> list[str | list[Range]]:
    """Texts and brackets of a pattern, in turn. The brackets match: _commas has seen to that."""
    pieces: list[str | list[Range]] = []
    position = 0
    for bracket in re.finditer(r"\[(.*?)\]", pattern, re.DOTALL):
        pieces.append(pattern[position : bracket.start()])
        pieces.append(_ranges(bracket[1], start + bracket.start(1)))
        position = bracket.end()
    return [*pieces, pattern[position:]]


def _ranges(inside: str, start: int) -> list[Range]:
    ranges = []
    for item in inside.split(","):
        ranges.append(_range(item, start))
        start += len(item) + 1
    return ranges


def _range(item: str, position: int) -> Range:
    if not item:
        raise HostListError("empty range", position, "write numbers, as in [1-5] or [1,3]")
    match = _ITEM.fullmatch(item)
    if match is None or any(number and len(number) > _MAX_DIGITS for number in match.groups()):
        raise _bad_number(item, position)
    first, last, step = match[1], match[2] or match[1], match[3] or "1"
    if int(last) < int(first):
        raise HostListError(f'range "{item}" goes down', position, f"write {last}-{first}")
    if _padded(last) and len(last) != len(first):
        raise HostListError(
            f'range "{item}" has numbers of two widths', position, f"write {first:0>{len(last)}}-{last}"
        )
    if int(step) == 0:
        raise HostListError(f'range "{item}" has a step of 0', position + match.start(3))
    return range(int(first), int(last) + 1, int(step)), len(first) if _padded(first) else 0


def _bad_number(item: str, position: int) -> HostListError:
    good = _ITEM_SO_FAR.match(item)
    wrong = good.end() if good else 0
    if item[wrong : wrong + 1] == ":":
        return HostListError(f'bad range "{item}"', position + wrong, 'use "-" between the numbers')
    return HostListError(f'bad number in range "{item}"', position + wrong, "write numbers, as in [1-5] or [1,3]")


def _padded(number: str) -> bool:
    return len(number) > 1 and number[0] == "0"


def _check_count(patterns: list[list[str | list[Range]]], most: int) -> None:
    total = sum(_count(pattern) for pattern in patterns)
    if total > MAX_HOSTS:
        raise HostListError(f"{total:,} host names, more than the limit of {MAX_HOSTS:,}", 0)
    if total > most:
        raise HostListError(f"with these {total:,} there are more than {MAX_HOSTS:,} hosts, the limit", 0)


def _count(pattern: list[str | list[Range]]) -> int:
    count = 1
    for piece in pattern:
        if not isinstance(piece, str):
            count *= sum(len(numbers) for numbers, _ in piece)
    return count


def _names(pattern: list[str | list[Range]]) -> Iterator[str]:
    return map("".join, product(*([piece] if isinstance(piece, str) else _texts(piece) for piece in pattern)))


def _texts(ranges: list[Range]) -> list[str]:
    return [f"{number:0{width}d}" for numbers, width in ranges for number in numbers]


def _fold_rows(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Rows of numbers with one column after the other folded, the last first; each row is an exact product."""
    for column in reversed(range(len(rows[0]))):
        together: dict[tuple[str, ...], list[str]] = {}
        for row in rows:
            together.setdefault(row[:column] + row[column + 1 :], []).append(row[column])
        rows = [(*rest[:column], _fold_numbers(found), *rest[column:]) for rest, found in together.items()]
    return rows


def _fold_numbers(numbers: list[str]) -> str:
    if len(numbers) == 1:
        return numbers[0]
    return "[" + ",".join(first if first == last else f"{first}-{last}" for first, last in _runs(numbers)) + "]"


def _runs(numbers: list[str]) -> list[tuple[str, str]]:
    """First and last of each run of neighbours. Padded numbers draw in what follows them: 08, 09, 10 is one run."""
    left = set(numbers)
    runs = []
    for first in sorted(numbers, key=_order):
        if first not in left:
            continue
        left.discard(first)
        last, width = first, len(first) if _padded(first) else 0
        while (following := f"{int(last) + 1:0{width}d}") in left:
            left.discard(following)
            last = following
        runs.append((first, last))
    return sorted(runs, key=lambda run: (len(run[0].lstrip("0")), run[0].lstrip("0"), len(run[0])))


def _order(number: str) -> tuple[bool, int, str]:
    """Padded numbers first, then by value; numbers without padding compare by their length, then as text."""
    return not _padded(number), len(number), number


def _joined(literals: tuple[str, ...], numbers: tuple[str, ...]) -> str:
    return "".join(part for pair in zip(literals, (*numbers, ""), strict=True) for part in pair)
