"""PyYAML's events into plain data and a table of places: the one file that knows yaml.

Why not PyYAML's own constructors: they follow YAML 1.1 (``NO`` is false, ``012`` is ten), let the last of two equal
keys win, make objects from tags, keep no places, and are ten times slower. Events come from its C parser, or from the one
in Python where the C parser is missing; both accept the same files here, with the same result.

A **place** is one number: where something starts, shifted, plus its length. A table has a list of places for each
mapping (key, value, key, value…) and list, found by the identity of that object.
"""

import gc
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from runner.loading import syntax
from runner.loading.characters import INVISIBLE, named
from runner.loading.limits import Limits
from runner.loading.problems_list import Problems
from runner.loading.scalars import Oddity, resolve
from runner.loading.source import Source
from runner.location import Location

SHIFT = 24
LENGTHS = (1 << SHIFT) - 1

COMMANDS = frozenset({"shell", "command", "run"})
"""Keys whose plain text a comment must not cut short unseen."""
NAMES = frozenset({"name", "id", "hosts", "address", "user", "group", "owner", "path", "src", "dest", "cwd", "file"})
"""Keys whose text stands in messages, on command lines or in file names."""

SURROGATE = re.compile("[\ud800-\udfff]")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
COMMENT = re.compile("[ ]+#")
TAB = re.compile(r"(?:[^\t#]|#[^\n]*)*\t")

DROPPED = object()
"""In place of a key that can't be used: its value is read, checked and left out."""
WANTED = object()
"""In place of a key that has not been read yet."""


class Ended(Exception):  # noqa: N818 - it is how reading ends early
    """The rest of the file can't be read; the problem has been reported."""


@dataclass(slots=True)
class Composed:
    """What the text says. ``root`` is the place of the whole; ``aliases`` lead from an alias to its anchor's place."""

    data: Any = None
    root: int = 0
    places: dict[int, list[int]] = field(default_factory=dict)
    aliases: dict[int, tuple[int, int]] = field(default_factory=dict)
    is_empty: bool = True


def parsers() -> tuple[Callable[[str], Any], ...]:
    """The parsers that can be used here, the preferred one first."""
    fast = getattr(yaml, "CSafeLoader", None)
    return (fast, yaml.SafeLoader) if fast else (yaml.SafeLoader,)


def compose(
    source: Source, problems: Problems, limits: Limits, parser: Callable[[str], Any] | None = None
) -> Composed | None:
    """The data in a text, or None where its syntax is broken or it asks for too much; ``problems`` says why."""
    composer = _Composer(source, problems, limits)
    with _no_collector():
        try:
            composer.read((parser or parsers()[0])(source.text))
        except Ended:
            return None
        except yaml.YAMLError as error:
            syntax.explain(error, source, problems)
            return None
        except ValueError:  # the parser in Python, of an escape beyond Unicode
            problems.error("E115", "an escape names no character", syntax.bad_escape(source))
            return None
    return composer.result


@contextmanager
def _no_collector() -> Iterator[None]:
    """Without the garbage collector, which would look at every new mapping again and again: it doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Composer:
    """A machine that is fed events; ``node``, ``places`` and ``key`` are those of the innermost open mapping or list."""

    def __init__(self, source: Source, problems: Problems, limits: Limits) -> None:
        self.source = source
        self.problems = problems
        self.limits = limits
        self.result = Composed()
        self.stack: list[tuple[Any, ...]] = []
        self.node: Any = None
        self.places: list[int] = []
        self.key: Any = None
        self.key_place = 0
        self.is_template = False
        self.nodes = 0
        self.extra = 0
        self.aliases = 0
        self.document: int | None = None
        self.plain: dict[str, Any] = {}
        self.anchors: dict[str, tuple[Any, int, int]] = {}
        self.anchor_places: dict[str, int] = {}
        self.end = 0

    def read(self, parser: Any) -> None:
        """Take all events of the parser. Raises Ended, or what the parser raises."""
        handlers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self.scalar,
            yaml.MappingStartEvent: self.open,
            yaml.SequenceStartEvent: self.open,
            yaml.MappingEndEvent: self.close,
            yaml.SequenceEndEvent: self.close,
            yaml.AliasEvent: self.alias,
            yaml.DocumentStartEvent: self.start_document,
            yaml.DocumentEndEvent: self.pass_by,
            yaml.StreamStartEvent: self.pass_by,
            yaml.StreamEndEvent: self.pass_by,
        }
        has_tabs = "\t" in self.source.text
        kind = None
        while kind is not yaml.StreamEndEvent:
            event = parser.get_event()
            kind = event.__class__
            if has_tabs:
                self.refuse_tabs(event)
            handlers[kind](event)

    def pass_by(self, _event: Any) -> None:
        """Nothing to do."""

    def start_document(self, event: Any) -> None:
        """A second one is refused."""
        start = event.start_mark.index
        if self.document is not None:
            first = self.source.location(self.document)
            self.fail(
                "E214",
                f"a second document starts here; the first one is at line {first.line}",
                start,
                3,
                hint="make it a file of its own",
            )
        if event.version:
            version = ".".join(map(str, event.version))
            self.problems.warning(
                "W215", f"%YAML {version} has no effect: files are read by YAML 1.2", self.source.location(0)
            )
        self.document = start

    def scalar(self, event: Any) -> None:
        """A key, or a value that holds no others."""
        start = event.start_mark.index
        length = event.end_mark.index - start
        place = start << SHIFT | (min(LENGTHS, length))
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            self.fail("E222", f"the file has more than {self.limits.nodes} values", start)
        value = event.value
        if event.tag is not None:
            self.check_tag(event, start)
        if self.key is WANTED:
            self.take_key(event, value, start, place)
            return
        if not event.style and event.tag is None:
            value = self.plain[value] if value in self.plain else self.resolved(value, start, length)
            if self.key in COMMANDS:
                self.warn_of_comment(start + length)
        elif len(value) > self.limits.scalar:
            self.fail("E224", f"a text of {len(value)} characters; the limit is {self.limits.scalar}", start)
        if not event.value.isascii() or (event.style == '"' and not event.value.isprintable()):
            self.check_text(event.value, start, length)
        if event.anchor:
            self.name_anchor(event.anchor, start)
            self.anchors[event.anchor] = (value, place, 1)
        self.put(value, place)

    def resolved(self, text: str, start: int, length: int) -> Any:
        """The value of plain text that has not been met before, or that is odd each time."""
        if len(text) > self.limits.scalar:
            self.fail("E224", f"a text of {len(text)} characters; the limit is {self.limits.scalar}", start)
        value, odd = resolve(text)
        if odd is None:
            self.plain[text] = value
        else:
            self.complain(odd, self.source.location(start, length))
        return value

    def complain(self, odd: Oddity, place: Location) -> None:
        """Tell of a plain scalar that would be read in different ways."""
        if odd.code == "E304" and self.key == "mode":
            odd = Oddity("E303", "a mode without quotes is a number to some readers", odd.hint)
        tell = self.problems.warning if odd.code.startswith("W") else self.problems.error
        tell(odd.code, odd.message, place, odd.hint)

    def put(self, value: Any, place: int) -> None:
        """Give a value its place in the innermost mapping or list; without one it is the whole document."""
        node = self.node
        if node.__class__ is dict:
            if self.key is not DROPPED:
                node[self.key] = value
                self.places += (self.key_place, place)
            self.key = WANTED
        elif node.__class__ is list:
            node.append(value)
            self.places.append(place)
        else:
            self.result.data, self.result.root = value, place
            self.result.is_empty = value is None

    def take_key(self, event: Any, key: str, start: int, place: int) -> None:
        """Keep a key for the value that comes next, or DROPPED where it is refused."""
        is_plain = not event.style and event.tag is None
        reason = refusal(key, is_plain=is_plain, limit=self.limits.key)
        if key in self.node:
            first = self.source.location(self.places[2 * list(self.node).index(key)] >> SHIFT)
            reason = Oddity(
                "E309",
                f'key "{shortened(key)}" is here twice; first at line {first.line}, column {first.column}',
                "remove one of them",
            )
        if reason:
            self.problems.error(reason.code, reason.message, self.source.location(start, place & LENGTHS), reason.hint)
        self.key = DROPPED if reason else sys.intern(key)
        self.key_place = place
        if event.anchor:
            self.name_anchor(event.anchor, start)
            self.anchors[event.anchor] = (key, place, 1)

    def open(self, event: Any) -> None:
        """A mapping or list begins."""
        start = event.start_mark.index
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            self.fail("E222", f"the file has more than {self.limits.nodes} values", start)
        if len(self.stack) >= self.limits.depth:
            self.fail("E212", f"nested more than {self.limits.depth} levels deep", start)
        if event.tag is not None:
            self.check_tag(event, start)
        if event.anchor:
            self.name_anchor(event.anchor, start)
        total = self.nodes + self.extra
        self.stack.append((self.node, self.places, self.key, self.key_place, self.is_template, event, total))
        is_mapping = event.__class__ is yaml.MappingStartEvent
        self.node, self.places, self.is_template = {} if is_mapping else [], [], False
        self.key = WANTED if is_mapping else None
        self.result.places[id(self.node)] = self.places

    def close(self, event: Any) -> None:
        """A mapping or list is complete: it becomes a value of the one around it."""
        value, is_template = self.node, self.is_template
        self.node, self.places, self.key, self.key_place, self.is_template, opened, total = self.stack.pop()
        start, end = opened.start_mark.index, event.end_mark.index
        place = start << SHIFT | (min(end - start, LENGTHS) if opened.flow_style else 1)
        if opened.anchor:
            self.anchors[opened.anchor] = (value, place, self.nodes + self.extra - total + 1)
        if self.key is WANTED:
            self.drop_key(start)
        elif is_template:
            text = self.source.text[start:end]
            self.problems.error(
                "E206",
                "a template without quotes is a mapping to YAML",
                self.source.location(start, end - start),
                f'write "{text}"',
            )
            self.put(text, place)
        else:
            self.put(value, place)

    def drop_key(self, start: int) -> None:
        """A mapping or list stands where a key should be: two braces of a template, or nothing that makes sense."""
        self.key = DROPPED
        if self.source.text.startswith("{{", start - 1):
            self.is_template = True
        else:
            self.problems.error("E302", "a key must be text; this is a list or mapping", self.source.location(start))

    def alias(self, event: Any) -> None:
        """The value of an anchor again. It is shared, not copied, but counted as if it were."""
        start = event.start_mark.index
        length = event.end_mark.index - start
        if event.anchor not in self.anchors:
            self.unknown_alias(event.anchor, start, length)
        value, place, size = self.anchors[event.anchor]
        self.aliases += 1
        self.extra += size
        if self.aliases > self.limits.aliases:
            self.fail("E223", f"the file has more than {self.limits.aliases} aliases", start, length)
        if self.nodes + self.extra > self.limits.expanded:
            self.fail(
                "E211",
                f"with every alias written out the file has more than {self.limits.expanded} values",
                start,
                length,
            )
        self.result.aliases[start] = (place >> SHIFT, place & LENGTHS)
        if self.key is WANTED:
            self.problems.error("E302", "a key must be text; this is an alias", self.source.location(start, length))
            self.key = DROPPED
        else:
            self.put(value, start << SHIFT | length)

    def unknown_alias(self, name: str, start: int, length: int) -> None:
        """End with what could have been meant."""
        if name in self.anchor_places:
            self.fail("E209", f'"*{name}" stands inside what "&{name}" names', start, length)
        known = ", ".join(f'"{anchor}"' for anchor in list(self.anchors)[:10])
        message = f'no anchor is called "{name}"; ' + (f"there are {known}" if known else "the file has none")
        self.fail("E209", message, start, length, hint="quote the value if it is meant as text")

    def name_anchor(self, name: str, start: int) -> None:
        """Refuse a second anchor of the same name."""
        if name in self.anchor_places:
            first = self.source.location(self.anchor_places[name])
            message = f'anchor "{name}" is here twice; first at line {first.line}, column {first.column}'
            self.problems.error("E210", message, self.source.location(start, len(name) + 1))
        self.anchor_places[name] = start
        self.anchors.pop(name, None)

    def check_tag(self, event: Any, start: int) -> None:
        """Only ``!!str`` on a scalar is allowed."""
        if event.tag == "tag:yaml.org,2002:str" and event.__class__ is yaml.ScalarEvent:
            return
        written = self.source.text[start : event.end_mark.index].split(maxsplit=1)[0] if event.tag != "!" else "!"
        place = self.source.location(start, len(written))
        if event.tag == "!":
            self.problems.error("E208", 'no value can start with "!"', place, "quote it")
        else:
            self.problems.error(
                "E218",
                f'tags are not allowed; "{written}" was given',
                place,
                "only !!str can be used; quote the value if it is meant as text",
            )

    def check_text(self, text: str, start: int, length: int) -> None:
        """Characters that nobody sees, or that only an escape could bring."""
        place = self.source.location(start, length)
        if SURROGATE.search(text):
            self.fail("E115", "an escape names half a character", start, length, hint="write the character itself")
        if match := INVISIBLE.search(text):
            is_name = self.key in NAMES
            tell = self.problems.error if is_name else self.problems.warning
            tell("E111" if is_name else "W112", f"the text contains {named(match[0])}, which nobody sees", place)
        if self.key in NAMES and (match := CONTROL.search(text)):
            self.problems.error("E107", f'"{self.key}" must not contain {named(match[0])}', place)

    def warn_of_comment(self, end: int) -> None:
        """A command that a comment cuts short is rarely meant."""
        if match := COMMENT.match(self.source.text, end):
            self.problems.warning(
                "W221",
                '" #" starts a comment: the command ends here',
                self.source.location(match.end() - 1),
                "quote the command if # belongs to it",
            )

    def refuse_tabs(self, event: Any) -> None:
        """A tab between two values: the two parsers disagree about it, and so do people."""
        gap = self.source.text[self.end : event.start_mark.index]
        match = TAB.match(gap) if "\t" in gap else None
        if match:
            at = self.end + match.end() - 1
            indents = not self.source.text[:at].rpartition("\n")[2].strip(" \t")
            self.fail(
                "E201", "tab used for indentation" if indents else "tab used between values", at, hint="use spaces"
            )
        self.end = max(self.end, event.end_mark.index)

    def fail(self, code: str, message: str, start: int, length: int = 1, *, hint: str = "") -> NoReturn:
        """Report what ends the reading of this file. Raises Ended."""
        self.problems.error(code, message, self.source.location(start, length), hint)
        raise Ended


def refusal(key: str, *, is_plain: bool, limit: int) -> Oddity | None:
    """Why a key can't be used, or None."""
    if len(key) > limit:
        return Oddity("E213", f"a key of {len(key)} characters; the limit is {limit}")
    if is_plain and key == "<<":
        return Oddity("E310", "merge keys are not allowed", "write the keys out, or use an alias as a whole value")
    if is_plain and not isinstance(value := resolve(key)[0], str):
        return Oddity("E302", f'a key must be text; "{key}" is {kind_of(value)}', f'quote it: "{key or "~"}"')
    if "{{" in key or "{%" in key:
        return Oddity("E207", "no templates in keys", "only values are rendered")
    if match := INVISIBLE.search(key):
        return Oddity("E111", f"the key contains {named(match[0])}, which nobody sees")
    if match := CONTROL.search(key):
        return Oddity("E107", f"a key can't contain {named(match[0])}")
    return None


def kind_of(value: Any) -> str:
    """What a scalar that is no text is called."""
    return "nothing" if value is None else "a boolean" if isinstance(value, bool) else "a number"


def shortened(text: str) -> str:
    """Text for a message."""
    return text if len(text) <= 60 else text[:57] + "…"
