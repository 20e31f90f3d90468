"""Plain scalars as values: the core types of YAML 1.2, narrowed to what JSON can hold; pure.

``true`` and ``false``; decimal, ``0x`` and ``0o`` integers; floats as JSON writes them; ``null``, ``~`` and nothing.
All else is text.

Why narrower than the standard. Files are read by people and by other tools that still follow YAML 1.1. Where the two
differ (``NO``, ``012``, ``1:30``, ``1_000``) a guess would be wrong for somebody, so the value is text, and where
somebody could rely on the other reading it is a warning or an error.
"""

import math
import re
from typing import NamedTuple, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

WORDS: dict[str, Scalar] = {"": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "false": False}
BOOLEANS_OF_YAML_1_1 = frozenset(
    form for word in ("yes", "no", "on", "off", "true", "false") for form in (word, word.capitalize(), word.upper())
) - {"true", "false"}

INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
BASED = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
LEADING_ZERO = re.compile(r"[-+]?0[0-9]+(\.[0-9]*)?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
NUMBER_STARTS = frozenset("-+.0123456789")

QUOTE = "quote it if it is meant as text"

LONGEST_NUMBER = 300
"""Characters. Longer ones are an input error rather than a slow conversion."""


class Oddity(NamedTuple):
    """What is strange about a scalar; codes that begin with ``W`` are warnings."""

    code: str
    message: str
    hint: str = ""


def resolve(text: str) -> tuple[Scalar, Oddity | None]:
    """The value of a plain scalar and what is odd about it. A refused one is text, so that reading goes on."""
    if text in WORDS:
        return WORDS[text], None
    if text in BOOLEANS_OF_YAML_1_1:
        return text, Oddity(
            "W301",
            f'"{text}" is text here; YAML 1.1 reads this as a boolean',
            f"""quote it ("{text}"), or write true or false""",
        )
    if text[0] in NUMBER_STARTS:
        return number(text)
    if text[0] in "“”„‟«»‘’‚‛" and len(text) > 1:  # noqa: RUF001 - these are the point
        return text, Oddity("W114", "typographic quotes are part of the text", "use \" or '")
    return text, None


def number(text: str) -> tuple[Scalar, Oddity | None]:
    """The value of text that starts as a number does; text that only looks like one is text."""
    if NOT_FINITE.fullmatch(text):
        return text, Oddity("E306", f'"{text}" is no finite number', QUOTE)
    if LEADING_ZERO.fullmatch(text):
        return text, Oddity(
            "E304",
            f'"{text[:60]}" has a leading zero',
            _without_zeros(text[:60]),
        )
    if not FLOAT.fullmatch(text) and not BASED.fullmatch(text):
        return text, None
    if len(text) > LONGEST_NUMBER:
        return text, Oddity("E306", f"a number of {len(text)} characters is too long", QUOTE)
    value = _converted(text)
    return (text, Oddity("E306", f'"{text}" is larger than any number', QUOTE)) if math.isinf(value) else (value, None)


def _without_zeros(text: str) -> str:
    plain = re.sub(r"^([-+]?)0+(?=[0-9])", r"\1", text)
    return f'write {plain}, or "{text}" in quotes where it is text'


def _converted(text: str) -> int | float:
    if BASED.fullmatch(text):
        return int(text, 0)
    return int(text) if INTEGER.fullmatch(text) else float(text)


UNIT_BYTES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12} | {
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(kB|[KMGT]i?B|B)")
SIZE_FORMS = "write 10MiB, 5MB, 64KiB, or a number of bytes"


def size(value: Scalar) -> int:
    """Bytes of ``10MiB`` or of a number. Raises ValueError that names the accepted forms."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = SIZE.fullmatch(value) if isinstance(value, str) and len(value) <= LONGEST_NUMBER else None
    if match:
        return int(float(match[1]) * UNIT_BYTES[match[2]])
    raise ValueError(f"not a size; {SIZE_FORMS}")
