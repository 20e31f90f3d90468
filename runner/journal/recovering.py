"""Taking up the journal of a run whose process is gone: lock it, check it, set a torn tail aside, go on behind it.

A crash anywhere in here is harmless: what is cut off was on disk elsewhere before, and a second repair finds it there.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from pathlib import Path

from runner.crashpoints import crash_point
from runner.disk import read_all, sync_folder, write_all
from runner.errors import JournalError
from runner.journal.checking import SUM, Chain, DamageError, shown
from runner.journal.holding import hold
from runner.journal.names import NAME, RESCUED, TORN
from runner.journal.reading import Scan, Seen, open_journal
from runner.journal.sealing import Seals
from runner.run_folder import RunFolder, salvage_command

See = Callable[[list[Seen]], None]
"""Is called for the records, some at a time: each one's number, its time (seconds since 1970) and its event."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """A journal to go on with. Its lock is held while ``descriptor`` is open.

    ``seq`` is the number of the next record and ``previous`` the sum before it, as ``Journal`` takes them;
    so are ``seals``, which stand there. ``warnings`` are for people.
    """

    descriptor: int
    seq: int
    previous: str
    warnings: tuple[str, ...] = ()
    seals: Seals | None = None


def recover(folder: RunFolder, see: See, *, key: bytes | None = None) -> Recovered:
    """Take up the journal of a run; ``see`` is called for its records, in order, as they are checked.

    ``key`` is what this account seals journals with, None where it has none.

    Raises LockError where another process works on the run, MismatchError where a newer version wrote it, JournalError
    for one that is damaged, not this run's, or can't be repaired.
    """
    path = folder.path / NAME
    descriptor = open_journal(path, os.O_RDWR | os.O_APPEND, ours=True)
    try:
        hold(descriptor, path)
        return _recovered(descriptor, path, folder, see, Seals(key))
    except BaseException:
        os.close(descriptor)
        raise


def _recovered(descriptor: int, path: Path, folder: RunFolder, see: See, seals: Seals) -> Recovered:
    scan = Scan(descriptor, Chain(str(path), folder.id.encode()), seals)
    for batch in scan.batches():
        see(batch)
    kept = whole_record(scan.chain, scan.tail)
    see(scan.take(kept))
    try:
        warnings = _repair(descriptor, scan, folder, kept) if scan.tail else ()
        warnings += _take_in(descriptor, scan, folder, see)
        os.fsync(descriptor)
        sync_folder(path.parent)
    except OSError as error:
        raise JournalError(f'cannot repair the journal: "{path}": {error.strerror or error}') from error
    if doubt := seals.doubt():
        warnings += (doubt,)
    return Recovered(descriptor, scan.chain.seq, scan.chain.digits.decode(), warnings, seals)


def whole_record(chain: Chain, tail: bytes) -> bytes:
    """The whole record, with its end, with which a tail behind the chain begins; empty where there is none."""
    for end in SUM.finditer(tail):
        line = tail[: end.end()]
        with suppress(DamageError):
            copy(chain).follow([line])
            return line + b"\n"
    return b""


def _repair(descriptor: int, scan: Scan, folder: RunFolder, kept: bytes) -> tuple[str, ...]:
    """Cut off what is behind the last whole record, once it is kept elsewhere; gives what was done, in words."""
    rest = scan.tail[max(0, len(kept) - 1) :]
    aside = _set_aside(folder, rest) if rest else ""
    crash_point("in_repair")
    os.ftruncate(descriptor, scan.chain.offset - (1 if kept else 0))
    if kept:
        crash_point("in_repair")
        write_all(descriptor, b"\n")
    if not rest:
        return (f"record {scan.chain.seq - 1} of the journal had no end, and has it now [W613]",)
    words = f"the journal ended in {len(rest)} bytes of a record that was not written to its end"
    return (f'{words}; they were set aside in "{aside}" [W613]',)


def _set_aside(folder: RunFolder, rest: bytes) -> str:
    """Keep the bytes in a file beside the journal, unless the latest such file has them; gives its name."""
    number = 1
    while (folder.path / f"{TORN}{number}").exists():
        number += 1
    latest = folder.path / f"{TORN}{number - 1}"
    if number > 1 and read_all(latest) == rest:
        return latest.name
    name = f"{TORN}{number}"
    folder.write(name, rest, sync=True)
    return name


def _take_in(descriptor: int, scan: Scan, folder: RunFolder, see: See) -> tuple[str, ...]:
    """Write what a failing disk did not take, and was kept beside, where it belongs; gives that in words."""
    try:
        *lines, _ = read_all(folder.path / RESCUED).split(b"\n")
    except FileNotFoundError:
        return ()
    first = scan.chain.seq
    numbers = [shown(line) for line in lines]
    new = [line for line, number in zip(lines, numbers, strict=True) if number is None or number >= first]
    number = shown(new[0]) if new else None
    if number is not None and number > first:
        raise JournalError(
            f'the journal lacks records {first} to {number - 1}: "{RESCUED}" beside it begins behind them',
            hint=f"`{salvage_command(folder.path / NAME)}` keeps what is certain of both, in a new file",
        )
    block = b"".join(line + b"\n" for line in new)
    scan.chain.path = str(folder.path / RESCUED)
    see(scan.take(block))
    crash_point("in_repair")
    write_all(descriptor, block)
    os.fsync(descriptor)
    (folder.path / RESCUED).unlink()
    return (f'{len(new)} records that the disk did not take were taken in from "{RESCUED}"',) if new else ()
