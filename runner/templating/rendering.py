"""How a name in a template gets its value: rendered when it is used, once, and never in a circle."""

from collections.abc import Collection, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from contextvars import ContextVar
from functools import partial
from typing import Any, Protocol, cast

from jinja2 import StrictUndefined, Undefined, pass_context
from jinja2.exceptions import UndefinedError
from jinja2.runtime import Context
from jinja2.utils import missing

from runner.errors import RenderError
from runner.model.template import Template, Withheld
from runner.templating.budget import SHARE, Budget
from runner.templating.limits import STEPS, Range, TooLargeError, check_size

SCALARS = frozenset({str, int, bool, float, type(None)})
"""Types whose values are finished as they are."""

current: ContextVar["Rendering"] = ContextVar("rendering")
"""The rendering under way, for attribute access, which jinja2 gives no context."""


class Evaluate(Protocol):
    """What turns a template into its value; :class:`~runner.templating.templates.Templates` has it."""

    def __call__(self, template: Template, rendering: "Rendering") -> Any:
        """The value. Raises RenderError."""
        ...


class NameMissingError(UndefinedError):
    """An undefined name was used. ``obj`` is what should have had it, or jinja2's ``missing`` for a variable."""

    def __init__(self, message: str | None = None, *, name: str = "", obj: Any = missing) -> None:
        super().__init__(message)
        self.name = name
        self.obj = obj


class Missing(StrictUndefined):
    """An undefined value that remembers its name when it is used."""

    __slots__ = ()

    def __init__(
        self, hint: str | None = None, obj: Any = missing, name: Any = None, exc: Any = UndefinedError
    ) -> None:
        told = partial(NameMissingError, name=str(name or ""), obj=obj) if exc is UndefinedError else exc
        super().__init__(hint, obj, name, cast("Any", told))


class Broken(Missing):
    """A variable whose own template can't be rendered.

    jinja2 looks up all names of a template at its start, also those in a branch not taken: so it fails when it is
    used. It counts as undefined where the reason is an undefined name, and else as nothing at all.
    """

    __slots__ = ("error",)

    def __init__(self, error: RenderError) -> None:
        super().__init__(exc=lambda _: error)
        self.error = error


def is_defined(value: Any) -> bool:
    """jinja2's test ``defined``; a variable that is defined but can't be rendered raises its RenderError."""
    if isinstance(value, Broken) and not value.error.undefined:
        raise value.error
    return not isinstance(value, Undefined)


def default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:  # noqa: FBT001,FBT002 - jinja2's signature
    """jinja2's filter ``default``, with the same care."""
    return value if is_defined(value) and (value or not boolean) else default_value


def holds_template(value: Any) -> bool:
    """Whether a Template, or what stands for a lost value, is in a tree of dicts and lists. Quick over long lists."""
    for part in value.values() if isinstance(value, dict) else value:
        if type(part) in SCALARS:
            continue
        if isinstance(part, Template | Withheld) or (isinstance(part, dict | list | tuple) and holds_template(part)):
            return True
    return False


class Rendering:
    """One call of ``render``: its scope, what it has rendered so far, and which variables are being rendered.

    ``names`` and ``active`` are shared between scopes only where the scope is the same.
    """

    __slots__ = ("_evaluate", "active", "budget", "names", "scope", "steps")

    def __init__(self, scope: Mapping[str, Any], evaluate: Evaluate) -> None:
        self.scope = scope
        self.names: dict[str, Any] = {}
        self.active: dict[int, str] = {}
        self.steps = 0
        self.budget = Budget()
        self._evaluate = evaluate

    def name(self, name: str) -> Any:
        """The value of a variable, ready for use; jinja2's ``missing`` where there is none."""
        value = self.scope.get(name, missing)
        if type(value) in SCALARS:
            return value
        if value is missing:
            return self._range if name == "range" else missing
        if name not in self.names:
            self.names[name] = self.ready(value, name)
        return self.names[name]

    def ready(self, value: Any, label: str) -> Any:
        """A value from the scope with its templates rendered; those in a mapping when they are asked for."""
        if isinstance(value, Template):
            return self._nested(value, label)
        if isinstance(value, Withheld):
            return Broken(RenderError(f'"{label}" is not known any more: {value.reason}', hint=value.hint))
        if isinstance(value, dict) and holds_template(value):
            return Lazy(value, self, label)
        if isinstance(value, list | tuple) and holds_template(value):
            return [self.ready(part, f"{label}[{index}]") for index, part in enumerate(value)]
        return value

    def within(self, scope: Mapping[str, Any]) -> "Rendering":
        """A rendering in another scope, inside this one."""
        inner = Rendering(scope, self._evaluate)
        inner.active = self.active
        inner.budget = self.budget
        return inner

    def _nested(self, template: Template, label: str) -> Any:
        if id(template) in self.active:
            return Broken(self._circle(template, label))
        self.active[id(template)] = label
        token = current.set(self)
        try:
            return self._evaluate(template, self)
        except RenderError as error:
            return Broken(error)
        finally:
            current.reset(token)
            del self.active[id(template)]

    def _circle(self, template: Template, label: str) -> RenderError:
        labels = list(self.active.values())
        path = " -> ".join([*labels[list(self.active).index(id(template)) :], label])
        return RenderError(f"a variable needs itself: {path}", location=template.location)

    def _range(self, *args: int) -> Range:
        return Range(*args, charge=self._charge)

    def _charge(self, steps: int) -> None:
        self.steps += steps
        if self.steps > STEPS:
            raise TooLargeError(f"loops over ranges take more than {STEPS} turns")


class VariableContext(Context):
    """jinja2's context with names from a rendering, nothing copied."""

    rendering: Rendering

    def resolve_or_missing(self, key: str) -> Any:
        """The value of a name that the template reads."""
        return self.vars[key] if key in self.vars else self.rendering.name(key)


class Lazy(dict[str, Any]):
    """A mapping whose items are rendered when they are taken.

    It is a dict for the filters that want one; every way to its values renders them. An own ``__iter__`` keeps
    ``dict(lazy)`` from copying the unrendered values.
    """

    __slots__ = ("_label", "_rendering")

    def __init__(self, values: Mapping[str, Any], rendering: Rendering, label: str) -> None:
        super().__init__(values)
        self._rendering = rendering
        self._label = label

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if type(value) in SCALARS:
            return value
        done = self._rendering.ready(value, f"{self._label}.{key}")
        super().__setitem__(key, done)
        return done

    def __iter__(self) -> Iterator[str]:
        return super().__iter__()

    def get(self, key: str, default: Any = None) -> Any:
        """As of a dict."""
        return self[key] if key in self else default  # noqa: SIM401 - it would call itself

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        """As of a dict."""
        return {key: self[key] for key in self}.items()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        """As of a dict."""
        return {key: self[key] for key in self}.values()

    def copy(self) -> dict[str, Any]:
        """As of a dict."""
        return {key: self[key] for key in self}

    def __eq__(self, other: object) -> bool:
        return self.copy() == other

    def __ne__(self, other: object) -> bool:
        return self.copy() != other

    __hash__ = None

    def __repr__(self) -> str:
        return repr(plain(self))


def item(obj: Mapping[str, Any], key: str) -> Any:
    """An item of a mapping. Those of a plain dict are rendered already; those of a view over the plan are not.

    A view that stands for another host has ``scope_within(scope)``: the scope its templates are to be rendered in.
    """
    value = obj[key]
    if type(obj) is dict or type(obj) is Lazy or type(value) in SCALARS:
        return value
    if not isinstance(value, Template | dict | list | tuple):
        return value
    rendering = current.get()
    within = getattr(obj, "scope_within", None)
    if within is not None:
        rendering = rendering.within(within(rendering.scope))
    return rendering.ready(value, key)


@pass_context  # else jinja2 puts out what it takes for constants already when a template is only looked into
def shown(_context: Context, value: Any) -> Any:
    """What jinja2 writes into text in place of a value: data as it is, not what holds it. A host is its name."""
    is_data = isinstance(value, Mapping | list | tuple) and not hasattr(value, "scope_within")
    return plain(value) if is_data else value


def plain(value: Any) -> Any:
    """A result as None, bool, number, text, list and dict; parts that are so already are shared.

    Raises UndefinedError for an undefined value anywhere in it, TypeError for what is no data, such as a function.
    """
    kind = type(value)
    if kind in SCALARS:
        return value
    if isinstance(value, Undefined):
        return str(value)  # raises, but for an ``if`` without ``else``, which jinja2 makes empty text
    if kind is dict:
        return _plain_dict(value)
    if kind is list:
        return _plain_list(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item(value, key)) for key in value}
    return _from_other(value)


def _plain_dict(value: dict[Any, Any]) -> dict[Any, Any]:
    _weigh(value.values())
    parts = {key: plain(part) for key, part in value.items()}
    return value if all(parts[key] is part for key, part in value.items()) else parts


def _plain_list(value: list[Any]) -> list[Any]:
    _weigh(value)
    parts = [plain(part) for part in value]
    return value if all(old is new for old, new in zip(value, parts, strict=True)) else parts


def _weigh(parts: Collection[Any]) -> None:
    """Count the parts of a value, and the characters of those that are text."""
    if (rendering := current.get(None)) is not None:
        rendering.budget.add(SHARE * len(parts) + sum(len(part) for part in parts if type(part) is str))


def _from_other(value: Any) -> Any:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, tuple | set | frozenset | Range | KeysView | ValuesView | ItemsView | Iterator):
        return [plain(part) for part in _counted(value)]
    raise TypeError(f'the expression gives no data but a "{type(value).__name__}"; are its parentheses missing?')


def _counted(parts: Iterable[Any]) -> Iterator[Any]:
    for index, part in enumerate(parts):
        check_size(index)
        yield part
