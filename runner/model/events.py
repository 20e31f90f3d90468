"""The dated facts of a run, one Struct an event, named as in ``events.jsonl``.

``seq``, ``ts``, ``run`` and ``sum`` are the journal's and stand around these fields, not among them. A field that is
None or empty by default is left out of the record.
"""

from collections.abc import Mapping
from typing import Any

import msgspec


class Base(msgspec.Struct, frozen=True, tag_field="event", omit_defaults=True, kw_only=True):
    """Common to all events."""


class RunStarted(Base, frozen=True, kw_only=True, tag="run.started"):
    """The first record: who runs what, from where, with which inputs (a secret is a name here)."""

    schema: str
    tool: str
    mode: str
    playbook: str
    name: str
    inventory: tuple[str, ...] = ()
    inputs: Mapping[str, Any] = {}
    hashes: Mapping[str, str] = {}
    argv: tuple[str, ...] = ()
    user: str
    controller: str
    pid: int
    cwd: str = ""
    git_commit: str | None = None
    git_clean: bool | None = None
    seed: int | None = None


class PlanReady(Base, frozen=True, kw_only=True, tag="plan.ready"):
    """What will run. ``total`` is steps times hosts; ``plays`` have ``id name hosts steps waves concurrency``."""

    plays: tuple[Mapping[str, Any], ...]
    hosts: int
    total: int
    notes: tuple[str, ...] = ()


class HostConnecting(Base, frozen=True, kw_only=True, tag="host.connecting"):
    """A connection is about to be opened; ``attempt`` counts from 1."""

    host: str
    address: str
    attempt: int


class HostConnected(Base, frozen=True, kw_only=True, tag="host.connected"):
    """It is open and logged in. ``duration`` in seconds."""

    host: str
    duration: float


class HostLost(Base, frozen=True, kw_only=True, tag="host.lost"):
    """It could not be opened, or went away. ``cause`` is that of ConnectError, or ``closed_midway``."""

    host: str
    cause: str
    reason: str
    hint: str = ""
    attempt: int | None = None


class HostClosed(Base, frozen=True, kw_only=True, tag="host.closed"):
    """It was closed in order."""

    host: str


class WaveStarted(Base, frozen=True, kw_only=True, tag="wave.started"):
    """A wave begins. ``of`` is the number of waves of the play."""

    play: str
    wave: int
    of: int
    hosts: tuple[str, ...]


class WaveEnded(Base, frozen=True, kw_only=True, tag="wave.ended"):
    """Every host of it has ended. ``counts`` by host status; ``status`` is ``ok`` or ``failed``."""

    play: str
    wave: int
    status: str
    counts: Mapping[str, int]
    duration: float


class HostStarted(Base, frozen=True, kw_only=True, tag="host.started"):
    """A host is let to work."""

    play: str
    wave: int
    host: str


class HostEnded(Base, frozen=True, kw_only=True, tag="host.ended"):
    """A host's turn in a play is over, ``not_run`` too. ``ignored`` counts its ignored failures."""

    play: str
    wave: int
    host: str
    status: str
    reason: str = ""
    ignored: int = 0
    duration: float = 0.0


class StepEvent(Base, frozen=True, kw_only=True):
    """What all step events say: which step, where. ``src`` is ``file:line``; ``item`` and ``attempt`` count from 1."""

    play: str
    wave: int
    host: str
    step: str
    src: str = ""
    item: int | None = None
    attempt: int | None = None


class StepIntent(StepEvent, frozen=True, kw_only=True, tag="step.intent"):
    """It is about to start on this host: on disk before anything is sent. ``command`` is a salted hash."""

    kind: str
    command: str = ""


class StepOutput(StepEvent, frozen=True, kw_only=True, tag="step.output"):
    """A chunk of output. ``encoding`` is ``base64`` where the bytes are no UTF-8."""

    stream: str
    text: str
    encoding: str | None = None


class StepNote(StepEvent, frozen=True, kw_only=True, tag="step.note"):
    """What a running step says meanwhile: a ``log`` line, a change that ``wait_for`` saw, a tick."""

    message: str


class StepRetry(StepEvent, frozen=True, kw_only=True, tag="step.retry"):
    """It failed and is tried again after ``delay`` seconds. ``attempt`` is the one that failed."""

    status: str
    rc: int | None = None
    reason: str
    delay: float


class StepEnded(StepEvent, frozen=True, kw_only=True, tag="step.ended"):
    """It ended, or was skipped.

    ``duration`` in seconds, of the last attempt; ``stdout`` and ``stderr`` are sizes in bytes; ``output`` the paths of
    the output files, relative to the run folder; ``register`` the registered result; ``tail`` the last lines of what
    it printed, for a failure. ``killed`` is ``yes``, ``no`` or ``unknown`` where the process group had to be ended.
    """

    kind: str
    status: str
    rc: int | None = None
    signal: str | None = None
    changed: bool = False
    ignored: bool = False
    reason: str = ""
    duration: float = 0.0
    stdout: int = 0
    stderr: int = 0
    truncated: bool = False
    output: Mapping[str, str] = {}
    output_lost: bool = False
    register: Mapping[str, Any] | None = None
    tail: str = ""
    killed: str | None = None
    label: str = ""


class BudgetChanged(Base, frozen=True, kw_only=True, tag="budget.changed"):
    """One more failure was spent. ``allowed`` None is without limit."""

    play: str
    wave: int
    host: str
    failures: int
    allowed: int | None = None


class BudgetExceeded(Base, frozen=True, kw_only=True, tag="budget.exceeded"):
    """There are more failures than the budget; ``action`` is what ``on_exceed`` says."""

    play: str
    wave: int
    failures: int
    allowed: int
    action: str


class Signalled(Base, frozen=True, kw_only=True, tag="signal"):
    """A signal arrived; ``action`` is what follows: ``stop``, ``kill``, ``exit`` or ``status``."""

    signal: str
    action: str


class Warned(Base, frozen=True, kw_only=True, tag="warning"):
    """Something a person should know that stops nothing."""

    message: str
    host: str | None = None
    hint: str = ""


class Progressed(Base, frozen=True, kw_only=True, tag="progress"):
    """``done`` of ``total`` steps; hosts at work now. At most one a second."""

    active: int
    done: int
    total: int


class RunEnded(Base, frozen=True, kw_only=True, tag="run.ended"):
    """The last record; ``summary`` is what ``summary.json`` holds."""

    status: str
    exit: int
    summary: Mapping[str, Any] = {}


Event = (
    RunStarted | PlanReady | HostConnecting | HostConnected | HostLost | HostClosed | WaveStarted | WaveEnded
    | HostStarted | HostEnded | StepIntent | StepOutput | StepNote | StepRetry | StepEnded | BudgetChanged
    | BudgetExceeded | Signalled | Warned | Progressed | RunEnded
)  # fmt: skip
"""Any of them: ``match`` over it ends in ``assert_never``."""
