"""Every run of a folder in a few words, from the two ends of its journal: a thousand are listed without reading them.

**Why not** ``summary.json``: it is a copy of what ``run.ended`` holds, and the journal decides.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from runner.app import finding, unbegun
from runner.app.journal_ends import DamagedError, Ends, Fields, latest_start, read_ends
from runner.journal import NAME
from runner.model.history import RunEntry
from runner.run_folder import RunFolder, is_being_made


def entries(root: Path, *, statuses: tuple[str, ...] = (), playbook: str = "") -> Iterator[RunEntry]:
    """The runs of a folder, the newest first, that fit; each is looked at only when it is asked for.

    ``playbook`` is a pattern for its path, the end of it, or the name that the playbook gives itself. Raises
    JournalError where the folder can't be read.
    """
    for run in reversed(finding.all_runs(root)):
        found = entry(run)
        if (not statuses or found.status in statuses) and (not playbook or _fits(found, playbook)):
            yield found


def entry(run: RunFolder) -> RunEntry:
    """One run; of a journal that can't be used, that."""
    try:
        ends = read_ends(run.path / NAME)
    except FileNotFoundError:
        return _unbegun(run) or _unusable(run, "it has no journal")
    except (OSError, DamagedError) as error:
        return _unusable(run, str(error))
    if not ends.started and not finding.is_live(run):
        return _unbegun(run) or _unusable(run, "it has no first record")
    try:
        return _entry(run, ends)
    except (KeyError, TypeError, ValueError):
        return _unusable(run, "its records are not those of a run")


def _entry(run: RunFolder, ends: Ends) -> RunEntry:
    summary: Fields = (ends.ended or {}).get("summary", {})
    start, last = ends.started.get("ts", ""), ends.last.get("ts", "")
    is_at_work = ends.ended is None and finding.is_live(run)
    status = ends.ended["status"] if ends.ended else "running" if is_at_work else "died"
    until = time.time() if is_at_work else _seconds(last)
    return RunEntry(
        run=run.id,
        status=status,
        exit=ends.ended["exit"] if ends.ended else None,
        started=start,
        duration=summary.get("duration", round(until - _seconds(start), 6)) if start else None,
        playbook=ends.started.get("playbook", ""),
        name=ends.started.get("name", ""),
        mode=ends.started.get("mode", ""),
        user=ends.started.get("user", ""),
        controller=ends.started.get("controller", ""),
        pid=latest_start(run.path / NAME).get("pid") if is_at_work else None,
        hosts=summary.get("counts", {}),
        of_hosts=ends.ready.get("hosts"),
        go_on=(finding.command("resume", run),) if status == "died" else tuple(summary.get("go_on", ())),
    )


def _unbegun(run: RunFolder) -> RunEntry | None:
    """The entry of a run without a first record whose process is gone or has yet to write it; None for another."""
    is_beginning = is_being_made(run)  # asked first: a run that then has its journal is at work
    if not unbegun.came_to_nothing(run):
        return None
    return RunEntry(run=run.id, status="running" if is_beginning else "came_to_nothing")


def _unusable(run: RunFolder, problem: str) -> RunEntry:
    return RunEntry(run=run.id, status="damaged", problem=problem)


def _seconds(ts: str) -> float:
    return datetime.strptime(ts, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()


def _fits(found: RunEntry, pattern: str) -> bool:
    path = PurePath(found.playbook)
    ends = {str(PurePath(*path.parts[at:])) for at in range(len(path.parts))}
    return any(fnmatchcase(text, pattern) for text in (*ends, found.name))
