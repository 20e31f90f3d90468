"""The one place that makes untrusted characters visible before they reach a terminal.

Output of a host, reasons, file and host names may hold anything: escape sequences that move the cursor, set the title
or fill the clipboard, a carriage return that overwrites a line, bidirectional marks that turn text around. Raw bytes
are in the output files only; whatever people look at passes :func:`visible`.

The set is that of the terminal escapes that have had a CVE: the control characters (C0 but the tab, DEL, the 8-bit
C1), the bidirectional marks U+061C, U+200E, U+200F, U+202A to U+202E and U+2066 to U+2069, the line separators U+2028
and U+2029, and lone surrogates, which stand for bytes that are no UTF-8.
"""

import re

_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]",
)
_NAMES = {"\n": "\\n", "\r": "\\r", "\x1b": "\\e"}


def visible(text: str, *, keep_newlines: bool = False) -> str:
    r"""The text with every harmful character spelt out: ``\e`` for ESC, ``\x07``, ``\r``, ``\u202e``.

    A byte that is no UTF-8 (a surrogate U+DC80 to U+DCFF) reads ``\xff``. Tabs stay; line feeds stay only where
    ``keep_newlines`` says so, and are ``\n`` elsewhere, so that the answer is a single line.
    """
    if text.isprintable():
        return text
    shown = _HARMFUL.sub(lambda match: _spelt(match[0]), text)
    return shown if keep_newlines else shown.replace("\n", "\\n")


def _spelt(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return _NAMES.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
