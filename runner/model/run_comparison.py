"""In what two runs differ: what was run, how it ended on which host, and how long steps took."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from runner.model.account import Summary
from runner.model.events import RunStarted
from runner.model.natural import natural_key
from runner.model.plan_difference import ChangedSetting, PlanDifference

FACTS = ("mode", "tool", "git_commit", "git_clean", "exit_policy")
"""What a run began with, beside its plan, that may be the reason why another came to something else."""

Times = Mapping[tuple[str, str], float]
"""The seconds that each step, by play and id, took on a host on average."""


class HostChange(msgspec.Struct, frozen=True, kw_only=True):
    """A host that ended otherwise; an empty status where it was in one of the runs alone."""

    host: str
    old: str
    new: str


class StepChange(msgspec.Struct, frozen=True, kw_only=True):
    """The mean seconds that a step took on a host, where both runs had it."""

    play: str
    step: str
    old: float
    new: float


class RunComparison(msgspec.Struct, frozen=True, kw_only=True):
    """All in which two runs differ. ``is_same`` where nothing does but the time it took.

    ``facts`` are what they began with and how they ended, ``plan`` how their plans differ, None where one of them is
    not there any more. ``times`` are all steps that both have, in the order of the older run.
    """

    old: str
    new: str
    is_same: bool
    facts: tuple[ChangedSetting, ...] = ()
    plan: PlanDifference | None = None
    hosts: tuple[HostChange, ...] = ()
    times: tuple[StepChange, ...] = ()


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at of one run. ``started`` is its first start."""

    summary: Summary
    started: RunStarted | None
    times: Times


def compare(old: Compared, new: Compared, plan: PlanDifference | None) -> RunComparison:
    """``plan`` is in what their plans differ, None where that can't be told."""
    facts = tuple(_facts(old, new))
    hosts = tuple(_hosts(old.summary.hosts, new.summary.hosts))
    return RunComparison(
        old=old.summary.run,
        new=new.summary.run,
        is_same=not facts and not hosts and plan is not None and plan.is_same,
        facts=facts,
        plan=plan,
        hosts=hosts,
        times=tuple(_times(old.times, new.times)),
    )


def as_data(comparison: RunComparison) -> dict[str, Any]:
    """The comparison as plain data."""
    data: dict[str, Any] = msgspec.to_builtins(comparison)
    return data


def _facts(old: Compared, new: Compared) -> Iterator[ChangedSetting]:
    for key in ("status", "exit"):
        yield from _told(key, getattr(old.summary, key), getattr(new.summary, key))
    if old.started is not None and new.started is not None:
        for key in FACTS:
            yield from _told(key, _fact(old.started, key), _fact(new.started, key))


def _fact(started: RunStarted, key: str) -> Any:
    return started.options.get(key) if key == "exit_policy" else getattr(started, key)


def _told(key: str, old: Any, new: Any) -> Iterator[ChangedSetting]:
    if old != new:
        yield ChangedSetting(key=key, old=old, new=new)


def _hosts(old: Mapping[str, tuple[str, ...]], new: Mapping[str, tuple[str, ...]]) -> Iterator[HostChange]:
    before, after = ({host: status for status in hosts for host in hosts[status]} for hosts in (old, new))
    for host in sorted(before | after, key=natural_key):
        if before.get(host, "") != after.get(host, ""):
            yield HostChange(host=host, old=before.get(host, ""), new=after.get(host, ""))


def _times(old: Times, new: Times) -> Iterator[StepChange]:
    for (play, step), seconds in old.items():
        if (play, step) in new:
            yield StepChange(play=play, step=step, old=seconds, new=new[play, step])
