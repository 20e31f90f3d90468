"""A run read back from its journal, whole and checked: what ``runs show`` and ``runs compare`` tell."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from runner import journal
from runner.app import finding
from runner.app.earlier import stored_plan
from runner.errors import JournalError, RunnerError
from runner.model import run_comparison
from runner.model import summary as summaries
from runner.model.changed import changed
from runner.model.deeds import Deeds
from runner.model.deeds import as_data as deeds_as_data
from runner.model.events import Decision, Event, RunStarted
from runner.model.gone import died
from runner.model.illegal import IllegalEventError
from runner.model.plan import Plan
from runner.model.progress import Progress
from runner.model.run_comparison import Compared, RunComparison
from runner.model.summary import Summary
from runner.planning.difference import difference
from runner.reporting import history_of_run
from runner.reporting.run_comparison import comparison_lines
from runner.reporting.summary import render
from runner.reporting.wording import step_names
from runner.run_folder import RunFolder


@dataclass(slots=True)
class Story:
    """A run as its records tell it. ``starts`` are its processes, each with its time (seconds since 1970).

    ``plan`` is the stored one, None where it can't be read. ``decisions`` are what was said of steps, with their times.
    """

    run: RunFolder
    is_live: bool
    plan: Plan | None = None
    progress: Progress = field(default_factory=Progress)
    deeds: Deeds = field(default_factory=Deeds)
    starts: list[tuple[float, RunStarted]] = field(default_factory=list)
    decisions: list[tuple[float, Decision]] = field(default_factory=list)

    @property
    def has_died(self) -> bool:
        """Whether it is over and has not said so."""
        return not self.is_live and self.progress.ended is None

    def summary(self) -> Summary:
        """What it came to, or has come to so far; of one that died, every host is accounted for."""
        ended = self.progress.ended
        was = summaries.recorded(ended) if ended else None
        if was is not None:
            return changed(was, folder=str(self.run.path))
        folder, commands = str(self.run.path), finding.commands(self.run)
        if self.has_died:
            return died(self.progress, self.plan, commands=commands, folder=folder)
        found = summaries.of(self.progress, run=self.run.id, folder=folder, commands=commands)
        if ended is not None:
            return changed(found, status=ended.status, exit=ended.exit)
        return changed(found, status="running", go_on=())


def read(run: RunFolder) -> Story:
    """Read a run back, without touching it. Raises JournalError for a damaged journal."""
    path = run.path / journal.NAME
    story = Story(run, is_live=finding.is_live(run))
    for seq, ts, event in journal.read(path):
        _fold(story.progress, event, ts, seq)
        story.deeds.apply(event, ts)
        if isinstance(event, RunStarted):
            story.starts.append((ts, event))
        elif isinstance(event, Decision):
            story.decisions.append((ts, event))
    story.plan = _plan(run, story.starts)
    return story


def _fold(progress: Progress, event: Event, ts: float, seq: int) -> None:
    try:
        progress.apply(event, ts, seq)
    except IllegalEventError as error:
        raise JournalError(f"the journal makes no sense: record {seq}: {error.message}") from None


def _plan(run: RunFolder, starts: list[tuple[float, RunStarted]]) -> Plan | None:
    """The plan that its last process carried out, where it is still there."""
    try:
        return stored_plan(run, starts[-1][1]) if starts else None
    except RunnerError:
        return None


def text(story: Story, *, with_steps: bool) -> Iterator[str]:
    """The story as lines."""
    names = step_names(story.plan) if story.plan else {}
    yield from history_of_run.told(story.starts, story.decisions)
    if with_steps:
        yield ""
        yield from history_of_run.steps(story.deeds.listed(is_live=story.is_live), names)
    yield from render(story.summary(), names).splitlines()


def compare(old: Story, new: Story) -> RunComparison:
    """In what two runs differ."""
    plans = old.plan, new.plan
    found = None if plans[0] is None or plans[1] is None else difference(plans[0], plans[1])
    return run_comparison.compare(_compared(old), _compared(new), found)


def _compared(story: Story) -> Compared:
    started = story.starts[0][1] if story.starts else None
    return Compared(summary=story.summary(), started=started, times=story.deeds.times())


def comparison_text(old: Story, new: Story) -> Iterator[str]:
    """In what two runs differ, as lines."""
    yield from comparison_lines(compare(old, new), step_names(old.plan) if old.plan else {})


def as_data(story: Story, *, with_steps: bool) -> dict[str, Any]:
    """The summary as ``summary.json`` has it, and with it who was at work, decisions, and on demand steps."""
    data = summaries.as_data(story.summary())
    data["starts"] = [_without_keys(summaries.dated(start, ts)) for ts, start in story.starts]
    data["decisions"] = [summaries.dated(said, ts) for ts, said in story.decisions]
    if with_steps:
        data["deeds"] = deeds_as_data(story.deeds.listed(is_live=story.is_live))
    return data


def _without_keys(start: dict[str, Any]) -> dict[str, Any]:
    """What a run began with, but for what is of use to itself alone and to whoever wants to guess its inputs."""
    return {name: value for name, value in start.items() if name not in {"salt", "token", "digests"}}
