"""``runner runs verify`` and ``salvage``: whether a journal is as it was written; where not, what is certain of it."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from runner import __version__
from runner.app import seal_key
from runner.app.finding import command, is_live
from runner.app.plans import plan_ready
from runner.app.provenance import user
from runner.disk import read_all, sync_folder, write_all
from runner.errors import InputError, JournalError
from runner.hostlist import fold
from runner.journal import NAME, RESCUED, Seals, encode, hold, verify
from runner.journal.checking import Chain
from runner.journal.names import DAMAGED, SALVAGED
from runner.journal.reading import open_journal, read_lines
from runner.journal.surviving import Kept, Lost, sealed, survivors
from runner.location import Problem
from runner.model.certain import Gap
from runner.model.changed import changed
from runner.model.encoding import decode_plan
from runner.model.events import Event, RunStarted, Warned
from runner.model.plan import Plan
from runner.model.retelling import Retold, retell
from runner.reporting.wording import count
from runner.run_folder import FILE_MODE, RunFolder, check_ours


def verified(run: RunFolder) -> str:
    """What a journal holds, in words. Raises JournalError where it is damaged, MismatchError for a newer version's."""
    seals = Seals(seal_key.ours(make=False))
    found = verify(run.path / NAME, seals)
    words = f"run {run.id}: {count(found.records, 'record')}, intact"
    if doubt := seals.doubt():
        words += f"; {doubt}"
    if found.torn and is_live(run):
        return f"{words}; another is being written"
    if found.torn:
        words += f"; behind them {found.torn} bytes of one that was not written to its end, which a resume sets aside"
    if (run.path / RESCUED).exists():
        words += f'; more of them, which the disk did not take, are in "{RESCUED}", and a resume takes them in'
    return words


def salvage(run: RunFolder, output: Path | None, *, replace: bool) -> list[str]:
    """Write what is certain of a damaged journal into a new file; gives what is to be said about that.

    With ``replace`` it takes the journal's place, which is kept beside it. Raises LockError where the run is at work,
    JournalError where nothing can be made of it, InputError where the new file is there already.
    """
    check_ours(run)
    path = run.path / NAME
    descriptor = open_journal(path, os.O_RDONLY)
    try:
        hold(descriptor, path)
        parts = _survivors(run)
        first = next((place for place, part in enumerate(parts) if isinstance(part, Lost)), None)
        if first is None:
            return [verified(run), "there is nothing to salvage"]
        good = [part for part in parts[:first] if isinstance(part, Kept)]
        told = _retold(run, good, parts[first:])
        data = _lines(run, good, told.events)
        return [*_words(good, parts[first:], told), *_written(run, data, output, replace=replace)]
    finally:
        os.close(descriptor)


def _survivors(run: RunFolder) -> list[Kept | Lost]:
    try:
        data = read_lines(run.path / NAME)
        more = read_all(run.path / RESCUED) if (run.path / RESCUED).exists() else b""
    except OSError as error:
        raise JournalError(f'cannot read the journal: "{error.filename}": {error.strerror}') from error
    parts = list(survivors(Chain(str(run.path / NAME), run.id.encode()), data, more))
    return sealed(parts, Seals(seal_key.ours(make=False)), str(run.path / NAME))


def _retold(run: RunFolder, good: list[Kept], rest: list[Kept | Lost]) -> Retold:
    if not good or not isinstance(good[0].event, RunStarted):
        raise JournalError(
            "the first record is lost, which says how the run began: nobody can go on from what is left",
            hint="look at it as it is: every line is a record of its own",
        )
    plan = _plan(run)
    starts = [part.event for part in (*good, *rest) if isinstance(part, Kept) and isinstance(part.event, RunStarted)]
    start = changed(
        starts[-1],
        resume=True,
        tool=__version__,
        argv=("runner", "runs", "salvage", run.id),
        user=user(),
        controller=socket.gethostname(),
        pid=os.getpid(),
    )
    after: list[Event | Gap] = []
    for part in rest:
        if isinstance(part, Lost):
            after.append(Gap(part.count))
        elif part.event is not None:
            after.append(part.event)
    before = [(part.ts, part.event) for part in good if part.event is not None]
    told = retell(plan, before, after, ready=plan_ready(plan), start=start)
    at = told.events.index(start) + 1
    told.events[at:at] = [
        Warned(message=f"the journal was damaged: {_lost(part)}") for part in rest if isinstance(part, Lost)
    ]
    return told


def _plan(run: RunFolder) -> Plan:
    try:
        return decode_plan(read_all(run.path / "plan.json"))
    except (OSError, JournalError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise JournalError(
            f'without "plan.json" of the run nobody can tell which steps may be among what is lost: {reason}'
        ) from None


def _lines(run: RunFolder, good: list[Kept], events: list[Event]) -> bytes:
    """The new journal: the good part as it stands, and what is told behind it."""
    lines = [part.line + b"\n" for part in good]
    seals = Seals(seal_key.ours())
    seals.follow(b"".join(lines))
    seq, previous, now = good[-1].seq + 1, good[-1].line[-10:-2].decode(), time.time()
    for number, event in enumerate(events, seq):
        line, previous = encode(event, seq=number, ts=now, run=run.id, previous=previous, seals=seals)
        lines.append(line)
    return b"".join(lines)


def _lost(part: Lost) -> str:
    last = part.first + part.count - 1
    return f"record {last} is lost" if part.count == 1 else f"records {part.first} to {last} are lost, or fewer"


def _words(good: list[Kept], rest: list[Kept | Lost], told: Retold) -> Iterator[str]:
    """What was kept and what was not."""
    certain = len(good) + sum(isinstance(part, Kept) for part in rest)
    yield f"{count(certain, 'record')} certain, {len(good)} of them before the damage"
    lost = [part for part in rest if isinstance(part, Lost)]
    yield lost[0].reason
    yield from map(_lost, lost)
    if told.unfit:
        yield f"{count(told.unfit, 'record')} of what is certain follow from nothing that is left, and are left out"
    steps: dict[tuple[str, str], list[str]] = {}
    for play, step, host in told.doubtful:
        steps.setdefault((play, step), []).append(host)
    for (play, step), hosts in steps.items():
        yield f'unknown from now on: step "{step}" of "{play}" on {fold(hosts)}'


def _written(run: RunFolder, data: bytes, output: Path | None, *, replace: bool) -> Iterator[str]:
    if output is not None:
        _write_new(output, data)
        yield f'written: "{output}"'
        return
    run.write(SALVAGED, data, sync=True)
    if not replace:
        yield f'written: "{run.path / SALVAGED}"'
        yield f"to go on with it: {command('runs salvage', run)} --replace"
        return
    kept = _replace(run)
    yield f'in place of the journal, which is kept as "{kept}"'
    yield f"go on with: {command('resume', run)}"


def _write_new(path: Path, data: bytes) -> None:
    """Raises InputError where there is such a file."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise InputError([Problem("E622", f'cannot write "{path}": {error.strerror}')]) from None


def _replace(run: RunFolder) -> Path:
    """Put the salvaged journal in the place of the damaged one; gives where that is now."""
    kept = _free(run.path / DAMAGED)
    try:
        os.link(run.path / NAME, kept)
        sync_folder(run.path)
        (run.path / SALVAGED).replace(run.path / NAME)
        for name in (RESCUED, "requests"):  # they speak of records by their old numbers
            if (run.path / name).exists():
                (run.path / name).rename(_free(run.path / f"{name}.damaged"))
        sync_folder(run.path)
    except OSError as error:
        raise JournalError(f'cannot replace the journal: "{run.path / NAME}": {error.strerror}') from error
    return kept


def _free(path: Path) -> Path:
    """The path, or where there is such a file, the first with a number behind it that there is not."""
    number = 1
    found = path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found
