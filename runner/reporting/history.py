"""The history of runs as text: a line for each, and what to type beneath those that can be gone on with."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo

from runner.model.history import RunEntry
from runner.reporting.durations import duration
from runner.reporting.escape import visible

HEADINGS = ("RUN", "STARTED", "TOOK", "STATUS", "HOSTS", "USER", "PLAYBOOK")


def listed(entries: Iterable[RunEntry], zone: tzinfo | None = None) -> Iterator[str]:
    """A line a run, in columns; times are those of ``zone``, the machine's own where it is None."""
    found = list(entries)
    rows = [HEADINGS, *(_row(one, zone) for one in found)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEADINGS))]
    lines = (_line(row, widths) for row in rows)
    yield next(lines)
    for one, line in zip(found, lines, strict=True):
        yield line
        yield from (f"    {visible(words)}" for words in _beneath(one))


def pruned(found: Iterable[tuple[RunEntry, str]], *, dry_run: bool) -> Iterator[str]:
    """What becomes of each old run, as it is done: gone, or kept and why; and at the end how many are gone."""
    gone = 0
    for entry, kept in found:
        what = "  ".join(filter(None, (visible(entry.run), _status(entry), visible(entry.playbook))))
        gone += not kept
        yield f"kept     {what}: {kept}" if kept else f"{'would go' if dry_run else 'removed '} {what}"
    yield f"{gone} {'run' if gone == 1 else 'runs'} {'would be ' if dry_run else ''}removed"


def _row(entry: RunEntry, zone: tzinfo | None) -> Sequence[str]:
    return (
        visible(entry.run),
        started(entry.started, zone),
        "" if entry.duration is None else duration(entry.duration),
        _status(entry),
        _hosts(entry.hosts) or ("" if entry.of_hosts is None else str(entry.of_hosts)),
        visible(entry.user),
        visible(entry.playbook),
    )


def started(ts: str, zone: tzinfo | None = None) -> str:
    """A time of the records (RFC 3339) as a person reads it: ``2026-11-21 09:45:01``."""
    return f"{datetime.fromisoformat(ts).astimezone(zone):%Y-%m-%d %H:%M:%S}" if ts else ""


def _status(entry: RunEntry) -> str:
    word = visible(entry.status.replace("_", " "))
    if entry.pid is not None:
        return f"{word}, pid {entry.pid}"
    return f"{word} ({entry.exit})" if entry.exit else word


def _hosts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {visible(status.replace('_', ' '))}" for status, count in counts.items())


def _beneath(entry: RunEntry) -> Iterator[str]:
    if entry.problem:
        yield f"its journal can't be used: {entry.problem}"
    yield from (f"go on with: {command}" for command in entry.go_on if entry.status == "died")


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
