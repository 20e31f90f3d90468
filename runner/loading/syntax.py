"""PyYAML's complaints about syntax in plain words; pure.

Its two parsers word the same complaint differently and neither says what to do, so the words here are found from what
is common to both and from the text at the place. An explanation is tried for each complaint in turn; the first that
knows it speaks.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runner.loading.key_rules import SHORTER
from runner.loading.limits import PLAYBOOK
from runner.loading.problems_list import Problems
from runner.loading.scalars import Oddity
from runner.loading.source import Source
from runner.location import Location

BEYOND = re.compile(r"\\U(?!00(?:0[0-9a-fA-F]|10))")
HALF = re.compile(r"\\(?:u|U0000)[dD][89a-fA-F]")
TEMPLATE_VALUE = re.compile(r"(?:[:-] +|\[ *)(\{\{)")
ENDED = re.compile(r"^\.\.\.[ ]*\n\s*\Z", re.MULTILINE)
TAB_HINT = "use spaces; a tab that belongs to a text needs quotes"
TEXT_BEHIND = re.compile(r"[|>](?![-+0-9]|[ ]*(?:#.*)?$)", re.MULTILINE)
BLOCK_HEADER = re.compile(r"[|>](?:[-+]?[1-9]?|[1-9][-+])[ ]*(?:#.*)?$")
CLOSED_BEFORE = re.compile(r"""(?:^|[:\[{,?-][ ]|[\[{])[ ]*(?:"(?:[^"\\]|\\.)*+"|'(?:[^']|'')*+')[ ]*$""")
QUOTED_BEFORE = re.compile(r"""["']\s*$""")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the parser said and where: indexes of the place, and of what was open there, counted from 0."""

    told: str
    at: int
    opened: int | None
    source: Source

    @property
    def line(self) -> str:
        """The line of the place."""
        return self.source.lines[self.source.location(self.at).line - 1]

    @property
    def before(self) -> str:
        """What stands before the place on its line."""
        return self.line[: self.source.location(self.at).column - 1]

    @property
    def character(self) -> str:
        """The character at the place, nothing at the end of the file."""
        return self.source.text[self.at : self.at + 1]

    def line_of(self, index: int) -> int:
        """The number of the line that an index is on."""
        return self.source.location(index).line


Told = tuple[Oddity, int]
"""What to say, and the index of where."""


def explain(error: Any, source: Source, problems: Problems) -> None:
    """Report an error of PyYAML's."""
    complaint = _complaint(error, source)
    oddity, index = next(told for speak in SPEAKERS if (told := speak(complaint)))
    place = source.location(index)
    if not problems.has_error_at(place):  # a template without quotes, say, has been told
        problems.error(oddity.code, oddity.message, place, oddity.hint)


def _complaint(error: Any, source: Source) -> Complaint:
    """Marks count from 0; an error without one stands at the character that it names."""
    size = len(source.text)
    opened = getattr(error, "context_mark", None)
    mark = getattr(error, "problem_mark", None) or opened
    at = mark.index if mark else getattr(error, "position", 0)
    told = f"{getattr(error, 'context', None) or ''} | {getattr(error, 'problem', None) or error}"
    return Complaint(told, min(at, size), min(opened.index, size) if opened else None, source)


def bad_escape(source: Source) -> Location:
    """The place of the first escape beyond Unicode."""
    match = BEYOND.search(source.text)
    return source.location(match.start() if match else 0)


def half_escape(source: Source, start: int) -> int:
    """The index of the first escape, from ``start`` on, that names half a character."""
    match = HALF.search(source.text, start)
    return match.start() if match else start


def tab(source: Source, index: int) -> tuple[str, str, int]:
    """Code, message and place for a tab that stands between values."""
    blank = not source.text[:index].rpartition("\n")[2].strip(" \t")
    return "E201", "tab used for indentation" if blank else "a tab outside of quotes", index


def _block_scalar(it: Complaint) -> Told | None:
    if "block scalar" not in it.told:
        return _less_indented(it)
    start = it.opened if it.opened is not None and it.source.text[it.opened] in "|>" else None
    if start is not None and TEXT_BEHIND.match(it.source.text, start):
        hint = 'quote it; or write the text on the next lines, behind "|" alone'
        return Oddity("E208", f'a value can\'t start with "{it.source.text[start]}" like this', hint), start
    is_header = start is not None and it.line_of(start) == it.line_of(it.at)
    if it.character == "\t" or ("indentation" in it.told and not is_header):
        return Oddity("E220", "the lines after | or > are indented in a way that fits nothing", "use spaces"), it.at
    hint = 'write "|" or ">" alone, and the text on the next lines'
    return Oddity("E220", "after | or > only one digit from 1 to 9, + or - can stand", hint), it.at


def _less_indented(it: Complaint) -> Told | None:
    """A line that would belong to the text after a | or > if it were indented as that text is."""
    if it.before.strip():
        return None
    number = it.line_of(it.at)
    own = len(it.before)
    for above in range(number - 2, -1, -1):
        line = it.source.lines[above]
        indent = len(line) - len(line.lstrip(" "))
        if line.strip() and indent <= own:
            if indent == own or not BLOCK_HEADER.search(line):
                return None
            message = f"this line is indented less than the text after | or > at line {above + 1} asks for"
            return Oddity("E220", message, "indent all lines of the text alike"), it.at
    return None


def _tab_indent(it: Complaint) -> Told | None:
    """A tab in front of the line that the parser stumbles over, whatever it says of it."""
    blank = it.line[: len(it.line) - len(it.line.lstrip())]
    if "\t" not in blank:
        return None
    code, message, index = tab(it.source, it.at - len(it.before) + blank.index("\t"))
    return Oddity(code, message, TAB_HINT), index


def _after_quote(it: Complaint) -> Told | None:
    """What stands behind a closing quote, be it a sign of YAML's."""
    if "not allowed" in it.told:
        return None
    start = it.at if it.opened is None or it.source.text[it.opened : it.opened + 1] not in "&*!" else it.opened
    before = it.source.text[:start].rpartition("\n")[2]
    if not CLOSED_BEFORE.search(before):
        return None
    return Oddity("E205", "text after the closing quote", "quote the value as a whole"), start


def _escape(it: Complaint) -> Told | None:
    if "escape" not in it.told and "hexdecimal" not in it.told:
        return None
    start = it.source.text.rfind("\\", 0, it.at + 1)
    start = max(start, 0)
    if "invalid Unicode" in it.told:
        return Oddity("E115", "an escape names no character", "write the character itself"), start
    written = it.source.text[start : start + 2].strip()
    return Oddity("E208", f'"{written}" is no escape', "write \\\\ for a backslash, or use single quotes"), start


def _directive(it: Complaint) -> Told | None:
    if "incompatible YAML" in it.told:
        return Oddity("E216", "this version of YAML is not known", "leave the %YAML line out"), it.at
    if "directive" not in it.told:
        return None
    start = it.at if it.opened is None else it.opened
    return Oddity("E217", "unknown directive", "quote it if it is meant as text"), start


def _quote(it: Complaint) -> Told | None:
    if "quoted scalar" not in it.told or it.opened is None:
        return None
    quote = it.source.text[it.opened]
    message = f"the quote {quote} is never closed; reading ended at line {it.line_of(it.at)}"
    return Oddity("E204", message, f"close it with {quote}"), it.opened


def _sign(it: Complaint) -> Told | None:
    start = it.at if it.opened is None else it.opened
    if "scanning a tag" in it.told or "parsing a tag" in it.told or "tag handle" in it.told or "a tag" in it.told:
        return Oddity("E218", "tags are not allowed", "quote the value if it is meant as text"), start
    if "an anchor" in it.told or "an alias" in it.told:
        sign = it.source.text[start : start + 1]
        return Oddity("E208", f'a value can\'t start with "{sign}" like this', "quote it"), start
    return None


def _template(it: Complaint) -> Told | None:
    match = TEMPLATE_VALUE.search(it.line)
    if not match:
        return None
    start = it.at - len(it.before) + match.start(1)
    return Oddity("E206", "a template without quotes is a mapping to YAML", 'quote the whole value: "{{ … }}"'), start


def _token(it: Complaint) -> Told | None:
    if "start any token" not in it.told:
        return None
    if it.character == "\t":
        code, message, index = tab(it.source, it.at)
        return Oddity(code, message, TAB_HINT), index
    return Oddity("E208", f'a value can\'t start with "{it.character}"', "quote it"), it.at


def _flow(it: Complaint) -> Told | None:
    if "flow" not in it.told:
        return None
    text = it.source.text
    first = (
        it.opened if it.opened is not None and text[it.opened : it.opened + 1] in ("[", "{") else _bracket(text, it.at)
    )
    bracket = text[first : first + 1]
    if it.at >= len(text.rstrip()):
        message = f'"{bracket}" is never closed; reading ended at line {it.line_of(it.at)}'
        return Oddity("E204", message, f"close it with {']' if bracket == '[' else '}'}"), first
    message = f'"{it.character}" can\'t stand here, inside the "{bracket}" opened at line {it.line_of(first)}'
    closing = "]" if bracket == "[" else "}"
    hint = f'a value with such a character must be quoted here; or is "{closing}" missing before?'
    return Oddity("E204", message, hint), it.at


def _bracket(text: str, index: int) -> int:
    """The last opening bracket before a place, or the start of the text."""
    return max(text.rfind("[", 0, index), text.rfind("{", 0, index), 0)


def _not_allowed(it: Complaint) -> Told | None:
    if "not allowed" not in it.told:
        return None
    start = it.at - len(it.before.lstrip())
    if "mapping values" not in it.told:
        return Oddity("E202", "a list item or key can't start here", "put it on a line of its own"), it.at
    if it.at - start > 1000:
        long = len(it.before.strip().strip("\"'"))
        return Oddity("E213", f"a key of {long} characters; the limit is {PLAYBOOK.key}", SHORTER), start
    if re.search(r":(\s|$)", it.before):
        return Oddity("E203", '": " inside a value', "quote the value"), it.at
    hint = "align it with the keys it belongs to; is the line before complete?"
    number = it.line_of(it.at) - 1
    above = next((line for line in range(number, 0, -1) if it.source.lines[line - 1].strip()), number)
    return Oddity("E202", f"a key can't start here: line {above} goes on", hint), start


def _no_colon(it: Complaint) -> Told | None:
    if "expected ':'" not in it.told or it.opened is None:
        return None
    return Oddity(
        "E202", 'a key without ":"', 'write "key: value", or indent it to go on with the text above'
    ), it.opened


def _block(it: Complaint) -> Told:
    began = "" if it.opened is None else f"; the block began at line {it.line_of(it.opened)}"
    if QUOTED_BEFORE.search(it.before):
        return Oddity("E205", "text after the closing quote", "quote the value as a whole"), it.at
    if it.character in ("]", "}"):
        return Oddity("E202", f'"{it.character}" closes nothing', "remove it, or quote the value"), it.at
    if "document start" in it.told and ENDED.search(it.source.text, 0, it.at):
        return Oddity("E214", "a second document starts here", "make it a file of its own"), it.at
    if it.before.strip():
        return Oddity("E202", f"this can't stand here{began}", "quote the value"), it.at
    return Oddity("E202", f"this line fits nothing above{began}", "align it with the lines it belongs to"), it.at


SPEAKERS: tuple[Callable[[Complaint], Told | None], ...] = (
    _block_scalar,
    _escape,
    _directive,
    _quote,
    _after_quote,
    _tab_indent,
    _sign,
    _template,
    _token,
    _flow,
    _not_allowed,
    _no_colon,
    _block,
)
