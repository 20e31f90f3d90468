"""Masking secret values in text, data and streams; pure.

It is the second net: the first is that secrets never travel in argument lists, environments or records. So it is best
effort: it knows the forms in which a value usually shows up, not every form there is.

The forms of a value: itself; each of its lines of four characters or more; in base64, standard and URL-safe, at each of
the three places in a group of three bytes where it can begin, and in lines as ``base64`` and PEM have them; in hex;
percent-encoded; as inside a JSON string, once and twice; quoted for a shell in each of its ways; C-escaped; as in HTML.
Values of fewer than four characters are masked as they are, and in no other form, since their
encodings are too short to mean anything.

**Why a constant marker**: one as long as the value would tell its length.
"""

import base64
import html
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

MARKER = "***"
"""What stands where a secret stood."""

SHORT = 4
"""Characters below which a value has no other form than itself; masking such values hides ordinary text too."""

LINES = (76, 64)
"""Characters in a line of base64 (RFC 2045, section 6.8; RFC 7468, section 2)."""

_MARK = MARKER.encode()
_INSIDE = bytes(range(0x80, 0xC0))  # the bytes of a UTF-8 character behind its first


_Text = TypeVar("_Text", str, bytes)


class Redactor:
    """Masks a fixed set of secret values, given as text. Without any it costs nothing: everything is handed back."""

    def __init__(self, secrets: Iterable[str]) -> None:
        values = {secret for secret in secrets if secret}
        self.has_short = any(len(value) < SHORT for value in values)
        forms = {form for value in values for form in _forms(value)}
        self._texts = sorted(forms, key=lambda form: (-len(form), form))
        encoded = {form.encode("utf-8", "surrogateescape") for form in forms}
        self._bytes = sorted(encoded, key=lambda form: (-len(form), form))
        self._text_pattern = re.compile("|".join(map(re.escape, self._texts)))
        self._bytes_pattern = re.compile(b"|".join(map(re.escape, self._bytes)))

    def __bool__(self) -> bool:
        """Whether there is anything to mask."""
        return bool(self._texts)

    def text(self, text: str) -> str:
        """The text with every form of every secret masked, the longest first."""
        if not any(form in text for form in self._texts):
            return text
        return self._text_pattern.sub(MARKER, text)

    def cut(self, text: str) -> str:
        """Text that was cut off at its ends, perhaps in the middle of a secret: what is left of that is masked too."""
        end = max((_common(text, form) for form in self._texts), default=0)
        rest = text[: len(text) - end]
        start = max((_common(form, rest) for form in self._texts), default=0)
        return (MARKER if start else "") + self.text(rest[start:]) + (MARKER if end else "")

    def rest(self, chunk: bytes) -> bytes:
        """Bytes at the end of a stream that may begin in the middle of a secret: what is left of that is masked too."""
        if not self._bytes:
            return chunk
        whole = chunk.lstrip(_INSIDE)  # what is cut off may be in the middle of a character, too
        start = max((_common(form, whole) for form in self._bytes), default=0)
        masked = self._bytes_pattern.sub(_MARK, whole[start:])
        return chunk[: len(chunk) - len(whole)] + (_MARK if start else b"") + masked

    def data(self, tree: Any) -> Any:
        """The tree with all text and bytes in it masked, keys too. What needs no masking is handed back as it is."""
        return self._masked(tree) if self._texts else tree

    def stream(self) -> "StreamRedactor":
        """A masker for bytes that come in pieces."""
        return StreamRedactor(self._bytes_pattern, self._bytes)

    def _masked(self, tree: Any) -> Any:
        match tree:
            case str():
                return self.text(tree)
            case bytes():
                return self._bytes_pattern.sub(_MARK, tree)
            case dict():
                return {self._masked(key): self._masked(value) for key, value in tree.items()}
            case list():
                return [self._masked(value) for value in tree]
            case tuple():
                return tuple(self._masked(value) for value in tree)
            case _:
                return tree


class StreamRedactor:
    """Masks bytes that come in pieces, as if they had come at once.

    It keeps back only an end that could be the beginning of a secret: always less than the longest form.
    """

    def __init__(self, pattern: re.Pattern[bytes], forms: list[bytes]) -> None:
        self._pattern = pattern
        self._forms = forms
        self._longest = len(forms[0]) if forms else 0
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What can be passed on, now that these bytes have come."""
        if not self._forms:
            return chunk
        waiting = self._held + chunk
        safe = self._undecided_from(waiting, 0)
        done, parts = 0, []
        while (match := self._pattern.search(waiting, done)) and match.start() < safe:
            parts += [waiting[done : match.start()], _MARK]
            done = match.end()
            if done > safe:
                safe = self._undecided_from(waiting, done)
        # Where a match begins behind that, a longer form may begin, too: the next bytes decide.
        self._held = waiting[safe:]
        return b"".join([*parts, waiting[done:safe]])

    def finish(self) -> bytes:
        """The rest, when nothing more will come."""
        rest, self._held = self._held, b""
        return self._pattern.sub(_MARK, rest) if self._forms else rest

    def _undecided_from(self, waiting: bytes, start: int) -> int:
        """The first place from ``start`` on where a form begins that has not come to its end."""
        first = len(waiting)
        for form in self._forms:
            position = waiting.find(form[:1], max(start, len(waiting) - len(form) + 1), first)
            while position >= 0 and not form.startswith(waiting[position:]):
                position = waiting.find(form[:1], position + 1, first)
            first = position if position >= 0 else first
        return first


def _common(one: _Text, other: _Text) -> int:
    """How many characters, four at least, both end the one text and begin the other."""
    at = one.find(other[:SHORT], max(0, len(one) - len(other))) if len(other) >= SHORT else -1
    while at >= 0:
        if other.startswith(one[at:]):
            return len(one) - at
        at = one.find(other[:SHORT], at + 1)
    return 0


def _forms(value: str) -> Iterator[str]:
    yield value
    if len(value) < SHORT:
        return
    for text in {value, value.strip()}:
        if len(text) >= SHORT:
            yield text
            yield from _encoded(text)
    for line in value.splitlines():
        yield from (text for text in (line, line.strip()) if len(text) >= SHORT)


def _encoded(text: str) -> Iterator[str]:
    raw = text.encode("utf-8", "surrogateescape")
    yield from _base64(raw)
    for hexed in (raw.hex(), raw.hex(":"), raw.hex(" ")):
        yield from (hexed, hexed.upper())
    yield from _percent(raw)
    for ascii_only in (True, False):
        inside = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield from (inside, inside.replace("/", "\\/"), json.dumps(inside, ensure_ascii=ascii_only)[1:-1])
    yield from _quoted(text)
    yield from _escaped(raw)
    yield from (html.escape(text), html.escape(text, quote=False))


def _quoted(text: str) -> Iterator[str]:
    """As a shell may have it: in single quotes, in double ones, behind backslashes."""
    yield from (shlex.quote(text), text.replace("'", "'\"'\"'"), text.replace("'", "'\\''"))
    yield re.sub(r'([\\"$`])', r"\\\1", text)
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", text)


def _base64(raw: bytes) -> Iterator[str]:
    """The characters that depend on the value alone, for each place in a group of three bytes; and whole lines."""
    for width in LINES:
        whole = base64.b64encode(raw).decode()
        lines = [whole[start : start + width] for start in range(0, len(whole), width)]
        yield from (line for line in lines if len(lines) > 1 and len(line) > SHORT)
    for before, spoilt in ((0, 0), (1, 2), (2, 3)):
        whole = base64.b64encode(b"\0" * before + raw).decode()
        inside = whole[spoilt : (before + len(raw)) * 8 // 6]
        if len(inside) >= SHORT:
            yield inside
            yield inside.translate(str.maketrans("+/", "-_"))


def _percent(raw: bytes) -> Iterator[str]:
    for form in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield form
        yield re.sub("%..", lambda match: match[0].lower(), form)


def _escaped(raw: bytes) -> Iterator[str]:
    text = raw.decode("latin-1").encode("unicode_escape").decode()
    yield from (text, text.replace("'", "\\'"), text.replace('"', '\\"'))
