"""PyYAML's events into plain data and a table of places: the one file that knows yaml.

Why not PyYAML's own constructors: they follow YAML 1.1 (``NO`` is false, ``012`` is ten), let the last of two equal
keys win, make objects from tags, keep no places, and are ten times slower. Events come from its C parser, or from the
one in Python where the C parser is missing; both accept the same files here, with the same result.

A **place** is one number: where something starts, shifted, plus its length. A table has a list of places for each
mapping (key, value, key, value…) and list, found by the identity of that object.
"""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from runner.loading import syntax
from runner.loading.garbage import no_collector
from runner.loading.key_rules import NOTHING, in_place_of, no_word_for_nothing, refusal, shortened, strange_text
from runner.loading.limits import Limits
from runner.loading.problems_list import Problems
from runner.loading.scalars import Oddity, resolve
from runner.loading.source import Source

SHIFT = 28
LENGTHS = (1 << SHIFT) - 1
"""Bits of a place that are its length: more than any file may have."""

COMMANDS = frozenset({"shell", "command", "run"})
"""Keys whose plain text a comment must not cut short unseen."""

TEXT_TAG = "tag:yaml.org,2002:str"
SURROGATE = re.compile("[\ud800-\udfff]")
COMMENT = re.compile("[ ]+#")
TAB = re.compile(r"(?:[^\t#]|#[^\n]*+)*+\t")
OTHER_DIRECTIVE = re.compile(r"(?:[ ]*+(?:#[^\n]*+)?+\n|%YAML[^\n]*+\n)*+(%(?!YAML\b)[^\s]*)")

LIST_BELOW = re.compile(r"\n[ ]*- ")

SPLIT = "split the file, or move values to vars_files"
FLATTER = "give what is deep inside a name of its own"

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


def parsers() -> tuple[Callable[[str], Any], ...]:
    """The parsers that can be used here, the preferred one first."""
    fast = getattr(yaml, "CSafeLoader", None)
    return (fast, yaml.SafeLoader) if fast else (yaml.SafeLoader,)


def compose(
    source: Source, problems: Problems, limits: Limits, parser: Callable[[str], Any] | None = None
) -> Composed | None:
    """The data in a text, or None where its syntax is broken or it asks for too much; ``problems`` says why."""
    composer = _Composer(source, problems, limits)
    with no_collector():
        try:
            composer.refuse_directives()
            composer.read((parser or parsers()[0])(source.text))
        except Ended:
            return None
        except yaml.YAMLError as error:
            syntax.explain(error, source, problems)
            return None
        except ValueError:  # the parser in Python, of an escape beyond Unicode
            place = syntax.bad_escape(source)
            problems.error("E115", "an escape names no character", place, "write the character itself")
            return None
    return composer.result


class _Composer:
    """A machine that is fed events; ``node``, ``places`` and ``key`` are those of the innermost open mapping or list.

    ``plain`` and ``keys`` remember what was met before, so that only new scalars are looked at. ``refused`` are keys
    that were left out, with the mapping they stood in, which is kept, as its identity is part of the key. ``extra``
    counts what aliases would add if they were copies; ``height`` is how deep the children of the innermost node reach,
    theirs too.
    """

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
        self.height = 0
        self.nodes = 0
        self.extra = 0
        self.document: int | None = None
        self.plain: dict[str, Any] = {}
        self.keys: dict[str, str] = {}
        self.anchors: dict[str, tuple[Any, int, int, int]] = {}
        self.anchor_starts: dict[str, int] = {}
        self.refused: dict[tuple[int, str], tuple[Any, int]] = {}
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
        kind, most = None, self.limits.nodes
        while kind is not yaml.StreamEndEvent:
            event = parser.get_event()
            kind = event.__class__
            if has_tabs:
                self.refuse_tabs(event)
            handlers[kind](event)
            if self.nodes > most:
                message = f"the file has more than {most} keys and values, the limit"
                self.fail("E222", message, event.start_mark.index, hint=SPLIT)

    def pass_by(self, _event: Any) -> None:
        """Nothing to do."""

    def start_document(self, event: Any) -> None:
        """A second one is refused."""
        start = event.start_mark.index
        if self.document is not None:
            first = self.source.location(self.document)
            message = f"a second document starts here; the first one is at line {first.line}"
            self.fail("E214", message, start, 3, hint="make it a file of its own")
        if event.version:
            version = ".".join(map(str, event.version))
            self.tell(
                Oddity("W215", f"%YAML {version} has no effect: files are read by YAML 1.2", "leave it out"), start
            )
        self.document = start

    def scalar(self, event: Any) -> None:
        """A key, or a value that holds no others. Most are plain and met before, so those take the short way."""
        if event.style or event.tag is not None or event.anchor is not None:
            self.other_scalar(event)
            return
        start = event.start_mark.index
        length = event.end_mark.index - start
        if not length:  # the two parsers put nothing before or behind the spaces that follow a colon
            start = len(self.source.text[:start].rstrip(" \r\n"))
        self.nodes += 1
        text = event.value
        if self.key is WANTED:
            if text in self.keys and text not in self.node:
                self.key, self.key_place = self.keys[text], start << SHIFT | length
            else:
                self.take_key(text, start, length, is_plain=True)
            return
        value = self.plain[text] if text in self.plain else self.resolved(text, start, length)
        if self.key in COMMANDS:
            self.warn_of_comment(start + length)
        self.put(value, start << SHIFT | length)

    def other_scalar(self, event: Any) -> None:
        """A scalar in quotes, in a block, or with an anchor or a tag."""
        start = event.start_mark.index
        length = event.end_mark.index - start
        text = value = event.value
        self.nodes += 1
        is_plain = not event.style and event.tag is None
        if event.tag is not None:
            self.check_tag(event, start)
        if self.key is WANTED:
            self.take_key(text, start, length, is_plain=is_plain)
        else:
            if is_plain:
                value = self.resolved(text, start, length)
            else:
                self.check_text(text, start, length)
            self.put(value, start << SHIFT | length)
        if event.anchor:
            self.name_anchor(event.anchor, start)
            self.anchors[event.anchor] = (value, start << SHIFT | length, 1, 0)

    def resolved(self, text: str, start: int, length: int) -> Any:
        """The value of plain text that was not met before, or that is odd each time."""
        self.check_text(text, start, length)
        value, odd = resolve(text)
        if odd is None:
            if text.isprintable() and text not in NOTHING and "- " not in text:
                self.plain[text] = value
        else:
            self.tell(in_place_of(odd, self.key, text), start, length)
        if isinstance(value, str):
            self.check_plain(text, start, length)
        return value

    def check_plain(self, text: str, start: int, length: int) -> None:
        """Text without quotes that was hardly meant as it is read."""
        if odd := no_word_for_nothing(text, self.key):
            self.tell(odd, start, length)
        if "- " in text and (item := LIST_BELOW.search(self.source.text, start, start + length)):
            place = self.source.location(start)
            hint = f"indent the list under a key of its own, or quote the text of line {place.line}"
            message = f"a list can't start here: the text of line {place.line} goes on"
            self.tell(Oddity("E202", message, hint), item.end() - 1)

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

    def take_key(self, key: str, start: int, length: int, *, is_plain: bool) -> None:
        """Keep a key for the value that comes next, or DROPPED where it is refused."""
        odd = refusal(key, is_plain=is_plain, limit=self.limits.key)
        key = sys.intern(key)
        if is_plain and odd is None:
            self.keys[key] = key
        earlier = self.earlier(key)
        if earlier is None and odd:
            self.refused[id(self.node), key] = self.node, start
        if earlier is not None:
            first = self.source.location(earlier)
            message = f'key "{shortened(key)}" is here twice; first at line {first.line}, column {first.column}'
            odd = Oddity("E309", message, "remove one of them")
        if odd:
            self.tell(odd, start, length)
        self.key = DROPPED if odd else key
        self.key_place = start << SHIFT | length

    def earlier(self, key: str) -> int | None:
        """Where the innermost mapping has this key already, taken or refused."""
        if key in self.node:
            return self.places[2 * list(self.node).index(key)] >> SHIFT
        found = self.refused.get((id(self.node), key))
        return found[1] if found else None

    def open(self, event: Any) -> None:
        """A mapping or list begins."""
        start = event.start_mark.index
        self.nodes += 1
        if len(self.stack) >= self.limits.depth:
            self.fail("E212", f"nested more than {self.limits.depth} levels deep", start, hint=FLATTER)
        if event.tag is not None:
            self.check_tag(event, start)
        if event.anchor:
            self.name_anchor(event.anchor, start)
        total = self.nodes + self.extra
        self.stack.append(
            (self.node, self.places, self.key, self.key_place, self.is_template, self.height, event, total)
        )
        is_mapping = event.__class__ is yaml.MappingStartEvent
        self.node = {} if is_mapping else []
        self.key = WANTED if is_mapping else None
        self.places = self.result.places[id(self.node)] = []
        self.is_template = False
        self.height = 0

    def close(self, event: Any) -> None:
        """A mapping or list is complete: it becomes a value of the one around it."""
        value, is_template, height = self.node, self.is_template, self.height + 1
        frame = self.stack.pop()
        self.node, self.places, self.key, self.key_place, self.is_template, self.height, opened, total = frame
        self.height = max(self.height, height)
        start = opened.start_mark.index
        length = event.end_mark.index - start if opened.flow_style else 1
        if opened.anchor:
            size = self.nodes + self.extra - total + 1
            self.anchors[opened.anchor] = (value, start << SHIFT | length, size, height)
        if self.key is WANTED:
            self.drop_key(start, length, is_template=is_template)
            return
        if is_template:
            value = self.source.text[start : start + length]
            message = "a template without quotes is a mapping to YAML"
            quote = "'" if '"' in value else '"'
            self.tell(Oddity("E206", message, f"quote it: {quote}{shortened(value)}{quote}"), start, length)
        self.put(value, start << SHIFT | length)

    def drop_key(self, start: int, length: int, *, is_template: bool) -> None:
        """A mapping or list stands where a key should be: two braces of a template, or nothing that makes sense."""
        self.key = DROPPED
        if is_template:
            self.tell(Oddity("E207", "no templates in keys", "only values are rendered"), start, length)
        elif self.source.text.startswith("{{", start - 1):
            self.is_template = True
        else:
            odd = Oddity("E302", "a key must be text; this is a list or mapping", "is it meant as the value?")
            self.tell(odd, start, length)

    def alias(self, event: Any) -> None:
        """The value of an anchor again. It is shared, not copied, but counted as if it were."""
        start = event.start_mark.index
        length = event.end_mark.index - start
        self.nodes += 1
        if event.anchor not in self.anchors:
            self.unknown_alias(event.anchor, start, length)
        value, place, size, height = self.anchors[event.anchor]
        self.height = max(self.height, height)
        self.extra += size - 1
        self.result.aliases[start] = (place >> SHIFT, place & LENGTHS)
        if len(self.result.aliases) > self.limits.aliases:
            message = f"the file has more than {self.limits.aliases} aliases, the limit"
            self.fail("E223", message, start, length, hint=SPLIT)
        if len(self.stack) + height > self.limits.depth:
            message = f"with this alias nested more than {self.limits.depth} levels deep"
            self.fail("E212", message, start, length, hint=FLATTER)
        if self.nodes + self.extra > self.limits.expanded:
            message = f"with every alias written out the file has more than {self.limits.expanded} values"
            self.fail("E211", message, start, length, hint="aliases of aliases multiply: write out what is meant")
        if self.key is WANTED:
            self.tell(Oddity("E302", "a key must be text; this is an alias", "write the key out"), start, length)
            self.key = DROPPED
        else:
            self.put(value, start << SHIFT | length)

    def unknown_alias(self, name: str, start: int, length: int) -> NoReturn:
        """End with what could have been meant."""
        if name in self.anchor_starts:
            hint = "write the value out"
            self.fail("E209", f'"*{name}" stands inside what "&{name}" names', start, length, hint=hint)
        known = ", ".join(f'"{anchor}"' for anchor in list(self.anchors)[:10])
        message = f'no anchor is called "{name}"; ' + (f"there are {known}" if known else "the file has none")
        self.fail("E209", message, start, length, hint="quote the value if it is meant as text")

    def name_anchor(self, name: str, start: int) -> None:
        """Refuse a second anchor of the same name."""
        if name in self.anchor_starts:
            first = self.source.location(self.anchor_starts[name])
            message = f'anchor "{name}" is here twice; first at line {first.line}, column {first.column}'
            self.tell(Oddity("E210", message, "give it another name"), start, len(name) + 1)
        self.anchor_starts.setdefault(name, start)

    def check_tag(self, event: Any, start: int) -> None:
        """Only ``!!str`` on a scalar is allowed."""
        if event.tag == TEXT_TAG and event.__class__ is yaml.ScalarEvent:
            return
        if event.tag == "!":
            self.tell(Oddity("E208", 'a value can\'t start with "!"', "quote it"), start)
            return
        written = self.source.text[start : event.end_mark.index].split(maxsplit=1)[0]
        hint = "only !!str can be used; quote the value if it is meant as text"
        self.tell(Oddity("E218", f'tags are not allowed; "{shortened(written)}" was given', hint), start, len(written))

    def check_text(self, text: str, start: int, length: int) -> None:
        """Characters that nobody sees, or that only an escape could bring; and the length."""
        if len(text) > self.limits.scalar:
            message = f"a text of {len(text)} characters; the limit is {self.limits.scalar}"
            self.fail("E224", message, start, hint="put it in a file of its own, and copy that")
        if text.isprintable():
            return
        if SURROGATE.search(text):
            half = syntax.half_escape(self.source, start)
            self.fail("E115", "an escape names no character", half, hint="write the character itself")
        if odd := strange_text(text, self.key):
            self.tell(odd, start, length)

    def warn_of_comment(self, end: int) -> None:
        """A command that a comment cuts short is rarely meant."""
        if match := COMMENT.match(self.source.text, end):
            hint = "quote the command if # belongs to it"
            self.tell(Oddity("W221", '" #" starts a comment: the command ends here', hint), match.end() - 1)

    def refuse_tabs(self, event: Any) -> None:
        """A tab outside of quotes and blocks: the two parsers disagree about it, and so do people."""
        start, end = event.start_mark.index, event.end_mark.index
        if start < self.end:
            return
        gap = self.source.text[self.end : start]
        tab = TAB.match(gap) if "\t" in gap else None
        if tab:
            self.fail(*syntax.tab(self.source, self.end + tab.end() - 1), hint=syntax.TAB_HINT)
        if event.__class__ is yaml.ScalarEvent and not event.style and "\t" in self.source.text[start:end]:
            self.fail(*syntax.tab(self.source, self.source.text.index("\t", start)), hint=syntax.TAB_HINT)
        self.end = end

    def refuse_directives(self) -> None:
        """Only ``%YAML`` is known. Looked for here, as one of the parsers passes over the others."""
        if match := OTHER_DIRECTIVE.match(self.source.text):
            message = f'unknown directive "{shortened(match[1])}"'
            self.fail("E217", message, match.start(1), len(match[1]), hint="quote it if it is meant as text")

    def tell(self, odd: Oddity, start: int, length: int = 1) -> None:
        """Report what does not end the reading."""
        report = self.problems.warning if odd.code.startswith("W") else self.problems.error
        report(odd.code, odd.message, self.source.location(start, length), odd.hint)

    def fail(self, code: str, message: str, start: int, length: int = 1, *, hint: str = "") -> NoReturn:
        """Report what ends the reading of this file. Raises Ended."""
        self.tell(Oddity(code, message, hint), start, length)
        raise Ended
