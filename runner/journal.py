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
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache, partial
from queue import SimpleQueue
from typing import Any

import msgspec

from runner.crashpoints import crash_point
from runner.errors import JournalError
from runner.model.events import Event

FIRST_SUM = "00000000"

_encoder = msgspec.json.Encoder()
_not_ascii = re.compile(r"[^\x00-\x7e]")


def encode(event: Event, *, seq: int, ts: float, run: str, previous: str) -> tuple[bytes, str]:
    """The record's line, and its sum for the next one. ``ts`` in seconds since 1970."""
    micros = round(ts * 1_000_000)
    second, rest = divmod(micros, 1_000_000)
    body = _ascii(_json(event))[1:-1]
    line = b'{"seq":%d,"ts":"%b.%06dZ","run":"%b",%b' % (seq, _second(second), rest, run.encode(), body)
    total = f"{zlib.crc32(line, zlib.crc32(previous.encode())):08x}"
    return line + b',"sum":"%s"}\n' % total.encode(), total


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


def _ascii(data: bytes) -> bytes:
    r"""JSON with DEL and every character beyond ASCII written as ``\u`` escapes; such stand in texts only."""
    if data.isascii() and b"\x7f" not in data:
        return data
    return _not_ascii.sub(lambda found: _escape(found[0]), data.decode()).encode()


def _escape(character: str) -> str:
    pair = character.encode("utf-16-be")
    return "".join(f"\\u{pair[at]:02x}{pair[at + 1]:02x}" for at in range(0, len(pair), 2))


class Writer:
    """The thread that owns the file: it writes a batch, syncs it where asked, and says when that is done.

    ``sync`` False leaves out every ``fdatasync``. ``inline`` writes on the spot, without a thread, for a virtual clock
    that must not jump while a thread is writing.
    """

    def __init__(self, descriptor: int, *, sync: bool = True, inline: bool = False) -> None:
        self.descriptor = descriptor
        self.inline = inline
        self.error: OSError | None = None
        self._sync = sync
        self._batches: SimpleQueue[tuple[bytes, bool, Callable[[], None]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, data: bytes, *, sync: bool, done: Callable[[], None]) -> None:
        """Write a batch after those before it; ``done`` is called from the thread, with ``error`` set if it failed."""
        if self.inline:
            self._write(data, sync=sync)
            done()
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
            self._thread.start()
        self._batches.put((data, sync, done))

    def close(self, rest: bytes) -> None:
        """Finish what was submitted, write and sync the rest, and close the file."""
        if self._thread is not None:
            self._batches.put(None)
            self._thread.join()
        self._write(rest, sync=True)
        os.close(self.descriptor)

    def _work(self) -> None:
        while (batch := self._batches.get()) is not None:
            data, sync, done = batch
            self._write(data, sync=sync)
            done()

    def _write(self, data: bytes, *, sync: bool) -> None:
        if self.error is not None:
            return
        try:
            crash_point("before_append")
            view = memoryview(data)
            while view:
                view = view[os.write(self.descriptor, view) :]
            crash_point("after_append_before_sync")
            if sync and self._sync:
                os.fdatasync(self.descriptor)
        except OSError as error:
            self.error = error


class Journal:
    """Gives every event its ``seq``, time and sum, and hands records to the writer a batch at a time.

    One batch is under way at most: what gathers meanwhile, and whoever waits for it, goes with the next.
    """

    def __init__(self, writer: Writer, *, run: str, path: str, wall: Callable[[], float]) -> None:
        self._writer = writer
        self._run = run
        self._path = path
        self._wall = wall
        self._sum = FIRST_SUM
        self._lines: list[bytes] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._is_sending = False
        self.seq = 0

    def append(self, event: Event) -> tuple[int, float, bytes]:
        """Queue the record; gives its ``seq``, time (seconds since 1970) and line."""
        seq, ts = self.seq, self._wall()
        line, self._sum = encode(event, seq=seq, ts=ts, run=self._run, previous=self._sum)
        self.seq += 1
        self._lines.append(line)
        return seq, ts, line

    def now(self) -> float:
        """The time a record would get now."""
        return self._wall()

    async def stored(self) -> None:
        """Return when all that was appended is on disk. Raises JournalError when it can't be."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._waiting.append(done)
        if len(self._waiting) == 1:
            # Whoever else asks in this turn of the loop shares the write.
            loop.call_soon(self._send, loop)
        await done
        self.check()

    def flush(self) -> None:
        """Let records be written that nobody waits for; they are synced with the next that somebody does."""
        if self._lines and not self._waiting:
            self._send(asyncio.get_running_loop())

    def check(self) -> None:
        """Raise JournalError where an earlier write failed."""
        if self._writer.error is not None:
            problem = self._writer.error.strerror or str(self._writer.error)
            raise JournalError(f'cannot write the journal: "{self._path}": {problem}')

    def close(self) -> None:
        """Write and sync what is left."""
        rest, self._lines = b"".join(self._lines), []
        self._writer.close(rest)

    def _send(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._is_sending or not (self._lines or self._waiting):
            return
        data, self._lines = b"".join(self._lines), []
        waiting, self._waiting = self._waiting, []
        self._is_sending = True
        sent = partial(self._sent, loop, waiting)
        tell = sent if self._writer.inline else partial(_call, loop, sent)
        self._writer.submit(data, sync=bool(waiting), done=tell)

    def _sent(self, loop: asyncio.AbstractEventLoop, waiting: "list[asyncio.Future[None]]") -> None:
        self._is_sending = False
        for done in waiting:
            if not done.done():
                done.set_result(None)
        if self._waiting:
            self._send(loop)


def _call(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Call it on the loop, from the writer's thread; a loop that was closed meanwhile no longer waits."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call)
