"""One place in a document while it is turned into a value: its data, where it stands, and what is wrong there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runner.loading import schema
from runner.loading.documents import Document, Problems, Steps
from runner.location import Location
from runner.words import given

__all__ = ["Cursor", "given"]


@dataclass(frozen=True, slots=True)
class Cursor:
    """The value at ``path`` of ``document``. ``data`` is that value."""

    document: Document
    problems: Problems
    data: Any
    path: Steps = ()

    def at(self, *path: str | int) -> "Cursor":
        """The value further down, None where there is none."""
        data = self.data
        for step in path:
            data = _child(data, step)
        return Cursor(self.document, self.problems, data, (*self.path, *path))

    def items(self) -> Iterator[tuple[str, "Cursor"]]:
        """The items of a mapping; nothing for anything else."""
        for key in self.data if isinstance(self.data, dict) else ():
            yield key, self.at(key)

    def parts(self) -> Iterator["Cursor"]:
        """The items of a list; nothing for anything else."""
        for index in range(len(self.data) if isinstance(self.data, list) else 0):
            yield self.at(index)

    @property
    def here(self) -> Location:
        """Where the value stands."""
        return self.document.value_at(self.path)

    @property
    def key(self) -> Location:
        """Where its key stands."""
        return self.document.key_at(self.path)

    def error(self, code: str, message: str, hint: str = "") -> None:
        """Complain of the value."""
        self.problems.error(code, message, self.here, hint)

    def fits(self, shape: schema.Schema) -> bool:
        """Whether the value fits a schema; complains of what does not, but where something was said already.

        A key that is unknown or missing is always told: it shares its place with others.
        """
        found = Problems()
        schema.validate(self.document, shape, found, self.path)
        self.tell(found)
        return not found.has_errors

    def tell(self, found: Problems) -> None:
        """Pass problems on, but those at a place where something worse was said."""
        keys = {"E401", "E402"}
        new = [p for p in found.items if p.code in keys or not (p.location and self.problems.has_error_at(p.location))]
        for problem in new:
            self.problems.error(problem.code, problem.message, problem.location, problem.hint)


def _child(data: Any, step: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(step)
    if isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data):
        return data[step]
    return None
