"""The dated facts of a run, one Struct an event, named as in ``events.jsonl``.

``seq``, ``ts``, ``run`` and ``sum`` are the journal's and stand around these fields, not among them. A field that is
None or empty by default is left out of the record.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

EVENT_SCHEMA = "1.0"
"""The version of what stands here: a new field is a minor one, a changed one a major one."""


class Base(msgspec.Struct, frozen=True, tag_field="event", omit_defaults=True, kw_only=True, gc=False):
    """Common to all events: plain data, in which the garbage collector has nothing to find."""


class RunStarted(Base, frozen=True, kw_only=True, tag="run.started"):
    """The first record: who runs what, from where, with which inputs (a secret is a name here).

    It comes again, with ``resume``, whenever the run is gone on with. ``options`` are those that shape the plan, so
    that it can be made again; ``plan`` is the SHA-256 of the stored plan; ``digests`` are salted hashes, by name, of
    inputs, variables given on the command line and secrets (``secrets.NAME``). ``salt`` is hex, also of the hashes in
    ``step.intent``. ``token`` names this run's records on hosts: 128 bits, hex. ``boot_id`` is the controller's.
    ``durability`` is ``full`` or ``relaxed``. ``saved_plan`` is the id of the saved plan that is run, if it is one.
    ``key`` names what seals the journal from here on, if anything does: the journal itself fills it in.
    """

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
    resume: bool = False
    options: Mapping[str, Any] = {}
    plan: str = ""
    digests: Mapping[str, str] = {}
    salt: str = ""
    token: str = ""
    boot_id: str = ""
    durability: str = "full"
    saved_plan: str = ""
    key: str = ""


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
    """It is open and logged in. ``duration`` in seconds.

    Over SSH ``strict_kex`` says whether nothing can have been cut out of the first packets, and ``older`` has the
    algorithms in use that runner takes only where the inventory names them for the host.
    """

    host: str
    duration: float
    strict_kex: bool | None = None
    older: tuple[str, ...] = ()


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
    """A host is let to work.

    ``section`` says what for where it has ended before: ``rollback``, or ``always`` and ``handlers`` for their steps
    that run once, when the last host is done.
    """

    play: str
    wave: int
    host: str
    section: str = ""


class HostEnded(Base, frozen=True, kw_only=True, tag="host.ended"):
    """A host's turn in a play is over, ``not_run`` too. ``ignored`` counts its ignored failures.

    It comes again when gate, rollback or a late step changes that: the last one stands.
    """

    play: str
    wave: int
    host: str
    status: str
    reason: str = ""
    ignored: int = 0
    duration: float = 0.0


class StepEvent(Base, frozen=True, kw_only=True):
    """What all step events say: which step, where. ``src`` is ``file:line``; ``item`` and ``attempt`` count from 1.

    ``section`` is empty for the play's steps, else ``rescue``, ``always``, ``handlers`` or ``rollback``: such steps
    count in no progress, and may run again on a host, their attempts counting on. ``delegate`` is the host it runs on,
    where that is another one.
    """

    play: str
    wave: int
    host: str
    step: str
    section: str = ""
    delegate: str = ""
    src: str = ""
    item: int | None = None
    attempt: int | None = None


class StepIntent(StepEvent, frozen=True, kw_only=True, tag="step.intent"):
    """It is about to start on this host: on disk before anything is sent. ``command`` is a salted hash.

    ``is_local`` where the controller does it all: nothing is sent anywhere. ``idempotent`` and ``on_unknown`` say what
    may be done where its end is never heard. ``is_guess`` where it stands for records that are lost: the step may have
    begun, and more than once, so that no single record on its host tells what became of it. ``become`` is the user
    that runs it, where that is not who logs in.
    """

    kind: str
    command: str = ""
    become: str = ""
    is_local: bool = False
    idempotent: bool = False
    on_unknown: str = "stop"
    is_guess: bool = False


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

    ``duration`` in seconds, of the last attempt, 0 where the process that began it has ended before;
    ``stdout`` and ``stderr`` are sizes in bytes, ``truncated`` where more may have come; ``output`` the paths of
    the output files, relative to the run folder; ``register`` the registered result, without ``stdout`` and ``stderr``
    where nobody heard them; ``tail`` the last lines of what it printed, for a failure. ``killed`` is ``yes``, ``no`` or
    ``unknown`` where the process group had to be ended. ``values`` are the names that ``set`` gave values to.
    ``masked`` where a secret was masked in ``register`` or ``values``. ``late`` where the end was not heard when it
    came, but read from the host's record afterwards.
    """

    kind: str
    status: str
    rc: int | None = None
    signal: str | None = None
    changed: bool = False
    ignored: bool = False
    rescued: bool = False
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
    values: Mapping[str, Any] | None = None
    masked: bool = False
    late: bool = False


class Decision(StepEvent, frozen=True, kw_only=True, tag="decision"):
    """What becomes of a step whose end nobody heard: ``what`` is ``ok``, ``failed``, ``rerun`` or ``skip``.

    ``by`` is a person, with ``how`` ``resolve``, or ``accept`` for a step that ended well and has changed since, or is
    new; or the step itself, with ``idempotent``, ``on_unknown`` or ``verify``;
    or the host's record, with ``record``. ``was`` is the status with which it had ended, where its end was heard and a
    person has it run again.
    """

    what: str
    by: str
    how: str
    reason: str = ""
    was: str = ""


class LockTaken(Base, frozen=True, kw_only=True, tag="lock.taken"):
    """A lock is held from here on: ``scope`` is ``controller`` or ``hosts``. ``id`` is what releases it by hand."""

    scope: str
    id: str = ""
    hosts: tuple[str, ...] = ()


class LockReleased(Base, frozen=True, kw_only=True, tag="lock.released"):
    """A lock is given back."""

    scope: str
    id: str = ""
    hosts: tuple[str, ...] = ()


class BudgetChanged(Base, frozen=True, kw_only=True, tag="budget.changed"):
    """One more failure was spent. ``allowed`` None is without limit."""

    play: str
    wave: int
    host: str
    failures: int
    allowed: int | None = None


class BudgetExceeded(Base, frozen=True, kw_only=True, tag="budget.exceeded"):
    """There are more failures than the budget; ``action`` is what ``on_exceed`` says.

    ``by_gate`` where the failure that was one too many is a gate's.
    """

    play: str
    wave: int
    failures: int
    allowed: int
    action: str
    by_gate: bool = False


class HandlerNotified(Base, frozen=True, kw_only=True, tag="handler.notified"):
    """A step changed something, so that a handler has to run. ``step`` is the step, ``handler`` the handler's id."""

    play: str
    wave: int
    host: str
    step: str
    handler: str


class GateChecked(Base, frozen=True, kw_only=True, tag="gate.checked"):
    """One answer to one check of a gate. ``host`` is empty for a check made once for the wave.

    ``verdict`` is ``healthy``, ``unhealthy`` or ``inconclusive``; ``successes`` are those in a row, of ``of``.
    """

    play: str
    wave: int
    check: str
    verdict: str
    host: str = ""
    src: str = ""
    number: int = 1
    successes: int = 0
    of: int = 1
    reason: str = ""


class GatePassed(Base, frozen=True, kw_only=True, tag="gate.passed"):
    """Every check of the gate was met, for all these hosts. ``duration`` in seconds."""

    play: str
    wave: int
    hosts: tuple[str, ...]
    duration: float = 0.0


class GateFailed(Base, frozen=True, kw_only=True, tag="gate.failed"):
    """A check of the gate was not met for these hosts. ``verdict`` is ``unhealthy`` or ``inconclusive``."""

    play: str
    wave: int
    hosts: tuple[str, ...]
    check: str
    verdict: str
    reason: str = ""
    src: str = ""
    duration: float = 0.0


class Baking(Base, frozen=True, kw_only=True, tag="bake"):
    """The play waits between two waves. ``duration`` in seconds."""

    play: str
    wave: int
    duration: float


class ApprovalWaiting(Base, frozen=True, kw_only=True, tag="approval.waiting"):
    """A person has to say whether the run goes on. ``question`` is what they are asked, ``about`` what it is for.

    ``about`` is ``wave`` (an approval after a wave), ``step`` (an ``approve`` step), ``budget`` (a pause) or ``gate``
    (an inconclusive one).
    """

    play: str
    wave: int
    about: str
    question: str
    host: str = ""
    step: str = ""


class ApprovalGranted(Base, frozen=True, kw_only=True, tag="approval.granted"):
    """Somebody said yes; ``by`` says who, and ``how``: ``terminal``, ``command`` or ``option``."""

    play: str
    wave: int
    about: str
    by: str
    how: str
    host: str = ""
    step: str = ""


class ApprovalDenied(Base, frozen=True, kw_only=True, tag="approval.denied"):
    """Somebody said no; ``by`` and ``how`` as in ``approval.granted``. ``timeout``, ``stop``: nobody waits any more."""

    play: str
    wave: int
    about: str
    by: str
    how: str
    host: str = ""
    step: str = ""


class RollbackStarted(Base, frozen=True, kw_only=True, tag="rollback.started"):
    """Hosts that a play has touched are rolled back, in this order."""

    play: str
    reason: str
    hosts: tuple[str, ...]


class RollbackEnded(Base, frozen=True, kw_only=True, tag="rollback.ended"):
    """The rollback is over: ``status`` is ``rolled_back`` or ``rollback_failed``; ``counts`` by host status."""

    play: str
    status: str
    counts: Mapping[str, int]
    duration: float = 0.0


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
    """``done`` of ``total`` steps; hosts at work now. At most one a second.

    ``stalled`` is how long, in seconds, runner itself stood still since the last one, where that was noticeable.
    """

    active: int
    done: int
    total: int
    stalled: float = 0.0


class RunEnded(Base, frozen=True, kw_only=True, tag="run.ended"):
    """The last record; ``summary`` is what ``summary.json`` holds."""

    status: str
    exit: int
    summary: Mapping[str, Any] = {}


Event = (
    RunStarted | PlanReady | HostConnecting | HostConnected | HostLost | HostClosed | WaveStarted | WaveEnded
    | HostStarted | HostEnded | StepIntent | StepOutput | StepNote | StepRetry | StepEnded | Decision | BudgetChanged
    | BudgetExceeded | HandlerNotified | GateChecked | GatePassed | GateFailed | Baking | ApprovalWaiting
    | ApprovalGranted | ApprovalDenied | RollbackStarted | RollbackEnded | Signalled | Warned | Progressed
    | LockTaken | LockReleased | RunEnded
)  # fmt: skip
"""Any of them: ``match`` over it ends in ``assert_never``."""
