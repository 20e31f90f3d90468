"""One record as a line of ``events.jsonl``: made from an event, its number and its time."""

import zlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from runner.journal.sealing import Seals
from runner.model.ascii_json import ascii_json
from runner.model.events import Event

_encoder = msgspec.json.Encoder()


def encode(
    event: Event, *, seq: int, ts: float, run: str, previous: str, seals: Seals | None = None
) -> tuple[bytes, str]:
    """The record's line, and its sum for the next one. ``ts`` in seconds since 1970.

    ``seals`` stand behind the record before, and go behind this one.
    """
    if seals is not None:
        event = seals.named(event)
    micros = round(ts * 1_000_000)
    second, rest = divmod(micros, 1_000_000)
    body = ascii_json(_json(event))[1:-1]
    line = b'{"seq":%d,"ts":"%b.%06dZ","run":"%b",%b' % (seq, _second(second), rest, run.encode(), body)
    if seals is not None:
        line += seals.end_of(event, line)
    total = f"{zlib.crc32(line, zlib.crc32(previous.encode())):08x}"
    line += b',"sum":"%s"}\n' % total.encode()
    if seals is not None:
        seals.follow(line)
    return line, total


@lru_cache(maxsize=4)
def _second(second: int) -> bytes:
    """A second since 1970 as RFC 3339 writes it; a thousand records share one."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()


def _json(event: Event) -> bytes:
    """The event as JSON; a lone surrogate, which no UTF-8 can hold, is written out as its escape."""
    try:
        return _encoder.encode(event)
    except UnicodeEncodeError:
        return _encoder.encode(_writable(msgspec.to_builtins(event)))


def _writable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_writable(key): _writable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(part) for part in value]
    return value
