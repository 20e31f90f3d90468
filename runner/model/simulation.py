"""What a simulation came to: what happened when, how every host and step ended, and the summary of the run.

Times are seconds of the virtual clock, from 0.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from runner.model.summary import Summary

What = Literal["wave", "failure", "gate", "budget", "bake", "approval", "rollback"]


class Moment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened ``at`` a time, and was over at ``until`` where it took any.

    ``wave``: ``of`` is the number of waves. ``failure``: hosts on which ``step`` ended in ``status``, or that could not
    be reached. ``gate``: ``status`` is ``passed`` or the verdict, ``step`` the check that was not met. ``budget`` was
    exceeded: ``status`` is what follows, ``spent`` of ``allowed``. ``approval``: ``status`` is ``waiting``, ``granted``
    or ``denied``. ``rollback``: ``hosts`` in their order. ``mark`` is ``ignored`` or ``rescued``.
    """

    at: float
    what: What
    play: str
    wave: int = 0
    until: float | None = None
    of: int = 0
    hosts: tuple[str, ...] = ()
    step: str = ""
    section: str = ""
    status: str = ""
    mark: str = ""
    reason: str = ""
    src: str = ""
    counts: Mapping[str, int] = {}
    spent: int = 0
    allowed: int = 0


class SimulatedHost(msgspec.Struct, kw_only=True):
    """One host in one play. ``started`` is None where it never was; ``steps`` are final statuses by the step's id."""

    play: str
    host: str
    wave: int
    status: str = ""
    reason: str = ""
    started: float | None = None
    ended: float | None = None
    steps: dict[str, str] = {}


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """A whole simulation: ``runner simulate --format json``.

    ``faults`` are those that were asked for, as options. ``seed`` repeats it. ``exit`` is the exit status that the run
    would have, and ``status`` its word.
    """

    playbook: str
    name: str
    seed: int
    faults: tuple[str, ...]
    status: str
    exit: int
    duration: float
    timeline: tuple[Moment, ...]
    hosts: tuple[SimulatedHost, ...]
    summary: Summary


def encode_simulation(simulation: Simulation) -> bytes:
    """The simulation as indented JSON, with a line feed at its end."""
    return msgspec.json.format(msgspec.json.encode(simulation), indent=2) + b"\n"
