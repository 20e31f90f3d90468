"""The jinja2 environment: sandboxed, strict, without a loader and with measured operators.

Mapping items win over methods of the same name (``result.json.items`` where the answer has such a key).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import Environment, nodes, pass_environment
from jinja2.compiler import CodeGenerator, Frame
from jinja2.filters import make_attrgetter
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from runner.templating import filters, limits, measured
from runner.templating.rendering import Missing, default, is_defined, item, plain, shown

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": limits.add,
    "*": limits.multiply,
    "**": limits.power,
    "%": limits.modulo,
}


class _Generator(CodeGenerator):
    """Sends through the environment, to be measured, what jinja2 else does by itself."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - jinja2's name
        """``a ~ b``."""
        self.write("environment.concatenated((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802 - jinja2's name
        """``a[1:]``; other items go through the environment anyway."""
        if not isinstance(node.arg, nodes.Slice):
            super().visit_Getitem(node, frame)
            return
        self.write("environment.cut(")
        self.visit(node.node, frame)
        for part in (node.arg.start, node.arg.stop, node.arg.step):
            self.write(", ")
            self.visit(part or nodes.Const(None), frame)
        self.write(")")


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment. ``yaml_load`` is the filter ``from_yaml``; without it there is no such filter."""

    intercepted_binops = frozenset(_OPERATORS)
    code_generator_class = _Generator

    def __init__(self, yaml_load: Callable[[str], Any] | None = None) -> None:
        super().__init__(undefined=Missing, keep_trailing_newline=True, cache_size=0, finalize=shown, optimized=False)
        self.globals.clear()
        self.globals["range"] = range  # a known name; the rendering gives its own
        self.filters.update(filters.FILTERS, default=default, d=default, format=measured.formatted)
        self.filters["sum"] = _sum
        self.filters["to_yaml"] = lambda value, *args, **kwargs: filters.to_yaml(plain(value), *args, **kwargs)
        self.policies["json.dumps_function"] = measured.dumped
        self.tests.update({name: measured.takes_context(test) for name, test in filters.TESTS.items()})
        self.tests.update(defined=is_defined, undefined=lambda value: not is_defined(value))
        if yaml_load is not None:
            self.filters["from_yaml"] = yaml_load
        allowed = self.filters.keys() & (measured.STRUCTURAL | measured.TEXTUAL)
        self.filters = {name: measured.watched(name, self.filters[name]) for name in allowed}

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Operators that can make something huge."""
        del context
        if operator == "%" and isinstance(left, str):
            measured.budget().weigh(right)
        return measured.budget().made(_OPERATORS[operator](left, right))

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A method call: ``'a'.ljust(10 ** 9)`` is as huge as ``'a' * 10 ** 9``."""
        method = getattr(obj, "__wrapped__", obj)  # ``str.format`` comes wrapped by the sandbox
        owner = getattr(method, "__self__", None)
        if owner is not None:
            measured.check_method(owner, getattr(method, "__name__", ""), args, kwargs)
        return measured.budget().made(super().call(context, obj, *args, **kwargs))

    def concatenated(self, parts: tuple[Any, ...]) -> str:
        """``a ~ b``."""
        measured.budget().weigh_all(part for part in parts if not isinstance(part, str))
        return measured.budget().made(limits.joined([str(part) for part in parts]))

    def cut(self, value: Any, *bounds: Any) -> Any:
        """``a[1:]``."""
        return measured.budget().made(value[slice(*bounds)])

    @staticmethod
    def concat(parts: Iterable[str]) -> str:
        """What a macro, or a block that is kept, has put out."""
        return measured.budget().made(limits.joined(list(parts)))

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


@pass_environment
def _sum(environment: Environment, value: Any, attribute: str | int | None = None, start: Any = 0) -> Any:
    """jinja2's filter ``sum``, in a time that is not the square of the length where it adds lists."""
    parts = value if attribute is None else map(make_attrgetter(environment, attribute), value)
    return limits.summed(parts, start)
