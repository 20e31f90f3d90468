"""How the views name things: steps by their names, hosts folded, statuses in colour. All of it is safe to show."""

from collections.abc import Iterable, Mapping

from runner.hostlist import fold
from runner.model.account import SettledGroup
from runner.model.events import Decision
from runner.model.plan import Plan
from runner.model.playbook import leaves
from runner.model.template import Template
from runner.reporting.escape import visible

Names = Mapping[tuple[str, str], str]
"""The name of a step by play and step id."""

FOLDED = 300
"""Hosts up to which names are folded in what is drawn many times a second."""

SECTIONS = {"handlers": "handler", "gate": "gate", "rescue": "rescue", "always": "always", "rollback": "rollback"}
"""What stands before the name of a step that is not among the play's own, by its section."""

_COLORS = {
    "ok": "32",
    "changed": "33",
    "failed": "31",
    "timed_out": "31",
    "unreachable": "31",
    "gate_failed": "31",
    "rollback_failed": "31",
    "aborted": "31",
    "unknown": "35",
    "interrupted": "35",
    "paused": "35",
    "cancelled": "36",
    "rolled_back": "36",
    "skipped": "2",
    "not_run": "2",
    "bold": "1",
}


def step_names(plan: Plan) -> dict[tuple[str, str], str]:
    """Every step's name as its author wrote it, on one line, its id where it has none; ``handler restart app``."""
    return {
        (play.id, step.id): prefixed(step.section, _name(step.name) or visible(step.id))
        for play in plan.plays
        for nodes in play.sections
        for step in leaves(nodes, everything=True)
    }


def spoken(plan: Plan) -> frozenset[tuple[str, str]]:
    """The steps that are there to say something, by play and step id."""
    return frozenset(
        (play.id, step.id)
        for play in plan.plays
        for nodes in play.sections
        for step in leaves(nodes, everything=True)
        if step.kind == "log"
    )


def step_name(names: Names, play: str, step: str, section: str = "") -> str:
    """A step's name; its id where the name is not known."""
    return names.get((play, step)) or prefixed(section, visible(step))


def prefixed(section: str, name: str) -> str:
    """The name behind the word for where the step stands."""
    return f"{SECTIONS[section]} {name}" if section in SECTIONS else name


def _name(value: object) -> str:
    text = value.source if isinstance(value, Template) else value
    return visible(" ".join(text.split())) if isinstance(text, str) else ""


def hosts(names: Iterable[str], *, most: int | None = None) -> str:
    """The hosts in a few characters: ``web[01-12]``; more than ``most`` of them as ``1000 hosts``."""
    given = tuple(names)
    return f"{len(given)} hosts" if most is not None and len(given) > most else visible(fold(given))


def count(number: int, noun: str) -> str:
    """``1 host``, ``2 hosts``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def counts(numbers: Mapping[str, int], *, color: bool) -> str:
    """``ok 3  failed 1``."""
    return "  ".join(paint(f"{status} {number}", status, color=color) for status, number in numbers.items() if number)


def paint(text: str, status: str, *, color: bool) -> str:
    """The text in the colour of a status, or as it is without ``color``."""
    code = _COLORS.get(status) if color else None
    return f"\x1b[{code}m{text}\x1b[0m" if code else text


_SETTLED = {
    "ok": "taken as done",
    "failed": "taken as failed",
    "skip": "passed over",
    "rerun": "runs again",
    "recalled": "its end was read from the host's record",
}


def settled(said: Decision | SettledGroup) -> str:
    """What was decided of a step."""
    what, how, by, reason = said.what, said.how, said.by, said.reason
    unheard = " though its end was not heard" if what == "rerun" and how != "accept" and not said.was else ""
    who = f", says {visible(by)}" if how in {"resolve", "accept"} else ""
    return f"{_SETTLED.get(what, visible(what))}{unheard}{who}" + (f": {visible(reason)}" if reason else "")
