"""The summary as text: what people read when a run has ended."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from runner.model.account import PlaySummary, RollbackSummary, Summary, WaveSummary
from runner.model.fold_resumes import kept
from runner.model.plan import Plan
from runner.model.state import RunState
from runner.reporting.durations import duration
from runner.reporting.escape import visible
from runner.reporting.summary_parts import Parts
from runner.reporting.wording import Names, count, counts, paint, prefixed


def opening(plan: Plan, run: str, before: RunState | None = None) -> list[str]:
    """What will run, in a line, and what the planner wants known. ``before`` is what earlier processes have done."""
    names = {host for play in plan.plays for host in play.hosts}
    size = f"{visible(plan.name)}: {count(len(names), 'host')}, {count(len(plan.plays), 'play')}"
    if before is not None and before.processes:
        done = f"{kept(before)} of {before.total or plan.total} steps were done"
        died = "" if before.ended is not None else "; its last process ended without saying so"
        first = f"going on with run {visible(run)}: {size}, {done}{died}"
    else:
        first = f"run {visible(run)}: {size}, {count(plan.total, 'step')} in all"
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
        told = self._summary
        for title, lines in Parts(told, self._names, color=self._color).titled():
            yield from self._section(title, lines)
        yield from self._section("to go on", map(visible, told.go_on))

    def _heading(self) -> Iterator[str]:
        told = self._summary
        status = paint(told.status, told.status, color=self._color)
        why = f" (signal {visible(told.flags.interrupted)})" if told.flags.interrupted else ""
        why = " (it ended without saying so)" if told.flags.died else why
        name = visible(told.run or told.name)
        yield ""
        again = f"  resumed {count(told.resumed, 'time')}" if told.resumed else ""
        yield f"{paint('summary', 'bold', color=self._color)}  {name}  {status}{why}  {duration(told.duration)}{again}"
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
        parts += [f"{prefixed(section, str(number))}" for section, number in told.sections.items()]
        parts += [f"retried {told.retries}"] if told.retries else []
        parts += [f"warnings {told.warnings}"] if told.warnings else []
        return "  ".join(part for part in parts if part)

    def _play(self, play: PlaySummary) -> Iterator[str]:
        numbers = counts(play.counts, color=self._color) or "not begun"
        not_run = f": {visible(play.not_run)}" if play.not_run else ""
        yield f"  play {visible(play.id)}  {numbers}{not_run}{_budget(play)}"
        for (status, _), group in groupby(play.waves, key=lambda wave: (wave.status, wave.counts)):
            yield "    " + self._waves(status, list(group), play.of_waves)
        if play.rollback is not None:
            yield "    " + self._rollback(play.rollback)

    def _rollback(self, rollback: RollbackSummary) -> str:
        status = paint(rollback.status or "not finished", rollback.status, color=self._color)
        numbers = counts(rollback.counts, color=self._color) or count(rollback.hosts, "host")
        reason = f": {visible(rollback.reason)}" if rollback.reason else ""
        return f"rollback  {status}  {numbers}  {duration(rollback.duration)}{reason}"

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


def _budget(play: PlaySummary) -> str:
    """How much of the budget was used; nothing where there is none and none was needed."""
    if play.allowed is None:
        return f"  {count(play.failures, 'failure')}, no limit" if play.failures else ""
    by = " by a gate" if play.by_gate else ""
    exceeded = f", exceeded{by}: {visible(play.exceeded)}" if play.exceeded else ""
    return f"  budget: {count(play.failures, 'failure')} of {play.allowed} allowed{exceeded}"
