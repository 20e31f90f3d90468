"""Seals of a journal: without this account's key nobody can change what it tells up to its last seal.

``wave.ended`` and ``run.ended`` bear one, in ``seal``: the HMAC-SHA-256 (RFC 2104) of the SHA-256 of all lines before
theirs, with their ends, and of their own bytes up to the seal. The newest ``run.started`` before them names the key, in
``key``; it is empty where there was none to be had, and then there are no seals.

**Why not of the sums.** CRC-32 is no signature: four bytes in any text make it what one likes. **What no seal shows**
is what was done to records behind the last one: that some were cut off, changed or added. Nor what was done to a
journal that says that another key seals it, or none: whoever goes on is told that.
"""

import hashlib
import hmac
from collections.abc import Sequence
from copy import copy
from itertools import accumulate

from runner.journal.checking import SUM_SIZE, Chain
from runner.model.changed import changed
from runner.model.events import Event, RunEnded, RunStarted, WaveEnded

SEALED = (WaveEnded, RunEnded)
"""The events whose records bear a seal."""

BEGIN = b',"seal":"'

SIZE = len(BEGIN) + 2 * hashlib.sha256().digest_size + 1
"""Bytes of a seal in its record."""

_MARKED = frozenset((RunStarted, *SEALED))


class Seals:
    """The seals of one journal: made while it is written, checked while it is read, from its first record on.

    ``key`` is this account's, None where it has none. ``good`` is the number of the last record whose seal was checked
    and is right, -1 before any.
    """

    def __init__(self, key: bytes | None) -> None:
        self._key = hmac.digest(key, b"journal", "sha256") if key else b""  # what seals plans seals no journals
        self._so_far = hashlib.sha256()
        self._is_due = False
        self._others: set[str] = set()
        self.id = hmac.digest(self._key, b"name", "sha256")[:8].hex() if self._key else ""
        self.good = -1

    def named(self, event: Event) -> Event:
        """The event, with the key's name in it where it is the start of a process."""
        return changed(event, key=self.id) if type(event) is RunStarted else event

    def end_of(self, event: Event, line: bytes) -> bytes:
        """What a record that begins so bears before its sum."""
        return b'%b%b"' % (BEGIN, self._seal(line)) if self._key and isinstance(event, SEALED) else b""

    def follow(self, lines: bytes) -> None:
        """Go behind whole lines, with their ends."""
        if self._key:
            self._so_far.update(lines)

    def check(self, block: bytes, lines: Sequence[bytes], events: Sequence[Event | None], start: Chain) -> None:
        """Check the seals of the lines that come next, and go behind them.

        ``block`` is the lines with their ends, ``events`` what they say, and ``start`` stands at the first. Raises
        DamageError for a seal that is wrong, or not there.
        """
        done = 0
        if not _MARKED.isdisjoint(map(type, events)):
            ends = list(accumulate(len(line) + 1 for line in lines))
            for place, event in enumerate(events):
                if type(event) is RunStarted:
                    self._begin(event)
                elif self._is_due and isinstance(event, SEALED):
                    begin = ends[place] - len(lines[place]) - 1
                    self.follow(block[done:begin])
                    done = begin
                    at = copy(start)
                    at.seq, at.offset = start.seq + place, start.offset + begin
                    self._check(lines[place], at)
        self.follow(block[done:] if done else block)

    def doubt(self) -> str:
        """What can't be checked of what was read, in words; empty where everything could be."""
        if not self._others:
            return ""
        if self._others == {""}:
            return "the journal bears no seals: what another program changed in it would not show [W615]"
        why = "this account has no key of its own" if not self._key else "another account's or machine's key made them"
        return f"seals of the journal can't be checked: {why}; what another program changed would not show [W615]"

    def _begin(self, event: RunStarted) -> None:
        self._is_due = bool(self._key) and event.key == self.id
        if event.key != self.id:
            self._others.add(event.key)

    def _check(self, line: bytes, at: Chain) -> None:
        begun, seal = line[: -SUM_SIZE - SIZE], line[-SUM_SIZE - SIZE : -SUM_SIZE]
        if not seal.startswith(BEGIN):
            raise at.damage("it bears no seal, and the run's others do")
        if not hmac.compare_digest(seal[len(BEGIN) : -1], self._seal(begun)):
            raise at.damage("its seal is wrong: another program has changed it, or a record before it")
        self.good = at.seq
        self._others.clear()  # it covers all that stands before it

    def _seal(self, begun: bytes) -> bytes:
        return hmac.digest(self._key, self._so_far.digest() + begun, "sha256").hex().encode()
