"""Events and values turned into text: what people and scripts see. One view, or one export, a module.

A :class:`View` is given each record of the journal after it has been stored, and writes through the ``write`` it was
made with. It knows neither the terminal's file nor the loop: whoever wires it calls ``tick`` some four times a second.
"""

from dataclasses import dataclass
from typing import Protocol

from runner.model.events import Event
from runner.model.plan import Plan
from runner.model.summary import Summary


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the journal: the event, its time (epoch seconds), its number, its JSON line with the newline."""

    event: Event
    ts: float
    seq: int
    line: bytes


class View(Protocol):
    """One way to show a run."""

    def begin(self, plan: Plan, run: str, folder: str) -> None:
        """Before the first record: the plan, the run's id and the path of its folder."""
        ...

    def see(self, record: Record) -> None:
        """One record, in order."""
        ...

    def tick(self, now: float) -> None:
        """Time goes on: ``now`` in epoch seconds. Redraw, or say what is waited for."""
        ...

    def end(self, summary: Summary) -> None:
        """After the last record. Nothing is called after it."""
        ...
