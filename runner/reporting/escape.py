r"""The one place that makes untrusted characters visible before they reach a terminal.

Output of a host, reasons, file and host names may hold anything: escape sequences that move the cursor, set the title
or fill the clipboard, a carriage return that overwrites a line, bidirectional marks that turn text around, letters that
nobody sees. Raw bytes are in the output files only; whatever people look at passes :func:`visible`, piece by piece, and
:func:`tame` once more as a whole on its way out, so that a piece that was forgotten can do no harm.

What is spelt out:

- control characters (C0 but the tab, DEL, the 8-bit C1), which are what has had a CVE, and the carriage return;
- bidirectional marks, U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069, and the line separators beside them;
- what takes no room or has no meaning: the soft hyphen, zero-width spaces and no-break spaces, invisible operators,
  interlinear marks, tags and all of plane 14, private use, noncharacters. The joiners U+200C and U+200D and the first
  variation selectors stay: Persian and emoji are written with them;
- lone surrogates, which stand for bytes that are no UTF-8;
- combining marks behind the fourth on one letter, which grow over the lines above and below.
"""

import re

_HARMFUL = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ue000-\uf8ff"
    "\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff"
)
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_HIDDEN = re.compile(f"[{_HARMFUL}]|(?<={_MARK}{{4}}){_MARK}")

_OURS = r"\x1b\[(?:[012]|[39][0-7])(?:;(?:[012]|[39][0-7]))*m|\x1b\[[0-9]{1,4}A|\r\x1b\[J"
"""Colours, bold and dim; and what the live view does: up some lines, and clear from there to the end."""

_FOREIGN = re.compile(f"({_OURS})|[{_HARMFUL}]|(?<={_MARK}{{4}}){_MARK}")
_CONTROLS = bytes(code for code in (*range(32), 127) if chr(code) not in "\t\n")
_NAMES = {"\n": "\\n", "\r": "\\r", "\x1b": "\\e"}


def visible(text: str, *, keep_newlines: bool = False) -> str:
    r"""The text with every harmful character spelt out: ``\e`` for ESC, ``\x07``, ``\r``, ``\u202e``.

    A byte that is no UTF-8 (a surrogate U+DC80 to U+DCFF) reads ``\xff``. Tabs stay; line feeds stay only where
    ``keep_newlines`` says so, and are ``\n`` elsewhere, so that the answer is a single line.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = _HIDDEN.sub(lambda match: _spelt(match[0]), text)
    return shown if keep_newlines else shown.replace("\n", "\\n")


def tame(text: str, *, ours: bool = False) -> str:
    """The last net, for text on its way out: nothing harmful is left but line feeds.

    With ``ours`` the few sequences that runner itself writes to a terminal stay, and no other one.
    """
    if text.isascii() and len((data := text.encode()).translate(None, _CONTROLS)) == len(data):
        return text  # found thirty times faster than by a pattern, and nearly all of what is written
    if not ours:
        return visible(text, keep_newlines=True)
    return _FOREIGN.sub(lambda match: match[1] or _spelt(match[0]), text)


def _spelt(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return _NAMES.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
