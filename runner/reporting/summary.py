"""The summary as text: what people read when a run has ended."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from runner.model.account import FailureGroup, PlaySummary, Summary, WaveSummary
from runner.model.plan import Plan
from runner.reporting.durations import duration
from runner.reporting.escape import visible
from runner.reporting.wording import Names, count, counts, hosts, paint

TAIL = 10
"""Lines of output shown with a failure."""


def opening(plan: Plan, run: str) -> list[str]:
    """What will run, in a line, and what the planner wants known."""
    sizes = f"{count(len(plan.plays), 'play')}, {count(plan.total, 'step')} in all"
    names = {host for play in plan.plays for host in play.hosts}
    first = f"run {visible(run)}: {visible(plan.name)}: {count(len(names), 'host')}, {sizes}"
    return [first, *(f"note: {visible(note)}" for note in plan.notes)]


def render(summary: Summary, names: Names | None = None, *, color: bool = False) -> str:
    """The whole summary, each line ended. ``names`` gives steps' names by play and id; without it ids are shown."""
    page = _Page(summary, names or {}, color=color)
    return "".join(f"{line}\n" for line in page.lines())


class _Page:
    """The parts of one summary, as lines."""

    def __init__(self, summary: Summary, names: Names, *, color: bool) -> None:
        self._summary = summary
        self._names = names
        self._color = color

    def lines(self) -> Iterator[str]:
        yield from self._heading()
        yield from self._section("failures", self._failures(self._summary.failures))
        yield from self._section("ignored failures", self._failures(self._summary.ignored))
        yield from self._section("not finished", self._unfinished())
        yield from self._section("slowest steps", self._slowest_steps())
        yield from self._section("slowest hosts", self._slowest_hosts())
        yield from self._section("to go on", map(visible, self._summary.go_on))

    def _heading(self) -> Iterator[str]:
        told = self._summary
        status = paint(told.status, told.status, color=self._color)
        why = f" (signal {visible(told.flags.interrupted)})" if told.flags.interrupted else ""
        name = visible(told.run or told.name)
        yield ""
        yield f"{paint('summary', 'bold', color=self._color)}  {name}  {status}{why}  {duration(told.duration)}"
        yield f"  hosts  {counts(told.counts, color=self._color) or 'none'}"
        yield f"  steps  {self._steps()}"
        for play in told.plays:
            yield from self._play(play)
        yield from (f"  note: {visible(note)}" for note in told.notes)
        if told.output_lost:
            yield f"  the output of {count(told.output_lost, 'step')} could not be kept"
        if told.folder:
            yield f"  records in {visible(told.folder)}"

    def _steps(self) -> str:
        told = self._summary
        parts = [f"{told.done} of {told.total}", counts(told.steps, color=self._color)]
        parts += [f"retried {told.retries}"] if told.retries else []
        parts += [f"warnings {told.warnings}"] if told.warnings else []
        return "  ".join(part for part in parts if part)

    def _play(self, play: PlaySummary) -> Iterator[str]:
        numbers = counts(play.counts, color=self._color) or "not begun"
        yield f"  play {visible(play.id)}  {numbers}{_budget(play)}"
        for (status, _), group in groupby(play.waves, key=lambda wave: (wave.status, wave.counts)):
            yield "    " + self._waves(status, list(group), play.of_waves)

    def _waves(self, status: str, waves: list[WaveSummary], of: int) -> str:
        first, last = waves[0].wave, waves[-1].wave
        which = f"wave {first}/{of}" if first == last else f"waves {first}-{last}/{of}"
        each = "" if first == last else " each"
        shown = paint(status or "open", status, color=self._color)
        took = duration(sum(wave.duration for wave in waves))
        return f"{which}  {shown}  {counts(waves[0].counts, color=self._color)}{each}  {took}"

    def _section(self, title: str, lines: Iterable[str]) -> Iterator[str]:
        body = list(lines)
        if body:
            yield paint(title, "bold", color=self._color)
            yield from (f"  {line}" for line in body)

    def _failures(self, groups: tuple[FailureGroup, ...]) -> Iterator[str]:
        for group in groups:
            yield from self._failure(group)

    def _failure(self, group: FailureGroup) -> Iterator[str]:
        what = f"{self._step(group.play, group.step)}  " if group.step else ""
        where = f" ({visible(group.src)})" if group.src else ""
        reason = f": {visible(group.reason)}" if group.reason else ""
        status = paint(group.status, group.status, color=self._color)
        yield f"{hosts(group.hosts)}  {what}{status}{reason}{where}"
        several = len(group.hosts) > 1 and (group.tail or group.output)
        if several:
            yield f"    of {visible(group.hosts[0])}:"
        yield from (f"    | {visible(line)}" for line in group.tail.splitlines()[-TAIL:])
        folder = f"{visible(self._summary.folder)}/" if self._summary.folder else ""
        yield from (f"    {visible(stream)}: {folder}{visible(path)}" for stream, path in group.output.items())

    def _unfinished(self) -> Iterator[str]:
        for group in self._summary.unfinished:
            reason = f": {visible(group.reason)}" if group.reason else ""
            status = paint(group.status, group.status, color=self._color)
            yield f"{hosts(group.hosts)}  {status} in play {visible(group.play)}{reason}"

    def _slowest_steps(self) -> Iterator[str]:
        for slow in self._summary.slowest_steps:
            mean = f", {duration(slow.mean)} on average over {count(slow.count, 'host')}" if slow.count > 1 else ""
            yield f"{duration(slow.longest)}  {self._step(slow.play, slow.step)}  {visible(slow.host)}{mean}"

    def _slowest_hosts(self) -> Iterator[str]:
        for slow in self._summary.slowest_hosts:
            yield f"{duration(slow.duration)}  {visible(slow.host)}"

    def _step(self, play: str, step: str) -> str:
        return self._names.get((play, step)) or visible(step)


def _budget(play: PlaySummary) -> str:
    """How much of the budget was used; nothing where there is none and none was needed."""
    if play.allowed is None:
        return f"  {count(play.failures, 'failure')}, no limit" if play.failures else ""
    exceeded = f", exceeded: {visible(play.exceeded)}" if play.exceeded else ""
    return f"  budget: {count(play.failures, 'failure')} of {play.allowed} allowed{exceeded}"
