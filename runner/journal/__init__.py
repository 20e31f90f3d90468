"""``events.jsonl``: journal, log and history in one file, with one writer.

Each record is one line of ASCII JSON: ``seq``, ``ts``, ``run``, ``event`` first, ``sum`` last. ``sum`` is the CRC-32 of
the eight digits of the record before it (``00000000`` for the first) and of this line's bytes up to ``,"sum":``.

Records are made in order on the loop, which is cheap, and written by one thread, which is not: whatever has gathered
while a write was under way goes out in the next one, with one ``fdatasync`` for all who wait. A wave of a thousand
hosts so costs one or two syncs.

**Why a failed sync is final.** After it the kernel may have dropped the pages and would report the next one as good, so
what was written is in doubt; nothing more is started, and the run ends with what it knows.
"""

from runner.journal.appending import Journal
from runner.journal.checking import FIRST_SUM, Chain, DamageError
from runner.journal.holding import hold, holder, is_held
from runner.journal.names import NAME, RESCUED
from runner.journal.reading import Report, read, verify
from runner.journal.records import encode
from runner.journal.recovering import Recovered, recover, whole_record
from runner.journal.rescuing import Rescue
from runner.journal.sealing import Seals
from runner.journal.writing import Writer

__all__ = [
    "FIRST_SUM",
    "NAME",
    "RESCUED",
    "Chain",
    "DamageError",
    "Journal",
    "Recovered",
    "Report",
    "Rescue",
    "Seals",
    "Writer",
    "encode",
    "hold",
    "holder",
    "is_held",
    "read",
    "recover",
    "verify",
    "whole_record",
]
