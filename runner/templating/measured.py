"""Filters and methods, measured: what would be too large is refused before it is made, what was made is counted.

Every filter takes the context, so that jinja2 never calls one for constants while a template is only looked into.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2 import pass_context, pass_environment, pass_eval_context
from jinja2.runtime import Context

from runner.templating import limits
from runner.templating.budget import Budget
from runner.templating.rendering import SCALARS, current, plain

Function = Callable[..., Any]

STRUCTURAL = frozenset(
    {
        "abs",
        "attr",
        "batch",
        "combine",
        "count",
        "d",
        "default",
        "dictsort",
        "difference",
        "first",
        "flatten",
        "float",
        "groupby",
        "int",
        "intersect",
        "items",
        "last",
        "length",
        "list",
        "map",
        "max",
        "min",
        "random",
        "reject",
        "rejectattr",
        "reverse",
        "round",
        "select",
        "selectattr",
        "slice",
        "sort",
        "sum",
        "union",
        "unique",
    }
)
"""Filters that leave the parts of a list as they are."""

TEXTUAL = frozenset(
    {
        "b64decode",
        "b64encode",
        "basename",
        "capitalize",
        "center",
        "dirname",
        "e",
        "escape",
        "filesizeformat",
        "forceescape",
        "format",
        "from_json",
        "from_yaml",
        "indent",
        "join",
        "lower",
        "pprint",
        "quote",
        "regex_replace",
        "regex_search",
        "replace",
        "safe",
        "string",
        "striptags",
        "title",
        "to_yaml",
        "tojson",
        "trim",
        "truncate",
        "upper",
        "urlencode",
        "urlize",
        "wordcount",
        "wordwrap",
        "xmlattr",
    }
)
"""Filters that make text, or read it. What is in neither list is no filter here, whatever jinja2 brings along."""

NARROW = 100
"""Places of a number, and blanks of an indentation."""


def budget() -> Budget:
    """That of the rendering under way."""
    return current.get().budget


def watched(name: str, function: Function) -> Function:
    """A filter of that name: what it is given is weighed, and what it gives is counted."""
    check, passed, makes_text = _CHECKS.get(name), _passed(function), name not in STRUCTURAL

    @pass_context
    def called(context: Context, *args: Any, **kwargs: Any) -> Any:
        found = current.get().budget
        if check is not None:
            args = check(*args, **kwargs) or args
        if makes_text:
            for part in (*args, *kwargs.values()) if kwargs else args:
                if type(part) not in SCALARS:
                    found.weigh(part)
        return found.made(function(*args, **kwargs) if passed is None else function(passed(context), *args, **kwargs))

    return called


def _passed(function: Function) -> Callable[[Context], Any] | None:
    """What jinja2 itself would hand to a filter in front of its value, made of the context."""
    wanted = getattr(function, "jinja_pass_arg", None)
    for mark, given in _GIVEN:
        if wanted is not None and wanted is mark(lambda: None).jinja_pass_arg:
            return given
    return None


_GIVEN: tuple[tuple[Function, Callable[[Context], Any]], ...] = (
    (pass_context, lambda context: context),
    (pass_eval_context, lambda context: context.eval_ctx),
    (pass_environment, lambda context: context.environment),
)

Check = Callable[..., tuple[Any, ...] | None]


def _numbers(*args: Any, **kwargs: Any) -> None:
    limits.check_arguments([*args[1:], *kwargs.values()])


def _narrow(*args: Any, **kwargs: Any) -> None:
    limits.check_arguments([*args[1:], *kwargs.values()], most=NARROW)


def _indent(text: Any, width: int | str = 4, *_: Any, **__: Any) -> None:
    limits.check_arguments([width])
    limits.check_size(str(text).count("\n") * (width if isinstance(width, int) else len(width)))


def _join(value: Any, d: str = "", *rest: Any, **kwargs: Any) -> tuple[Any, ...]:
    parts = list(value) if isinstance(value, Iterator) else value
    if isinstance(parts, list | tuple | str | limits.Range):
        limits.check_size(len(parts) * len(str(d)))
    return (parts, d, *rest) if not kwargs.get("d") else (parts, *rest)


def _replace(text: Any, old: Any, new: Any, *_: Any, **__: Any) -> None:
    limits.check_replace(str(text), str(old), str(new))


def _wordwrap(text: Any, width: int = 79, *args: Any, **kwargs: Any) -> None:
    limits.check_arguments([width])
    between = kwargs.get("wrapstring") or (args[1] if len(args) > 1 else "\n") or "\n"
    limits.check_size(len(str(text)) // max(width, 1) * len(between))


_CHECKS: Mapping[str, Check] = {
    **dict.fromkeys(("batch", "center", "slice", "truncate"), _numbers),
    **dict.fromkeys(("round", "to_yaml", "tojson"), _narrow),
    "indent": _indent,
    "join": _join,
    "replace": _replace,
    "wordwrap": _wordwrap,
}


def check_method(owner: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Raise TooLargeError where a method of a text or a number would make something huge."""
    if not isinstance(owner, str | bytes | int | float):
        return
    if isinstance(owner, str | bytes) and name in {"format", "format_map", "join"}:
        budget().weigh_all(args)
        budget().weigh_all(kwargs.values())
    if isinstance(owner, str) and name in {"format", "format_map"}:
        limits.check_new_format(owner)
    if name == "replace" and len(args) > 1:
        limits.check_replace(owner, args[0], args[1])
    if name == "join" and args and isinstance(args[0], list | tuple | str | limits.Range):
        limits.check_size(len(args[0]) * len(owner))
    if name == "translate" and args and isinstance(args[0], Mapping):
        longest = max((len(str(part)) for part in args[0].values()), default=0)
        limits.check_size(len(owner) * longest)
    if name == "expandtabs":
        limits.check_size(len(owner) * int(args[0] if args else 8))
    if name in {"center", "ljust", "rjust", "zfill", "to_bytes"}:
        limits.check_arguments([*args, *kwargs.values()])


def dumped(value: Any, **kwargs: Any) -> str:
    """JSON text of data; with an indentation it is measured as it grows."""
    if kwargs.get("indent") is None:
        return json.dumps(plain(value), **kwargs)
    parts: list[str] = []
    size = 0
    for part in json.JSONEncoder(**kwargs).iterencode(plain(value)):
        size += len(part)
        limits.check_size(size)
        parts.append(part)
    return "".join(parts)


def formatted(value: Any, *args: Any, **kwargs: Any) -> str:
    """jinja2's filter ``format``."""
    return str(limits.modulo(str(value), kwargs or args))


def takes_context(function: Function) -> Function:
    """A test that jinja2 does not call while a template is only looked into."""
    return pass_context(lambda _context, *args, **kwargs: function(*args, **kwargs))
