"""What a simulation is told to let go wrong: as it was written, and what that comes to in a plan."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from runner.location import Location

FaultKind = Literal["fail", "unreachable", "lost", "takes"]

GATE = "gate"
"""The step that stands for the gate of a play."""


class Written(msgspec.Struct, frozen=True):
    """One fault as somebody wrote it, with the places of its parts.

    ``hosts`` is a pattern, empty for all hosts; ``step`` a step's id, PLAY.ID or a glob, empty for a host that can't be
    reached from the start. ``attempt`` is the try that it is for, None for all of them. ``duration`` in seconds.
    """

    kind: FaultKind
    text: str
    hosts: str = ""
    step: str = ""
    attempt: int | None = None
    duration: float = 0.0
    hosts_at: Location | None = None
    step_at: Location | None = None


class Wanted(msgspec.Struct, frozen=True):
    """All that a simulation is told. ``chance`` is the part of all tries that fail, from 0 to 1.

    ``sources`` are the lines of the files and options it stands in, for excerpts.
    """

    faults: tuple[Written, ...] = ()
    deny: bool = False
    chance: float = 0.0
    seed: int | None = None
    sources: Mapping[str, tuple[str, ...]] = {}


class Fault(msgspec.Struct, frozen=True):
    """What befalls a step on these hosts; fields as in ``Written``."""

    kind: FaultKind
    hosts: frozenset[str]
    attempt: int | None = None
    duration: float = 0.0


class Faults(msgspec.Struct, frozen=True):
    """What befalls the hosts and steps of a plan.

    ``unreachable`` hosts are so from the start. ``steps`` are by play and id of the step, ``gates`` by play; of several
    durations the last counts. ``chance`` and ``deny`` as in ``Wanted``.
    """

    unreachable: frozenset[str] = frozenset()
    steps: Mapping[tuple[str, str], tuple[Fault, ...]] = {}
    gates: Mapping[str, tuple[Fault, ...]] = {}
    chance: float = 0.0
    deny: bool = False
