"""What keeps one template from eating the controller: every way to make something huge is measured first.

A template is our author's own, so this is against slips (``9 ** 9 ** 9``) and hostile *values* more than hostile text.
``budget`` has what a whole rendering may take.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from runner.errors import RunnerError

OUTPUT = 1024 * 1024
"""Characters of text, or items of a list, that one operation or one template may give."""

ITEMS = 100_000
"""Numbers in a ``range``, and items of a loop in a playbook."""

STEPS = 1_000_000
"""Numbers that all ranges of one process may give inside one another before the next output."""

BITS = 100_000
"""Size of a whole number, in bits."""

REGEX_INPUT = 64 * 1024
"""Characters that a regular expression is tried on: Python's can't be stopped once they run."""

_WIDTH = re.compile(r"\*|\d{5,}")
_NESTED = re.compile(r"\{[^{}]*\{")


class TooLargeError(RunnerError):
    """A template asked for more than the limits allow."""


def _text_or_list(value: Any) -> bool:
    return isinstance(value, str | list | tuple | bytes)


def check_size(size: int) -> None:
    """Raise TooLargeError where ``size`` characters or items are too many."""
    if size > OUTPUT:
        raise TooLargeError(f"the result would have {size} characters or items; the limit is {OUTPUT}")


def add(left: Any, right: Any) -> Any:
    """``left + right``, measured."""
    if _text_or_list(left) and _text_or_list(right):
        check_size(len(left) + len(right))
    return left + right


def multiply(left: Any, right: Any) -> Any:
    """``left * right``, measured."""
    for value, count in ((left, right), (right, left)):
        if _text_or_list(value) and isinstance(count, int):
            check_size(len(value) * max(count, 0))
    if isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() + right.bit_length())
    return left * right


def power(left: Any, right: Any) -> Any:
    """``left ** right``, measured."""
    if isinstance(left, int) and isinstance(right, int) and right > 0:
        _check_bits(left.bit_length() * right)
    return left**right


def _check_bits(bits: int) -> None:
    if bits > BITS:
        raise TooLargeError(f"the number would have {bits} bits; the limit is {BITS}")


def modulo(left: Any, right: Any) -> Any:
    """``left % right``; as a format its widths must be small."""
    if isinstance(left, str):
        check_format(left)
    return left % right


def check_format(text: str) -> None:
    """Raise TooLargeError where a format string asks for a field of 10,000 characters or more, or for any width."""
    if _WIDTH.search(text):
        raise TooLargeError("a format with a width of five digits or more, or with *, is not allowed")


def check_new_format(text: str) -> None:
    """The same for ``str.format``, where a width may come from a value too: ``{:{width}}``."""
    check_format(text)
    if _NESTED.search(text):
        raise TooLargeError("a format with a width that a value gives is not allowed")


def joined(parts: Sequence[Any], between: str = "") -> str:
    """Texts put together, measured first."""
    check_size(sum(map(len, parts)) + len(between) * len(parts))
    return between.join(parts)


def check_replace(text: Any, old: Any, new: Any) -> None:
    """Raise TooLargeError where ``text.replace(old, new)`` would be too large."""
    check_size(text.count(old) * len(new))


def summed(parts: Iterable[Any], start: Any) -> Any:
    """``sum``, in whose place lists that are added one to the next would take the square of their length."""
    if not isinstance(start, list | tuple):
        return sum(parts, start)
    every = [start, *parts]
    check_size(sum(len(part) for part in every))
    return type(start)(itertools.chain.from_iterable(every))


def check_arguments(values: Sequence[Any], *, most: int = ITEMS) -> None:
    """Raise TooLargeError where a number that a method or filter is called with could be a huge width or count."""
    for value in values:
        if isinstance(value, int) and abs(value) > most:
            raise TooLargeError(f"an argument is {value}; the limit is {most}")


class Range(Sequence[int]):
    """``range`` with at most 100,000 numbers, whose loops inside one another are counted together.

    ``charge`` is told, at the start of each loop over it, how many numbers it gives.
    """

    def __init__(self, *args: int, charge: Any) -> None:
        self._numbers = range(*args)
        self._charge = charge
        if len(self._numbers) > ITEMS:
            raise TooLargeError(f"the range has {len(self._numbers)} numbers; the limit is {ITEMS}")

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        return self._numbers[index]

    def __iter__(self) -> Iterator[int]:
        self._charge(len(self._numbers))
        return iter(self._numbers)
