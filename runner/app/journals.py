"""The journal of a run with what stands by for a disk that fails."""

import json
import os
import secrets as chance
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.app import seal_key
from runner.app.finding import command
from runner.hostlist import fold
from runner.journal import FIRST_SUM, NAME, RESCUED, Journal, Recovered, Rescue, Seals, Writer
from runner.journal.beginning import begin
from runner.run_folder import RunFolder
from runner.whole_file import sweep


@dataclass(frozen=True, slots=True)
class Kept:
    """A journal, and where its records go when it can't be written any more."""

    journal: Journal
    rescue: Rescue
    folder: RunFolder

    def close(self) -> None:
        """Write and sync what is left."""
        self.journal.close()
        self.rescue.close()

    def lost(self) -> Iterator[str]:
        """What a person has to know where the journal could not be written: where the rest is, and what ended."""
        if not self.rescue.lines:
            return
        beside, path = self.folder.path / RESCUED, self.rescue.path
        if path == beside:
            yield f'what the journal lacks is in "{path}", and is taken in by `{command("resume", self.folder)}`'
        elif path is not None:
            yield f'what the journal lacks is in "{path}"; `runner resume` takes it in when it is copied to "{beside}"'
        else:
            yield "what the journal lacks could not be kept anywhere"
        yield from _ends(self.rescue.lines)


def new_journal(folder: RunFolder, *, durability: str) -> Kept:
    """The journal of a run that begins. Raises JournalError."""
    start = Recovered(begin(folder), seq=0, previous=FIRST_SUM, seals=Seals(seal_key.ours()))
    return _kept(folder, start, durability)


def next_journal(folder: RunFolder, recovered: Recovered, *, durability: str) -> Kept:
    """The journal of a run that goes on; what its dead process left half written goes."""
    sweep(folder.path)
    return _kept(folder, recovered, durability)


def _kept(folder: RunFolder, start: Recovered, durability: str) -> Kept:
    path = folder.path / NAME
    elsewhere = Path(os.environ.get("TMPDIR") or "/tmp") / f"runner-{folder.id}-{chance.token_hex(16)}.jsonl"  # noqa: S108 - made with O_EXCL
    rescue = Rescue((folder.path / RESCUED, elsewhere))
    writer = Writer(start.descriptor, path=path, sync=durability == "full", rescue=rescue)
    journal = Journal(
        writer,
        run=folder.id,
        path=str(path),
        wall=time.time,
        seq=start.seq,
        previous=start.previous,
        seals=start.seals,
    )
    return Kept(journal, rescue, folder)


def _ends(lines: bytes) -> Iterator[str]:
    """The ends of steps that these records tell, hosts with the same end together."""
    ends: dict[tuple[str, str], list[str]] = {}
    for record in map(json.loads, lines.splitlines()):
        if record["event"] == "step.ended":
            reason = f" ({record['reason']})" if record.get("reason") else ""
            ends.setdefault((record["step"], record["status"] + reason), []).append(record["host"])
    for (step, end), hosts in ends.items():
        yield f'"{step}" ended {end} on {fold(hosts)}'
