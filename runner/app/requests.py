"""Answers from another process: it leaves a file in the folder of the run, which the run finds while it waits.

The file is named by the number of the record that asks, so that an answer that comes too late answers nothing else.
It says who answered; nobody but the folder's owner, and root, can write there.
"""

import os
import pwd
from contextlib import suppress

from runner.model.decision import Answer
from runner.run_folder import RunFolder

WORDS = {True: "approve", False: "deny"}

LONGEST = 1024
"""Bytes that are read of such a file."""


def leave(folder: RunFolder, question: int, *, yes: bool) -> bool:
    """Answer the question that record number ``question`` asks; False where somebody has. Raises JournalError."""
    return folder.write_once(_name(question), f"{WORDS[yes]} {_user()}\n".encode())


def withdraw(folder: RunFolder, question: int) -> None:
    """Take an answer back that nobody has heard."""
    with suppress(OSError):
        (folder.path / _name(question)).unlink()


def found(folder: RunFolder, question: int) -> Answer | None:
    """The answer that was left for a question, if there is one."""
    try:
        with (folder.path / _name(question)).open("rb") as file:
            word, _, user = file.read(LONGEST).decode(errors="replace").strip().partition(" ")
    except OSError:
        return None
    return Answer(word == WORDS[True], by=user, how="command") if word in WORDS.values() else None


def _name(question: int) -> str:
    return f"requests/{question}"


def _user() -> str:
    """Whose process this is, whatever its environment says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
