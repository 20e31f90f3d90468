"""The lines of the live view: plain text, always as many, whatever the number of hosts; cut to the width afterwards.

What they cost does not grow with the hosts: everything is counted as events come, and names are folded only for small
sets.
"""

from collections.abc import Mapping

from runner.model.progress import Progress
from runner.model.state import Failure, PlayProgress
from runner.reporting.durations import duration
from runner.reporting.escape import visible
from runner.reporting.eta import seconds_left
from runner.reporting.waits import answered, gated, rolled_back
from runner.reporting.wording import FOLDED, Names, hosts, step_name

PLAYS = 2
"""Lines for the plays under way, and for what a person is asked; one where there is one play."""

STEPS = 4
"""Lines for the steps at work."""

FAILED = 2
"""Lines for the hosts that failed last."""

_BAR = 24


def frame(progress: Progress, names: Names, now: float, *, bakes: Mapping[str, float]) -> list[str]:
    """All lines, at ``now`` (epoch seconds). ``bakes`` are the plays' waits between two waves, in seconds."""
    plays = _under_way(progress)
    oldest = _oldest_steps(progress)
    return [
        _overall(progress, now, bakes),
        *_plays(progress, plays, now),
        _hosts(progress, plays),
        *_slots([_step(names, key, began, now) for key, began in oldest], STEPS),
        _slowest(progress, names, oldest, now),
        *_slots([_failure(names, failure) for failure in _last_failures(progress)], FAILED),
    ]


_AtWork = list[tuple[tuple[str, str], dict[str, float]]]


def _overall(progress: Progress, now: float, bakes: Mapping[str, float]) -> str:
    left = seconds_left(progress, now, bakes)
    elapsed = duration(now - progress.began_at) if progress.run else duration(0)
    over = progress.total - progress.left
    ready = f"{_bar(over, progress.total)}  {progress.stands} of {progress.total} steps"
    gone = "gone since it was resumed" if progress.processes > 1 else "gone"
    return f"run      {ready}  {elapsed} {gone}" + (
        f", about {duration(left)} left" if left is not None and left >= 1 else ""
    )


def _under_way(progress: Progress) -> list[PlayProgress]:
    """The plays with something to see: an open wave, a bake, a rollback; else the one that began last."""
    begun = [play for play in progress.plays.values() if play.waves]
    open_ones = [
        play
        for play in begun
        if play.open_wave is not None or play.bake is not None or (play.rollback and play.rollback.is_going)
    ]
    return open_ones or begun[-1:]


def _plays(progress: Progress, plays: list[PlayProgress], now: float) -> list[str]:
    asked = [_asked(progress, now)] if progress.questions else []
    lines = [*asked, *(_play(play, now) for play in plays)] or ["wave"]
    return _slots(lines, PLAYS) if len(progress.plays) > 1 else lines[:1]


def _play(play: PlayProgress, now: float) -> str:
    """Where a play is: its wave, the gate of that, the wait behind it, or its way back."""
    index = max(play.waves)
    wave = play.waves[index]
    place = f"{visible(play.id)} {index}/{play.of_waves}"
    back = play.rollback
    if back is not None and back.is_going:
        done, total = rolled_back(play), len(back.hosts)
        return (
            f"rollback {_bar(done, total)}  {done} of {total} hosts  {visible(play.id)}  {duration(now - back.since)}"
        )
    if play.bake is not None:
        since, until = play.bake
        left = max(until - now, 0.0)
        return f"bake     {_bar(int(now - since), int(until - since))}  {duration(left)} left  {place}"
    if gated(play) is not None and wave.gate is not None:
        gate = wave.gate
        last = f"  {answered(gate.last)}" if gate.last is not None else ""
        met = f"{gate.met} of {len(gate.answers)} checks met"
        return f"gate     {_bar(gate.met, len(gate.answers))}  {met}  {place}  {duration(now - gate.since)}{last}"
    return f"wave     {_bar(wave.ended, len(wave.hosts))}  {wave.ended} of {len(wave.hosts)} hosts  {place}"


def _asked(progress: Progress, now: float) -> str:
    question = next(iter(progress.questions.values()))
    asked, since = question.asked, duration(now - question.since)
    more = f" and {len(progress.questions) - 1} more" if len(progress.questions) > 1 else ""
    return f"asked    {visible(asked.host or asked.play)}  {since}{more}: {visible(asked.question)}"


def _hosts(progress: Progress, plays: list[PlayProgress]) -> str:
    numbers: dict[str, int] = {}
    waiting = 0
    for play in plays:
        waiting += play.of_hosts - play.counts.total() - (play.working - play.again)
        for status, number in play.counts.items():
            numbers[status] = numbers.get(status, 0) + number
    numbers |= {"at work": progress.active, "connecting": len(progress.connecting), "waiting": max(waiting, 0)}
    return "hosts    " + "  ".join(f"{name} {number}" for name, number in numbers.items() if number)


def _oldest_steps(progress: Progress) -> _AtWork:
    """The steps at work, those first in which a host has been the longest."""
    return sorted(progress.at_work.items(), key=lambda item: next(iter(item[1].values())))


def _step(names: Names, key: tuple[str, str], began: dict[str, float], now: float) -> str:
    since = duration(now - next(iter(began.values())))
    return f"at work  {step_name(names, *key)}  {hosts(began, most=FOLDED)}  {since}"


def _slowest(progress: Progress, names: Names, steps: _AtWork, now: float) -> str:
    if not steps:
        return ""
    key, began = steps[0]
    name, since = next(iter(began.items()))
    host = progress.host(key[0], name)
    said = f"  | {visible(host.last)}" if host and host.last else ""
    return f"slowest  {visible(name)}  {step_name(names, *key)}  {duration(now - since)}{said}"


def _last_failures(progress: Progress) -> list[Failure]:
    return [failure for failure in progress.failures[-20:] if failure.counts][-FAILED:]


def _failure(names: Names, failure: Failure) -> str:
    name = f"{step_name(names, failure.play, failure.step, failure.section)}: " if failure.step else ""
    line = failure.tail.rstrip().rpartition("\n")[2]
    said = f"  | {visible(line)}" if line else ""
    return f"failed   {visible(failure.host)}  {name}{visible(failure.reason or failure.status)}{said}"


def _bar(done: int, total: int) -> str:
    filled = min(_BAR * done // total, _BAR) if total else 0
    return f"[{'#' * filled}{'-' * (_BAR - filled)}]"


def _slots(lines: list[str], number: int) -> list[str]:
    """Exactly that many lines: the last says how many there was no room for, or is blank."""
    if len(lines) > number:
        return [*lines[: number - 1], f"         and {len(lines) - number + 1} more"]
    return lines + [""] * (number - len(lines))
