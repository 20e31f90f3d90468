"""Characters that no file may hold, because people and programs would see different things."""

import re
import unicodedata

from runner.loading.problems_list import Problems
from runner.loading.source import Source

BARE_CR = r"\r(?!\n)"
CONTROLS = "[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
SEPARATORS = "[\u2028\u2029]"
BIDIRECTIONAL = "[\u202a-\u202e\u2066-\u2069]"
SURROGATES = "[\ud800-\udfff]"
UNUSABLE = "[\ufffe\uffff]"
NO_BREAK = r"(?m:^[ ]*[-? ]*[\xa0\u2007\u202f]|(?<=:)[\xa0\u2007\u202f]|^[ ]*(?:[-?] +)*[\w.-]+: +[\xa0\u2007\u202f])"

REFUSED = re.compile(
    f"(?P<E109>{BARE_CR})|(?P<E104>\x00)|(?P<E106>{CONTROLS})|(?P<E108>{SEPARATORS})|(?P<E110>{BIDIRECTIONAL})"
    f"|(?P<E115>{SURROGATES}|{UNUSABLE})|(?P<E113>{NO_BREAK})"
)
HINTS = {
    "E104": "is this a binary file, or UTF-16 or UTF-32?",
    "E106": "in a quoted text write it as an escape",
    "E108": "use a normal line end",
    "E109": "end lines with LF or CRLF",
    "E110": 'write it as an escape: "\\u%04x"',
    "E113": "use a normal space",
}
C0_NAMES = [
    "NUL",
    "SOH",
    "STX",
    "ETX",
    "EOT",
    "ENQ",
    "ACK",
    "BEL",
    "BS",
    "HT",
    "LF",
    "VT",
    "FF",
    "CR",
    "SO",
    "SI",
    "DLE",
    "DC1",
    "DC2",
    "DC3",
    "DC4",
    "NAK",
    "SYN",
    "ETB",
    "CAN",
    "EM",
    "SUB",
    "ESC",
    "FS",
    "GS",
    "RS",
    "US",
]
MESSAGES = {
    "E109": "a carriage return alone ends this line",
    "E110": "%s turns the direction of text around",
    "E113": "%s where a space or nothing is meant",
}
MOST = 1_000
"""Refused characters of one file that are told apart."""

INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff]")
"""Characters of no width. Not refused in values, as some languages need them; in keys and names they are."""


def named(character: str) -> str:
    """A character as messages show it: ``U+0007 BEL``."""
    code = ord(character)
    if code < 32:
        return f"U+{code:04X} {C0_NAMES[code]}"
    return f"U+{code:04X} {unicodedata.name(character, 'control character' if code < 0xA0 else '')}".rstrip()


def check_characters(source: Source, problems: Problems) -> bool:
    """Whether the text holds none of the refused characters; each one found is a problem."""
    if source.text.isascii() and source.text.replace("\n", "").replace("\t", "").isprintable():
        return True
    fine = True
    for count, match in enumerate(REFUSED.finditer(source.text), 1):
        fine = False
        if count > MOST:
            place = source.location(match.end() - 1)
            problems.error(
                "E106", f"more than {MOST} characters can't stand in a file", place, "is this a binary file?"
            )
            break
        code, character = match.lastgroup or "E106", match[0][-1]
        message = MESSAGES.get(code, "%s can't stand in a file").replace("%s", named(character))
        hint = HINTS.get(code, "")
        place = source.location(match.end() - 1)
        problems.error(code, message, place, hint % ord(character) if "%" in hint else hint)
    return fine
