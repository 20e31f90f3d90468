"""What earlier processes of a run have left: the fold of its journal, and the plan that the last of them ran."""

import hashlib
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from runner.app import seal_key
from runner.disk import read_all
from runner.errors import InputError, JournalError, LockError, MismatchError
from runner.journal import NAME, Seals, holder, is_held
from runner.journal.reading import Seen, batches
from runner.location import Problem
from runner.model.encoding import decode_plan
from runner.model.events import RunStarted
from runner.model.illegal import IllegalEventError
from runner.model.past import Past
from runner.model.plan import Plan
from runner.model.progress import Progress
from runner.run_folder import RunFolder

FIRST_PLAN = "plan.json"
_HEX = re.compile(r"[0-9a-f]{32}")

BACK = "rollback"
"""The mode of a process that rolls a run back because somebody asked for it."""


@dataclass(slots=True)
class Earlier:
    """The fold of a journal: for those who decide, and for those who look. ``doubt`` is what can't be checked of it."""

    past: Past = field(default_factory=Past)
    progress: Progress = field(default_factory=Progress)
    doubt: str = ""

    @classmethod
    def of(cls, folder: RunFolder) -> "Earlier":
        """What the journal of a run tells, which is not touched. Raises LockError where a process is at work on it."""
        path = folder.path / NAME
        if is_held(path):
            raise LockError(f"run {folder.id} is being worked on{holder(path)}")
        found, seals = cls(), Seals(seal_key.ours(make=False))
        for batch in batches(path, ours=True, seals=seals):
            found.see(batch)
        found.doubt = seals.doubt()
        return found

    def see(self, records: Iterable[Seen]) -> None:
        """Take records in. Raises JournalError for one that does not fit those before it."""
        for seq, ts, event in records:
            try:
                self.progress.apply(event, ts, seq)
            except IllegalEventError as error:
                raise JournalError(f"the journal can't be gone on with: record {seq}: {error.message}") from None
            self.past.apply(event, seq)

    def started(self, folder: RunFolder) -> RunStarted:
        """The latest start. Raises JournalError where there is none, InputError where what ran changed nothing."""
        if self.past.last is None:
            raise JournalError(f"the journal of run {folder.id} has no first record, which says how it began")
        if self.past.last.mode not in {"run", BACK}:
            raise _refused(f"{folder.id} was a {self.past.last.mode}; there is nothing to go on with", "start a run")
        if not all(map(_is_hex, (self.past.last.salt, self.past.last.token))):
            raise JournalError(f"the journal of run {folder.id} names its records on hosts in no way that runner does")
        return self.past.last


def _is_hex(text: str) -> bool:
    """Whether it is 16 bytes in hex, or nothing: it goes into names of files on hosts."""
    return not text or _HEX.fullmatch(text) is not None


def go_to(started: RunStarted) -> None:
    """Make the folder that a run was started in the current one. Raises InputError where it is gone."""
    try:
        os.chdir(started.cwd or ".")
    except OSError as error:
        words = f'the run was started in "{started.cwd}", and that can\'t be gone to: {error.strerror}'
        raise _refused(words, "put the folder back, or start a new run") from None


def plan_name(process: int) -> str:
    """The file in a run's folder with the plan of the process of that number, from 1."""
    return FIRST_PLAN if process == 1 else f"plan.{process}.json"


def stored_plan(folder: RunFolder, started: RunStarted) -> Plan:
    """The plan that the process carried out whose start this is.

    Raises InputError where it is missing or can't be read, MismatchError where it is another one.
    """
    found = False
    for path in sorted(folder.path.glob("plan*.json")):
        with suppress(OSError):
            data = read_all(path)
            found = True
            if not started.plan or hashlib.sha256(data).hexdigest() == started.plan:
                return _decoded(data, folder)
    if found:
        raise MismatchError(
            f"the stored plan of run {folder.id} is not the one that it was carrying out",
            hint="put the file back as it was, or start a new run",
        )
    raise _refused(f"run {folder.id} has no stored plan", "start a new run")


def _decoded(data: bytes, folder: RunFolder) -> Plan:
    try:
        return decode_plan(data)
    except JournalError as error:
        raise _refused(f"run {folder.id}: {error.message}", "start a new run") from None


def _refused(words: str, hint: str) -> InputError:
    return InputError([Problem("E650", words, hint=hint)])
