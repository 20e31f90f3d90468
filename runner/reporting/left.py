"""What is left of a run: as text, hosts with the same steps together, and for programs."""

import json
from collections.abc import Iterable, Iterator, Sequence

from runner.model.plan import Plan
from runner.model.remaining import Left
from runner.reporting.escape import visible
from runner.reporting.wording import count, hosts

VERSION = "1.1"
"""Of the JSON: a new field is a minor version, a changed one a major version."""


def text(plan: Plan, run: str, left: Sequence[Left]) -> Iterator[str]:
    """A line for each step of each wave, with the hosts that it is left on, in the order in which they come."""
    steps = sum(len(one.steps) for one in left)
    names = {one.host for one in left}
    back = ", on its way back" if any(one.section == "rollback" for one in left) else ""
    yield f"left of run {visible(run)}: {count(steps, 'step')} on {count(len(names), 'host')}{back}"
    of = {play.id: len(play.waves) for play in plan.plays}
    for play, wave, is_back in dict.fromkeys((one.play, one.wave, bool(one.section)) for one in left):
        yield f"play {visible(play)}, wave {wave} of {of[play]}{' goes back' if is_back else ''}"
        here = [one for one in left if (one.play, one.wave) == (play, wave)]
        for section in dict.fromkeys(one.section for one in here):
            mine = [one for one in here if one.section == section]
            means = " (always)" if section == "always" else ""
            yield from (f"  {visible(step)}{means}  {hosts(names)}" for step, names in _by_step(play_steps(mine), mine))


def play_steps(left: Iterable[Left]) -> list[str]:
    """The steps that are left on any of these hosts, in the order in which they run."""
    longest = sorted(left, key=lambda one: -len(one.steps))
    return list(dict.fromkeys(step for one in longest for step in one.steps))


def _by_step(steps: Iterable[str], left: Sequence[Left]) -> Iterator[tuple[str, list[str]]]:
    having = [(one.host, frozenset(one.steps)) for one in left]
    for step in steps:
        yield step, [host for host, mine in having if step in mine]


def encoded(run: str, left: Iterable[Left], notes: Sequence[str]) -> str:
    """Every step that is left, with its play, wave and host, as indented JSON with a line feed at its end.

    ``section`` is there where the play goes back: ``rollback`` or ``always``.
    """
    found = [
        {"play": one.play, "wave": one.wave, "host": one.host, "step": step}
        | ({"section": one.section} if one.section else {})
        for one in left
        for step in one.steps
    ]
    return json.dumps({"version": VERSION, "run": run, "left": found, "notes": list(notes)}, indent=2) + "\n"
