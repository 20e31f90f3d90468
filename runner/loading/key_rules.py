"""Which keys are refused, and which texts deserve a word; pure."""

import re
from typing import Any

from runner.loading.characters import INVISIBLE, named
from runner.loading.scalars import WORDS, Oddity, resolve

NAMES = frozenset({"name", "id", "hosts", "address", "user", "group", "owner", "path", "src", "dest", "cwd", "file"})
"""Keys whose text stands in messages, on command lines or in file names."""

SHORTER = "a long text can be a value"
SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
UNSEEN = "type the text anew, rather than copying it"
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def refusal(key: str, *, is_plain: bool, limit: int) -> Oddity | None:
    """Why a key can't be used, or None. A plain one is written without quotes."""
    if len(key) > limit:
        return Oddity("E213", f"a key of {len(key)} characters; the limit is {limit}", SHORTER)
    if SIMPLE.fullmatch(key) and not (is_plain and key in WORDS):
        return None
    return (_not_text(key) if is_plain else None) or _strange(key)


def _not_text(key: str) -> Oddity | None:
    if key == "<<":
        return Oddity("E310", "merge keys are not allowed", "write the keys out, or use an alias as a whole value")
    value, odd = resolve(key)
    if odd and odd.code.startswith("E"):
        return odd
    if not isinstance(value, str):
        return Oddity("E302", f'a key must be text; "{key}" is {kind_of(value)}', f'quote it: "{key or "~"}"')
    return None


def _strange(key: str) -> Oddity | None:
    if "{{" in key or "{%" in key:
        return Oddity("E207", "no templates in keys", "only values are rendered")
    if match := INVISIBLE.search(key):
        return Oddity("E111", f"the key contains {named(match[0])}, which nobody sees", UNSEEN)
    if match := CONTROL.search(key):
        return Oddity("E107", f"a key can't contain {named(match[0])}", "leave it out")
    return None


def strange_text(text: str, key: Any) -> Oddity | None:
    """What nobody would see in the text that stands under ``key``, or None."""
    if match := INVISIBLE.search(text):
        code = "E111" if key in NAMES else "W112"
        return Oddity(code, f"the text contains {named(match[0])}, which nobody sees", UNSEEN)
    if key in NAMES and (match := CONTROL.search(text)):
        return Oddity("E107", f'"{key}" can\'t contain {named(match[0])}', "leave it out")
    return None


NOTHING = frozenset({"none", "None", "NONE", "nil", "Nil", "NIL"})
WITH_NONE = frozenset({"jitter", "jump", "approve", "shell", "command", "log", "run", "default"})
"""Keys that have a word ``none`` of their own, or under which any text is meant as it is."""


def no_word_for_nothing(text: str, key: Any) -> Oddity | None:
    """What other languages call nothing is text here: worth a word where it stands alone under a key."""
    if text not in NOTHING or not isinstance(key, str) or key in WITH_NONE:
        return None
    return Oddity("W307", f'"{text}" is text here, not nothing', f'write null, or quote it: "{text}"')


def in_place_of(odd: Oddity, key: Any, text: str) -> Oddity:
    """A complaint about a number, in the words of the key it stands under."""
    if odd.code != "E304" or key not in ("mode", "port"):
        return odd
    if key == "port":
        return Oddity("E503", f"the port {shortened(text)} has a leading zero", f"write {text.lstrip('0') or 0}")
    return Oddity("E303", *mode_flaw(text, is_quoted=False))


def mode_flaw(text: str, *, is_quoted: bool) -> tuple[str, str]:
    """Why text is no file mode, and what to write."""
    usual = 'write four octal digits in quotes: "0644"'
    digits = text.removeprefix("0o")
    if not digits.isdecimal():
        return f'"{shortened(text)}" is no mode: it must be octal digits', usual
    if set(digits) & set("89"):
        return f'"{shortened(text)}" is no mode: 8 and 9 are no octal digits', usual
    if len(digits.lstrip("0")) > 4:
        return f'"{shortened(text)}" is no mode: it is larger than "7777"', usual
    fit = f'quote it: "{digits.lstrip("0"):0>4}"'
    if is_quoted:
        return f'"{shortened(text)}" is no mode: it must have three or four digits', fit.replace("quote it", "write")
    return f"the mode {shortened(text)} without quotes is octal to some readers and decimal to others", fit


def kind_of(value: Any) -> str:
    """What a scalar that is no text is called."""
    return "nothing" if value is None else "a boolean" if isinstance(value, bool) else "a number"


def shortened(text: str) -> str:
    """Text for a message."""
    return text if len(text) <= 60 else text[:57] + "…"
