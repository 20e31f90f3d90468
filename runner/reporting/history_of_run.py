"""One run of the past as text: who ran it when, how it ended, and on demand every step on every host."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from itertools import groupby

from runner.model.deeds import Deed
from runner.model.events import Decision, RunStarted
from runner.reporting.durations import duration
from runner.reporting.escape import visible
from runner.reporting.wording import Names, paint, step_name

WIDEST = len("unreachable")


def told(
    starts: Sequence[tuple[float, RunStarted]],
    decisions: Iterable[tuple[float, Decision]] = (),
    *,
    zone: tzinfo | None = None,
) -> Iterator[str]:
    """Who started the run, and who went on with it; what was run, from where; what was said of steps."""
    for place, (ts, start) in enumerate(starts):
        what = "gone on with" if place else "started"
        yield f"{what} {when(ts, zone)} by {visible(start.user)} on {visible(start.controller)}, pid {start.pid}"
        if start.argv:
            yield f"  {visible(shlex.join(['runner', *start.argv[1:]]))}"
    for _, start in starts[:1]:
        yield f"playbook {visible(start.playbook)}{_commit(start)}"
        yield from (f"inventory {visible(path)}" for path in start.inventory)
    for ts, said in decisions:
        reason = f": {visible(said.reason)}" if said.reason else ""
        what = f"{visible(said.host)}  {visible(said.step)}  {visible(said.what)}"
        yield f"decided {when(ts, zone)}: {what} by {visible(said.by)} ({visible(said.how)}){reason}"


def steps(deeds: Iterable[Deed], names: Names, *, color: bool = False, zone: tzinfo | None = None) -> Iterator[str]:
    """Host by host, a line for each step."""
    for (play, host), done in groupby(deeds, key=lambda deed: (deed.play, deed.host)):
        yield paint(f"{visible(play)}  {visible(host)}", "bold", color=color)
        for deed in done:
            yield f"  {_deed(deed, names, color=color, zone=zone)}"


def when(ts: float, zone: tzinfo | None = None) -> str:
    """A time as a person reads it: ``2026-11-21 09:45:01``."""
    return f"{datetime.fromtimestamp(ts, zone).astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _deed(deed: Deed, names: Names, *, color: bool, zone: tzinfo | None) -> str:
    began = "" if deed.started is None else when(deed.started, zone)[-len("09:45:01") :]
    took = "" if deed.duration is None or deed.started is None else duration(deed.duration)
    status = paint(deed.status.replace("_", " ").ljust(WIDEST), deed.status, color=color)
    item = f" item {deed.item}" if deed.item else ""
    remarks = "".join(f"  {remark}" for remark in _remarks(deed))
    reason = f": {visible(deed.reason)}" if deed.reason else ""
    name = step_name(names, deed.play, deed.step, deed.section)
    return f"{began:8}  {status}  {took:>8}  {name}{item}{remarks}{reason}"


def _remarks(deed: Deed) -> Iterator[str]:
    if deed.rc:
        yield f"rc {deed.rc}"
    if deed.attempt > 1:
        yield f"attempt {deed.attempt}"
    words = {"ignored": deed.ignored, "rescued": deed.rescued, "read from the host afterwards": deed.late}
    yield from (word for word, holds in words.items() if holds)
    if deed.decided:
        yield f"decided: {visible(deed.decided)} by {visible(deed.by)}"


def _commit(start: RunStarted) -> str:
    if start.git_commit is None:
        return ""
    return f", commit {visible(start.git_commit[:12])}{'' if start.git_clean else ' with changes'}"
