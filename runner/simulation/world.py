"""What happens to whom in a simulation: how long each try of a step takes and how it ends; no I/O.

Chance is a number made of the seed and of what the try is: so it does not depend on the order in which hosts come.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from runner.errors import ConnectError
from runner.model.events import StepIntent
from runner.model.faults import Fault, Faults
from runner.model.inventory import Host
from runner.simulation.gates import Looked
from runner.simulation.lasting import STEP_TAKES
from runner.transports.fake import Answer, Connection, Sent

REASON = "simulated"
"""What a simulated loss says in place of an error of the network's."""

current: ContextVar[StepIntent | None] = ContextVar("current", default=None)
"""The try that is at work in this task, as its record says: a step kind itself knows only its target."""

End = Literal["well", "fail", "unreachable", "lost"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a try ends, and after how many seconds, None where nothing was said of that."""

    end: End = "well"
    takes: float | None = None


@dataclass(slots=True)
class World:
    """What befalls hosts and steps. ``away`` are the hosts that can't be reached (any more).

    ``shorter`` has the seconds of steps and checks that take less than others, by play and id.
    """

    faults: Faults
    seed: int
    shorter: Mapping[tuple[str, str], float] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    _answers: dict[str, Answer] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)
    _looks: dict[Looked, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.away |= self.faults.unreachable

    def connecting(self, host: Host, attempt: int) -> Connection:
        """What an attempt to connect comes to."""
        del attempt
        return Connection(error=_unreachable()) if host.name in self.away else Connection()

    def command(self, answer: Answer) -> str:
        """A command that the fake hosts answer so."""
        number = str(next(self._numbers))
        self._answers[number] = answer
        return number

    def script(self, sent: Sent) -> Answer:
        """The answer to a command; a host that is away gives none."""
        return Answer(error=_unreachable()) if sent.host in self.away else self._answers.pop(sent.text)

    def verdict(self, at: str) -> Verdict:
        """How the try at work in this task ends; ``at`` is the host that it runs on."""
        intent = current.get()
        if intent is None:
            return Verdict()
        found = self.faults.steps.get((intent.play, intent.step), ())
        verdict = self._found(found, intent.host, intent.attempt or 1, at)
        if self.faults.chance and verdict.end == "well" and self._chance(intent) < self.faults.chance:
            return Verdict("fail", verdict.takes)
        return verdict

    def takes(self, looked: Looked | None) -> float:
        """Seconds that the try at work, or a look at a gate, takes where nothing was said of it."""
        intent = current.get()
        if looked is not None:
            return self.shorter.get((looked.play, looked.check), STEP_TAKES)
        return STEP_TAKES if intent is None else self.shorter.get((intent.play, intent.step), STEP_TAKES)

    def gate(self, looked: Looked, at: str) -> Verdict:
        """How a look at a gate ends; ``at`` as above. The try of a fault is the number of the look."""
        number = self._looks[looked] = self._looks.get(looked, 0) + 1
        return self._found(self.faults.gates.get(looked.play, ()), looked.host, number, at)

    def _found(self, faults: Iterable[Fault], host: str, attempt: int, at: str) -> Verdict:
        mine = [fault for fault in faults if host in fault.hosts and fault.attempt in {None, attempt}]
        ends: set[str] = {fault.kind for fault in mine}
        takes = next((fault.duration for fault in reversed(mine) if fault.kind == "takes"), None)
        if "unreachable" in ends:
            self.away.add(host)
            return Verdict("unreachable" if at == host else "well", takes)
        return Verdict("lost" if "lost" in ends else "fail" if "fail" in ends else "well", takes)

    def _chance(self, intent: StepIntent) -> float:
        """A number from 0 to 1 for one try."""
        text = f"{self.seed}/{intent.play}/{intent.host}/{intent.step}/{intent.item}/{intent.attempt}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / 2**64


def _unreachable() -> ConnectError:
    return ConnectError("timeout", REASON, temporary=True)
