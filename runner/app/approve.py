"""``runner approve``: answer a run that waits for a person, of another process or of one that is gone."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.app import finding, requests
from runner.disk import open_file
from runner.errors import RunnerError
from runner.reporting.escape import visible
from runner.run_folder import RunFolder

PATIENCE = 10.0
"""Seconds for the run to take the answer; it looks four times a second."""

LOOK = 0.1
"""Seconds between two looks for that."""

Fields = Mapping[str, Any]
Key = tuple[Any, ...]


@dataclass(slots=True)
class State:
    """What a run's records say of it. ``open`` are the questions without an answer, ``answers`` all that were given.

    ``since`` is the number of the record with which its latest process began.
    """

    since: int = 0
    ended: Fields | None = None
    open: dict[Key, Fields] = field(default_factory=dict)
    answers: list[Fields] = field(default_factory=list)


def approve(runs_dir: Path | None, wanted: str, *, yes: bool) -> str:
    """Answer the question that a run waits with; gives what was answered, in words.

    A run that is not at work finds the answer when it goes on. Raises InputError for a run that is not there,
    RunnerError where it does not wait or its answer was another one.
    """
    folder = finding.find(finding.root_of(runs_dir), wanted)
    is_live = finding.is_live(folder)
    asked, others = _unanswered(folder, _questions(folder, is_live=is_live), is_live=is_live)
    if not requests.leave(folder, int(asked["seq"]), yes=yes):
        raise RunnerError(f"somebody was faster: run {folder.id} is answered already")
    said = _heard(folder, asked) if is_live else None
    if said is None:
        _stays(folder, asked)
        said = {"event": "approval.granted" if yes else "approval.denied", "by": requests.user()}
        return "\n".join([_words(folder, asked, said), *_then(folder, others)])
    words = _words(folder, asked, said)
    if (said["event"] == "approval.granted") is not yes:
        raise RunnerError(f"somebody was faster; {words}")
    return words


def state_of(folder: RunFolder) -> State:
    """What the records say up to now; the last line may be half written. Raises RunnerError where there are none."""
    state = State()
    try:
        with open_file(folder.path / "events.jsonl") as file:
            for line in file:
                # Only few of what may be millions of records are looked into.
                if b'"event":"approval.' in line or b'"event":"run.' in line:
                    _add(state, line)
    except OSError as error:
        raise RunnerError(f"cannot read the records of run {folder.id}: {error.strerror}") from None
    return state


def _add(state: State, line: bytes) -> None:
    try:
        record = json.loads(line)
    except ValueError:
        return
    match record["event"]:
        case "run.started":
            state.since, state.ended = int(record["seq"]), None
        case "run.ended":
            state.ended = record
        case "approval.waiting":
            state.open[_key(record)] = record
        case "approval.granted" | "approval.denied":
            state.open.pop(_key(record), None)
            state.answers.append(record)


def _key(record: Fields) -> Key:
    """What tells two questions apart."""
    return tuple(record.get(name) for name in ("play", "wave", "about", "host", "step"))


def _questions(folder: RunFolder, *, is_live: bool) -> list[Fields]:
    """The questions that the run waits with, the oldest first. Raises RunnerError where it waits with none."""
    state = state_of(folder)
    # A process that goes on with a run asks again what an earlier one has asked, when it comes there.
    found = [asked for asked in state.open.values() if not is_live or asked["seq"] > state.since]
    if found:
        return found
    if is_live:
        raise RunnerError(f"run {folder.id} does not wait for anybody now")
    how = f"has ended: {visible(state.ended['status'])}" if state.ended else "has died"
    is_well = state.ended is not None and state.ended["status"] == "ok"
    hint = "" if is_well else f"go on with it: {finding.command('resume', folder)}"
    raise RunnerError(f"run {folder.id} {how}; it does not wait for anybody", hint=hint)


def _unanswered(folder: RunFolder, questions: list[Fields], *, is_live: bool) -> tuple[Fields, int]:
    """The first question that nobody has answered yet, and how many more there are. Raises RunnerError."""
    left = [asked for asked in questions if requests.found(folder, int(asked["seq"])) is None]
    if left:
        return left[0], len(left) - 1
    said = requests.found(folder, int(questions[-1]["seq"]))
    by = f" by {visible(said.by)}: {'approved' if said.yes else 'denied'}" if said else ""
    hint = "" if is_live else _then(folder, 0)[0]
    raise RunnerError(f"run {folder.id} is answered already{by}", hint=hint)


def _heard(folder: RunFolder, asked: Fields) -> Fields | None:
    """The answer as the run has recorded it; None where it records none."""
    end = time.monotonic() + PATIENCE
    while True:
        is_over = time.monotonic() > end or not finding.is_live(folder)
        for answer in state_of(folder).answers:
            if answer["seq"] > asked["seq"] and _key(answer) == _key(asked):
                return answer
        if is_over:
            return None
        time.sleep(LOOK)


def _stays(folder: RunFolder, asked: Fields) -> None:
    """Make sure that an answer which the run has not taken will be found. Raises RunnerError where it is in vain."""
    if finding.is_live(folder):
        requests.withdraw(folder, int(asked["seq"]))
        words = f"run {folder.id} did not take the answer within {PATIENCE:g}s: nobody waits for it there any more"
        raise RunnerError(words, hint=f"see what it does: {finding.command('runs show', folder)}")


def _words(folder: RunFolder, asked: Fields, said: Fields) -> str:
    what = "approved" if said["event"] == "approval.granted" else "denied"
    where = ", ".join(visible(word) for word in (asked["play"], f"wave {asked['wave']}", asked.get("host", "")) if word)
    return f'{what} by {visible(said["by"])}: run {folder.id}, {where}: "{visible(asked["question"])}"'


def _then(folder: RunFolder, others: int) -> list[str]:
    """What is still to be typed for a run that is not at work."""
    more = "1 more question is" if others == 1 else f"{others} more questions are"
    again = [f"{more} open: {finding.command('approve', folder)}"] if others else []
    return [*again, f"to go on: {finding.command('resume', folder)}"]
