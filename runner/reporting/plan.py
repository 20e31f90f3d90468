"""A plan as text: what people read before they let it run.

However many hosts there are, names are folded and what is alike is said once, so the text stays short. Only
``all_hosts`` gives a line for each step on each host.
"""

from collections.abc import Iterable, Iterator

from runner.model import longest
from runner.model.plan import Plan, PlannedPlay, Wave
from runner.model.plan_description import as_written, counts, is_shuffled
from runner.reporting import plan_strategy as strategy
from runner.reporting import plan_wording as words
from runner.reporting.escape import visible
from runner.reporting.plan_tree import Tree, indented
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
        yield from _Section(plan, play, preview, frozenset(only)).lines(all_waves=all_hosts)
        if all_hosts:
            yield from _tasks(play, preview, only)


def _header(plan: Plan, preview: Preview) -> Iterator[str]:
    numbers = counts(plan)
    named = {"play": numbers.plays, "wave": numbers.waves, "host": numbers.hosts, "step": numbers.steps}
    sizes = [*(_count(number, noun) for noun, number in named.items()), _count(numbers.tasks, "task")]
    yield f"plan of {visible(plan.playbook)}: {visible(plan.name)}"
    yield f"  inventory    {visible(', '.join(plan.inventory)) or 'in the playbook'}"
    if plan.given:
        yield f"  inputs       {', '.join(f'{name}: {flow(as_written(value))}' for name, value in plan.given.items())}"
    yield f"  counts       {', '.join(sizes)}"
    yield f"  at work      at most {_count(numbers.at_once, 'host')} at once"
    yield f"  time         {words.takes(longest.of_plays(plan.plays, preview.items))}"
    if plan.lock == "hosts":
        yield "  lock         on the controller, and on every host (lock: hosts)"
    if is_shuffled(plan):
        yield f"  seed         {plan.seed or 0} (the same order again: --seed {plan.seed or 0})"
    if plan.secrets:
        yield f"  secrets      {visible(', '.join(plan.secrets))} (fetched when a run starts)"
    yield from (f"  note         {visible(note)}" for note in plan.notes)


class _Section:
    """One play. ``only`` are the hosts that were asked for."""

    def __init__(self, plan: Plan, play: PlannedPlay, preview: Preview, only: frozenset[str]) -> None:
        self._is_one_of_many = len(plan.plays) > 1
        self._play = play
        self._preview = preview
        self._only = only

    def lines(self, *, all_waves: bool) -> Iterator[str]:
        play = self._play
        name = f": {visible(play.name)}" if play.name != play.id else ""
        place = visible(f"{play.location.file}:{play.location.line}")
        yield f"play {visible(play.id)}{name} ({_count(len(play.hosts), 'host')}, {place})"
        yield from _titled(self._joined())
        yield f"  strategy     {play.strategy.type}"
        yield from _wrapped("  settings     ", strategy.effective(play.strategy))
        yield from _titled(self._movement())
        yield from indented(2, words.surroundings(play))
        if play.strategy.gate:
            yield "  gate"
            yield from indented(4, strategy.gate(play.strategy.gate))
        yield "  waves"
        yield from self._waves(all_waves=all_waves)
        yield from self._steps()

    def _joined(self) -> Iterator[tuple[str, str]]:
        """What the play waits for, and for which hosts it is asked whether they start."""
        if self._play.needs:
            yield "needs", visible(", ".join(self._play.needs))
        elif self._is_one_of_many:
            yield "needs", "no other play"
        if self._play.when is not None:
            yield "when", f"{words.shown_condition(self._play.when)} (asked as each host would start)"

    def _movement(self) -> Iterator[tuple[str, str]]:
        play = self._play
        if play.group_of:
            yield "groups", strategy.drawn_from(play)
        yield "at work", strategy.at_work(play)
        yield "failures", strategy.bears(play)
        yield from strategy.between_waves(play)
        if play.delegates:
            yield "delegates", hosts(play.delegates)
        yield "time", words.takes(longest.of_play(play, self._preview.items))

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
            yield f"  steps: none of them runs on {hosts(sorted(self._only))}"
            return
        tree = Tree(self._play, self._preview, chosen)
        yield f"  steps, as rendered for {hosts(name for _, name in chosen)}"
        yield from indented(4, tree.lines(self._play.steps))
        for title in ("handlers", "rollback", "always"):
            if nodes := getattr(self._play, title):
                yield f"  {title}"
                yield from indented(4, tree.lines(nodes))

    def _chosen(self) -> list[tuple[Wave, str]]:
        """The hosts that steps are rendered for, with their waves."""
        if not self._only:
            return [(wave, wave.hosts[0]) for wave in self._play.waves[:FEW]]
        return [(wave, name) for wave in self._play.waves for name in wave.hosts if name in self._only]


def _tasks(play: PlannedPlay, preview: Preview, only: tuple[str, ...]) -> Iterator[str]:
    yield f"  tasks ({len(play.hosts) * len(play.counted):,})"
    for task in preview.tasks_of(play, frozenset(only) or None):
        elsewhere = f"  on {visible(task.delegate_to)}" if task.delegate_to is not None else ""
        yield f"    wave {task.wave}  {visible(task.host)}  {visible(task.step)}  {flow(task.params)}{elsewhere}"


def _titled(parts: Iterable[tuple[str, str]]) -> Iterator[str]:
    return (f"  {title:<12} {text}" for title, text in parts)


def _wrapped(title: str, parts: Iterable[str]) -> Iterator[str]:
    """Parts joined by commas, in lines of moderate width below each other."""
    line = title
    for part in parts:
        if len(line) + len(part) > WIDTH:
            yield line.rstrip()
            line = " " * len(title)
        line += f"{part}, "
    yield line.removesuffix(", ")


def _count(number: int, noun: str) -> str:
    return count(number, noun).replace(str(number), f"{number:,}", 1)
