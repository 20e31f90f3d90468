"""The inputs that a playbook or an included file declares, and values for them from its users."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from runner.input_values import TYPES, Complaint, accepted
from runner.loading.cursor import Cursor, given
from runner.loading.documents import Problems, read_text
from runner.loading.input_schema import INPUT, INPUTS
from runner.loading.names import RESERVED_VARIABLES
from runner.model.changed import changed
from runner.model.playbook import Input
from runner.model.template import Value, is_template_text

NO_TEMPLATE = "a value for an input is data; no template is rendered in it"


def inputs_of(cursor: Cursor) -> dict[str, Input]:
    """The inputs declared at a place (``inputs:``), in order. Complains of all that is wrong there.

    One that is wrong is among them all the same, as text that need not be given: its name is known then.
    """
    _check_short_forms(cursor)
    if cursor.data is not None:
        cursor.fits(INPUTS)
    return {name: _input(name, part) for name, part in cursor.items()}


def missing(wanted: Mapping[str, Input], names: Collection[str]) -> list[Input]:
    """The inputs that must be given and are not among ``names``."""
    return [each for name, each in wanted.items() if each.is_required and name not in names]


def with_defaults(wanted: Mapping[str, Input], values: Mapping[str, Value]) -> dict[str, Value]:
    """The values of all inputs: what was given, and the defaults of the others. Missing ones are left out."""
    defaults = {name: each.default for name, each in wanted.items() if not each.is_required}
    both = {**defaults, **values}
    return {name: both[name] for name in wanted if name in both}


def from_data(wanted: Input, value: Any, *, folder: str) -> Value | Complaint:
    """A value out of a file, for an input. A ``path`` starts at ``folder``, that of the file."""
    return Complaint(NO_TEMPLATE) if _holds_template(value) else accepted(wanted, value, folder=folder)


def from_text(wanted: Input, text: str, *, folder: str) -> Value | Complaint:
    """A value out of text from the command line, read as the input's type asks: lists and mappings are YAML."""
    if wanted.type in {"string", "path"}:
        return accepted(wanted, text, folder=folder)
    if wanted.type == "choice":
        return accepted(wanted, next((choice for choice in wanted.choices if _spelt(choice) == text), text))
    problems = Problems()
    document = read_text(text, "text", problems) if text else None
    if problems.has_errors:
        return Complaint(problems.in_order()[0].message, problems.in_order()[0].hint)
    return accepted(wanted, document.data if document else None)


def _spelt(choice: Value) -> str:
    return str(choice).lower() if isinstance(choice, bool) else str(choice)


def _check_short_forms(cursor: Cursor) -> None:
    for name, part in cursor.items():
        if isinstance(part.data, str) and part.data in TYPES:
            message = f"got {given(part.data)}, expected a mapping"
            part.error("E311", message, f"write {name}: {{type: {part.data}}}")


def _input(name: str, cursor: Cursor) -> Input:
    stand_in = Input(name, "string", cursor.key, is_required=False)
    if name in RESERVED_VARIABLES:
        message = f'"{name}" is always there and can\'t be an input'
        cursor.problems.error("E412", message, cursor.key, "take another name")
    if not isinstance(cursor.data, dict) or not cursor.fits(INPUT):
        return stand_in
    data = cursor.data
    bare = Input(
        name,
        data["type"],
        cursor.key,
        choices=tuple(data.get("choices", ())),
        is_required="default" not in data,
        pattern=data.get("pattern"),
        help=data.get("help", ""),
    )
    if not _check_choices(cursor, bare) or not _check_pattern(cursor, bare):
        return stand_in
    return bare if bare.is_required else _with_default(bare, cursor.at("default"))


def _check_choices(cursor: Cursor, one: Input) -> bool:
    if one.type == "choice" and not one.choices:
        start = cursor.document.start_of(cursor.path)
        cursor.problems.error("E402", 'missing key "choices"', start, "for example: choices: [small, large]")
        return False
    return _has_meaning(cursor, "choices", {"choice"}, one)


def _check_pattern(cursor: Cursor, one: Input) -> bool:
    if one.pattern is None:
        return True
    try:
        re.compile(one.pattern)
    except re.error as error:
        where = f" at character {error.pos + 1}" if error.pos is not None else ""
        words = f"{given(one.pattern)} is no regular expression: {error.msg}{where}"
        cursor.at("pattern").error("E406", words, "put \\ in front of a character that is meant as it is")
        return False
    return _has_meaning(cursor, "pattern", {"string"}, one)


def _has_meaning(cursor: Cursor, key: str, types: set[str], one: Input) -> bool:
    if key not in cursor.data or one.type in types:
        return True
    message = f'"{key}" has no meaning for the type "{one.type}"'
    cursor.problems.error("E406", message, cursor.at(key).key, f"write type: {' or '.join(types)}, or leave it out")
    return False


def _with_default(bare: Input, cursor: Cursor) -> Input:
    if cursor.data is None:
        cursor.error("E219", '"default" has no value', "write one, or leave the key out: then a value must be given")
        return bare
    value = from_data(bare, cursor.data, folder=str(cursor.document.path.parent))
    if isinstance(value, Complaint):
        is_number = isinstance(cursor.data, int | float) and not isinstance(cursor.data, bool)
        is_text = is_number and bare.type in {"string", "path"}
        hint = f"quote it: '{cursor.document.text_at(cursor.path)}'" if is_text else value.hint
        cursor.error("E305" if is_text else "E406", f'the default of "{bare.name}": {value.message}', hint)
        return bare
    return changed(bare, default=value)


def _holds_template(value: Any) -> bool:
    if isinstance(value, str):
        return is_template_text(value)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_holds_template, parts))
