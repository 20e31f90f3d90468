"""In what two plans differ, as text. Safe to show.

``+`` is what only the new plan has, ``-`` what only the old one had, ``~`` what both have and is other.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from runner.model.plan_difference import (
    ChangedPart,
    ChangedSetting,
    DifferingTask,
    PlanDifference,
    PlayDifference,
)
from runner.reporting.escape import visible
from runner.reporting.wording import count, hosts
from runner.reporting.yaml_like import flow

STATUS = {"added": "+ ", "removed": "- ", "changed": "~ "}


def difference_lines(difference: PlanDifference, *, all_hosts: bool = False) -> Iterator[str]:
    """The lines. Hosts with the same step are folded, unless ``all_hosts`` asks for a line for each."""
    yield f"from {visible(difference.old)} to {visible(difference.new)}"
    if difference.is_same:
        yield "  nothing differs"
        return
    yield f"  tasks  {count(len(difference.added), 'task')} added, {len(difference.removed)} removed"
    yield from (f"  ~ {line}" for line in map(_setting, difference.settings))
    for play in difference.plays:
        yield from _play(play)
    removed = _tasks("-", difference.removed, all_hosts=all_hosts)
    yield from _titled("tasks", [*removed, *_tasks("+", difference.added, all_hosts=all_hosts)])
    contacts = difference.contacts
    yield from _titled(
        "hosts that are contacted",
        [*_folded("-", contacts.removed), *_folded("+", contacts.added), *_changed_hosts(contacts.changed)],
    )
    files = difference.files
    marked = [*(("-", name) for name in files.removed), *(("+", name) for name in files.added)]
    marked += [("~", name) for name in files.changed]
    yield from _titled("files", [f"{mark} {visible(name)}" for mark, name in marked])


def _titled(title: str, lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if not number:
            yield title
        yield f"  {line}"


def _play(play: PlayDifference) -> Iterator[str]:
    yield f"{STATUS[play.status]}play {visible(play.play)}"
    yield from (f"  ~ {line}" for line in map(_setting, play.settings))
    yield from (f"  ~ {visible(key)}" for key in play.keys)
    yield from (f"  {line}" for line in _folded("-", play.hosts.removed))
    yield from (f"  {line}" for line in _folded("+", play.hosts.added))
    moves = sorted((move.old, move.new, number, move.host) for number, move in enumerate(play.hosts.moved))
    for (old, new), group in groupby(moves, key=lambda move: move[:2]):
        yield f"  ~ {hosts(host for *_, host in group)}: wave {old} -> {new}"
    yield from (f"  - step {visible(name)}" for name in play.steps.removed)
    yield from (f"  + step {visible(name)}" for name in play.steps.added)
    yield from (f"  ~ step {visible(part.name)}: {_keys(part)}" for part in play.steps.changed)


def _setting(setting: ChangedSetting) -> str:
    if setting.key.startswith("secrets.") and setting.old and setting.new:
        return f"{visible(setting.key)}: from another place"
    return f"{visible(setting.key)}: {flow(setting.old)} -> {flow(setting.new)}"


def _keys(part: ChangedPart) -> str:
    return ", ".join(map(visible, part.keys))


def _folded(mark: str, names: Iterable[str]) -> list[str]:
    listed = tuple(names)
    return [f"{mark} {hosts(listed)}"] if listed else []


def _changed_hosts(parts: Iterable[ChangedPart]) -> Iterator[str]:
    """Hosts in which the same keys have changed on one line."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for part in parts:
        alike.setdefault(part.keys, []).append(part.name)
    for keys, names in alike.items():
        yield f"~ {hosts(names)}: {', '.join(map(visible, keys))}"


def _tasks(mark: str, tasks: Iterable[DifferingTask], *, all_hosts: bool) -> Iterator[str]:
    """Where a step is other on several hosts of a wave they are on one line, in the order of the plan."""
    lines: dict[tuple[str, int, str, int], list[str]] = {}
    for number, task in enumerate(tasks):
        lines.setdefault((task.play, task.wave, task.step, number * all_hosts), []).append(task.host)
    for (play, wave, step, _), names in lines.items():
        yield f"{mark} {visible(play)}  wave {wave}  {hosts(names)}  {visible(step)}"
