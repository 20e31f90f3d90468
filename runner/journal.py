"""``events.jsonl``: journal, log and history in one file, with one writer.

Each record is one line of ASCII JSON: ``seq``, ``ts``, ``run``, ``event`` first, ``sum`` last. ``sum`` is the CRC-32 of
the eight digits of the record before it (``00000000`` for the first) and of this line's bytes up to ``,"sum":``.

Records are made in order on the loop, which is cheap, and written by one thread, which is not: whatever has gathered
while a write was under way goes out in the next one, with one ``fdatasync`` for all who wait. A wave of a thousand
hosts so costs one or two syncs.

**Why a failed sync is final.** After it the kernel may have dropped the pages and would report the next one as good, so
what was written is in doubt; nothing more is started, and the run ends with what it knows.
"""

import asyncio
import os
import re
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from runner.errors import JournalError
from runner.model.events import Event

FIRST_SUM = "00000000"

_encoder = msgspec.json.Encoder()
_not_ascii = re.compile(r"[^\x00-\x7e]")


def encode(event: Event, *, seq: int, ts: float, run: str, previous: str) -> tuple[bytes, str]:
    """The record's line, and its sum for the next one. ``ts`` in seconds since 1970."""
    when = datetime.fromtimestamp(ts, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    body = _ascii(_json(event))[1:-1]
    line = b'{"seq":%d,"ts":"%s","run":"%s",%s' % (seq, when.encode(), run.encode(), body)
    total = f"{zlib.crc32(line, zlib.crc32(previous.encode())):08x}"
    return line + b',"sum":"%s"}\n' % total.encode(), total


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


def _ascii(data: bytes) -> bytes:
    r"""JSON with DEL and every character beyond ASCII written as ``\u`` escapes; such stand in texts only."""
    if data.isascii() and b"\x7f" not in data:
        return data
    return _not_ascii.sub(lambda found: _escape(found[0]), data.decode()).encode()


def _escape(character: str) -> str:
    pair = character.encode("utf-16-be")
    return "".join(f"\\u{pair[at]:02x}{pair[at + 1]:02x}" for at in range(0, len(pair), 2))


@dataclass(slots=True)
class Writer:
    """The thread that owns the file. ``sync`` False leaves out ``fdatasync``; ``inline`` writes on the spot.

    ``inline`` is for the virtual clock, which must not jump while a thread is writing.
    """

    descriptor: int
    sync: bool = True
    inline: bool = False
    error: OSError | None = None
    _pending: list[bytes] = field(default_factory=list)
    _waiting: list[Callable[[], None]] = field(default_factory=list)
    _condition: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None
    _closing: bool = False

    def add(self, line: bytes) -> None:
        """Queue one record; it is written with the next batch, without a sync of its own."""
        if self.inline:
            self._write([line], sync=False)
            return
        with self._condition:
            self._pending.append(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
                self._thread.start()

    def call_when_stored(self, call: Callable[[], None]) -> None:
        """Call from the writer's thread once all that was added is on disk (or has failed: see ``error``)."""
        if self.inline:
            call()
            return
        with self._condition:
            self._waiting.append(call)
            self._condition.notify()

    def flush(self) -> None:
        """Let what has gathered be written soon, without waiting for it."""
        with self._condition:
            self._condition.notify()

    def close(self) -> None:
        """Write and sync the rest, end the thread, close the file."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()
        os.close(self.descriptor)

    def _work(self) -> None:
        closing = False
        while not closing:
            with self._condition:
                # Records nobody waits for ride on the next sync, or go out after a quarter of a second.
                self._condition.wait_for(lambda: self._waiting or self._closing, timeout=0.25)
                lines, self._pending = self._pending, []
                calls, self._waiting = self._waiting, []
                closing = self._closing
            self._write(lines, sync=bool(calls) or closing)
            for call in calls:
                call()

    def _write(self, lines: list[bytes], *, sync: bool) -> None:
        if self.error is not None:
            return
        try:
            data = memoryview(b"".join(lines))
            while data:
                data = data[os.write(self.descriptor, data) :]
            if sync and self.sync:
                os.fdatasync(self.descriptor)
        except OSError as error:
            self.error = error


class Journal:
    """Gives every event its ``seq``, time and sum, and hands it to the writer."""

    def __init__(self, writer: Writer, *, run: str, path: str, wall: Callable[[], float]) -> None:
        self._writer = writer
        self._run = run
        self._path = path
        self._wall = wall
        self._sum = FIRST_SUM
        self.seq = 0

    def append(self, event: Event) -> tuple[int, float, bytes]:
        """Queue the record; gives its ``seq``, time (seconds since 1970) and line."""
        seq, ts = self.seq, self._wall()
        line, self._sum = encode(event, seq=seq, ts=ts, run=self._run, previous=self._sum)
        self.seq += 1
        self._writer.add(line)
        return seq, ts, line

    def now(self) -> float:
        """The time a record would get now."""
        return self._wall()

    async def stored(self) -> None:
        """Return when all that was appended is on disk. Raises JournalError when it can't be."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        if self._writer.inline:
            done.set_result(None)
        else:
            self._writer.call_when_stored(lambda: _tell(loop, done))
        await done
        self.check()

    def check(self) -> None:
        """Raise JournalError where an earlier write failed."""
        if self._writer.error is not None:
            problem = self._writer.error.strerror or str(self._writer.error)
            raise JournalError(f'cannot write the journal: "{self._path}": {problem}')

    def close(self) -> None:
        """Write and sync what is left."""
        self._writer.close()


def _tell(loop: asyncio.AbstractEventLoop, done: "asyncio.Future[None]") -> None:
    loop.call_soon_threadsafe(_settle, done)


def _settle(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)
