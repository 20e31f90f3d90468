"""How a run ended: the status of each host, why the run did not end well, and its own status."""

from collections.abc import Iterator

from runner.model.account import Flags
from runner.model.natural import in_order
from runner.model.outcome import HostStatus
from runner.model.phases import CUT, ENDED, RUNNING
from runner.model.state import HostProgress, PlayProgress, RunState, merged_status

STATUSES = (
    ("died", "died"),
    ("interrupted", "interrupted"),
    ("rollback_failed", "rollback_failed"),
    ("unknown", "unknown"),
    ("paused", "paused"),
    ("rolled_back", "rolled_back"),
    ("gate", "aborted"),
    ("denied", "aborted"),
    ("aborted", "aborted"),
    ("failed", "failed"),
    ("unreachable", "failed"),
)
"""Flags and the status of the run that each gives; the first that holds wins, as exit statuses do."""


def status_of(flags: Flags) -> str:
    """The run's status."""
    return next((status for flag, status in STATUSES if getattr(flags, flag)), "ok")


def flags_of(state: RunState) -> Flags:
    """All that holds of the run."""
    statuses = set(host_statuses(state).values())
    plays = state.plays.values()
    stops = [event.signal for event in state.signals if event.action != "status"]
    # A budget that pauses asks a person; what they say decides, and no answer is a pause.
    over = [play for play in plays if play.exceeded and play.exceeded != "pause"]
    rollbacks = {play.rollback.status for play in plays if play.rollback}
    stopped = bool(stops or over or state.denied or state.questions or rollbacks)
    return Flags(
        failed=bool(statuses & {HostStatus.FAILED, HostStatus.GATE_FAILED})
        or (HostStatus.CANCELLED in statuses and not stopped),
        unreachable=HostStatus.UNREACHABLE in statuses,
        unknown=HostStatus.UNKNOWN in statuses,
        aborted=any(not play.by_gate for play in over),
        gate=any(play.by_gate for play in over),
        denied=bool(state.denied),
        paused=bool(state.questions),
        rolled_back="rolled_back" in rollbacks or (HostStatus.ROLLED_BACK in statuses and not rollbacks),
        rollback_failed="rollback_failed" in rollbacks | statuses,
        interrupted=stops[0] if stops else "",
    )


def hosts_by_status(state: RunState) -> dict[str, tuple[str, ...]]:
    """Names of all hosts that ended, by their status in the run, in natural order (``web2`` before ``web10``)."""
    names: dict[str, list[str]] = {}
    for host, status in host_statuses(state).items():
        names.setdefault(status, []).append(host)
    return {status.value: in_order(names[status]) for status in HostStatus if names.get(status.value)}


def host_statuses(state: RunState) -> dict[str, str]:
    """Each host's status over all plays, of those left at work too."""
    found = dict(state.status_of)
    for play, name, host in left_at_work(state):
        found[name] = merged_status(found.get(name), status_at_work(state, play, name, host))
    return found


def left_at_work(state: RunState) -> Iterator[tuple[PlayProgress, str, HostProgress]]:
    """Hosts that have not ended, with their play and name."""
    for play in state.plays.values() if state.active or state.processes > 1 else ():
        for name, host in play.hosts.items():
            if host.phase != ENDED:
                yield play, name, host


def status_at_work(state: RunState, play: PlayProgress, name: str, host: HostProgress) -> str:
    """Of a host that is still at work: ``unknown`` in a step, else what it was before, or ``cancelled``.

    A step in which a person is asked has sent nothing.
    """
    if open_step(state, play, name, host):
        return HostStatus.UNKNOWN
    return host.status or HostStatus.CANCELLED


def open_step(state: RunState, play: PlayProgress, name: str, host: HostProgress) -> str:
    """The step of a host at work that was sent, and whose end nobody heard; empty where there is none."""
    if host.phase == RUNNING and not asked_of(state, play, name):
        return host.step
    return host.step if host.phase == CUT else ""


def asked_of(state: RunState, play: PlayProgress, name: str) -> bool:
    """Whether the host waits for a person's answer."""
    return any(asked.asked.host == name and asked.asked.play == play.id for asked in state.questions.values())
