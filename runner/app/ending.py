"""How a run ended, for the command line, which alone knows exit statuses."""

from collections.abc import Callable
from dataclasses import dataclass

from runner.errors import RunnerError
from runner.model.summary import Summary


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: its summary, the status an interrupt asks for, and whether runner or its journal failed."""

    summary: Summary
    interrupted: int | None
    has_bug: bool
    fatal: RunnerError | None


ExitOf = Callable[[Ending, str], tuple[int, str]]
"""Gives the exit status and the word for it, under an ``--exit-policy``.

It is the command line's, which alone knows the numbers.
"""
