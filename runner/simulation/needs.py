"""Whether a template needs what only a host could answer: a registered result, a fact, or a value made of them.

What the run itself knows of a result (whether it was reached, and ``status changed failed skipped attempts``) needs no
answer, and neither does a result of a step that was skipped.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from runner.model.result import Result
from runner.model.scope import HostsView, HostView
from runner.model.template import Template, Unknown

if TYPE_CHECKING:
    from runner.templating.analysis import Uses

KNOWN = frozenset({"status", "changed", "failed", "skipped", "attempts"})
"""Members of a result that the run knows without the host."""

CERTAIN = frozenset({"groups", "wave", "play", "run"})
"""Names that are always there and need no host."""

OF_HOST = frozenset({"name", "address", "groups", "index"})
"""The same of ``host``."""

Path = tuple[str | int | None, ...]

_MISSING = object()


class Needs:
    """Looks at templates. ``uses`` says what one takes from its variables, and is asked once for each."""

    def __init__(self, uses: Callable[[Template], "Uses"]) -> None:
        self._uses_of = uses
        self._known: dict[tuple[str, bool], Uses | None] = {}

    def answer(self, template: Template, scope: Mapping[str, Any]) -> bool:
        """Whether it needs an answer, with these names."""
        uses = self.uncertain(template)
        return uses is not None and _Look(self, scope).at(template, uses)

    def uncertain(self, template: Template) -> "Uses | None":
        """What a template takes, None where all of it is certain on every host: most templates are so."""
        key = (template.source, template.bare)
        if key not in self._known:
            uses = self._uses_of(template)
            self._known[key] = None if all(map(is_certain, uses.paths)) else uses
        return self._known[key]


def is_certain(path: Path) -> bool:
    """Whether what a path leads to is known before the run, whatever the scope."""
    return path[0] in CERTAIN or (path[0] == "host" and len(path) > 1 and path[1] in OF_HOST)


class _Look:
    """One look through a template and the variables it takes; ``seen`` are those that were looked through."""

    def __init__(self, needs: Needs, scope: Mapping[str, Any]) -> None:
        self._needs = needs
        self._scope = scope
        self._seen: set[int] = set()

    def at(self, template: Template, uses: "Uses") -> bool:
        """Whether one of its paths leads to an answer."""
        if id(template) in self._seen:
            return False  # it needs itself, which rendering reports
        self._seen.add(id(template))
        return any(self._leads(path, uses) for path in uses.paths)

    def _leads(self, path: Path, uses: "Uses") -> bool:
        if path[0] == "facts" or is_certain(path):
            return path[0] == "facts"
        value = self._scope.get(str(path[0]), _MISSING)
        for at, part in enumerate(path[1:], 1):
            if isinstance(value, Result):
                return part not in KNOWN and not value["skipped"]
            if isinstance(value, HostView) and part == "facts":
                return True
            if isinstance(value, HostsView) and part is None:
                return "facts" in path[at:] or ("results" in path[at:] and not KNOWN & set(path[at:]))
            value = _member(value, part)
        return self._holds(value, uses)

    def _holds(self, value: Any, uses: "Uses") -> bool:
        """Whether a value is an answer, or has one in it."""
        match value:
            case Unknown():
                found = True
            case Result():
                found = not value["skipped"]
            case Template():
                inner = self._needs.uncertain(value)
                found = inner is not None and self.at(value, inner)
            case HostsView() | HostView():
                found = bool({"results", "facts"} & uses.names_members)
            case Mapping():
                found = any(self._holds(part, uses) for part in value.values())
            case list() | tuple():
                found = any(self._holds(part, uses) for part in value)
            case _:
                found = False
        return found


def _member(value: Any, part: str | int | None) -> Any:
    """What a written member leads to; the whole where that can't be told."""
    if isinstance(value, Mapping) and part is not None and (part in value or not hasattr(dict, str(part))):
        return value.get(part, _MISSING)
    if isinstance(value, list | tuple) and isinstance(part, int):
        return value[part] if -len(value) <= part < len(value) else _MISSING
    return value
