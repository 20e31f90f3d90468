"""The collector of problems: everything that reads a file complains here, and the reader of the complaints sees all."""

from collections.abc import Iterable

from runner.errors import InputError
from runner.location import Location, Problem

SHOWN = 50
"""Problems of one file that are shown; the rest are counted."""

Place = tuple[str, int, int]
"""File, line, column."""

GUESSES = frozenset({"W301"})
"""Warnings that only matter where nothing worse is wrong with the same value."""


class Problems:
    """Problems of all files, in the order they were found, and the lines of the files they stand in.

    ``sources`` maps the name of a file, as it stands in locations, to its lines; ``hashes`` to the SHA-256 of its
    bytes.
    """

    def __init__(self) -> None:
        self.items: list[Problem] = []
        self.sources: dict[str, tuple[str, ...]] = {}
        self.hashes: dict[str, str] = {}
        self._seen: set[Problem] = set()
        self._bad_places: set[Place] = set()
        self._silenced: set[Place] = set()

    def error(self, code: str, message: str, location: Location | None = None, hint: str = "") -> None:
        """Add an error, once."""
        self._add(Problem(code, message, location, hint))

    def warning(self, code: str, message: str, location: Location | None = None, hint: str = "") -> None:
        """Add a warning, once. Warnings alone change no exit status."""
        self._add(Problem(code, message, location, hint, "warning"))

    def silence(self, location: Location) -> None:
        """Say nothing more of exactly this place: its value is not known, for a reason that is told elsewhere."""
        self._silenced.add((location.file, location.line, location.column))

    @property
    def has_silenced(self) -> bool:
        """Whether some value is not known, so that what depends on it could not be read."""
        return bool(self._silenced)

    @property
    def has_errors(self) -> bool:
        """Whether anything but warnings was found."""
        return any(problem.severity == "error" for problem in self.items)

    def has_error_at(self, location: Location) -> bool:
        """Whether an error stands at exactly this line and column."""
        return (location.file, location.line, location.column) in self._bad_places

    def in_order(self) -> tuple[Problem, ...]:
        """All problems by file and line; at most 50 of a file, then one that counts the rest."""
        kept = [p for p in self.items if p.code not in GUESSES or _place(p) not in self._bad_places]
        return tuple(_shortened(_sorted(kept)))

    def raise_if_errors(self) -> None:
        """Raise InputError with all problems, warnings too, where there is an error."""
        if self.has_errors:
            raise InputError(self.in_order(), self.sources)

    def _add(self, problem: Problem) -> None:
        if problem not in self._seen and _place(problem) not in self._silenced:
            self._seen.add(problem)
            self.items.append(problem)
            if problem.severity == "error":
                self._bad_places.add(_place(problem))


def _place(problem: Problem) -> Place:
    where = problem.location
    return (where.file, where.line, where.column) if where else ("", 0, 0)


def _sorted(problems: Iterable[Problem]) -> list[Problem]:
    problems = list(problems)
    files = {file: number for number, file in enumerate(dict.fromkeys(_place(p)[0] for p in problems))}
    return sorted(problems, key=lambda p: (files[_place(p)[0]], *_place(p)[1:]))


def _shortened(problems: list[Problem]) -> Iterable[Problem]:
    """At most 50 of each file; errors are never pushed out by warnings."""
    for file in dict.fromkeys(_place(p)[0] for p in problems):
        mine = [p for p in problems if _place(p)[0] == file]
        ranked = sorted(mine, key=lambda p: p.severity)
        chosen, left = set(ranked[:SHOWN]), ranked[SHOWN:]
        yield from (p for p in mine if p in chosen)
        if left:
            code = "E100" if left[0].severity == "error" else "W100"
            yield Problem(code, f"{len(left)} more problems in this file", left[-1].location, severity=left[0].severity)
