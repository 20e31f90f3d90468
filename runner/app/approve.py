"""``runner approve``: answer a run of another process that waits for a person."""

import json
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.app import finding, requests
from runner.errors import RunnerError
from runner.reporting.escape import visible
from runner.run_folder import RunFolder

PATIENCE = 10.0
"""Seconds for the run to take the answer; it looks four times a second."""

LOOK = 0.1
"""Seconds between two looks for that."""

AGAIN = "start it again: runner run …"

Fields = Mapping[str, Any]
Key = tuple[Any, ...]


@dataclass(slots=True)
class State:
    """What a run's records say of it. ``open`` are the questions without an answer, ``answers`` all that were given."""

    started: Fields = field(default_factory=dict)
    ended: Fields | None = None
    open: dict[Key, Fields] = field(default_factory=dict)
    answers: list[Fields] = field(default_factory=list)


def approve(runs_dir: Path | None, wanted: str, *, yes: bool) -> str:
    """Answer the question that a run waits with; gives what was answered, in words.

    Raises InputError for a run that is not there, RunnerError where it does not wait or its answer was another one.
    """
    folder = finding.find(finding.root_of(runs_dir), wanted)
    asked = _waiting(folder, state_of(folder))
    number = int(asked["seq"])
    if not requests.leave(folder, number, yes=yes):
        raise RunnerError(f"somebody has answered run {folder.id} already, and it has not yet taken it")
    answer = _heard(folder, asked)
    if answer is None:
        requests.withdraw(folder, number)
        words = f"run {folder.id} did not take the answer within {PATIENCE:g}s: nobody waits for it there any more"
        raise RunnerError(words, hint=AGAIN)
    where = f'{visible(asked["play"])}, wave {asked["wave"]}: "{visible(asked["question"])}"'
    is_yes = answer["event"] == "approval.granted"
    words = f"{'approved' if is_yes else 'denied'} by {visible(answer['by'])}: run {folder.id}, {where}"
    if is_yes is not yes:
        raise RunnerError(f"somebody was faster; {words}")
    return words


def state_of(folder: RunFolder) -> State:
    """What the records say up to now; the last line may be half written. Raises RunnerError where there are none."""
    state = State()
    try:
        with (folder.path / "events.jsonl").open("rb") as file:
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
            state.started = record
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


def _waiting(folder: RunFolder, state: State) -> Fields:
    """The question that the run waits with. Raises RunnerError where it waits with none."""
    if state.ended is not None:
        was = "; it waited for a person, and nobody was there" if state.ended["status"] == "paused" else ""
        raise RunnerError(f"run {folder.id} has ended{was}", hint=AGAIN)
    if _is_gone(state.started):
        pid = state.started["pid"]
        raise RunnerError(f"run {folder.id} is no longer there: its process {pid} is gone", hint=AGAIN)
    if not state.open:
        raise RunnerError(f"run {folder.id} does not wait for anybody now")
    return list(state.open.values())[-1]


def _is_gone(started: Fields) -> bool:
    """Whether the process has ended, as far as can be told from this machine."""
    if started.get("controller") != socket.gethostname():
        return False
    try:
        os.kill(started["pid"], 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _heard(folder: RunFolder, asked: Fields) -> Fields | None:
    """The answer as the run has recorded it; None where it records none."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for answer in state_of(folder).answers:
            if answer["seq"] > asked["seq"] and _key(answer) == _key(asked):
                return answer
        time.sleep(LOOK)
    return None
