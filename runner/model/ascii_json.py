r"""JSON in printable ASCII: every other character stands as a ``\u`` escape, so that no reader is led astray by one."""

import re

_OTHER = re.compile(r"[^\x00-\x7e]")


def ascii_json(data: bytes) -> bytes:
    r"""JSON in UTF-8 with DEL and every character beyond ASCII written as ``\u`` escapes; such stand in texts only."""
    if data.isascii() and b"\x7f" not in data:
        return data
    return _OTHER.sub(lambda found: _escape(found[0]), data.decode()).encode()


def _escape(character: str) -> str:
    pair = character.encode("utf-16-be")
    return "".join(f"\\u{pair[at]:02x}{pair[at + 1]:02x}" for at in range(0, len(pair), 2))
