"""Templates over inputs, variables and groups alone: rendered at loading, so that all that follows sees plain values.

What shapes a plan (``strategy`` but its gate, ``needs``, ``include`` and its ``loop``) and the limits of steps
(``timeout idle_timeout throttle``, ``retry`` but its ``until``) must be known before any host is asked. Their text is
replaced in the document itself: schemas then say what is wrong with the value, at the place of the template.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runner.errors import RenderError
from runner.loading.cursor import Cursor
from runner.loading.documents import Steps
from runner.loading.texts import Written
from runner.location import Location
from runner.model.scope import static_names
from runner.model.template import Template, Value, is_template_text, templates_in
from runner.templating import Templates
from runner.words import suggest

ONLY = "only inputs, vars and groups are known here"
STEP_KEYS = ("needs", "timeout", "idle_timeout", "throttle")
LISTS = ("steps", "block", "rescue", "always", "handlers", "rollback")
"""Keys under which steps stand."""


@dataclass(frozen=True, slots=True)
class Static:
    """What is known before any host is chosen.

    ``variables`` are the playbook's and perhaps the play's, ``given`` the values of the inputs, ``extra`` the command
    line's variables, ``own`` the names of an included file, before all others. ``missing`` are inputs without a value,
    of which something is said already; ``late`` are those of an included file that only the run can tell. Every
    template that was rendered is added to ``notes``, for lint.
    """

    templates: Templates
    variables: Mapping[str, Value] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    given: Mapping[str, Value] = field(default_factory=dict)
    extra: Mapping[str, Value] = field(default_factory=dict)
    own: Mapping[str, Value] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    notes: list[Written] = field(default_factory=list)

    def within(self, variables: Mapping[str, Value]) -> "Static":
        """The same in a play that has variables of its own."""
        return replace(self, variables={**self.variables, **variables}) if variables else self

    def inside(
        self,
        variables: Mapping[str, Value],
        given: Mapping[str, Value],
        item: Mapping[str, Value],
        *,
        late: Collection[str] = (),
        missing: Collection[str] = (),
    ) -> "Static":
        """The same in an included file, which does not see the names of another that includes it.

        It has ``variables``, and values of its inputs in ``given``, but for those that are ``late`` or ``missing``;
        ``item`` are the names of one item of the include's loop.
        """
        own = {**variables, **given, **item, "inputs": given}
        outer = self.missing - own.keys()
        return replace(self, own=own, missing=outer | set(missing), late=frozenset(late))

    def at(self, item: Mapping[str, Value]) -> "Static":
        """The same at one item of an include's loop."""
        return replace(self, own={**self.own, **item}) if item else self

    def knows(self, value: Value) -> bool:
        """Whether all names that a value reads, itself or through variables, are known."""
        scope = self.scope()
        read = {name for template in templates_in(value) for name in _reach(template, scope, self.templates)}
        return not (read - scope.keys() - {"range"}) and not (read & (self.missing | self.late))

    def scope(self) -> dict[str, Any]:
        """All names with their values."""
        return {**static_names(self.variables, self.groups, self.given, self.extra), **self.own}


def settle_play(cursor: Cursor, static: Static) -> None:
    """Render what a play has of such places; ``static`` has its variables."""
    settle(cursor.at("strategy"), static, but={"gate"})
    settle(cursor.at("needs"), static)
    settle(cursor.at("include"), static)
    for key in LISTS:
        settle_steps(cursor.at(key), static)


def settle_steps(cursor: Cursor, static: Static) -> None:
    """Render what the steps of a list have of such places, in blocks too.

    For an included file it is called before its steps are checked, with ``static.inside`` of what the include hands it.
    """
    parts = cursor.at("steps") if isinstance(cursor.data, dict) else cursor  # a rescue has them under ``steps``
    for part in parts.parts():
        for key in STEP_KEYS:
            settle(part.at(key), static)
        settle(part.at("retry"), static, but={"until"})
        _settle_include(part, static)
        for key in LISTS:
            settle_steps(part.at(key), static)


def settle(cursor: Cursor, static: Static, *, but: Collection[str] = ()) -> None:
    """Render every template at a place and below it, save under the keys ``but``. Complains of those that can't be.

    A cursor made before sees the old data; take a new one from the document's top.
    """
    for path in list(_texts(cursor.data, but)):
        _settle(cursor.at(*path), static)


def _settle_include(cursor: Cursor, static: Static) -> None:
    include = cursor.at("include")
    if include.data is not None:
        settle(include, static, but={"vars"})
        settle(cursor.at("loop"), static)


def _texts(data: Any, but: Collection[str]) -> Iterator[Steps]:
    if isinstance(data, str):
        if is_template_text(data):
            yield ()
        return
    parts = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, part in parts:
        if key not in but:
            yield from ((key, *rest) for rest in _texts(part, ()))


def _settle(place: Cursor, static: Static) -> None:
    template = Template(place.data, place.here)
    scope = static.scope()
    reach = _reach(template, scope, static.templates) if static.missing or static.late else set()
    if reach & static.late:
        place.error("E407", f'"{min(reach & static.late)}" is known in the run alone', ONLY)
    if reach & (static.missing | static.late) or _complain(template, place, static, scope):
        place.problems.silence(place.here)
        static.notes.append(Written(template, place))  # what it reads is used all the same
    else:
        _render(template, place, static, scope)


def _render(template: Template, place: Cursor, static: Static, scope: Mapping[str, Any]) -> None:
    try:
        value = static.templates.render(template, scope)
    except RenderError as error:
        code = "E407" if error.undefined else "E409"
        hint = error.hint or (ONLY if error.undefined else "")
        inner = error.location if error.location not in (None, template.location) else None
        message = f"{error.message}, in the variable at {inner}" if inner else error.message
        place.problems.error(code, message, place.here, hint)
        place.problems.silence(place.here)
        return
    static.notes.append(Written(template, place))
    place.document.put(place.path, value)


def _complain(template: Template, place: Cursor, static: Static, scope: Mapping[str, Any]) -> bool:
    """Say what is wrong with a template as it is written, if something is."""
    templates = static.templates
    faults = templates.faults(template)
    for fault in faults:
        place.problems.error("E408", fault.message, _inside(place, fault.offset, fault.length), fault.hint)
    unknown = sorted(templates.names(template) - scope.keys() - {"range"}) if not faults else []
    for name in unknown:
        where = _inside(place, templates.place(template, name), len(name))
        near = suggest(name, scope)
        place.problems.error("E407", f'"{name}" is undefined', where, f"{ONLY}; {near}" if near else ONLY)
    return bool(faults or unknown)


def _reach(template: Template, scope: Mapping[str, Any], templates: Templates) -> set[str]:
    """The names that a template reads, itself or through variables."""
    found: set[str] = set()
    new = set(templates.mentions(template))
    if "inputs" in new:
        new |= templates.members(template, "inputs")
    while new:
        found |= new
        read = {name for one in new for part in templates_in(scope.get(one)) for name in templates.mentions(part)}
        new = read - found
    return found


def _inside(place: Cursor, offset: int, length: int) -> Location:
    start = place.document.inside(place.path, max(offset, 0))
    return Location(start.file, start.line, start.column, length)
