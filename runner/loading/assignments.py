"""Variables from the command line: ``-e name=value`` and ``-e @file.yaml``.

Only a variable that the playbook or inventory has may be given, as the type it has: a mistyped name would otherwise
change nothing and say nothing. A value is data, not a template; in a file it may be one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.loading.cursor import Cursor, given
from runner.loading.documents import Problems, read_document, read_text
from runner.loading.playbook import PlaybookTexts
from runner.loading.texts import NAME, Written, templates_of
from runner.location import Location
from runner.model.inventory import Inventory
from runner.model.template import Template, Value
from runner.words import suggest

OPTION = "-e"
"""Stands for a file's name in places; its lines are the arguments."""

_LONE = re.compile(r"\{\{(?!.*\{\{).*\}\}\Z", re.DOTALL)
"""A template that is one expression, and so may give any type; any other gives text."""

FORMS = "write -e name=value or -e @file.yaml"
_TYPES: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a mapping",
}


def extra_variables(
    sets: Sequence[str],
    texts: PlaybookTexts,
    inventory: Inventory,
    problems: Problems,
    *,
    notes: list[Written],
    cwd: Path,
) -> dict[str, Value]:
    """The values by name, later arguments winning. Complains (E509) at the place in the argument or file.

    Templates in files are added to ``notes``.
    """
    if sets:
        problems.sources[OPTION] = tuple(sets)
    known = dict(_known(texts, inventory)) if sets else {}
    result: dict[str, Value] = {}
    for number, argument in enumerate(sets, 1):
        if argument.startswith("@"):
            result |= _from_file(cwd / argument[1:], known, problems, notes=notes, cwd=cwd)
        else:
            result |= _from_argument(argument, number, known, problems)
    return result


def _known(texts: PlaybookTexts, inventory: Inventory) -> Iterator[tuple[str, Value]]:
    """Every variable with a value it has: the nearest one of those with several."""
    shared = {id(host.vars): host.vars for host in [inventory.controller, *inventory.hosts.values()]}
    for variables in shared.values():
        yield from variables.items()
    for layer in [*texts.playbook.layers, *(play.play.vars for play in texts.plays)]:
        yield from layer.values.items()


def _from_argument(argument: str, number: int, known: Mapping[str, Value], problems: Problems) -> dict[str, Value]:
    name, equals, text = argument.partition("=")
    if not equals or not NAME.match(name):
        what = "has no name in front of =" if equals and not name else "is no assignment to a variable"
        problems.error("E509", f'"{argument}" {what}', _place(number, 1, len(argument)), FORMS)
        return {}
    if not _is_known(name, known, _place(number, 1, len(name)), problems):
        return {}
    value, problem = _typed(text, known[name])
    if problem:
        problems.error("E509", f'"{name}": {problem}', _place(number, len(name) + 2, len(text)))
        return {}
    return {name: value}


def _place(number: int, column: int, length: int) -> Location:
    return Location(OPTION, number, column, max(length, 1))


def _is_known(name: str, known: Mapping[str, Value], place: Location, problems: Problems) -> bool:
    if name not in known:
        hint = suggest(name, known) or "declare it under vars, with its default"
        problems.error("E509", f'there is no variable "{name}"', place, hint)
    return name in known


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


def _from_file(
    path: Path, known: Mapping[str, Value], problems: Problems, *, notes: list[Written], cwd: Path
) -> dict[str, Value]:
    document = read_document(path, problems, what="vars", cwd=cwd)
    if document is None:
        return {}
    cursor = Cursor(document, problems, document.data)
    if not isinstance(cursor.data, dict):
        cursor.error("E509", f"got {given(cursor.data)}, expected a mapping of names to values")
    result: dict[str, Value] = {}
    for name, part in cursor.items():
        if not _is_known(name, known, part.key, problems):
            continue
        value = templates_of(part, notes)
        if not isinstance(value, Template) and (problem := _mismatch(value, known[name])):
            part.error("E509", f'"{name}": {problem}')
        result[name] = value
    return result
