"""A plan as text: what people read before they let it run.

However many hosts there are, names are folded and what is alike is said once, so the text stays short. Only
``all_hosts`` gives a line for each step on each host.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from runner.model import longest
from runner.model.plan import Plan, PlannedPlay, Wave
from runner.model.plan_document import counts, is_shuffled
from runner.model.playbook import Step
from runner.reporting import plan_wording as words
from runner.reporting.escape import visible
from runner.reporting.preview import Preview
from runner.reporting.wording import count, hosts
from runner.reporting.yaml_like import flow

WAVES_SHOWN = 20
"""Waves of a play that are listed; of more, only the first few."""

WIDTH = 100
"""Characters in a line of settings."""

FEW = 5
"""How many those are, and the waves whose first host steps are rendered for where no host is named."""


def render(plan: Plan, preview: Preview, *, only: tuple[str, ...] = (), all_hosts: bool = False) -> Iterator[str]:
    """The lines. ``only`` are the hosts to render steps for; ``all_hosts`` adds every step on every host."""
    yield from _header(plan, preview)
    for play in plan.plays:
        yield ""
        yield from _Section(play, preview, only).lines(all_waves=all_hosts)
        if all_hosts:
            yield from _tasks(play, preview, only)


def _header(plan: Plan, preview: Preview) -> Iterator[str]:
    numbers = counts(plan)
    named = {"play": numbers.plays, "wave": numbers.waves, "host": numbers.hosts, "step": numbers.steps}
    sizes = [*(_count(number, noun) for noun, number in named.items()), _count(numbers.tasks, "task")]
    yield f"plan of {visible(plan.playbook)}: {visible(plan.name)}"
    yield f"  inventory    {visible(', '.join(plan.inventory)) or 'in the playbook'}"
    yield f"  counts       {', '.join(sizes)}"
    yield f"  at work      at most {_count(numbers.at_once, 'host')} at once"
    yield f"  time         {words.takes(longest.of_plays(plan.plays, preview.items))}"
    if is_shuffled(plan):
        yield f"  seed         {plan.seed or 0} (the same order again: --seed {plan.seed or 0})"
    if plan.secrets:
        yield f"  secrets      {visible(', '.join(plan.secrets))} (fetched when a run starts)"
    yield from (f"  note         {visible(note)}" for note in plan.notes)


class _Section:
    """One play. ``only`` are the hosts that were asked for."""

    def __init__(self, play: PlannedPlay, preview: Preview, only: tuple[str, ...]) -> None:
        self._play = play
        self._preview = preview
        self._only = only

    def lines(self, *, all_waves: bool) -> Iterator[str]:
        play = self._play
        name = f": {visible(play.name)}" if play.name != play.id else ""
        place = visible(f"{play.location.file}:{play.location.line}")
        yield f"play {visible(play.id)}{name} ({_count(len(play.hosts), 'host')}, {place})"
        yield f"  strategy     {play.strategy.type}"
        yield from _wrapped("  settings     ", words.effective(play.strategy))
        if play.group_of:
            yield f"  groups       {words.drawn_from(play)}"
        yield f"  at work      {words.at_work(play)}"
        yield f"  failures     {words.bears(play)}"
        yield f"  time         {words.takes(longest.of_play(play, self._preview.items))}"
        yield from _indented(2, words.surroundings(play))
        yield "  waves"
        yield from self._waves(all_waves=all_waves)
        yield from self._steps()

    def _waves(self, *, all_waves: bool) -> Iterator[str]:
        waves = self._play.waves
        shown = waves if all_waves or len(waves) <= WAVES_SHOWN else waves[:FEW]
        number, size = len(str(len(shown))), max(len(_count(len(wave.hosts), "host")) for wave in shown)
        for wave in shown:
            yield f"    {wave.index:>{number}}  {_count(len(wave.hosts), 'host'):<{size}}  {hosts(wave.hosts)}"
        if len(shown) < len(waves):
            yield f"    … and {len(waves) - len(shown):,} more waves"

    def _steps(self) -> Iterator[str]:
        chosen = self._chosen()
        if not chosen:
            yield f"  steps: none of them runs on {hosts(self._only)}"
            return
        yield f"  steps, as rendered for {hosts(name for _, name in chosen)}"
        for number, step in enumerate(self._play.counted, 1):
            time = longest.of_step(self._play, step, self._preview.items)
            yield f"    {number}. {words.heading(step)}"
            yield from _indented(9, self._params(step, chosen))
            yield from _indented(9, words.settings(step, time))

    def _chosen(self) -> list[tuple[Wave, str]]:
        """The hosts that steps are rendered for, with their waves."""
        if not self._only:
            return [(wave, wave.hosts[0]) for wave in self._play.waves[:FEW]]
        return [(wave, name) for wave in self._play.waves for name in wave.hosts if name in self._only]

    def _params(self, step: Step, chosen: list[tuple[Wave, str]]) -> Iterator[str]:
        """The params once where all hosts have the same, else for each kind of them."""
        groups: dict[str, tuple[Any, list[str]]] = {}
        for wave, name in chosen:
            params = self._preview.on(self._play, wave, name).params(step)
            groups.setdefault(repr(params), (params, []))[1].append(name)
        for params, names in groups.values():
            if len(groups) > 1:
                yield f"on {hosts(names)}:"
            yield from _indented(2 if len(groups) > 1 else 0, words.params(params))


def _tasks(play: PlannedPlay, preview: Preview, only: tuple[str, ...]) -> Iterator[str]:
    yield f"  tasks ({len(play.hosts) * len(play.counted):,})"
    for task in preview.tasks_of(play, only or None):
        yield f"    wave {task.wave}  {visible(task.host)}  {visible(task.step)}  {flow(task.params)}"


def _wrapped(title: str, parts: Iterable[str]) -> Iterator[str]:
    """Parts joined by commas, in lines of moderate width below each other."""
    line = title
    for part in parts:
        if len(line) + len(part) > WIDTH:
            yield line.rstrip()
            line = " " * len(title)
        line += f"{part}, "
    yield line.removesuffix(", ")


def _indented(width: int, lines: Iterable[str]) -> Iterator[str]:
    return (" " * width + line for line in lines)


def _count(number: int, noun: str) -> str:
    return count(number, noun).replace(str(number), f"{number:,}", 1)
