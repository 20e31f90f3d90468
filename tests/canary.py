"""A secret's value that is easy to find again, whatever it was turned into."""

import base64
import html
import json
import shlex
import textwrap
from pathlib import Path
from urllib.parse import quote, quote_plus

CANARY = 'cAn4ry & "Tok3n" it\'s $é/4711+Zz'
LONG = (
    "-----BEGIN K3Y-----\n" + "\n".join(f"l1ne{number}+{'abcdEFGH' * 6}/Z" for number in range(4)) + "\n-----END-----"
)
"""One of several lines, as a key is."""


def forms(value: str = CANARY) -> dict[str, str]:
    """The value in every form that is to be masked, by what the form is called."""
    raw = value.encode()
    coded = base64.b64encode(raw).decode()
    return {
        "raw": value,
        "base64": coded,
        "base64, behind one": base64.b64encode(b"u" + raw).decode(),
        "base64, behind two": base64.b64encode(b"u:" + raw).decode(),
        "base64 for addresses": base64.urlsafe_b64encode(b"user:" + raw + b":x").decode(),
        "base64 in lines": "\n".join(textwrap.wrap(coded, 76)),
        "base64 in lines of PEM": "\n".join(textwrap.wrap(coded, 64)),
        "hex": raw.hex(),
        "HEX": raw.hex().upper(),
        "hex in pairs": raw.hex(":"),
        "percent": quote(value, safe=""),
        "form": quote_plus(value),
        "json": json.dumps(value),
        "json, not ascii": json.dumps(value, ensure_ascii=False),
        "json in json": json.dumps(json.dumps(value)),
        "shell": shlex.quote(value),
        "sh -x": "'" + value.replace("'", "'\\''") + "'",
        "double-quoted": '"' + "".join(f"\\{c}" if c in '\\"$`' else c for c in value) + '"',
        "backslashes": "".join(c if c.isalnum() or c in "/.,_+@%-=:" or ord(c) > 127 else f"\\{c}" for c in value),
        "C": repr(raw)[2:-1],
        "html": html.escape(value),
    }


def _needles() -> tuple[str, ...]:
    """Pieces that no form of the canary can be without."""
    raw = CANARY.encode()
    cores = [raw[:9], raw[-8:]]
    coded = [base64.b64encode(b"\0" * before + core).decode()[4:-4] for core in cores for before in range(3)]
    return ("cAn4ry", "Tok3n", *(core.hex()[2:-2] for core in cores), *coded)


NEEDLES = _needles()


def traces(text: str) -> list[str]:
    """What of the canary is in a text, in any form."""
    lower = text.lower()
    return [needle for needle in NEEDLES if needle in text or (needle.islower() and needle in lower)]


def traces_in(folder: Path) -> dict[str, list[str]]:
    """The files of a folder, by path, that have a trace of it, their names too."""
    found = {}
    for path in folder.rglob("*"):
        text = path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""
        if left := traces(f"{path.relative_to(folder)}\n{text}"):
            found[str(path.relative_to(folder))] = left
    return found
