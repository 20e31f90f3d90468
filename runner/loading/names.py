"""Which names hosts and groups may have, and why a name is refused.

Names become folders of a run, text in shells and words of patterns, so the rule is tight: letters, digits, ``.``,
``-`` and ``_``. Host names are lower case, as DNS and known_hosts compare them: no two may differ in case alone.
"""

import re
from collections.abc import Callable

from runner.model.inventory import CONTROLLER, RESERVED_NAMES
from runner.model.scope import ALWAYS

MAX_LENGTH = 253
"""Characters of a host name (RFC 1035, in text form)."""

RESERVED_VARIABLES = frozenset(
    {*ALWAYS, "item", "loop", "result", "range", "true", "false", "none", "not", "and", "or", "in", "is"}
)
"""Names no variable may have: they are always there, or mean something in an expression."""

_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_-]|\.(?!\.|\Z))*\Z")
_GROUP = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]|\.(?!\.|\Z))*\Z")
_ADDRESS = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_.:%-]*\Z")
_PORT = re.compile(r"[^:]+:[0-9]+\Z")

Reason = tuple[str, str]
"""What is wrong with a name, and a hint or nothing."""

_CHECKS: tuple[tuple[Callable[[str], object], Reason], ...] = (
    (lambda name: not name, ("is empty", "")),
    (lambda name: len(name) > MAX_LENGTH, (f"has more than {MAX_LENGTH} characters", "")),
    (lambda name: name == CONTROLLER, ("is this machine, which is always there", "name it in a play, not here")),
    (lambda name: name in RESERVED_NAMES, ("is a word of the language", "")),
    (re.compile(r"[\x00-\x1f\x7f-\x9f]").search, ("has a control character in it", "")),
    (re.compile(r"\s").search, ("has white space in it", "")),
    (re.compile(r"\{\{|\{%|\{#").search, ("is a template; names are fixed", "use a range, such as web[01-12]")),
    (re.compile(r"[^\x00-\x7f]").search, ("has letters beyond ASCII", "use ASCII; DNS names have an xn-- form")),
    (lambda name: name.startswith("-"), ("starts with a hyphen", "a name must not look like an option")),
    (lambda name: "@" in name, ("has a user in it", "say `ssh: {user: NAME}`")),
    (
        lambda name: name.startswith("[") or name.count(":") > 1,
        ("looks like an IPv6 address", "give a name, and say `address: ...`"),
    ),
    (_PORT.match, ("has a port in it", "say `ssh: {port: NUMBER}`")),
    (lambda name: "/" in name, ("has a slash in it", "")),
    (lambda name: "," in name, ("has a comma in it", "write each host as a key of its own, or a range: web[1,3]")),
    (lambda name: ".." in name, ('has ".." in it', "")),
    (lambda name: name.startswith("."), ("starts with a dot", "")),
)


def why_not_host(name: str) -> Reason | None:
    """Why no host may have this name, or None."""
    if _HOST.match(name) and len(name) <= MAX_LENGTH and name not in RESERVED_NAMES:
        return None
    if name.lower() != name and why_not_host(name.lower()) is None:
        return "has upper case letters in it", f'write "{name.lower()}"'
    return _reason(name)


def why_not_group(name: str) -> Reason | None:
    """Why no group may have this name, or None."""
    if _GROUP.match(name) and len(name) <= MAX_LENGTH and name not in RESERVED_NAMES:
        return None
    return _reason(name)


def why_not_address(address: str) -> Reason | None:
    """Why this is no host name and no IP address, or None."""
    if _ADDRESS.match(address) and len(address) <= MAX_LENGTH and not _PORT.match(address):
        return None
    if address.startswith("[") or "]" in address:
        return "has brackets in it", "write an IPv6 address without brackets"
    return _reason(address)


def _reason(name: str) -> Reason:
    for test, reason in _CHECKS:
        if test(name):
            return reason
    if name.endswith("."):
        return "ends with a dot", f'write "{name.rstrip(".")}"'
    wrong = re.sub(r"[A-Za-z0-9._-]", "", name)[:1]
    return f'has "{wrong}" in it', "use letters, digits, hyphens, dots and underscores"
