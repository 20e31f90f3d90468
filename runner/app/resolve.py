"""``runner resolve``: a person says what came of a step whose end nobody heard, or has one that ended run again."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from runner.app import finding, seal_key
from runner.app.earlier import Earlier
from runner.app.journals import next_journal
from runner.app.requests import user
from runner.errors import InputError
from runner.journal import recover
from runner.location import Problem
from runner.model.events import Decision
from runner.model.natural import in_order
from runner.model.past import HostPast, Past, StepPast
from runner.patterns import did_you_mean
from runner.reporting.escape import visible
from runner.run_folder import RunFolder

LISTED = 10
"""Commands that are told."""


def resolve(
    runs_dir: Path | None, wanted: str, host: str, step: str, *, what: str, play: str, item: int | None, reason: str
) -> str:
    """Record it; gives what was recorded, and what to type next, in words.

    Raises InputError for what is not there, or not unknown where it is not to run again; LockError where a process is
    at work on the run.
    """
    folder = finding.ours(runs_dir, wanted)
    earlier = Earlier()
    recovered = recover(folder, earlier.see, key=seal_key.ours())
    # From here on the journal is closed in any case: what it has been given is on disk then.
    kept = next_journal(folder, recovered, durability="full")
    try:
        earlier.started(folder)
        place, found, number = _place(earlier.past, host, step, play, item, _may_be_over(what, reason))
        before = _one(found.steps[step], number)
        decision = Decision(
            play=place,
            wave=found.wave,
            host=host,
            step=step,
            section=found.steps[step].section,
            delegate=found.steps[step].delegate,
            item=number,
            attempt=before.attempt,
            what=what,
            by=user(),
            how="resolve",
            reason=reason,
            was="" if before.is_open else before.status,
        )
        kept.journal.append(decision)
    finally:
        kept.close()
    kept.journal.check()
    earlier.past.apply(decision, recovered.seq)
    which = f" (item {number})" if number else ""
    means = _MEANS[what] if before.is_open else "to be done again"
    words = f'"{visible(step)}"{which} on {visible(host)} is taken as {means}, says {visible(decision.by)}'
    warnings = (f"warning: {text}" for text in recovered.warnings)
    return "\n".join([words, *_next(folder, earlier.past), *warnings])


_MEANS = {"ok": "done", "failed": "failed", "rerun": "not done: it runs again"}


def _may_be_over(what: str, reason: str) -> Callable[[StepPast], bool]:
    """What of that which has ended may run again: all of it, but what somebody has settled only with a reason."""
    return lambda past: what == "rerun" and bool(past.status) and (not past.by_person or bool(reason))


def _one(past: StepPast, item: int | None) -> StepPast:
    return past.items[item] if item else past


def _place(
    past: Past, host: str, step: str, play: str, item: int | None, may: Callable[[StepPast], bool]
) -> tuple[str, HostPast, int | None]:
    """The play, what is known of the host there, and the item that is meant; ``may`` allows what is not unknown."""
    if play:
        _check("play", play, past.plays)
    plays = {name: one.hosts for name, one in past.plays.items() if play in {"", name}}
    _check("host", host, {name for hosts in plays.values() for name in hosts})
    there = {name: hosts[host] for name, hosts in plays.items() if host in hosts}
    _check("step", step, {name for found in there.values() for name in found.steps})
    having = {name: found for name, found in there.items() if step in found.steps}
    unknown = {name: found for name, found in having.items() if found.steps[step].is_open}
    over = {name: found for name, found in having.items() if may(found.steps[step])}
    unknown = unknown or over
    if len(unknown) > 1:
        hint = f"say which: --play {next(iter(unknown))}"
        raise _refused(f'"{step}" is {"over" if over else "unknown"} on {host} in {len(unknown)} plays', hint)
    if not unknown:
        found = next(iter(having.values()))
        again = "to have it run again say why: --rerun --reason TEXT" if found.steps[step].by_person else ""
        raise _refused(f'"{step}" on {host} is not unknown: {_how(found.steps[step])}', again)
    ((name, found),) = unknown.items()
    return name, found, _item(found.steps[step], step, item, may)


def _item(past: StepPast, step: str, item: int | None, may: Callable[[StepPast], bool]) -> int | None:
    """The item of the step's loop, None where it has none."""
    open_ones = [number for number, one in past.items.items() if one.is_open]
    if item is None:
        if len(open_ones) > 1:
            raise _refused(f'{len(open_ones)} items of "{step}" are unknown', f"say which: --item {open_ones[0]}")
        return open_ones[0] if open_ones else None
    if item not in past.items:
        last = max(past.items, default=0)
        raise _refused(f'"{step}" has no item {item} yet', f"its items came to {last}" if last else "it has no loop")
    if item not in open_ones and not may(past.items[item]):
        raise _refused(f'item {item} of "{step}" is not unknown: {_how(past.items[item])}', "")
    return item


def _check(what: str, name: str, names: Collection[str]) -> None:
    if name not in names:
        known = in_order(names)
        hint = did_you_mean(name, known) or (f"there are {', '.join(known[:LISTED])}" if known else "")
        raise _refused(f'the run has had no {what} "{name}"', hint)


def _how(past: StepPast) -> str:
    if past.decided:
        return f"it was settled: {past.decided}"
    return f"it ended {past.status}" if past.status else "it was never started"


def _next(folder: RunFolder, past: Past) -> Iterator[str]:
    """What to type: about the others that nobody knows of, and then to go on."""
    left = list(_unknown(past))
    for play, host, step in left[:LISTED]:
        yield f"unknown too: {visible(step)} on {visible(host)} in play {visible(play)}"
    if len(left) > LISTED:
        yield f"… and {len(left) - LISTED} more"
    yield f"to go on: {finding.command('resume', folder)}"


def _unknown(past: Past) -> Iterator[tuple[str, str, str]]:
    for play, found in past.plays.items():
        for host, one in found.hosts.items():
            yield from ((play, host, step) for step, known in one.steps.items() if known.is_open and not known.is_local)


def _refused(words: str, hint: str) -> InputError:
    return InputError([Problem("E651", words, hint=hint)])
