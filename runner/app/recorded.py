"""The options of a run as they stand in its journal, and back: so that whoever goes on with it plans the same again.

What is typed after ``-e`` may be a secret's value. Such a value is masked, as everywhere, and has to be given again.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.app.settings import SHAPING, Settings, options_of, with_options
from runner.errors import InputError
from runner.location import Problem
from runner.model.events import RunStarted
from runner.model.options import RunOptions, options_in
from runner.redaction import Redactor

BESIDE = ("connect_timeout", "exit_policy")
"""Options that are kept as they are, beside those that shape the plan; the others are for whoever looks on."""


def recorded(settings: Settings, redactor: Redactor, *, seed: int, max_open: int) -> dict[str, Any]:
    """The options for the first record, with the seed that was drawn and the limit on open files that was found."""
    shaping = options_of(settings, seed=seed, max_open=max_open)
    sets = tuple(map(redactor.text, shaping.sets))
    masked = tuple(_name(old) for old, new in zip(shaping.sets, sets, strict=True) if old != new)
    kept = {name: getattr(shaping, name) for name in (*SHAPING, "max_open")} | {"sets": sets}
    kept |= {name: getattr(settings, name) for name in BESIDE}
    return RunOptions(playbook=str(settings.playbook), masked=masked, **kept).as_data()


def again(started: RunStarted, now: Settings) -> Settings:
    """The options of a run whose first record this is, with those of ``now`` that are for this time alone.

    Of ``now`` what is typed after ``-e`` comes last, so that it wins, and ``concurrency`` where it is given. Raises
    InputError for a value that has to be given again, JournalError where the options are missing.
    """
    options = options_in(started.options)
    masked = frozenset(options.masked)
    _ask_for(masked.difference(map(_name, now.sets)))
    return replace(
        with_options(now, options),
        playbook=Path(options.playbook),
        sets=(*(one for one in options.sets if _name(one) not in masked), *now.sets),
        concurrency=now.concurrency or options.concurrency,
        **{name: getattr(options, name) for name in BESIDE},
    )


def _ask_for(names: Iterable[str]) -> None:
    problems = [
        Problem("E623", f"the value of -e {name} was a secret's and was not kept", hint=f"give it again: -e {name}=…")
        for name in sorted(names)
    ]
    if problems:
        raise InputError(problems)


def _name(assignment: str) -> str:
    return assignment.partition("=")[0]
