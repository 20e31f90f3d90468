"""Problems as people, editors and CI read them.

As text, in the form that compilers made familiar, so that editors jump to the place::

    site.yaml:12:7: error: unknown key "timout" [E401]
       12 |       timout: 30s
          |       ^^^^^^
    hint: did you mean "timeout"?

Everything that comes from a file is made visible first: a source line may hold anything.
"""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runner.location import Location, Problem
from runner.reporting.escape import visible

WIDTH = 120
"""Characters of a source line that are shown."""

Sources = Mapping[str, Sequence[str]]
"""The lines of files, by the name that stands in locations."""


def text(problems: Iterable[Problem], sources: Sources) -> str:
    """All problems as text, each with its line and a hint where there are; ends with a line feed unless empty."""
    return "".join(line + "\n" for problem in problems for line in _lines(problem, sources))


def _lines(problem: Problem, sources: Sources) -> list[str]:
    place = f"{visible(str(problem.location))}: " if problem.location else ""
    lines = [f"{place}{problem.severity}: {visible(problem.message)} [{problem.code}]"]
    if problem.location:
        lines += _excerpt(problem.location, sources.get(problem.location.file, ()))
    if problem.hint:
        lines.append(f"hint: {visible(problem.hint)}")
    return lines


def _excerpt(place: Location, lines: Sequence[str]) -> list[str]:
    """The source line and a line of carets below it; nothing where the line is not there."""
    if not 1 <= place.line <= len(lines):
        return []
    before, marked, after = _cut(lines[place.line - 1], place.column - 1, place.length)
    blank = "".join("\t" if letter == "\t" else " " * _columns(letter) for letter in before)
    carets = "^" * max(1, sum(map(_columns, marked)))
    return [f"{place.line:>5} | {before}{marked}{after}".rstrip(), f"      | {blank}{carets}"]


def _cut(line: str, start: int, length: int) -> tuple[str, str, str]:
    """What stands before, under and after the carets, made visible, of at most 120 characters around them."""
    first = 0 if start + length <= WIDTH else max(0, start - WIDTH // 3)
    last = first + WIDTH
    before, marked, after = line[first:start], line[start : min(start + length, last)], line[start + length : last]
    more = "…" if last < len(line) else ""
    return ("…" if first else "") + visible(before), visible(marked), visible(after) + more


def _columns(letter: str) -> int:
    """How many columns of a terminal a character takes."""
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def records(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Problems as records for JSON; ``file``, ``line``, ``column`` and ``length`` are null where there is no place."""
    return [_record(problem) for problem in problems]


def _record(problem: Problem) -> dict[str, Any]:
    place = problem.location
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "length": place.length if place else None,
    }


def as_json(problems: Iterable[Problem]) -> str:
    """One JSON list of all problems, in ASCII, with a line feed at its end."""
    return json.dumps(records(problems), indent=2) + "\n"


def github(problems: Iterable[Problem]) -> str:
    """Workflow commands of GitHub Actions, a line for each problem, which show it beside the changed lines."""
    return "".join(_command(problem) + "\n" for problem in problems)


def _command(problem: Problem) -> str:
    fields: dict[str, str | int] = {"title": problem.code}
    if place := problem.location:
        end = place.column + place.length - 1
        fields = {"file": place.file, "line": place.line, "col": place.column, "endColumn": end, **fields}
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in fields.items())
    hint = f"\nhint: {problem.hint}" if problem.hint else ""
    return f"::{problem.severity} {listed}::{_data(problem.message + hint)}"


def _data(words: str) -> str:
    """Text after ``::``; the escapes are those of the runner's own toolkit (``@actions/core``)."""
    return visible(words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(words: str) -> str:
    """The value of a property."""
    return _data(words).replace(":", "%3A").replace(",", "%2C")
