"""What every part of the engine needs of the run it belongs to, wired by ``app``."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from runner.engine.lanes import Lanes
from runner.engine.output import OutputStore
from runner.engine.sessions import Sessions
from runner.engine.stop import Stop
from runner.errors import RunnerError
from runner.host_lock import Claim
from runner.model.decision import Answer, Question
from runner.model.events import Event
from runner.model.past import Past
from runner.model.plan import Plan
from runner.model.secret_text import SecretText
from runner.step import StepKind
from runner.templating import Templates


class Recorder(Protocol):
    """Where events go: the journal, the views, and what is folded from them."""

    @property
    def wants_output(self) -> bool:
        """Whether anybody wants chunks of output as they come."""
        ...

    def emit(self, event: Event) -> None:
        """Record it; it rides on the next sync."""
        ...

    async def store(self, event: Event) -> None:
        """Record it and return when it is on disk. Raises JournalError."""
        ...


@dataclass(slots=True)
class Run:
    """One run: its plan, its parts, and what its hosts have registered.

    ``results`` maps a host to its registered results and ``set`` values; ``inner`` has those of steps inside a frame,
    by host, play and frame. ``secrets`` are values by name. ``max_open`` is how many connections limits on
    open files allow, None for any number; ``users`` counts for each host the plays that may still want it. ``ask`` asks
    a person, and is for ``decided`` alone, which holds ``asking`` meanwhile. ``fatal`` is the first fault that ends the
    run: a journal that can't be written, or a bug; ``report`` writes a bug's trace and gives the file's name. ``past``
    is what earlier processes of the run have left, None for a run that begins. ``claim`` is what it puts on its hosts
    where it locks them, else None. ``where`` is the option that says where its records are kept, if one must.
    """

    id: str
    plan: Plan
    recorder: Recorder
    templates: Templates
    sessions: Sessions
    kinds: Mapping[str, StepKind[Any]]
    output: OutputStore
    stop: Stop
    project: Path
    seed: int
    salt: bytes
    ask: Callable[[Question], Awaitable[Answer]]
    report: Callable[[BaseException], str]
    secrets: Mapping[str, SecretText] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    inner: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    lanes: Lanes = field(default_factory=Lanes)
    max_open: int | None = None
    users: Counter[str] = field(default_factory=Counter)
    fatal: RunnerError | None = None
    bugs: list[str] = field(default_factory=list)
    shared_ids: frozenset[str] = frozenset()
    past: Past | None = None
    claim: Claim | None = None
    where: tuple[str, ...] = ()
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
