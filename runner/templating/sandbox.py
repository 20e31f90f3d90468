"""The jinja2 environment: sandboxed, strict, without a loader and with measured operators.

Mapping items win over methods of the same name (``result.json.items`` where the answer has such a key).
"""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from runner.templating import filters, limits
from runner.templating.rendering import Missing, default, is_defined, item, plain, shown

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": limits.add,
    "*": limits.multiply,
    "**": limits.power,
    "%": limits.modulo,
}
_SIZED = ("batch", "center", "indent", "slice", "truncate", "wordwrap")


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment. ``yaml_load`` is the filter ``from_yaml``; without it there is no such filter."""

    intercepted_binops = frozenset(_OPERATORS)

    def __init__(self, yaml_load: Callable[[str], Any] | None = None) -> None:
        super().__init__(undefined=Missing, keep_trailing_newline=True, cache_size=0, finalize=shown)
        self.globals.clear()
        self.globals["range"] = range  # a known name; the rendering gives its own
        self.filters.update(filters.FILTERS, default=default, d=default)
        self.filters.update({name: _measured(self.filters[name]) for name in _SIZED})
        self.filters["format"] = _format
        self.filters["to_yaml"] = lambda value, *args, **kwargs: filters.to_yaml(plain(value), *args, **kwargs)
        self.policies["json.dumps_function"] = lambda value, **kwargs: json.dumps(plain(value), **kwargs)
        self.tests.update(filters.TESTS, defined=is_defined, undefined=lambda value: not is_defined(value))
        if yaml_load is not None:
            self.filters["from_yaml"] = yaml_load

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Operators that can make something huge."""
        del context
        return _OPERATORS[operator](left, right)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A method call: ``'a'.ljust(10 ** 9)`` is as huge as ``'a' * 10 ** 9``."""
        method = getattr(obj, "__wrapped__", obj)  # ``str.format`` comes wrapped by the sandbox
        owner = getattr(method, "__self__", None)
        if isinstance(owner, str):
            _check_text_method(owner, method.__name__, args)
        return super().call(context, obj, *args, **kwargs)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """``obj.attribute``."""
        if isinstance(obj, Mapping) and attribute in obj:
            return item(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """``obj[argument]``."""
        if isinstance(obj, Mapping) and isinstance(argument, str) and argument in obj:
            return item(obj, argument)
        return super().getitem(obj, argument)


def _check_text_method(text: str, name: str, args: tuple[Any, ...]) -> None:
    if name in {"format", "format_map"}:
        limits.check_format(text)
    if name == "replace" and len(args) > 1:
        limits.check_size((text.count(str(args[0])) or 0) * len(str(args[1])))
    if name == "join" and args and isinstance(args[0], list | tuple | str | limits.Range):
        limits.check_size(len(args[0]) * len(text))
    if name in {"center", "expandtabs", "ljust", "rjust", "zfill"}:
        limits.check_arguments(args)


def _measured(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of jinja2's that refuses huge numbers among its arguments."""

    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        limits.check_arguments([*args[1:], *kwargs.values()])
        return function(*args, **kwargs)

    return guarded


def _format(value: Any, *args: Any, **kwargs: Any) -> str:
    """jinja2's filter ``format``, measured."""
    return str(limits.modulo(str(value), kwargs or args))
