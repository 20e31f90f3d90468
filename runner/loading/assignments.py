"""Values from the command line: ``-e name=value`` and ``-e @file.yaml``.

Only an input may be given, as its type, or a variable that the playbook or inventory has, as the type it has: a
mistyped name would otherwise change nothing and say nothing. A value is data, not a template; that of a variable may be
one in a file.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.input_values import Complaint
from runner.loading.cursor import Cursor, given
from runner.loading.documents import Problems, read_document, read_text
from runner.loading.inputs import from_data, from_text, missing, with_defaults
from runner.loading.opening import Opening
from runner.loading.texts import NAME, Written, templates_of
from runner.location import Location
from runner.model.inventory import Inventory
from runner.model.playbook import Input
from runner.model.template import Template, Value
from runner.words import suggest

OPTION = "-e"
"""Stands for a file's name in places; its lines are the arguments."""

_LONE = re.compile(r"\{\{(?!.*\{\{).*\}\}\Z", re.DOTALL)
"""A template that is one expression, and so may give any type; any other gives text."""

HALF = re.compile("[\ud800-\udfff]+")
"""What stands in an argument for bytes that are no UTF-8."""

EMPTY = "an empty text is given in a file: -e @file.yaml"
FORMS = "write -e name=value or -e @file.yaml"
_TYPES: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a mapping",
}


@dataclass(slots=True)
class Assigned:
    """Values by name: of all inputs, and of the variables that the command line sets.

    ``missing`` are inputs without a sound value; of each something is said.
    """

    given: dict[str, Value] = field(default_factory=dict)
    extra: dict[str, Value] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()


def assigned(
    sets: Sequence[str],
    opening: Opening,
    inventory: Inventory,
    problems: Problems,
    *,
    notes: list[Written],
    cwd: Path,
    may_miss: bool = False,
) -> Assigned:
    """The values of the arguments of ``-e``, later ones winning, and the defaults of inputs.

    Complains (E509) at the place in the argument or file, and (E511) of inputs that must be given and are not, unless
    they ``may_miss``. Templates in files are added to ``notes``.
    """
    if sets:
        problems.sources[OPTION] = tuple(sets)
    reading = _Reading(opening.inputs, dict(_known(opening, inventory)) if sets else {}, problems, notes, cwd)
    for number, argument in enumerate(sets, 1):
        if argument.startswith("@"):
            reading.file(argument, number)
        else:
            reading.argument(argument, number)
    found = reading.found
    absent = missing(opening.inputs, [*found.given, *reading.wrong])
    _complain([] if may_miss else absent, problems)
    without = frozenset(one.name for one in absent) | reading.wrong
    return replace(found, given=with_defaults(opening.inputs, found.given), missing=without)


def _complain(absent: Iterable[Input], problems: Problems) -> None:
    for one in absent:
        about = f"{one.type}: {one.help}" if one.help else one.type
        choices = "|".join(map(str, one.choices)) or "…"
        hint = f"write -e {one.name}={choices}" + (f", matching {one.pattern}" if one.pattern else "")
        problems.error("E511", f'no value for the input "{one.name}" ({about})', one.location, hint)


def _known(opening: Opening, inventory: Inventory) -> Iterator[tuple[str, Value]]:
    """Every variable with a value it has: the nearest one of those with several."""
    shared = {id(host.vars): host.vars for host in [inventory.controller, *inventory.hosts.values()]}
    for variables in shared.values():
        yield from variables.items()
    for layer in opening.layers:
        yield from layer.values.items()
    for play in opening.plays():
        yield from opening.vars_of(play).items()


@dataclass(slots=True)
class _Reading:
    """The arguments on their way. ``known`` are the variables, each with a value it has."""

    inputs: Mapping[str, Input]
    known: Mapping[str, Value]
    problems: Problems
    notes: list[Written]
    cwd: Path
    found: Assigned = field(default_factory=Assigned)
    wrong: set[str] = field(default_factory=set)

    def argument(self, argument: str, number: int) -> None:
        """``name=value``."""
        name, equals, text = argument.partition("=")
        if half := HALF.search(argument):
            place = _place(number, half.start() + 1, len(half[0]))
            self.problems.error("E509", "these bytes are no UTF-8 text", place, "is the terminal set to another one?")
            return
        if not equals or not NAME.match(name):
            what = "has no name in front of =" if equals and not name else "is no assignment to a variable"
            self.problems.error("E509", f'"{argument}" {what}', _place(number, 1, len(argument)), FORMS)
            return
        place = _place(number, len(name) + 2, len(text))
        if not text and self._takes_text(name):
            self.problems.error("E509", f'"{name}" is given nothing', place, EMPTY)
            return
        if name in self.inputs:
            self._take(name, from_text(self.inputs[name], text, folder=str(self.cwd)), place)
        elif self._is_variable(name, _place(number, 1, len(name))):
            value, problem = _typed(text, self.known[name])
            if problem:
                self.problems.error("E509", f'"{name}": {problem}', place)
            else:
                self.found.extra[name] = value

    def _takes_text(self, name: str) -> bool:
        """Whether it is text, of which nothing at all is rather a slip of a shell's than meant."""
        if name in self.inputs:
            return self.inputs[name].type in {"string", "path"}
        return isinstance(self.known.get(name), str)

    def file(self, argument: str, number: int) -> None:
        """``@file``: a mapping of names to values."""
        name = argument[1:]
        path = self.cwd / name
        if not name or not path.exists():
            what = f'there is no file "{name}"' if name else "the name of a file is missing"
            self.problems.error("E509", what, _place(number, 2, len(name)), FORMS)
            return
        document = read_document(path, self.problems, what="vars", cwd=self.cwd)
        if document is None:
            return
        cursor = Cursor(document, self.problems, document.data)
        if not isinstance(cursor.data, dict):
            cursor.error("E509", f"got {given(cursor.data)}, expected a mapping of names to values")
        for name, part in cursor.items():
            if name in self.inputs:
                self._take(name, from_data(self.inputs[name], part.data, folder=str(document.path.parent)), part.here)
            elif self._is_variable(name, part.key):
                self._set(name, part)

    def _set(self, name: str, part: Cursor) -> None:
        value = templates_of(part, self.notes)
        if not isinstance(value, Template) and (problem := _mismatch(value, self.known[name])):
            part.error("E509", f'"{name}": {problem}')
        self.found.extra[name] = value

    def _take(self, name: str, value: Value | Complaint, place: Location) -> None:
        if isinstance(value, Complaint):
            self.problems.error("E509", f'"{name}": {value.message}', place, value.hint)
            self.wrong.add(name)
        else:
            self.found.given[name] = value

    def _is_variable(self, name: str, place: Location) -> bool:
        if name not in self.known:
            hint = suggest(name, [*self.inputs, *self.known]) or "declare it under inputs, with its type"
            self.problems.error("E509", f'there is no input or variable "{name}"', place, hint)
        return name in self.known


def _place(number: int, column: int, length: int) -> Location:
    return Location(OPTION, number, column, max(length, 1))


def _typed(text: str, old: Value) -> tuple[Value, str]:
    """The value that text stands for beside one of the wanted type, and what is wrong or nothing."""
    if isinstance(old, str) or (isinstance(old, Template) and not _LONE.match(old.source)):
        return text, ""
    problems = Problems()
    document = read_text(text, OPTION, problems) if text else None
    if problems.has_errors or (text and document is None):
        return None, problems.in_order()[0].message
    value = document.data if document else None
    if isinstance(value, float) and not isinstance(old, float) and str(value) != text:
        value = text  # 1.10 is rather a version than 1.1, where nothing says that a number is wanted
    return value, _mismatch(value, old)


def _mismatch(value: Any, old: Value) -> str:
    """What is wrong with the type of a value, or nothing. A template or null says nothing of the type."""
    if old is None or isinstance(old, Template | str):
        return "" if not isinstance(old, str) or isinstance(value, str) else f"got {given(value)}, expected text"
    wanted = (int, float) if isinstance(old, float) else (type(old),)
    if type(value) in wanted:
        return ""
    return f"got {given(value)}, expected {_TYPES[type(old)]}, as it has now"
