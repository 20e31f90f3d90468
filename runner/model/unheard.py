"""Steps whose end nobody heard: those that a person has to decide about, and those that were settled, and how."""

from collections.abc import Iterator

import msgspec

from runner.model.account import SettledGroup, UnknownGroup
from runner.model.dates import date
from runner.model.go_on import Commands
from runner.model.natural import in_order, natural_key
from runner.model.outcome import Status
from runner.model.state import RunState
from runner.model.verdict import left_at_work, open_step

AT_WORK = "the process that ran it ended before its end was heard"
"""Why the end of a step that was at work is not known."""


class _Open(msgspec.Struct, frozen=True):
    """One step on one host; ``began`` in seconds since 1970, 0 where that is not known."""

    play: str
    step: str
    section: str
    delegate: str
    host: str
    began: float
    reason: str


def unknown(state: RunState, commands: Commands) -> tuple[UnknownGroup, ...]:
    """What a person has to decide about, in the order of the plays."""
    order = {play: place for place, play in enumerate(state.plays)}
    found: dict[tuple[int, str, str, str], list[_Open]] = {}
    for one in _open(state):
        found.setdefault((order[one.play], one.step, one.section, one.delegate), []).append(one)
    return tuple(_group(state, found[key], commands) for key in sorted(found))


def _group(state: RunState, members: list[_Open], commands: Commands) -> UnknownGroup:
    first = min(members, key=lambda one: natural_key(one.host))
    shared = sum(first.step in play.steps or first.step in play.others for play in state.plays.values()) > 1
    return UnknownGroup(
        play=first.play,
        step=first.step,
        section=first.section,
        delegate=first.delegate,
        hosts=in_order([one.host for one in members]),
        began=date(first.began) if first.began else "",
        reason=first.reason,
        commands=commands.resolve(first.host, first.step, play=first.play if shared else ""),
    )


def _open(state: RunState) -> Iterator[_Open]:
    for one in state.failures:
        host = state.plays[one.play].hosts[one.host]
        if one.status == Status.UNKNOWN and one.step and not one.is_past and one.step not in host.rerun:
            yield _Open(one.play, one.step, one.section, one.delegate, one.host, one.began, one.reason)
    for play, name, host in left_at_work(state):
        step = open_step(state, play, name, host)
        if step and step not in host.rerun:
            began = state.at_work.get((play.id, step), {}).get(name, host.since)
            yield _Open(play.id, step, host.part, "", name, began, AT_WORK)


def settled(state: RunState) -> tuple[SettledGroup, ...]:
    """What became of steps whose end was not heard, in the order in which that was decided."""
    found: dict[tuple[str, ...], list[str]] = {}
    for one in state.decisions:
        if one.how == "accept":
            continue  # of a step that had ended well, and has changed since
        key = (one.play, one.step, one.section, one.what, one.how, one.by, one.reason, one.was)
        found.setdefault(key, []).append(one.host)
    for play, host, step in state.recalled:
        found.setdefault((play, step, "", "recalled", "record", "", "", ""), []).append(host)
    return tuple(_settled(key, hosts) for key, hosts in found.items())


def _settled(key: tuple[str, ...], hosts: list[str]) -> SettledGroup:
    play, step, section, what, how, by, reason, was = key
    names = in_order(dict.fromkeys(hosts))
    return SettledGroup(
        play=play, step=step, section=section, what=what, how=how, by=by, reason=reason, hosts=names, was=was
    )
