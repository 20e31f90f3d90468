"""Whether a value fits an input, and what becomes of it: durations are seconds then, paths absolute; pure."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from runner.durations import FORMS, seconds
from runner.home import at_home
from runner.model.playbook import Input
from runner.model.template import Value
from runner.templating.budget import OutOfTimeError, in_time
from runner.words import given, suggest

TYPES: Mapping[str, str] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "duration": "a duration",
    "list": "a list",
    "mapping": "a mapping",
    "choice": "one of its choices",
    "path": "a path",
}
"""The types of inputs, and what each wants in words."""

_FITS: Mapping[str, Callable[[Value], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "duration": lambda value: isinstance(value, str | int | float) and not isinstance(value, bool),
    "list": lambda value: isinstance(value, list | tuple),
    "mapping": lambda value: isinstance(value, Mapping),
    "choice": lambda _: True,
    "path": lambda value: isinstance(value, str) and value != "",
}


class Complaint(NamedTuple):
    """Why a value is not taken."""

    message: str
    hint: str = ""


def accepted(wanted: Input, value: Value, *, folder: str = "") -> Value | Complaint:
    """The value as steps see it, or why it does not fit. A ``path`` starts at ``folder``."""
    if not _FITS[wanted.type](value):
        return _misfit(wanted, value)
    match wanted.type:
        case "duration":
            return _seconds(value)
        case "choice":
            return _chosen(wanted, value)
        case "path":
            return str(Path(folder) / at_home(value))
    return value if wanted.pattern is None else _matching(wanted, wanted.pattern, value)


def _matching(wanted: Input, pattern: str, value: Value) -> Value | Complaint:
    try:
        if matches(pattern, str(value)):
            return value
    except OutOfTimeError:
        words = f"it takes too long to tell whether {given(value)} matches {pattern}"
        return Complaint(words, "a part that may repeat should not stand in another that may")
    return Complaint(f"{given(value)} does not match {pattern}", wanted.help)


def matches(pattern: str, text: str) -> bool:
    """Whether a regular expression is found in a text; a ``$`` at its end means the end, no line end may follow.

    Raises OutOfTimeError where that takes too long: some expressions try a number of ways that doubles by the letter.
    """
    found = in_time(lambda: re.search(pattern, text))
    return found is not None and not (pattern.endswith("$") and text.endswith("\n") and found.end() < len(text))


def _misfit(wanted: Input, value: Value) -> Complaint:
    words = f"got {given(value)}, expected {TYPES[wanted.type]}"
    if wanted.type in {"string", "path"} and isinstance(value, int | float):
        return Complaint(words, "put it in quotes")
    return Complaint(words, FORMS if wanted.type == "duration" else "")


def _seconds(value: float | str) -> float | Complaint:
    """Whole seconds are whole numbers, so that ``sleep {{ drain }}`` reads well."""
    try:
        found = seconds(value)
    except ValueError:
        return Complaint(f"{given(value)} is no duration", FORMS)
    return int(found) if found.is_integer() else found


def _chosen(wanted: Input, value: Value) -> Value | Complaint:
    # In Python 1 == True and 1 == 1.0; a choice is taken as the type it is written in.
    if any(type(value) is type(choice) and value == choice for choice in wanted.choices):
        return value
    words = [str(choice) for choice in wanted.choices]
    near = suggest(value, words) if isinstance(value, str) else ""
    return Complaint(f"got {given(value)}, expected {', '.join(map(given, wanted.choices))}", near)
