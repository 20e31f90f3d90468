"""The parts of a summary, as values. They are stored in ``summary.json`` and in the last event."""

from collections.abc import Mapping

import msgspec


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run did not end well; several can hold. ``interrupted`` is the first signal that stopped it, or empty.

    ``aborted`` where steps exceeded a failure budget, ``gate`` where a gate did, ``denied`` where a person said no.
    ``paused`` where a question is unanswered. ``died`` where its process ended without saying so.
    """

    failed: bool = False
    unreachable: bool = False
    unknown: bool = False
    aborted: bool = False
    gate: bool = False
    denied: bool = False
    paused: bool = False
    rolled_back: bool = False
    rollback_failed: bool = False
    interrupted: str = ""
    died: bool = False


class FailureGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts that failed alike: at the same step, in the same way, for the same reason.

    ``tail`` (the last lines of output), ``output`` (paths in the run folder) and ``rc`` are those of the first host.
    ``step`` is empty for what went wrong outside any step. ``section`` is where the step stands (``rescue always
    handlers rollback``), empty for the play's own; ``delegate`` the host it ran on, where that is another one.
    """

    play: str
    step: str
    kind: str
    src: str
    status: str
    reason: str
    hosts: tuple[str, ...]
    rc: int | None = None
    tail: str = ""
    output: Mapping[str, str] = {}
    section: str = ""
    delegate: str = ""


class UnknownGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts on which a step was started and nobody knows how it ended: a person has to decide.

    ``began`` (RFC 3339, empty where it is not known), ``reason`` and ``commands``, one for each way to settle it, are
    those of the first host. The other fields as in ``FailureGroup``.
    """

    play: str
    step: str
    hosts: tuple[str, ...]
    began: str
    reason: str
    commands: tuple[str, ...]
    section: str = ""
    delegate: str = ""


class SettledGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts on which the end of a step was not heard, and what was decided; or that somebody has do it again.

    ``what how by was`` are those of ``decision``. ``what`` is ``recalled`` where its end was read from the host's
    record.
    """

    play: str
    step: str
    hosts: tuple[str, ...]
    what: str
    how: str
    by: str = ""
    reason: str = ""
    section: str = ""
    was: str = ""


class GateGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts for which a check of a gate was not met, for the same reason. ``verdict`` as in ``gate.failed``."""

    play: str
    check: str
    src: str
    verdict: str
    reason: str
    hosts: tuple[str, ...]


class HostGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts of a play that did not run, or not to their end, for the same reason."""

    play: str
    status: str
    reason: str
    hosts: tuple[str, ...]


class HandlerGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts on which a handler was notified and did not run, for the same reason."""

    play: str
    handler: str
    reason: str
    hosts: tuple[str, ...]


class OpenQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What a person was asked and has not answered. ``about`` as in ``approval.waiting``."""

    play: str
    wave: int
    about: str
    question: str
    host: str = ""
    step: str = ""


class Denial(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said no to, who, and how: ``terminal``, ``command`` or ``option``."""

    play: str
    wave: int
    about: str
    by: str
    how: str
    host: str = ""
    step: str = ""


class WaveSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One wave that began. ``status`` is empty when it never ended; ``counts`` by host status; ``duration`` in s."""

    wave: int
    status: str
    hosts: int
    counts: Mapping[str, int]
    duration: float


class RollbackSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The rollback of a play. ``status`` is empty when it never ended; ``hosts`` is how many it was for."""

    status: str
    reason: str
    hosts: int
    counts: Mapping[str, int]
    duration: float


class PlaySummary(msgspec.Struct, frozen=True, kw_only=True):
    """One play: hosts by status, its budget (``allowed`` None is without limit) and its waves, ``of_waves`` planned.

    ``exceeded`` is what ``on_exceed`` said when the budget was exceeded, else empty; ``by_gate`` where a gate's was the
    failure too many. ``not_run`` is why no host of it ran, empty where one did.
    """

    id: str
    name: str
    hosts: int
    counts: Mapping[str, int]
    failures: int
    allowed: int | None
    exceeded: str
    by_gate: bool = False
    waves: tuple[WaveSummary, ...]
    of_waves: int
    gates: tuple[GateGroup, ...] = ()
    rollback: RollbackSummary | None = None
    not_run: str = ""


class SlowStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step, how often it ended, and the seconds it took: on average, at longest and on which host.

    ``hosts`` is on how many hosts, fewer than ``count`` where it ran again on some; 0 where that is not known.
    """

    play: str
    step: str
    count: int
    hosts: int = 0
    mean: float
    longest: float
    host: str


class SlowHost(msgspec.Struct, frozen=True, kw_only=True):
    """A host and the seconds it was at work."""

    host: str
    duration: float


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run.

    ``status`` is ``ok failed aborted unknown rolled_back rollback_failed paused interrupted``, or ``died`` where nobody
    said how it ended; ``exit`` is None until the command line has filled it in. It covers all processes of a run that
    was gone on with, ``resumed`` times; ``duration`` leaves out when none was there.

    ``counts`` are hosts and ``steps`` are steps by status, ``sections`` those that count in no progress, by section;
    ``hosts`` names by status. ``failures`` are the hosts' own; ``rescued`` and ``ignored`` are not, and
    ``rollback_failures`` came in a rollback. ``unfinished`` are the hosts that did not run, were cancelled, or were
    left at work, ``handlers`` those that have yet to run. ``unknown`` are steps whose end nobody heard, for a person to
    decide, ``settled`` those that were. ``go_on`` are commands to type next. Times are RFC 3339 in UTC, durations
    seconds.
    """

    run: str
    status: str
    exit: int | None = None
    flags: Flags
    mode: str
    playbook: str
    name: str
    folder: str
    started: str
    ended: str
    duration: float
    resumed: int = 0
    done: int
    total: int
    counts: Mapping[str, int]
    steps: Mapping[str, int]
    sections: Mapping[str, int] = {}
    retries: int
    hosts: Mapping[str, tuple[str, ...]]
    plays: tuple[PlaySummary, ...]
    failures: tuple[FailureGroup, ...]
    rescued: tuple[FailureGroup, ...] = ()
    ignored: tuple[FailureGroup, ...]
    rollback_failures: tuple[FailureGroup, ...] = ()
    unfinished: tuple[HostGroup, ...]
    handlers: tuple[HandlerGroup, ...] = ()
    unknown: tuple[UnknownGroup, ...] = ()
    settled: tuple[SettledGroup, ...] = ()
    questions: tuple[OpenQuestion, ...] = ()
    denied: tuple[Denial, ...] = ()
    slowest_steps: tuple[SlowStep, ...]
    slowest_hosts: tuple[SlowHost, ...]
    notes: tuple[str, ...]
    warnings: int
    output_lost: int
    go_on: tuple[str, ...]
