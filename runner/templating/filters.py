"""The filters and tests that runner adds to jinja2's own. Pure functions; jinja2 passes the value first."""

import base64
import json
import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from runner.templating.limits import REGEX_INPUT, TooLargeError, check_size

_BARE = re.compile(r"[A-Za-z_/][\w./@+-]*( [\w./@+-]+)*\Z", re.ASCII)
_WORDS = re.compile(r"(?i)(true|false|null|yes|no|on|off|y|n|none|nil)\Z")
_OPERATORS: dict[str, Callable[[int], bool]] = {
    "==": lambda order: order == 0,
    "!=": lambda order: order != 0,
    ">=": lambda order: order >= 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    "<": lambda order: order < 0,
}


def quote(value: Any) -> str:
    """``value`` as one word of a shell; a list as several."""
    if isinstance(value, list | tuple):
        return shlex.join(map(str, value))
    return shlex.quote(str(value))


def from_json(value: str) -> Any:
    """The data that JSON text stands for."""
    return json.loads(value)


def to_yaml(value: Any, indent: int = 0) -> str:
    """Data as YAML text in block style, keys in their order, a line end at its end.

    Text that could be read as anything else is double-quoted, as in JSON, which every YAML reader understands.
    """
    return "".join(f"{' ' * indent}{line}\n" for line in _yaml_lines(value))


def _yaml_lines(value: Any) -> list[str]:
    if isinstance(value, Mapping) and value:
        return [line for key, part in value.items() for line in _yaml_entry(f"{_yaml_scalar(str(key))}:", part)]
    if isinstance(value, list | tuple) and value:
        return [line for part in value for line in _yaml_item(part)]
    return [_yaml_scalar(value)]


def _yaml_entry(head: str, value: Any) -> list[str]:
    if isinstance(value, Mapping | list | tuple) and value:
        return [head, *(f"  {line}" for line in _yaml_lines(value))]
    return [f"{head} {_yaml_scalar(value)}"]


def _yaml_item(value: Any) -> list[str]:
    first, *rest = _yaml_lines(value)
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _yaml_scalar(value: Any) -> str:
    if isinstance(value, str) and _BARE.match(value) and not _WORDS.match(value):
        return value
    return json.dumps(value, ensure_ascii=False, default=dict)


def b64encode(value: str) -> str:
    """Text as base64 of its UTF-8 bytes."""
    return base64.b64encode(value.encode("utf-8", "surrogateescape")).decode("ascii")


def b64decode(value: str) -> str:
    """The text that base64 stands for; bytes that are no UTF-8 survive as lone surrogates."""
    return base64.b64decode(value, validate=True).decode("utf-8", "surrogateescape")


def combine(value: Mapping[str, Any], *others: Mapping[str, Any], recursive: bool = False) -> dict[str, Any]:
    """A mapping with the items of the others laid over it, later ones winning; ``recursive`` merges what both have."""
    result = dict(value)
    for other in others:
        for key, part in other.items():
            old = result.get(key)
            deep = recursive and isinstance(old, Mapping) and isinstance(part, Mapping)
            result[key] = combine(old, part, recursive=True) if deep and isinstance(old, Mapping) else part
    return result


def difference(value: Iterable[Any], other: Iterable[Any]) -> list[Any]:
    """What is in the first list alone, each once, in its order."""
    others = _Seen(other)
    return _once(part for part in value if part not in others)


def intersect(value: Iterable[Any], other: Iterable[Any]) -> list[Any]:
    """What is in both lists, each once, in the order of the first."""
    others = _Seen(other)
    return _once(part for part in value if part in others)


def union(value: Iterable[Any], other: Iterable[Any]) -> list[Any]:
    """What is in either list, each once."""
    return _once([*value, *other])


class _Seen:
    """Values that were there; those that can be hashed are found at once."""

    def __init__(self, parts: Iterable[Any] = ()) -> None:
        self._quick: set[Any] = set()
        self._slow: list[Any] = []
        for part in parts:
            self.add(part)

    def __contains__(self, part: Any) -> bool:
        try:
            return part in self._quick
        except TypeError:
            return part in self._slow

    def add(self, part: Any) -> None:
        try:
            self._quick.add(part)
        except TypeError:
            self._slow.append(part)


def _once(parts: Iterable[Any]) -> list[Any]:
    result: list[Any] = []
    seen = _Seen()
    for part in parts:
        if part not in seen:
            seen.add(part)
            result.append(part)
    return result


def flatten(value: Iterable[Any], levels: int | None = None) -> list[Any]:
    """A list of lists as one list; ``levels`` deep, or all the way."""
    result: list[Any] = []
    for part in value:
        if isinstance(part, list | tuple) and levels != 0:
            result.extend(flatten(part, None if levels is None else levels - 1))
        else:
            result.append(part)
        check_size(len(result))
    return result


def regex_replace(value: str, pattern: str, replacement: str = "", *, ignorecase: bool = False) -> str:
    r"""The text with every match of a Python regular expression replaced; ``\1`` in ``replacement`` is a group."""
    size = 0

    def put(found: re.Match[str]) -> str:
        nonlocal size
        text = found.expand(replacement)
        size += len(text)
        check_size(size)
        return text

    return _regex(pattern, ignorecase=ignorecase).sub(put, _short(value))


def regex_search(value: str, pattern: str, *, ignorecase: bool = False) -> Any:
    """The first match of a Python regular expression: its text, or its groups where it has some; null for none."""
    found = _regex(pattern, ignorecase=ignorecase).search(_short(value))
    if found is None:
        return None
    return list(found.groups()) if found.re.groups else found.group()


def is_match(value: str, pattern: str, *, ignorecase: bool = False) -> bool:
    """Whether a Python regular expression matches at the start of the text."""
    return _regex(pattern, ignorecase=ignorecase).match(_short(value)) is not None


def is_search(value: str, pattern: str, *, ignorecase: bool = False) -> bool:
    """Whether a Python regular expression matches anywhere in the text."""
    return _regex(pattern, ignorecase=ignorecase).search(_short(value)) is not None


def _regex(pattern: str, *, ignorecase: bool) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE if ignorecase else 0)


def _short(value: Any) -> str:
    text = str(value)
    if len(text) > REGEX_INPUT:
        raise TooLargeError(f"a regular expression on {len(text)} characters; the limit is {REGEX_INPUT}")
    return text


def is_version(value: Any, other: Any, operator: str = "==") -> bool:
    """Compare versions part by part, numbers as numbers: ``1.10`` is after ``1.9``, ``2.0-rc1`` before ``2.0``."""
    try:
        holds = _OPERATORS[operator]
    except KeyError:
        raise ValueError(f'unknown operator "{operator}"; it is one of {" ".join(_OPERATORS)}') from None
    left, right = _version(str(value)), _version(str(other))
    return holds((left > right) - (left < right))


def _version(text: str) -> list[tuple[int, int, str]]:
    """Parts that compare: words before the end of the text, the end (and 0) before numbers."""
    core, _, _build = text.strip().removeprefix("v").partition("+")
    parts = [(1, int(part), "") if part.isdigit() else (-1, 0, part) for part in re.findall(r"\d+|[a-zA-Z]+", core)]
    parts = [(0, 0, "") if part == (1, 0, "") else part for part in parts]
    return [*parts, *[(0, 0, "")] * (16 - len(parts))]


FILTERS: dict[str, Callable[..., Any]] = {
    "quote": quote,
    "from_json": from_json,
    "to_yaml": to_yaml,
    "b64encode": b64encode,
    "b64decode": b64decode,
    "basename": posixpath.basename,
    "dirname": posixpath.dirname,
    "combine": combine,
    "difference": difference,
    "intersect": intersect,
    "union": union,
    "flatten": flatten,
    "regex_replace": regex_replace,
    "regex_search": regex_search,
}
"""Added filters by name; ``from_yaml`` comes from whoever makes the Templates, for it needs a YAML reader."""

TESTS: dict[str, Callable[..., bool]] = {"match": is_match, "search": is_search, "version": is_version}
"""Added tests by name."""
