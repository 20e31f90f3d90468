"""Answers from another process: it leaves a file in the folder of the run, which finds it while it waits.

A run that is paused finds it when it goes on.

The file is named by the number of the record that asks, so that an answer that comes too late answers nothing else.
It says who answered; nobody but the folder's owner, and root, can write there.
"""

import os
import pwd
from contextlib import suppress
from pathlib import Path

from runner.disk import open_file
from runner.model.decision import Answer
from runner.run_folder import RunFolder

WORDS = {True: "approve", False: "deny"}

LONGEST = 1024
"""Bytes that are read of such a file."""


def leave(folder: RunFolder, question: int, *, yes: bool) -> bool:
    """Answer the question that record number ``question`` asks; False where somebody has. Raises JournalError."""
    return folder.write_once(_name(question), f"{WORDS[yes]} {user()}\n".encode())


def withdraw(folder: RunFolder, question: int) -> None:
    """Take an answer back that nobody has heard."""
    with suppress(OSError):
        (folder.path / _name(question)).unlink()


def found(folder: RunFolder, *questions: int) -> Answer | None:
    """The answer that was left for any of these questions: one that was asked again has several numbers."""
    answers = (_read(folder.path / _name(question)) for question in questions)
    return next((answer for answer in answers if answer is not None), None)


def _read(path: Path) -> Answer | None:
    try:
        with open_file(path) as file:
            word, _, user = file.read(LONGEST).decode(errors="replace").strip().partition(" ")
    except OSError:
        return None
    return Answer(word == WORDS[True], by=user, how="command") if word in WORDS.values() else None


def _name(question: int) -> str:
    return f"requests/{question}"


def user() -> str:
    """Whose process this is, whatever its environment says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
