"""The options of a run as they stand in its journal, and back: so that whoever goes on with it plans the same again.

What is typed after ``-e`` may be a secret's value. Such a value is masked, as everywhere, and has to be given again.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

from runner.app.settings import Settings
from runner.errors import InputError
from runner.location import Problem
from runner.model.events import RunStarted
from runner.model.options import RunOptions, options_in
from runner.redaction import Redactor

SHAPING = (
    "inventory",
    "limit",
    "exclude",
    "tags",
    "skip_tags",
    "start_at",
    "timeout",
    "connect_timeout",
    "seed",
    "fail_fast",
    "exit_policy",
)
"""Options that are kept as they are; the others but playbook, sets and concurrency are for whoever looks on."""


def recorded(settings: Settings, redactor: Redactor, *, seed: int) -> dict[str, Any]:
    """The options for the first record, with the seed that was drawn where none was given."""
    options = {name: getattr(settings, name) for name in SHAPING} | {"seed": seed}
    sets = tuple(map(redactor.text, settings.sets))
    masked = tuple(_name(old) for old, new in zip(settings.sets, sets, strict=True) if old != new)
    whole = RunOptions(
        playbook=str(settings.playbook), sets=sets, masked=masked, concurrency=settings.concurrency, **options
    )
    return whole.as_data()


def again(started: RunStarted, now: Settings) -> Settings:
    """The options of a run whose first record this is, with those of ``now`` that are for this time alone.

    Of ``now`` what is typed after ``-e`` comes last, so that it wins, and ``concurrency`` where it is given. Raises
    InputError for a value that has to be given again, JournalError where the options are missing.
    """
    options = options_in(started.options)
    masked = frozenset(options.masked)
    _ask_for(masked.difference(map(_name, now.sets)))
    kept = {name: getattr(options, name) for name in SHAPING}
    return replace(
        now,
        playbook=Path(options.playbook),
        sets=(*(one for one in options.sets if _name(one) not in masked), *now.sets),
        concurrency=cast("int | Literal['auto'] | None", now.concurrency or options.concurrency),
        **kept,
    )


def _ask_for(names: Iterable[str]) -> None:
    problems = [
        Problem("E620", f"the value of -e {name} was a secret's and was not kept", hint=f"give it again: -e {name}=…")
        for name in sorted(names)
    ]
    if problems:
        raise InputError(problems)


def _name(assignment: str) -> str:
    return assignment.partition("=")[0]
