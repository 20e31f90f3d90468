"""Plays that are passed over, and why; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from runner.location import Problem

HINTS = {
    "filter": "runner inventory list shows the hosts, runner plan without these options the plays",
    "choice": "runner plan without these options shows the steps with their tags",
    "when": "runner plan shows the plays once a condition holds: give inputs with -e",
}


@dataclass(frozen=True, slots=True)
class PassedOver:
    """One play without hosts or steps.

    ``cause`` is ``empty`` where its hosts are none and it says that this may be, ``filter`` for what ``--limit`` and
    ``--exclude`` leave, ``when`` for its own condition, ``choice`` for what tags and ``--start-at`` leave. ``culprit``
    is the option or condition as it was written.
    """

    play: str
    cause: Literal["empty", "filter", "when", "choice"]
    culprit: str = ""

    def __str__(self) -> str:
        """What a plan notes."""
        reasons = {
            "empty": "it has no hosts, as it says it may",
            "filter": f"{self.culprit} leaves it without hosts",
            "when": f"its when ({self.culprit}) is false for all its hosts",
            "choice": f"{self.culprit} leaves it without steps",
        }
        return f'play "{self.play}" is passed over: {reasons[self.cause]}'


def nothing_left(passed: Iterable[PassedOver]) -> list[Problem]:
    """The error of a run without plays, where not all of them may be empty."""
    guilty = [one for one in passed if one.cause != "empty"]
    if not guilty:
        return []
    words = {
        "filter": f"{guilty[0].culprit} leaves no play a host",
        "when": f"no host is left where the when of its play ({guilty[0].culprit}) holds",
        "choice": f"{guilty[0].culprit} leaves no play a step",
    }
    is_one = len({(one.cause, one.culprit) for one in guilty}) == 1
    reason = words[guilty[0].cause] if is_one else "; ".join(map(str, guilty))
    return [Problem("E405", f"nothing is left to run: {reason}", None, HINTS[guilty[0].cause])]
