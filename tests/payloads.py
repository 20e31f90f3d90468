"""340 texts that have fooled, or could fool, terminals and readers of logs: each with what is shown of it."""

import json
import re
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("data") / "terminal-payloads.jsonl"

OURS = re.compile(r"\x1b\[(?:[012]|[39][0-7])m|\x1b\[[0-9]{1,4}A|\r\x1b\[J")
"""What runner itself writes to a terminal, beside text."""

BAD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\uf8ff]"
)


class Payload(NamedTuple):
    """One text: its kind, itself, and what a person is to see of it."""

    kind: str
    text: str
    shown: str


PAYLOADS = [Payload(*json.loads(line)) for line in FILE.read_text(encoding="ascii").splitlines()]

ALL = "".join(payload.text for payload in PAYLOADS)
"""All of them in one text."""
