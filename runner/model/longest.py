"""The longest time that steps, waves, plays and plans may take: what timeouts and retries allow at most. Pure.

Connecting is not counted, nor the seconds that ending a process group takes, nor what a person takes to answer. Where
hosts stand in line, for a delegate or a ``throttle``, every host may come last.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from graphlib import TopologicalSorter
from operator import or_

from runner.model.at_work import at_once_in, turns
from runner.model.inventory import CONTROLLER
from runner.model.plan import PlannedPlay, Wave
from runner.model.playbook import Node, Retry, Step, leaves

Items = Callable[[PlannedPlay, Step], int | None]
"""How many items the loop of a step has; 1 where it has none, None where only the run can tell."""


Part = tuple[str | None, Step, "Longest"]
"""A step, whether it runs once in the ``wave`` or the ``run``, and its time on one host."""


@dataclass(frozen=True, slots=True)
class Longest:
    """Seconds, or None where there is no knowing: steps in ``endless`` have no timeout, loops in ``open`` no length.

    ``asked`` are steps and plays that wait for a person besides. Steps are named ``play/step``.
    """

    seconds: float | None = 0.0
    endless: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    def __add__(self, other: "Longest") -> "Longest":
        known = None if self.seconds is None or other.seconds is None else self.seconds + other.seconds
        return self._with(other, known)

    def __or__(self, other: "Longest") -> "Longest":
        """Both at the same time: the longer one."""
        known = None if self.seconds is None or other.seconds is None else max(self.seconds, other.seconds)
        return self._with(other, known)

    def times(self, number: int) -> "Longest":
        """The same ``number`` times in a row."""
        return Longest(None if self.seconds is None else self.seconds * number, self.endless, self.open, self.asked)

    def _with(self, other: "Longest", seconds: float | None) -> "Longest":
        endless, open_, asked = (
            tuple(dict.fromkeys((*one, *two)))
            for one, two in ((self.endless, other.endless), (self.open, other.open), (self.asked, other.asked))
        )
        return Longest(seconds, endless, open_, asked)


def of_step(play: PlannedPlay, step: Step, items: Items) -> Longest:
    """One step on one host: every try of every item to its timeout, and the delays between them."""
    name = f"{play.id}/{step.id}"
    if step.kind == "flush":
        return Longest()  # the handlers have their own times
    if step.timeout is None and _asks(step):
        return Longest(asked=(name,))
    endless = (name,) if step.timeout is None else ()
    number = items(play, step)
    if step.timeout is None or number is None:
        return Longest(None, endless, (name,) if number is None else ())
    attempts = step.retry.attempts if step.retry else 1
    return Longest((attempts * step.timeout + delays(step.retry)) * number)


def of_node(play: PlannedPlay, node: Node, items: Items) -> Longest:
    """A step, or a block whose last step fails: all of its steps, then ``rescue`` and ``always``."""
    return _sum(of_step(play, step, items) for step in leaves([node], everything=True))


def of_host(play: PlannedPlay, items: Items) -> Longest:
    """All of a play on one host that is alone: its steps, handlers and ``always``."""
    return _Times(play, items).of_host()


def of_waves(play: PlannedPlay, items: Items) -> list[Longest]:
    """Each wave with its gate: as many turns as its hosts need, each as long as a host may take."""
    times = _Times(play, items)
    once = times.once("run")
    sizes = [_size(play, wave) for wave in play.waves]
    known = {size: times.of_wave(*size) + once for size in set(sizes)}
    return [known[size] for size in sizes]


def of_play(play: PlannedPlay, items: Items) -> Longest:
    """All waves of a play with what lies between them; then a rollback, where it may come to one."""
    times = _Times(play, items)
    sizes = Counter(_size(play, wave) for wave in play.waves)
    waves = _sum((times.of_wave(*size) + times.back(*size)).times(number) for size, number in sizes.items())
    between = Longest(play.strategy.bake * (len(play.waves) - 1))
    asked = any(play.strategy.asks_after(wave.index) for wave in play.waves)
    return waves + times.once("run") + between + Longest(asked=(play.id,) if asked else ())


def of_plays(plays: Iterable[PlannedPlay], items: Items) -> Longest:
    """The longest way through plays that wait for each other; others run at the same time."""
    by_id = {play.id: play for play in plays}
    ends: dict[str, Longest] = {}
    for name in TopologicalSorter({play.id: play.needs for play in by_id.values()}).static_order():
        before = _latest(ends[other] for other in by_id[name].needs)
        ends[name] = before + of_play(by_id[name], items)
    return _latest(ends[name] for name in by_id)


def delays(policy: Retry | None) -> float:
    """Seconds of all waits between the tries of a step, at most."""
    if policy is None:
        return 0.0
    growth = policy.factor if policy.backoff == "exponential" else 1.0
    total, delay = 0.0, policy.delay
    for tried in range(1, policy.attempts):
        if growth == 1.0 or delay >= policy.max_delay:
            # From here on all waits are equal: a policy may have very many tries.
            return total + min(delay, policy.max_delay) * (policy.attempts - tried)
        total += delay
        delay *= growth
    return total


class _Times:
    """The parts of one play: what each host does, and what is done once for a wave or for the run."""

    def __init__(self, play: PlannedPlay, items: Items) -> None:
        self._play = play
        self._items = items
        self._parts = self._timed((*play.steps, *_repeated(play), *play.always))

    def of_host(self) -> Longest:
        """What one host does that is alone."""
        return _sum(time for _, _, time in self._parts)

    def of_wave(self, crowd: int, number: int) -> Longest:
        """A wave that takes ``number`` turns, ``crowd`` hosts at once, without what is done once in the run."""
        return _each(self._parts, crowd).times(number) + self.once("wave") + self._gate(number)

    def once(self, scope: str) -> Longest:
        """What is done once in a wave, or in the run."""
        return _sum(time for once, _, time in self._parts if once == scope)

    def back(self, crowd: int, number: int) -> Longest:
        """The rollback of such a wave, and ``always`` again."""
        play = self._play
        if play.strategy.on_exceed != "rollback":
            return Longest()
        parts = self._timed((*play.rollback, *play.always))
        return _each(parts, crowd).times(number) + _sum(time for once, _, time in parts if once is not None)

    def _timed(self, nodes: Iterable[Node]) -> list[Part]:
        return [(once, step, of_step(self._play, step, self._items)) for once, step in _scoped(nodes)]

    def _gate(self, number: int) -> Longest:
        """The checks of a gate, one after another; as many hosts are asked at once as work at once."""
        checks = self._play.strategy.gate
        seconds = ((check.deadline + check.stable_for) * (1 if check.each == "wave" else number) for check in checks)
        return Longest(sum(seconds))


def _size(play: PlannedPlay, wave: Wave) -> tuple[int, int]:
    """Hosts at work at once, and turns. Waves with the same have the same times, and a play may have very many."""
    return at_once_in(play, wave), turns(play, wave)


def _scoped(nodes: Iterable[Node], once: str | None = None) -> Iterator[tuple[str | None, Step]]:
    """Every step of a tree, and whether it, or a block round it, runs once."""
    for node in nodes:
        scope = once or node.once
        if isinstance(node, Step):
            yield scope, node
        else:
            for part in (node.steps, node.rescue, node.always):
                yield from _scoped(part, scope)


def _each(parts: Iterable[Part], crowd: int) -> Longest:
    """What every host does, with ``crowd`` hosts at work at once."""
    return _sum(time.times(_in_line(step, crowd)) for once, step, time in parts if once is None)


def _in_line(step: Step, crowd: int) -> int:
    """How many hosts do a step one after another, at most: one at a time per delegate unless ``throttle`` says more."""
    if step.throttle is not None:
        return -(-crowd // step.throttle)
    return 1 if step.delegate_to is None or step.delegate_to == CONTROLLER else crowd


def _repeated(play: PlannedPlay) -> tuple[Step, ...]:
    """The handlers, each as often as it may run: behind the last step, and at each ``flush`` if notified before."""
    parts: list[set[str]] = [set()]
    for step in leaves(play.steps, everything=True):
        if step.kind == "flush":
            parts.append(set())
        parts[-1].update(step.notify)
    return tuple(
        step
        for step in leaves(play.handlers, everything=True)
        for _ in range(max(1, sum(step.id in part for part in parts)))
    )


def _asks(step: Step) -> bool:
    return step.kind == "approve" or (step.kind == "pause" and "message" in step.params)


def _sum(parts: Iterable[Longest]) -> Longest:
    return sum(parts, Longest())


def _latest(parts: Iterable[Longest]) -> Longest:
    return reduce(or_, parts, Longest())
