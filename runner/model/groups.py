"""What went wrong, or did not happen, with the hosts it concerns alike: a line each in the summary.

Everything is ordered by what it is about (place in the file, name of the host), never by what came first.
"""

from collections.abc import Callable, Iterable, Mapping

from runner.model.account import Denial, FailureGroup, GateGroup, HandlerGroup, HostGroup, OpenQuestion
from runner.model.natural import in_order, natural_key
from runner.model.outcome import HostStatus
from runner.model.phases import ENDED
from runner.model.state import Failure, PlayProgress, RunState
from runner.model.verdict import asked_of, left_at_work, status_at_work


def failures(state: RunState, chosen: Callable[[Failure], bool]) -> tuple[FailureGroup, ...]:
    """The chosen ones of the failures."""
    found: dict[tuple[str, ...], list[Failure]] = {}
    for failure in (one for one in state.failures if not one.is_past and chosen(one)):
        key = (failure.play, failure.step, failure.status, failure.reason, failure.section, failure.delegate)
        found.setdefault(key, []).append(failure)
    order = _places(state)
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
        hosts=tuple(dict.fromkeys(failure.host for failure in members)),
        rc=first.rc,
        tail=first.tail,
        output=first.output,
        section=first.section,
        delegate=first.delegate,
    )


def gates(play: PlayProgress) -> tuple[GateGroup, ...]:
    """The checks of a play's gates that were not met, over all its waves."""
    found: dict[tuple[str, str, str, str], set[str]] = {}
    for wave in play.waves.values():
        stands = [(failed, set(failed.hosts)) for failed in wave.gate.failed] if wave.gate else []
        stands += [(failed, set(failed.hosts) - wave.again) for failed in wave.unmet]
        for failed, names in stands:
            if names:
                found.setdefault((failed.src, failed.check, failed.verdict, failed.reason), set()).update(names)
    return tuple(
        GateGroup(play=play.id, check=check, src=src, verdict=verdict, reason=reason, hosts=in_order(names))
        for (src, check, verdict, reason), names in sorted(
            found.items(), key=lambda item: (natural_key(item[0][0]), item[0][1:])
        )
    )


def unfinished(state: RunState) -> tuple[HostGroup, ...]:
    """Hosts that did not run, were cancelled, or were left at work."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for play in state.plays.values():
        for name, host in play.hosts.items():
            if host.phase == ENDED and host.status in {HostStatus.NOT_RUN, HostStatus.CANCELLED}:
                found.setdefault((play.id, host.status, host.reason), []).append(name)
    for play, name, host in left_at_work(state):
        waits = asked_of(state, play, name)
        reason = "it waits for a person" if waits else "the run ended while it was at work"
        found.setdefault((play.id, status_at_work(state, play, name, host), reason), []).append(name)
    return tuple(
        HostGroup(play=play, status=status, reason=reason, hosts=in_order(names))
        for (play, status, reason), names in _by_play(state, found)
    )


def handlers(state: RunState) -> tuple[HandlerGroup, ...]:
    """Handlers that were notified on hosts and did not run there: the host ended before."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for play in state.plays.values():
        for name, host in play.hosts.items():
            why = f"the host ended {host.status}" if host.phase == ENDED else "the run ended while the host was at work"
            for handler in host.pending:
                found.setdefault((play.id, handler, why), []).append(name)
    return tuple(
        HandlerGroup(play=play, handler=handler, reason=reason, hosts=in_order(names))
        for (play, handler, reason), names in _by_play(state, found)
    )


def questions(state: RunState) -> tuple[OpenQuestion, ...]:
    """What a person has not answered."""
    return tuple(
        OpenQuestion(
            play=asked.play,
            wave=asked.wave,
            about=asked.about,
            question=asked.question,
            host=asked.host,
            step=asked.step,
        )
        for asked in (state.questions[key].asked for key in sorted(state.questions))
    )


def denials(state: RunState) -> tuple[Denial, ...]:
    """What a person said no to."""
    return tuple(
        Denial(play=no.play, wave=no.wave, about=no.about, by=no.by, how=no.how, host=no.host, step=no.step)
        for no in state.denied
    )


def why_not_run(play: PlayProgress) -> str:
    """Why no host of a play ran, in the words of most of them; empty where one did, or it was never got to."""
    if play.waves or set(+play.counts) != {HostStatus.NOT_RUN}:
        return ""
    reasons = [host.reason for host in play.hosts.values()]
    return max(sorted(set(reasons)), key=reasons.count)


def _by_play(
    state: RunState, found: Mapping[tuple[str, str, str], list[str]]
) -> Iterable[tuple[tuple[str, str, str], list[str]]]:
    order = _places(state)
    return sorted(found.items(), key=lambda item: (order[item[0][0]], item[0][1:]))


def _places(state: RunState) -> dict[str, int]:
    return {play: place for place, play in enumerate(state.plays)}
