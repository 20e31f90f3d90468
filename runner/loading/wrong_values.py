"""A value that does not fit its schema: what was given, what was expected, and what to write instead; pure.

``error`` is a ValidationError of jsonschema's; only its attributes are used.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from runner.durations import FORMS
from runner.fragments import DURATION, MODE, TEMPLATE
from runner.loading.key_rules import mode_flaw
from runner.loading.scalars import BOOLEANS_OF_YAML_1_1, number
from runner.loading.step_language import ID, LARGEST
from runner.words import suggest

Schema = Mapping[str, Any]

TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
FORMS_OF_TEXT = {ID["pattern"]: "letters, digits, dots, dashes and underscores, a letter or digit first"}
"""What a pattern asks for, in words, where its schema has no title."""

MODE_HINT = 'write four octal digits in quotes: "0644"'


class Finding(NamedTuple):
    """What to tell about a wrong value."""

    code: str
    message: str
    hint: str = ""


def finding(error: Any, path: tuple[str | int, ...], text: str) -> Finding:
    """What is wrong with the value at ``path``, whose source text is ``text``."""
    value, schema = error.instance, error.schema
    if schema.get("pattern") == MODE["pattern"] or (path and path[-1] == "mode" and not isinstance(value, dict | list)):
        return _of_mode(value, text)
    hint = example(schema, path)
    found = _missing(error, path, hint) or _of_key(value, schema, path, text, hint)
    if found:
        return found
    return _out_of_range(error, text, hint) if fits_type(value, schema) else _wrong_type(value, schema, text, hint)


def _of_mode(value: Any, text: str) -> Finding:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, str) or is_number:
        return Finding("E303", *mode_flaw(value if isinstance(value, str) else text, is_quoted=not is_number))
    return Finding("E303", f'{got(value, text)}, expected a mode such as "0644"', MODE_HINT)


def _of_key(value: Any, schema: Schema, path: tuple[str | int, ...], text: str, hint: str) -> Finding | None:
    """What is wrong under a key of which everything that is wrong has one code."""
    key = path[-1] if path else ""
    if key not in OWN_CODES:
        return None
    message = f"{got(value, text)}, expected {expectation(schema)}"
    return Finding(OWN_CODES[key], message, CONDITION_HINT if key == "when" else hint)


def _missing(error: Any, path: tuple[str | int, ...], hint: str) -> Finding | None:
    """Nothing at all where something is needed."""
    value, schema = error.instance, error.schema
    name = next((step for step in reversed(path) if isinstance(step, str)), "value")
    if value is None:
        what = f'an item of "{name}"' if path and isinstance(path[-1], int) else f'"{name}"'
        return Finding("E219", f"{what} has no value; expected {expectation(schema)}", hint)
    if not isinstance(value, str | list | dict) or value:
        return None
    if path and path[-1] == "hosts" and not isinstance(value, dict):
        return Finding("E405", '"hosts" names no host', "for example: hosts: all")
    is_wrong = error.validator in ("minLength", "minItems", "minProperties") and path[-1:] != ("when",)
    return Finding("E219", f'"{name}" is empty; expected {expectation(schema)}', hint) if is_wrong else None


OWN_CODES: Mapping[str | int, str] = {"when": "E411", "loop": "E416"}
"""Keys of which everything that is wrong has one code."""

CONDITION_HINT = "write an expression, such as rc == 0, or true"


def expectation(schema: Schema) -> str:
    """What a schema asks for, in a few words: its ``title``, or what its keywords say."""
    if is_duration(schema) or "title" in schema:
        return str(schema.get("title", "a duration"))
    return either(dict.fromkeys(_wanted(schema)))


def _wanted(schema: Schema) -> Iterator[str]:
    """The things that would do, each in words."""
    if is_duration(schema) or "title" in schema:
        yield expectation(schema)
    elif "enum" in schema or "const" in schema:
        yield from (spelt(word) for word in schema.get("enum", [schema.get("const")]))
    elif branches := [part for part in branches_of(schema) if part != TEMPLATE and types_of(part)]:
        for part in branches:
            yield from _wanted(part)
    else:
        words = ["true", "false"] if types_of(schema) == ["boolean"] else [TYPES[one] for one in types_of(schema)]
        yield from words[:-1]
        yield _with_range(words[-1] if words else "another value", schema)


def branches_of(schema: Schema) -> list[Schema]:
    """The schemas of which one must fit."""
    return list(schema.get("anyOf", schema.get("oneOf", ())))


def _with_range(words: str, schema: Schema) -> str:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is not None and high is not None and high < LARGEST:
        return f"{words} from {low} to {high}"
    if low is not None:
        return f"{words} above {low}" if "exclusiveMinimum" in schema else f"{words} from {low} up"
    return f"{words} up to {high}" if high is not None else words


def is_duration(schema: Schema) -> bool:
    """Whether a schema is that of durations."""
    return bool(schema.get("anyOf") == DURATION["anyOf"])


def types_of(schema: Schema) -> list[str]:
    """The JSON types that a schema's own ``type`` or its branches name, templates left out."""
    if "type" in schema:
        return [schema["type"]] if isinstance(schema["type"], str) else list(schema["type"])
    branches = [part for part in schema.get("anyOf", schema.get("oneOf", ())) if part != TEMPLATE]
    if "enum" in schema or "const" in schema:
        words = schema.get("enum", [schema.get("const")])
        return list(dict.fromkeys(type_of(word) for word in words))
    return list(dict.fromkeys(one for part in branches for one in types_of(part)))


def type_of(value: Any) -> str:
    """The JSON type of a value."""
    names = ((bool, "boolean"), (str, "string"), (int, "integer"), (float, "number"), (list, "array"), (dict, "object"))
    return next((name for kind, name in names if isinstance(value, kind)), "null")


def fits_type(value: Any, schema: Schema) -> bool:
    """Whether a value has a type that the schema names, or the schema names none."""
    kinds, kind = types_of(schema), type_of(value)
    return not kinds or kind in kinds or (kind == "integer" and "number" in kinds)


def _out_of_range(error: Any, text: str, hint: str) -> Finding:
    """A value of the right type: a wrong word, number or form."""
    value, schema = error.instance, error.schema
    if isinstance(value, int) and value > LARGEST and "integer" in types_of(schema):
        hint = f"the largest is {LARGEST}"
    if is_duration(schema):
        return Finding("E406", f"{got(value, text)}, expected {expectation(schema)}", FORMS)
    if found := _meant_as_number(value, schema, text):
        return found
    if error.validator == "uniqueItems":
        return Finding("E406", "something stands in this list twice", "remove one of them")
    if error.validator == "pattern" and "title" not in schema:
        form = FORMS_OF_TEXT.get(schema["pattern"], f"text of the form {schema['pattern']}")
        return Finding("E406", f"{got(value, text)}, expected {form}", hint)
    words = words_of(schema)
    near = suggest(value, words) if isinstance(value, str) and words else ""
    return Finding("E406", f"{got(value, text)}, expected {expectation(schema)}", near or hint)


def _meant_as_number(value: Any, schema: Schema, text: str) -> Finding | None:
    """Text where a number is among what is expected, and which is one but for quotes or its spelling."""
    if not isinstance(value, str) or not {"integer", "number"} & set(types_of(schema)):
        return None
    message = f"{got(value, text)}, expected {expectation(schema)}"
    if text[:1] in ("'", '"'):
        is_number = bool(value) and not isinstance(number(value)[0], str)
        return Finding("E312", message, f"remove the quotes: {value}") if is_number else None
    return Finding("E311", message, f"write {spelling}") if (spelling := usual_number(value)) else None


def usual_number(text: str) -> str:
    """A whole number that other readers of YAML know in this form, as it is written here; else nothing."""
    if re.fullmatch(r"\+?[0-9][0-9_]*", text):
        return text.replace("_", "").removeprefix("+").lstrip("0") or "0"
    return str(int(text, 2)) if re.fullmatch(r"0b[01]{1,60}", text) else ""


def words_of(schema: Schema) -> list[str]:
    """The words that a schema or its branches list."""
    branches = schema.get("anyOf", schema.get("oneOf", ()))
    own = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return [word for word in own if isinstance(word, str)] + [word for part in branches for word in words_of(part)]


def _wrong_type(value: Any, schema: Schema, text: str, hint: str) -> Finding:
    wanted = set(types_of(schema))
    message = f"{got(value, text)}, expected {expectation(schema)}"
    if isinstance(value, str):
        return _not_text(value, wanted, text, message, hint)
    is_text = not (wanted & {"array", "object"}) or not schema.get("examples")
    if isinstance(value, int | float) and "string" in wanted and is_text and not words_of(schema):
        return Finding("E311" if isinstance(value, bool) else "E305", message, f"quote it: '{text}'")
    if isinstance(value, float) and "integer" in wanted:
        return Finding("E406", message)
    if "array" in wanted and not isinstance(value, dict) and (wanted == {"array"} or not hint):
        return Finding("E311", message, f"write a list: [{text}]")
    return Finding("E311", message, hint)


def _not_text(value: str, wanted: set[str], text: str, message: str, hint: str) -> Finding:
    """Text where something else is expected."""
    is_quoted = text[:1] in ("'", '"')
    if "boolean" in wanted and value.lower() in {word.lower() for word in BOOLEANS_OF_YAML_1_1}:
        return Finding(
            "E312" if is_quoted else "E308", message, "write true or false" + (", without quotes" * is_quoted)
        )
    if wanted & {"integer", "number"}:
        if is_quoted and value and not isinstance(number(value)[0], str):
            return Finding("E312", message, f"remove the quotes: {value}")
        usual = usual_number(value)
        return Finding(
            "E311" if re.match(r"[-+.]?[0-9]", value) else "E406", message, f"write {usual}" if usual else hint
        )
    if "array" in wanted and "\n" not in text and not hint:
        return Finding("E311", message, f"write a list: [{text}]")
    return Finding("E311", message, hint)


def got(value: Any, text: str) -> str:
    """``got the number 1.1``: what was given, in a few words."""
    match value:
        case bool():
            return f"got {text}"
        case str():
            return f'got the text "{value if len(value) <= 60 else value[:57] + "…"}"'
        case list() | dict():
            word = ("item" if isinstance(value, list) else "key") + ("s" * (len(value) != 1))
            return f"got a {'list' if isinstance(value, list) else 'mapping'} of {len(value)} {word}"
        case _:
            return f"got the number {value}"


def spelt(word: Any) -> str:
    """A constant as it is written in YAML."""
    return (
        {True: "true", False: "false", None: "nothing"}[word] if word is None or isinstance(word, bool) else str(word)
    )


def either(words: Iterable[str]) -> str:
    """``a, b or c``."""
    *most, last = list(words) or [""]
    return f"{', '.join(most)} or {last}" if most else last


def example(schema: Schema, path: tuple[str | int, ...] = ()) -> str:
    """What to write at ``path``, as a hint: the schema's first example, or the keys that a mapping must have."""
    if schema.get("examples"):
        return f"for example: {under(path, str(schema['examples'][0]))}"
    keys = schema.get("required", ()) if schema.get("type") == "object" else ()
    return f"write {under(path, '{' + ', '.join(f'{key}: …' for key in keys) + '}')}" if keys else ""


def under(path: tuple[str | int, ...], text: str) -> str:
    """A value as it is written under its keys: ``strategy: {concurrency: 5}``. Keys round a list are left out."""
    lists = [number for number, step in enumerate(path) if isinstance(step, int)]
    *outer, last = ("", *(path[lists[-1] + 1 :] if lists else path))
    if not last:
        return text
    text = f"{last}: {text}"
    for key in reversed(outer[1:]):
        text = f"{key}: {{{text}}}"
    return text
