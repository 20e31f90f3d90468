"""Where a character of a scalar's value stands in the scalar's source text; pure.

One walk serves plain, quoted and block scalars: value and source go side by side, a character that the source has and
the value has not (an indent, a folded line break, a block's header) is passed over. Within runs of blanks the answer
can be some columns early; at words it is exact.
"""

import re

ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r?\n[ \t]*|.)", re.DOTALL)
HEADER = re.compile(r"[|>][-+0-9]*[ \t]*(?:#[^\n]*)?\r?\n")


def offset_in_source(raw: str, value: str, offset: int) -> int:
    """The index in ``raw`` of the character of ``value`` at ``offset``; 0 where the two do not fit together."""
    at = _start(raw)
    for index, wanted in enumerate(value[: offset + 1]):
        found = _next(raw, at, wanted)
        if found is None:
            return 0
        if index == offset:
            return found[0]
        at = found[1]
    return min(at, len(raw))


def _start(raw: str) -> int:
    header = HEADER.match(raw)
    return header.end() if header else 1 if raw[:1] in ("'", '"') else 0


def _next(raw: str, at: int, wanted: str) -> tuple[int, int] | None:
    """Where ``wanted`` starts and ends in the source, from ``at`` on."""
    quote = raw[:1]
    while at < len(raw):
        if quote == '"' and (escape := ESCAPE.match(raw, at)):
            if not escape[0].endswith((" ", "\t", "\n")) or escape[0] in ("\\ ", "\\\t"):
                return at, escape.end()
            at = escape.end()
        elif quote == "'" and raw.startswith("''", at):
            return at, at + 2
        elif raw[at] == wanted or (raw[at] == "\n" and wanted == " "):
            return at, at + 1
        elif raw[at] not in " \t\r\n":
            return None
        else:
            at += 1
    return None
