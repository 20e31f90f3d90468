"""What a run came to, in numbers and names: the last event, ``summary.json`` and the text that people see at the end.

It says why a run ends as it does, never with which exit status: that is the command line's, which fills ``exit`` in.
Everything is ordered by what it is about (place in the file, name of the host), never by what came first, so equal
runs have equal summaries.
"""

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from runner.model.outcome import HostStatus, Status
from runner.model.phases import ENDED, RUNNING
from runner.model.progress import Progress
from runner.model.state import Failure, HostProgress, PlayProgress, merged_status

SLOWEST = 5
"""How many of the slowest steps, and hosts, are named."""

GO_ON = (HostStatus.FAILED, HostStatus.UNREACHABLE, HostStatus.CANCELLED, HostStatus.NOT_RUN)
"""Host statuses that a second run would be for, the worst known first. Not ``unknown``: its step may have run, and a
person looks before it is sent again."""


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run did not end well; several can hold. ``interrupted`` is the first signal that stopped it, or empty."""

    failed: bool = False
    unreachable: bool = False
    unknown: bool = False
    aborted: bool = False
    interrupted: str = ""


class FailureGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts that failed alike: at the same step, in the same way, for the same reason.

    ``tail`` (the last lines of output), ``output`` (paths in the run folder) and ``rc`` are those of the first host.
    ``step`` is empty for what went wrong outside any step.
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


class HostGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts of a play that did not run, or not to their end, for the same reason."""

    play: str
    status: str
    reason: str
    hosts: tuple[str, ...]


class WaveSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One wave that began. ``status`` is empty when it never ended; ``counts`` by host status; ``duration`` in s."""

    wave: int
    status: str
    hosts: int
    counts: Mapping[str, int]
    duration: float


class PlaySummary(msgspec.Struct, frozen=True, kw_only=True):
    """One play: hosts by status, its budget (``allowed`` None is without limit) and its waves, ``of_waves`` planned.

    ``exceeded`` is what ``on_exceed`` said when the budget was exceeded, else empty.
    """

    id: str
    name: str
    hosts: int
    counts: Mapping[str, int]
    failures: int
    allowed: int | None
    exceeded: str
    waves: tuple[WaveSummary, ...]
    of_waves: int


class SlowStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step, how many hosts it ended on, and the seconds it took: on average, at longest and on which host."""

    play: str
    step: str
    count: int
    mean: float
    longest: float
    host: str


class SlowHost(msgspec.Struct, frozen=True, kw_only=True):
    """A host and the seconds it was at work."""

    host: str
    duration: float


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run.

    ``status`` is ``ok failed aborted unknown interrupted``; ``exit`` is None until the command line has filled it in.
    ``counts`` are hosts and ``steps`` are steps by status; ``hosts`` names by status. ``unfinished`` are the hosts that
    did not run, were cancelled, or were left at work. ``go_on`` are commands to type next. Times are RFC 3339 in UTC,
    durations seconds.
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
    done: int
    total: int
    counts: Mapping[str, int]
    steps: Mapping[str, int]
    retries: int
    hosts: Mapping[str, tuple[str, ...]]
    plays: tuple[PlaySummary, ...]
    failures: tuple[FailureGroup, ...]
    ignored: tuple[FailureGroup, ...]
    unfinished: tuple[HostGroup, ...]
    slowest_steps: tuple[SlowStep, ...]
    slowest_hosts: tuple[SlowHost, ...]
    notes: tuple[str, ...]
    warnings: int
    output_lost: int
    go_on: tuple[str, ...]


def of(progress: Progress, *, run: str = "", folder: str = "") -> Summary:
    """The summary of what ``progress`` has seen so far. ``run`` is the run's id, ``folder`` the path of its folder."""
    started, plan = progress.run, progress.plan
    flags = _flags(progress)
    hosts = hosts_by_status(progress)
    return Summary(
        run=run,
        status=_status(flags),
        flags=flags,
        mode=started.mode if started else "",
        playbook=started.playbook if started else "",
        name=started.name if started else "",
        folder=folder,
        started=_time(progress.started_at),
        ended=_time(progress.now),
        duration=round(progress.now - progress.started_at, 6),
        done=progress.done,
        total=progress.total,
        counts={status: len(names) for status, names in hosts.items()},
        steps=_ordered(progress.steps),
        retries=progress.retries,
        hosts=hosts,
        plays=tuple(_play(play) for play in progress.plays.values()),
        failures=_groups(progress, ignored=False),
        ignored=_groups(progress, ignored=True),
        unfinished=_unfinished(progress),
        slowest_steps=_slowest_steps(progress),
        slowest_hosts=_slowest_hosts(progress),
        notes=plan.notes if plan else (),
        warnings=len(progress.warnings),
        output_lost=progress.output_lost,
        go_on=_go_on(progress, hosts, folder),
    )


def with_exit(summary: Summary, status: int, word: str = "") -> Summary:
    """The summary with the exit status filled in, and the run's status where the command line has another word."""
    return msgspec.structs.replace(summary, exit=status, status=word or summary.status)


def as_data(summary: Summary) -> dict[str, Any]:
    """The summary as plain data, for ``run.ended`` and ``summary.json``."""
    data: dict[str, Any] = msgspec.to_builtins(summary)
    return data


def hosts_by_status(progress: Progress) -> dict[str, tuple[str, ...]]:
    """Names of all hosts that ended, by their status in the run, in natural order (``web2`` before ``web10``)."""
    names: dict[str, list[str]] = {}
    for host, status in _statuses(progress).items():
        names.setdefault(status, []).append(host)
    return {
        status.value: tuple(sorted(names[status], key=natural_key)) for status in HostStatus if names.get(status.value)
    }


def _statuses(progress: Progress) -> dict[str, str]:
    """Each host's status; of one that is still at work ``unknown``, or ``cancelled`` where no step had begun."""
    found = dict(progress.status_of)
    for play in progress.plays.values() if progress.active else ():
        for name, host in play.hosts.items():
            if host.phase != ENDED:
                found[name] = merged_status(found.get(name), _left_at_work(host))
    return found


def _left_at_work(host: HostProgress) -> str:
    return HostStatus.UNKNOWN if host.phase == RUNNING else HostStatus.CANCELLED


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """What to sort names by so that numbers in them count as numbers."""
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in _PARTS.findall(name))


_PARTS = re.compile(r"\d+|\D+", re.ASCII)


def _status(flags: Flags) -> str:
    """The run's status: the first that holds, in the order in which exit statuses win."""
    if flags.interrupted:
        return "interrupted"
    if flags.unknown:
        return "unknown"
    if flags.aborted:
        return "aborted"
    return "failed" if flags.failed or flags.unreachable else "ok"


def _flags(progress: Progress) -> Flags:
    statuses = set(_statuses(progress).values())
    stops = [event.signal for event in progress.signals if event.action != "status"]
    aborted = any(play.exceeded for play in progress.plays.values())
    stopped = HostStatus.CANCELLED in statuses and not stops and not aborted
    return Flags(
        failed=HostStatus.FAILED in statuses or stopped,
        unreachable=HostStatus.UNREACHABLE in statuses,
        unknown=HostStatus.UNKNOWN in statuses,
        aborted=aborted,
        interrupted=stops[0] if stops else "",
    )


def _play(play: PlayProgress) -> PlaySummary:
    waves = [
        WaveSummary(
            wave=wave.index,
            status=wave.status,
            hosts=len(wave.hosts),
            counts=_ordered(wave.counts),
            duration=wave.duration,
        )
        for _, wave in sorted(play.waves.items())
    ]
    return PlaySummary(
        id=play.id,
        name=play.name,
        hosts=play.of_hosts,
        counts=_ordered(play.counts),
        failures=play.failures,
        allowed=play.allowed,
        exceeded=play.exceeded,
        waves=tuple(waves),
        of_waves=play.of_waves,
    )


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    """What is not zero, the good first, as the statuses are listed."""
    return {status.value: counts[status] for status in Status if counts.get(status)}


def _groups(progress: Progress, *, ignored: bool) -> tuple[FailureGroup, ...]:
    found: dict[tuple[str, str, str, str], list[Failure]] = {}
    for failure in progress.failures:
        if failure.ignored is ignored:
            found.setdefault((failure.play, failure.step, failure.status, failure.reason), []).append(failure)
    order = {play: place for place, play in enumerate(progress.plays)}
    groups = [_group(sorted(members, key=lambda failure: natural_key(failure.host))) for members in found.values()]
    return tuple(
        sorted(groups, key=lambda g: (order[g.play], natural_key(g.src), g.step, g.status, natural_key(g.hosts[0])))
    )


def _group(members: list[Failure]) -> FailureGroup:
    first = members[0]
    return FailureGroup(
        play=first.play,
        step=first.step,
        kind=first.kind,
        src=first.src,
        status=first.status,
        reason=first.reason,
        hosts=tuple(failure.host for failure in members),
        rc=first.rc,
        tail=first.tail,
        output=first.output,
    )


def _unfinished(progress: Progress) -> tuple[HostGroup, ...]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for play in progress.plays.values():
        for name, host in play.hosts.items():
            if host.phase != ENDED:
                key = (play.id, _left_at_work(host), "the run ended while it was at work")
                found.setdefault(key, []).append(name)
            elif host.status in {HostStatus.NOT_RUN, HostStatus.CANCELLED}:
                found.setdefault((play.id, host.status, host.reason), []).append(name)
    order = {play: place for place, play in enumerate(progress.plays)}
    return tuple(
        HostGroup(play=play, status=status, reason=reason, hosts=tuple(sorted(names, key=natural_key)))
        for (play, status, reason), names in sorted(found.items(), key=lambda item: (order[item[0][0]], item[0][1:]))
    )


def _slowest_steps(progress: Progress) -> tuple[SlowStep, ...]:
    steps = [
        (stats.longest, play.id, name, stats)
        for play in progress.plays.values()
        for name, stats in play.steps.items()
        if stats.longest > 0
    ]
    steps.sort(key=lambda step: (-step[0], step[1], step[2]))
    return tuple(
        SlowStep(
            play=play,
            step=name,
            count=stats.count,
            mean=round(stats.micros / stats.count / 1e6, 6),
            longest=longest / 1e6,
            host=stats.slowest,
        )
        for longest, play, name, stats in steps[:SLOWEST]
    )


def _slowest_hosts(progress: Progress) -> tuple[SlowHost, ...]:
    micros: Counter[str] = Counter()
    for play in progress.plays.values():
        for name, host in play.hosts.items():
            micros[name] += host.micros
    slowest = sorted((item for item in micros.items() if item[1]), key=lambda item: (-item[1], natural_key(item[0])))
    return tuple(SlowHost(host=host, duration=total / 1e6) for host, total in slowest[:SLOWEST])


def _go_on(progress: Progress, hosts: Mapping[str, tuple[str, ...]], folder: str) -> tuple[str, ...]:
    """A command for each status that a second run would be for, from the lists of hosts in the run folder."""
    if progress.run is None or not folder:
        return ()
    inventories = [word for path in progress.run.inventory for word in ("-i", path)]
    words = progress.run.argv[1:] or ("run", progress.run.playbook, *inventories)
    again = ["runner", *_without_limits(words), "--limit"]
    return tuple(shlex.join([*again, f"@{folder}/hosts/{status}"]) for status in GO_ON if hosts.get(status))


def _without_limits(words: Sequence[str]) -> list[str]:
    """A command line as it was typed, but for ``--limit``: the same release, on other hosts."""
    kept: list[str] = []
    skip = False
    for word in words:
        is_limit = word in {"-l", "--limit"}
        if not skip and not is_limit and not word.startswith(("--limit=", "-l")):
            kept.append(word)
        skip = is_limit
    return kept


def _time(ts: float) -> str:
    return datetime.fromtimestamp(ts, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
