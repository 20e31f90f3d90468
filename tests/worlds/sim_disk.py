"""A disk of a simulation: one file, of which only what was synced is sure to be there after a power cut."""

import asyncio
from collections.abc import Callable
from random import Random

from runner.journal.checking import Chain
from runner.journal.reading import Scan, Seen
from runner.journal.recovering import whole_record
from runner.journal.sealing import Seals

KEY = bytes(32)


class Disk:
    """``written`` is what the file holds while the machine lives, ``synced`` how many bytes of it are safe.

    ``seals`` stand behind what was read of it last.
    """

    def __init__(self) -> None:
        self.written = b""
        self.synced = 0
        self.under_way = b""
        self.seals = Seals(KEY)

    def crash(self, chance: Random, *, power: bool) -> None:
        """The process dies: a write under way may be cut short. With the power all that was not synced may go, too."""
        self.written += self.under_way[: chance.randint(0, len(self.under_way))]
        self.under_way = b""
        if power:
            self.written = self.written[: chance.randint(self.synced, len(self.written))]

    def recover(self) -> tuple[list[Seen], Chain]:
        """Every record, as a journal is taken up, and where the chain stands; what was torn is cut off."""
        end = self.written.rfind(b"\n") + 1
        self.seals = Seals(KEY)
        scan = Scan(-1, Chain("events.jsonl", b"r1"), self.seals)
        found = scan.take(self.written[:end]) if end else []
        scan.tail = self.written[end:]
        kept = whole_record(scan.chain, scan.tail)
        if kept:
            found += scan.take(kept)
        self.written = self.written[:end] + kept
        assert len(self.written) >= self.synced, "what was synced is gone"
        self.synced = len(self.written)
        return found, scan.chain


class SimWriter:
    """Stands in for the thread that writes the journal: writes and syncs take their time on the virtual clock."""

    inline = True
    error: OSError | None = None

    def __init__(self, disk: Disk, chance: Random, is_alive: Callable[[], bool], step: Callable[[], None]) -> None:
        self._disk = disk
        self._chance = chance
        self._is_alive = is_alive
        self._step = step

    def submit(self, data: bytes, *, sync: bool, done: Callable[[], None]) -> None:
        """Write a batch, and sync it."""
        if self._is_alive():
            self._disk.under_way = data
            self._step()
        delay = self._chance.choice((0.0, 0.0, 0.001, 0.2)) if sync else 0.0
        asyncio.get_running_loop().call_later(delay / 2, self._write, data, delay / 2 if sync else None, done)

    def _write(self, data: bytes, delay: float | None, done: Callable[[], None]) -> None:
        if not self._is_alive():
            return
        self._disk.written += data
        self._disk.under_way = b""
        self._step()
        if delay is None:
            done()
        else:
            asyncio.get_running_loop().call_later(delay, self._sync, len(self._disk.written), done)

    def _sync(self, size: int, done: Callable[[], None]) -> None:
        if not self._is_alive():
            return
        self._disk.synced = max(self._disk.synced, size)
        self._step()
        if self._is_alive():
            done()

    def close(self, rest: bytes) -> None:
        """Write and sync what is left."""
        if self._is_alive():
            self._disk.written += rest
            self._disk.synced = len(self._disk.written)
