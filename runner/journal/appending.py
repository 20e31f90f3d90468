"""The journal as the engine sees it: records go in, in order, and it says when they are on disk."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from runner.errors import JournalError
from runner.journal.checking import FIRST_SUM
from runner.journal.records import encode
from runner.journal.sealing import Seals
from runner.journal.writing import Writer
from runner.model.events import Event


class Journal:
    """Gives every event its ``seq``, time and sum, and hands records to the writer a batch at a time.

    One batch is under way at most: what gathers meanwhile, and whoever waits for it, goes with the next. ``seq`` and
    ``previous`` are where it goes on: the next record's number, and the sum before it. ``seals`` stand there too; None
    leaves them out.
    """

    def __init__(
        self,
        writer: Writer,
        *,
        run: str,
        path: str,
        wall: Callable[[], float],
        seq: int = 0,
        previous: str = FIRST_SUM,
        seals: Seals | None = None,
    ) -> None:
        self._writer = writer
        self._run = run
        self._path = path
        self._wall = wall
        self._sum = previous
        self._seals = seals
        self._lines: list[bytes] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._is_sending = False
        self.seq = seq

    def append(self, event: Event) -> tuple[int, float, bytes]:
        """Queue the record; gives its ``seq``, time (seconds since 1970) and line."""
        seq, ts = self.seq, self._wall()
        line, self._sum = encode(event, seq=seq, ts=ts, run=self._run, previous=self._sum, seals=self._seals)
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
