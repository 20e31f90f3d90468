"""Asking a host for its record of a command whose end was not heard: one command, two where output was kept."""

import asyncio
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable

from runner.framing import without_frames
from runner.host_record import TAIL, tag_of
from runner.model.inventory import Become
from runner.model.outcome import Captured
from runner.shell.channel import signal_name
from runner.shell.recalling import DISOWN, INCOMPLETE, LOOK, TAILS, WAITS, Note, judged, parsed
from runner.shell.records import HostRecords
from runner.transport import Command, CommandResult, Recalled

Run = Callable[[Command], Awaitable[CommandResult]]

PATIENCE = 15.0 + WAITS
"""Seconds that a host has for an answer."""

SILENT = Recalled("none", reason=f"the host did not say within {PATIENCE:g} s what its record is")

UNUSABLE = Recalled("none", reason="what the host says of its record can't be used")

_LIMIT = 1024 * 1024  # bytes of all records of a host together


@dataclasses.dataclass(frozen=True, slots=True)
class Looked:
    """The host's boot id, and the records there of shells that are not in use."""

    boot: str
    notes: list[Note]


async def look(run: Run, records: HostRecords, become: Become | None) -> Looked | None:
    """What is there; ``run`` runs commands on the host. None where the host's answer can't be used."""
    args = (records.prefix, tag_of(records.prefix), *(str(word) for one in records.live.items() for word in one))
    looked = await run(Command(script=LOOK, args=args, become=become, limit=_LIMIT))
    if looked.rc != 0 or looked.stdout.truncated:
        return None
    boot, notes = parsed(looked.stdout.text)
    records.companions.update({note.path: note.files for note in notes})
    return Looked(boot, notes) if boot else None


async def recalled(run: Run, records: HostRecords, key: str, become: Become | None) -> Recalled:
    """What the records of the become user say of a command."""
    if not records.prefix:
        return Recalled("none", reason="no records are kept")
    user = become.user if become else None
    async with records.turn.looking():
        try:
            async with asyncio.timeout(PATIENCE):
                looked = await look(run, records, become)
                if looked is None:
                    return UNUSABLE
                notes = looked.notes
                found, note = judged(key, looked.boot, notes)
                is_missing = found.state == "never" and not records.expected(key, user) <= {one.path for one in notes}
                if is_missing or found.state in {"gone", "none"}:
                    await _disown(run, records, notes, become)
        except TimeoutError:
            return SILENT
        if is_missing:
            return INCOMPLETE
        if found.state == "done" and note is not None and found.result is not None:
            kept = note if note.outlived(key) else None
            result = await _with_output(run, kept, found.result.rc, found.group, become)
            found = dataclasses.replace(found, result=result)
        if found.state != "running":
            records.settled(key, user, note.path if note and note.last == key else "")
        return found


async def _disown(run: Run, records: HostRecords, notes: list[Note], become: Become | None) -> None:
    """Nobody could tell what came of a command: when its record has gone, no other may say that it never began."""
    dead = {note.path: 0 for note in notes if note.vouches}
    args = tuple(str(word) for one in (*dead.items(), *records.live.items()) for word in one)
    if args:
        await run(Command(script=DISOWN, args=args, become=become))


async def _with_output(run: Run, note: Note | None, rc: int, group: int | None, become: Become | None) -> CommandResult:
    """The result with the rest of both streams, as far as it was kept."""
    out = err = b""
    if note is not None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                tails = await run(Command(script=TAILS, args=(note.path, note.suffix), become=become, limit=TAIL))
                out, err = (stream.data[-TAIL:] for stream in (tails.stdout, tails.stderr))
    bare = (without_frames(data, group, rc) for data in (out, err))
    kept = (Captured(tail=data, size=len(data), is_rest=True) for data in bare)
    return CommandResult(rc, signal_name(rc), *kept)
