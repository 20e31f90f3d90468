"""Compile each distinct template once; render trees, texts and conditions."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from jinja2 import TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.utils import missing

from runner.errors import RenderError
from runner.model.template import Template, Value
from runner.templating import analysis, budget, flow
from runner.templating.budget import OutOfTimeError, in_time
from runner.templating.limits import TooLargeError, check_size
from runner.templating.rendering import SCALARS, NameMissingError, Rendering, VariableContext, current, plain
from runner.templating.sandbox import Sandbox
from runner.templating.trust import Trust

_TOO_LONG = "the template takes too long: more than"

_ANSWER = "_answer"
"""The name an expression's value is kept under in its context; no name of the language starts so."""


_WORDS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((TemplateSyntaxError,), "the template is wrong: {detail}"),
    ((ZeroDivisionError,), "the template divides by zero"),
    ((RecursionError,), "the template calls itself too deep"),
    ((OverflowError, MemoryError), "the template gives something too large"),
    ((TooLargeError,), "the template gives something too large: {detail}"),
    ((SecurityError,), "the template does what templates may not: {detail}"),
)
"""What is said of an exception, the first that fits."""


class _Compiled(NamedTuple):
    """``root`` yields text; or, where ``native``, yields nothing and leaves the value in the context."""

    root: Callable[..., Any]
    blocks: dict[str, Any]
    native: bool


class Compiler:
    """Does what :class:`~runner.templating.templates.Templates` says, method for method, with jinja2."""

    def __init__(self, yaml_load: Callable[[str], Any] | None = None) -> None:
        self._sandbox = Sandbox(yaml_load)
        self._compiled: dict[tuple[str, bool, bool], _Compiled] = {}
        self._looked: dict[tuple[str, bool], analysis.Findings] = {}

    def render(self, value: Value, scope: Mapping[str, Any]) -> Value:
        """A tree with each Template replaced by its value."""
        return self._in_rendering(lambda rendering: self._tree(value, rendering), scope)

    def text(self, template: Template, scope: Mapping[str, Any]) -> str:
        """A template rendered to text."""
        return str(self._in_rendering(lambda rendering: self._run(template, rendering, native=False), scope))

    def condition(self, value: Template, scope: Mapping[str, Any]) -> bool:
        """Whether a condition holds."""
        answer = self.render(value, scope)
        if isinstance(answer, str):
            hint = 'compare it (x == "yes"), or write x | length > 0'
            raise RenderError("a condition gives text, not true or false", location=value.location, hint=hint)
        return bool(answer)

    def names(self, template: Template) -> frozenset[str]:
        """Variables that must have a value."""
        return self._findings(template).needed

    def mentions(self, template: Template) -> frozenset[str]:
        """All variables it reads."""
        return self._findings(template).mentioned

    def faults(self, template: Template) -> tuple[analysis.Fault, ...]:
        """What is wrong with its syntax."""
        return self._findings(template).faults

    def members(self, template: Template, name: str) -> frozenset[str]:
        """The ``x`` of each ``name.x`` that must be there."""
        return analysis.members(self._findings(template).tree, name)

    def uses(self, template: Template) -> analysis.Uses:
        """What it takes from its variables."""
        return analysis.uses(self._findings(template).tree)

    def parts(self, template: Template, name: str) -> frozenset[str] | None:
        """The ``x`` of each ``name.x``, or None."""
        return analysis.parts(self._findings(template).tree, name)

    def results_of_others(self, template: Template) -> frozenset[str]:
        """The ``x`` of each ``….results.x`` of another host."""
        return analysis.results_of_others(self._findings(template).tree)

    def certain(self, template: Template) -> frozenset[str]:
        """The variables that it reads in any case."""
        return analysis.certain(self._findings(template).tree)

    def leaks(self, template: Template, names: Mapping[str, Trust]) -> tuple[flow.Leak, ...]:
        """What of these names a shell would read in its text."""
        return flow.leaks(self._findings(template).tree, names)

    def trust(self, template: Template, names: Mapping[str, Trust]) -> Trust:
        """How far what it gives may be trusted."""
        tree = self._findings(template).tree
        return flow.value(tree, analysis.lone_expression(tree), names)

    def place(self, template: Template, name: str) -> int:
        """The offset of the first mention of a variable."""
        return analysis.offset_of(self._sandbox, template.source, name, bare=template.bare)

    def _findings(self, template: Template) -> analysis.Findings:
        key = (template.source, template.bare)
        found = self._looked.get(key)
        if found is None:
            found = self._looked[key] = self._look(template)
        return found

    def _look(self, template: Template) -> analysis.Findings:
        try:
            return in_time(lambda: analysis.look(self._sandbox, template.source, bare=template.bare))
        except OutOfTimeError:
            why = f"{_TOO_LONG} {budget.SECONDS:g} s to read"
        except RecursionError:
            why = "the template is nested too deep"
        return analysis.broken(self._sandbox, analysis.Fault(why, 0, hint="give it in parts, or copy a file"))

    def _in_rendering(self, work: Callable[[Rendering], Any], scope: Mapping[str, Any]) -> Any:
        rendering = Rendering(scope, self._evaluate)
        token = current.set(rendering)
        try:
            return in_time(lambda: work(rendering))
        except OutOfTimeError as error:
            raise RenderError(f"{_TOO_LONG} {budget.SECONDS:g} s of processor time", location=error.location) from None
        finally:
            current.reset(token)

    def _tree(self, value: Value, rendering: Rendering) -> Value:
        if isinstance(value, Template):
            return self._evaluate(value, rendering)
        if isinstance(value, dict):
            return self._dict(value, rendering)
        if isinstance(value, list | tuple):
            parts = [part if type(part) in SCALARS else self._tree(part, rendering) for part in value]
            return value if all(old is new for old, new in zip(value, parts, strict=True)) else parts
        return value

    def _dict(self, value: dict[str, Value], rendering: Rendering) -> dict[str, Value]:
        result = value
        for key, part in value.items():
            done = part if type(part) in SCALARS else self._tree(part, rendering)
            if done is not part:
                result = dict(value) if result is value else result
                result[key] = done
        return result

    def _evaluate(self, template: Template, rendering: Rendering) -> Value:
        return self._run(template, rendering, native=True)

    def _run(self, template: Template, rendering: Rendering, *, native: bool) -> Value:
        """One template's value; every exception of jinja2 and Python's becomes a RenderError."""
        try:
            compiled = self._compile(template.source, bare=template.bare, native=native)
            context = VariableContext(self._sandbox, {}, None, compiled.blocks)
            context.rendering = rendering
            if compiled.native:
                for _ in compiled.root(context):
                    pass
                return plain(context.vars[_ANSWER])
            return _joined(compiled.root(context))
        except RenderError as error:
            if error.location is None:  # what is lost has no place, its use has
                error.location = template.location
            raise
        except OutOfTimeError as error:
            error.location = error.location or template.location
            raise
        except Exception as error:  # noqa: BLE001 - whatever an expression can raise has one form
            raise _as_render_error(error, template, rendering) from None

    def _compile(self, source: str, *, bare: bool, native: bool) -> _Compiled:
        key = (source, bare, native)
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = self._compile_new(source, bare=bare, native=native)
        return found

    def _compile_new(self, source: str, *, bare: bool, native: bool) -> _Compiled:
        """A lone expression becomes an assignment, as jinja2's own ``compile_expression`` does it."""
        tree = analysis.parse(self._sandbox, source, bare=bare)
        expression = analysis.lone_expression(tree) if native else None
        if expression is not None:
            target = nodes.Name(_ANSWER, "store", lineno=1)
            tree = nodes.Template([nodes.Assign(target, expression, lineno=1)], lineno=1)
            tree.set_environment(self._sandbox)
        template = self._sandbox.from_string(tree)
        return _Compiled(template.root_render_func, template.blocks, expression is not None)


def _joined(chunks: Any) -> str:
    parts: list[str] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        check_size(size)
        parts.append(chunk)
    return "".join(parts)


def _as_render_error(error: Exception, template: Template, rendering: Rendering) -> RenderError:
    if isinstance(error, NameMissingError):
        return _undefined(error, template, rendering)
    if isinstance(error, UndefinedError):
        return RenderError(str(error), location=template.location, undefined="?")
    return RenderError(_in_words(error), location=template.location, hint=_hint(error))


def _undefined(error: NameMissingError, template: Template, rendering: Rendering) -> RenderError:
    if not error.name:
        return RenderError(str(error), location=template.location, undefined="?")
    known = rendering.scope if error.obj is missing else error.obj if isinstance(error.obj, Mapping) else ()
    near = get_close_matches(error.name, [str(name) for name in known], 1)
    hint = f'did you mean "{near[0]}"?' if near else ""
    return RenderError(f'"{error.name}" is undefined', location=template.location, hint=hint, undefined=error.name)


def _in_words(error: Exception) -> str:
    detail = error.message if isinstance(error, TemplateSyntaxError | TooLargeError) else str(error)
    for kinds, words in _WORDS:
        if isinstance(error, kinds):
            return words.format(detail=detail)
    return f"the template can't be rendered: {detail or type(error).__name__}"


def _hint(error: Exception) -> str:
    return "give it in parts, or copy a file" if isinstance(error, TooLargeError) else ""
