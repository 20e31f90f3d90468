"""In what two runs differ, as text. Safe to show."""

from collections.abc import Iterator

from runner.model.run_comparison import RunComparison, StepChange
from runner.reporting.durations import duration
from runner.reporting.escape import visible
from runner.reporting.plan_difference import difference_lines
from runner.reporting.wording import Names, hosts, step_name
from runner.reporting.yaml_like import flow

NOTABLE = 0.2
"""A step is slower or faster where that is so by at least this part of what it took."""

SECONDS = 0.5
"""And by at least so many seconds: what is shorter is chance."""


def comparison_lines(comparison: RunComparison, names: Names) -> Iterator[str]:
    """The lines: what is the same is not mentioned."""
    yield f"from {visible(comparison.old)} to {visible(comparison.new)}"
    if comparison.is_same:
        yield "  the runs are equal in all but time"
    yield from (f"  ~ {visible(fact.key)}: {flow(fact.old)} -> {flow(fact.new)}" for fact in comparison.facts)
    if comparison.plan is None:
        yield "plan"
        yield "  one of the plans is not there any more"
    elif not comparison.plan.is_same:
        yield "plan"
        yield from (f"  {line}" for line in list(difference_lines(comparison.plan))[1:])
    yield from _titled("hosts", _hosts(comparison))
    yield from _titled("steps, seconds on a host on average", _times(comparison, names))


def _titled(title: str, lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if not number:
            yield title
        yield f"  {line}"


def _hosts(comparison: RunComparison) -> Iterator[str]:
    """Hosts with the same change on one line."""
    alike: dict[tuple[str, str], list[str]] = {}
    for change in comparison.hosts:
        alike.setdefault((change.old, change.new), []).append(change.host)
    for (old, new), names in alike.items():
        yield f"{hosts(names)}: {_status(old)} -> {_status(new)}"


def _status(status: str) -> str:
    return visible(status).replace("_", " ") or "not there"


def _times(comparison: RunComparison, names: Names) -> Iterator[str]:
    notable = [one for one in comparison.times if _is_notable(one)]
    for one in sorted(notable, key=lambda change: -abs(change.new - change.old)):
        how = "slower" if one.new > one.old else "faster"
        name = step_name(names, one.play, one.step)
        yield f"{how}  {duration(one.old)} -> {duration(one.new)}  {visible(one.play)}  {name}"


def _is_notable(change: StepChange) -> bool:
    by = abs(change.new - change.old)
    return by >= SECONDS and by >= NOTABLE * change.old
