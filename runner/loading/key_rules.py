"""Which keys are refused, and which texts deserve a word; pure."""

import re
from typing import Any

from runner.loading.characters import INVISIBLE, named
from runner.loading.scalars import WORDS, Oddity, resolve

NAMES = frozenset({"name", "id", "hosts", "address", "user", "group", "owner", "path", "src", "dest", "cwd", "file"})
"""Keys whose text stands in messages, on command lines or in file names."""

SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def refusal(key: str, *, is_plain: bool, limit: int) -> Oddity | None:
    """Why a key can't be used, or None. A plain one is written without quotes."""
    if len(key) > limit:
        return Oddity("E213", f"a key of {len(key)} characters; the limit is {limit}")
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
        return Oddity("E111", f"the key contains {named(match[0])}, which nobody sees")
    if match := CONTROL.search(key):
        return Oddity("E107", f"a key can't contain {named(match[0])}")
    return None


def strange_text(text: str, key: Any) -> Oddity | None:
    """What nobody would see in the text that stands under ``key``, or None."""
    if match := INVISIBLE.search(text):
        code = "E111" if key in NAMES else "W112"
        return Oddity(code, f"the text contains {named(match[0])}, which nobody sees")
    if key in NAMES and (match := CONTROL.search(text)):
        return Oddity("E107", f'"{key}" can\'t contain {named(match[0])}')
    return None


def kind_of(value: Any) -> str:
    """What a scalar that is no text is called."""
    return "nothing" if value is None else "a boolean" if isinstance(value, bool) else "a number"


def shortened(text: str) -> str:
    """Text for a message."""
    return text if len(text) <= 60 else text[:57] + "…"
