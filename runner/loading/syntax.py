"""PyYAML's complaints about syntax in plain words; pure.

Its two parsers word the same complaint differently and neither says what to do, so the words here are found from what
is common to both and from the text at the place.
"""

import re
from typing import Any

from runner.loading.problems_list import Problems
from runner.loading.scalars import Oddity
from runner.loading.source import Source

Place = tuple[int, int]


def explain(error: Any, source: Source, problems: Problems) -> None:
    """Report an error of PyYAML's. Marks count from 0; one without a mark stands at the end of what was read."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    index = min(mark.index if mark else getattr(error, "position", 0), len(source.text))
    opened = getattr(error, "context_mark", None)
    told = f"{getattr(error, 'context', None) or ''} | {getattr(error, 'problem', None) or error}"
    oddity, index = _words(told, index, min(opened.index, len(source.text)) if opened else None, source)
    problems.error(oddity.code, oddity.message, source.location(index), oddity.hint)


def bad_escape(source: Source) -> Any:
    """The place of the first escape beyond Unicode."""
    match = re.search(r"\\U(?!00(?:0[0-9a-fA-F]|10))", source.text)
    return source.location(match.start() if match else 0, 10)


def _words(told: str, index: int, opened: int | None, source: Source) -> tuple[Oddity, int]:
    """What to say, and where."""
    text = source.text
    line = source.lines[source.location(index).line - 1]
    start = source.location(opened).line if opened is not None else 0
    if "block scalar" in told:
        return Oddity(
            "E220", "after | or > only a number, + or - can stand", 'write "|" or ">", and the text on the next lines'
        ), index
    if "escape" in told or "hexdecimal" in told:
        return _escape(told, index, text)
    if "directive" in told:
        return Oddity("E217", "unknown directive", "quote it if a value starts with %"), text.rfind("\n", 0, index) + 1
    if "incompatible YAML" in told:
        return Oddity("E216", "this version of YAML is not known", "leave the %YAML line out"), index
    if "quoted scalar" in told and opened is not None:
        return Oddity(
            "E204",
            f"a quote opened at line {start} is never closed; reading ended at line {source.location(index).line}",
            f"close it with {text[opened]}",
        ), opened
    if "a tag" in told or "tag handle" in told:
        return Oddity("E218", "tags are not allowed", "quote the value if it is meant as text"), opened or index
    if "an anchor" in told or "an alias" in told:
        return Oddity("E208", f'a value can\'t start with "{text[opened or 0]}"', "quote it"), opened or index
    if re.search(r"(?:^|[:,\[-] )\{\{", line):
        return Oddity(
            "E206", "a template without quotes is a mapping to YAML", 'quote the whole value: "{{ … }}"'
        ), index
    if "cannot start any token" in told:
        return _token(index, text)
    if "flow sequence" in told or "flow mapping" in told or "flow node" in told:
        return _flow(index, opened, source)
    if "not allowed" in told:
        return _not_allowed(told, index, source)
    return _block(told, index, opened, source)


def _escape(told: str, index: int, text: str) -> tuple[Oddity, int]:
    start = text.rfind("\\", 0, index + 1)
    start = index if start < 0 else start
    if "invalid Unicode" in told:
        return Oddity("E115", "an escape names no character", "write the character itself"), start
    return Oddity(
        "E208", f'"{text[start : start + 2]}" is no escape', "write \\\\ for a backslash, or use single quotes"
    ), start


def _token(index: int, text: str) -> tuple[Oddity, int]:
    character = text[index : index + 1]
    if character == "\t":
        blank = not text[text.rfind("\n", 0, index) + 1 : index].strip(" \t")
        return Oddity("E201", "tab used for indentation" if blank else "tab used between values", "use spaces"), index
    return Oddity("E208", f'a value can\'t start with "{character}"', "quote it"), index


def _flow(index: int, opened: int | None, source: Source) -> tuple[Oddity, int]:
    text = source.text
    where = source.location(index)
    first = opened if opened is not None and text[opened : opened + 1] in "[{" else _bracket(text, index)
    if index >= len(text.rstrip()):
        bracket = text[first : first + 1] or "["
        return Oddity(
            "E204",
            f'"{bracket}" is never closed; reading ended at line {where.line}',
            f"close it with {']' if bracket == '[' else '}'}",
        ), first
    found = text[index : index + 1]
    message = f'"{text[first : first + 1]}" opened at line {source.location(first).line} is not closed; "{found}" can\'t stand here'
    return Oddity("E204", message, "a value with [ ] { } , or : in it must be quoted here"), index


def _bracket(text: str, index: int) -> int:
    """The last bracket before a place, the place itself if there is none."""
    found = max(text.rfind("[", 0, index), text.rfind("{", 0, index))
    return found if found >= 0 else min(index, max(len(text) - 1, 0))


def _not_allowed(told: str, index: int, source: Source) -> tuple[Oddity, int]:
    place = source.location(index)
    line = source.lines[place.line - 1]
    before = line[: place.column - 1]
    if "mapping values" not in told:
        return Oddity("E202", "a list item or key can't start here", "put it on a line of its own"), index
    if len(before) > 1000:
        return Oddity("E213", f"a key of {len(before.strip())} characters is too long"), index - len(before.strip())
    if re.search(r":(\s|$)", before):
        return Oddity("E203", '": " inside a value', "quote the value"), index
    return Oddity(
        "E202",
        "this line is indented deeper than the lines before allow",
        "align it with the other keys; is the line before complete?",
    ), index - len(before.strip())


def _block(told: str, index: int, opened: int | None, source: Source) -> tuple[Oddity, int]:
    text = source.text
    before = text[text.rfind("\n", 0, index) + 1 : index]
    began = f"; the block began at line {source.location(opened).line}" if opened is not None else ""
    if "find expected ':'" in told and opened is not None:
        return Oddity(
            "E202", 'a key without ":"', 'write "key: value", or indent the line to go on with the text above'
        ), opened
    if re.search(r"""(['"])\s*$""", before):
        return Oddity("E205", "text after the closing quote", "quote the value as a whole"), index
    if text[index : index + 1] in "]}":
        return Oddity("E202", f'"{text[index : index + 1]}" closes nothing', "remove it, or quote the value"), index
    if text[index : index + 1] == "," or before.strip():
        return Oddity("E202", f"this can't stand here{began}", "quote the value"), index
    return Oddity(
        "E202", f"the indentation of this line fits nothing above{began}", "align it with the lines it belongs to"
    ), index
