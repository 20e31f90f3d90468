"""What a run came to, in numbers and names: the last event, ``summary.json`` and the text that people see at the end.

It says why a run ends as it does, never with which exit status: that is the command line's, which fills ``exit`` in.
Everything is ordered by what it is about (place in the file, name of the host), never by what came first, so equal
runs have equal summaries.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from runner.model import groups, unheard
from runner.model.account import PlaySummary, RollbackSummary, Summary, WaveSummary
from runner.model.changed import changed
from runner.model.dates import date
from runner.model.events import Event, RunEnded
from runner.model.go_on import Commands, go_on
from runner.model.go_on import commands as commands_of
from runner.model.outcome import HostStatus, Status
from runner.model.slowest import slowest_hosts, slowest_steps
from runner.model.state import Failure, PlayProgress, RollbackProgress, RunState, WaveProgress
from runner.model.verdict import flags_of, hosts_by_status, status_of

__all__ = ["Summary", "as_data", "dated", "of", "recorded", "with_exit"]


def of(
    state: RunState, *, run: str = "", folder: str = "", has_died: bool = False, commands: Commands | None = None
) -> Summary:
    """The summary of what ``state`` has seen so far. ``run`` is the run's id, ``folder`` the path of its folder.

    ``has_died`` where no process is at work at it any more, and none has said how it ended. ``commands`` are
    those about it, None for what its command line tells.
    """
    about = commands or commands_of(state, run)
    started, plan = state.run, state.plan
    flags = changed(flags_of(state), died=has_died)
    hosts = hosts_by_status(state)
    return Summary(
        run=run,
        status=status_of(flags),
        flags=flags,
        mode=started.mode if started else "",
        playbook=started.playbook if started else "",
        name=started.name if started else "",
        folder=folder,
        started=date(state.started_at),
        ended=date(state.now),
        duration=round(state.now - state.started_at - state.away, 6),
        resumed=max(state.processes - 1, 0),
        done=state.done,
        total=state.total,
        counts={status: len(names) for status, names in hosts.items()},
        steps=_ordered(state.steps, Status),
        sections=dict(sorted(state.sections.items())),
        retries=state.retries,
        hosts=hosts,
        plays=tuple(_play(play) for play in state.plays.values()),
        failures=groups.failures(state, lambda one: one.counts and one.section != "rollback"),
        rescued=groups.failures(state, lambda one: one.rescued),
        ignored=groups.failures(state, lambda one: one.ignored and not one.rescued),
        rollback_failures=groups.failures(state, _is_of_rollback),
        unfinished=groups.unfinished(state),
        handlers=groups.handlers(state),
        unknown=unheard.unknown(state, about),
        settled=unheard.settled(state),
        questions=groups.questions(state),
        denied=groups.denials(state),
        slowest_steps=slowest_steps(state),
        slowest_hosts=slowest_hosts(state),
        notes=plan.notes if plan else (),
        warnings=len(state.warnings),
        output_lost=state.output_lost,
        go_on=go_on(state, flags, hosts, about),
    )


def with_exit(summary: Summary, status: int, word: str = "") -> Summary:
    """The summary with the exit status filled in, and the run's status where the command line has another word."""
    return msgspec.structs.replace(summary, exit=status, status=word or summary.status)


def as_data(summary: Summary) -> dict[str, Any]:
    """The summary as plain data, for ``run.ended`` and ``summary.json``."""
    data: dict[str, Any] = msgspec.to_builtins(summary)
    return data


def recorded(ended: RunEnded) -> Summary | None:
    """The summary as it was when the run ended; None for one of another version."""
    try:
        return msgspec.convert(ended.summary, Summary)
    except msgspec.ValidationError:
        return None


def dated(event: Event, ts: float) -> dict[str, Any]:
    """An event as plain data, with its time as the journal writes it."""
    return {"ts": date(ts), **msgspec.to_builtins(event)}


def _is_of_rollback(failure: Failure) -> bool:
    return failure.counts and failure.section == "rollback"


def _play(play: PlayProgress) -> PlaySummary:
    return PlaySummary(
        id=play.id,
        name=play.name,
        hosts=play.of_hosts,
        counts=_ordered(play.counts, HostStatus),
        failures=play.failures,
        allowed=play.allowed,
        exceeded=play.exceeded,
        by_gate=play.by_gate,
        waves=tuple(_wave(wave) for _, wave in sorted(play.waves.items())),
        of_waves=play.of_waves,
        gates=groups.gates(play),
        rollback=_rollback(play.rollback) if play.rollback else None,
        not_run=groups.why_not_run(play),
    )


def _rollback(rollback: RollbackProgress) -> RollbackSummary:
    return RollbackSummary(
        status=rollback.status,
        reason=rollback.reason,
        hosts=len(rollback.hosts),
        counts=_ordered(rollback.counts, HostStatus),
        duration=rollback.duration,
    )


def _wave(wave: WaveProgress) -> WaveSummary:
    return WaveSummary(
        wave=wave.index,
        status=wave.status,
        hosts=len(wave.hosts),
        counts=_ordered(wave.counts, HostStatus),
        duration=wave.duration,
    )


def _ordered(counts: Mapping[str, int], statuses: Iterable[Status | HostStatus]) -> dict[str, int]:
    """What is not zero, the good first, as the statuses are listed."""
    return {status.value: counts[status] for status in statuses if counts.get(status)}
