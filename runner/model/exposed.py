"""Which steps may have begun in a loss of records, though nothing is on record: rather too many than too few."""

from collections.abc import Iterable, Iterator, Mapping

from runner.model.certain import Certain, Key, OfHost
from runner.model.outcome import HostStatus
from runner.model.past import HostPast, StepPast
from runner.model.phases import CUT, ENDED, RUNNING, WAITING
from runner.model.plan import PlannedPlay
from runner.model.playbook import Block, Node, Step, leaves, nodes_of
from runner.model.state import HostProgress, PlayProgress

_OVER = frozenset({HostStatus.OK, HostStatus.CHANGED, HostStatus.NOT_RUN})
"""Ends behind which nothing of a host is left to begin."""

_QUIET = frozenset({WAITING, CUT})
"""Phases of hosts that nobody has let to work, or not yet again."""


def exposed(
    play: PlannedPlay, known: PlayProgress, past: Mapping[str, HostPast], certain: Certain
) -> Iterator[tuple[str, list[Key]]]:
    """The hosts of a play of which something is certain behind the first loss, or may have begun in one: with that.

    ``known`` and ``past`` are what is told before the first loss.
    """
    quiet = _may_begin(play, known, certain)
    for name in (name for wave in play.waves for name in wave.hosts):
        host = known.hosts.get(name) or HostProgress()
        later = certain.hosts.get((play.id, name))
        if later is not None or host.phase not in _QUIET | {ENDED} or name in quiet:
            yield name, list(_Host(play, host, past.get(name) or HostPast(), later or OfHost(), certain).unheard())


def _may_begin(play: PlannedPlay, known: PlayProgress, certain: Certain) -> set[str]:
    """Hosts that may have been let to work without a word: that and a first step are two records.

    They come in order, but where their groups keep some of them back. For another wave to begin, all hosts of that
    before have to end first.
    """
    reach = max([certain.reach.get(play.id, 0), *known.waves])
    room = certain.lost // 2
    found: set[str] = set()
    for wave in play.waves:
        if wave.index > reach + (certain.lost >= known.working + 3):
            break
        names = [name for name in wave.hosts if _is_quiet(known, name) and (play.id, name) not in certain.hosts]
        first = names if play.group_of and room else names[:room]
        found.update(first)
        room = max(0, room - len(first))
    return found


def _is_quiet(known: PlayProgress, name: str) -> bool:
    host = known.hosts.get(name)
    return host is None or host.phase in _QUIET


class _Host:
    """One host in one play. ``path`` are the steps that it may come to, ``behind`` handlers and ``always``."""

    def __init__(self, play: PlannedPlay, host: HostProgress, past: HostPast, later: OfHost, certain: Certain) -> None:
        self._past, self._later, self._lost = past.steps, later, certain.lost
        self._heard = {step for step, _ in later.facts}
        self._known = self._heard | {name for name, step in past.steps.items() if step.status or step.is_open}
        pending = {*past.pending, *(event.handler for event in later.notified)}
        handlers = [step for node in play.handlers if node.id in pending for step in leaves([node], everything=True)]
        self._nodes_of_play = play.steps
        self._path = tuple(self._nodes(play.steps))
        self._behind = (*handlers, *leaves(play.always, everything=True))
        self._has_hole = later.start != later.gap
        self._is_open_ended = later.gap < certain.gaps
        self._is_at_work = host.phase == RUNNING

    def unheard(self) -> Iterator[Key]:
        """What may have begun."""
        if self._later.ended is not None and self._later.ended.status in _OVER:
            return
        heard = self._last(self._heard)
        for step in self._path[: heard + 1] if self._has_hole else ():
            if step.id not in self._known or (step.loop is not None and self._ended(step) is None):
                yield from self._keys(step, more=step.id != self._path[heard].id)
        # A handler may have run amid the steps, or behind all of them; a host may have ended anywhere.
        is_behind = self._later.ended is not None or any(step.id in self._heard for step in self._behind)
        is_unclear = self._has_hole and is_behind
        if not (self._is_open_ended or is_unclear) or (self._lost == 1 and self._is_at_work and not self._heard):
            return  # the one record that is lost is the end of the step at work, or none of this host
        last = self._last(self._known)
        if last >= 0 and self._ended(self._path[last]) is None:
            yield from self._at_work_on(self._path[last])
        following = [step for step in self._path[last + 1 :] if step.section not in {"rescue", "always"}]
        following = [step for step in (*following, *self._behind) if step.id not in self._known][: self._lost]
        near = {step.id for step in (*self._path[max(last, 0) : last + 1], *following)}
        for step in (*following, *(step for step in self._beside(near) if step.id not in self._known)):
            yield from self._keys(step, more=True)

    def _beside(self, near: set[str]) -> Iterator[Step]:
        """What blocks round these steps do when something in them went badly, and in any case."""
        round_them: dict[str, None] = {}
        for block in nodes_of(self._nodes_of_play):
            if isinstance(block, Block) and any(step.id in near for step in leaves([block], everything=True)):
                round_them |= dict.fromkeys(step.id for step in leaves([block], everything=True))
        yield from (step for step in self._path if step.id in round_them and step.section in {"rescue", "always"})

    def _at_work_on(self, step: Step) -> Iterator[Key]:
        """A step without an end may have been tried again, or its next items have begun."""
        past = self._past.get(step.id) or StepPast()
        if step.id not in self._heard and self._lost > 1:
            yield from ((step.id, item) for item, one in past.items.items() if one.is_open)
            yield from ((step.id, item) for item in (None,) if step.loop is None)
        if step.loop is not None:
            yield from self._keys(step, more=True)

    def _nodes(self, nodes: Iterable[Node]) -> Iterator[Step]:
        """The steps of blocks in order: ``rescue`` only where something of a block may have gone badly."""
        for node in nodes:
            if isinstance(node, Step):
                yield node
                continue
            yield from self._nodes(node.steps)
            if not all(self._is_well(step) for step in leaves(node.steps)):
                yield from self._nodes(node.rescue)
            yield from self._nodes(node.always)

    def _is_well(self, step: Step) -> bool:
        ended = self._later.facts[step.id, None].ended if (step.id, None) in self._later.facts else None
        known = self._past.get(step.id) or StepPast()
        return ended.status in {"ok", "changed", "skipped"} if ended is not None else known.is_well

    def _last(self, ids: set[str]) -> int:
        return max((index for index, step in enumerate(self._path) if step.id in ids), default=-1)

    def _ended(self, step: Step) -> str | None:
        """The status in which a step, or all of a loop, has ended; None where that is not known."""
        fact = self._later.facts.get((step.id, None))
        if fact is not None and fact.ended is not None:
            return fact.ended.status
        known = self._past.get(step.id)
        return known.status if known is not None and known.status and not known.is_open else None

    def _keys(self, step: Step, *, more: bool) -> Iterator[Key]:
        """The step, or the items without a record: up to the last that has one, and with ``more`` behind it."""
        if step.loop is None:
            yield step.id, None
            return
        past = self._past.get(step.id) or StepPast()
        items = {item for name, item in self._later.facts if name == step.id and item} | set(past.items)
        top = max(items, default=0)
        yield from ((step.id, item) for item in range(1, top) if item not in items)
        if more:
            yield from ((step.id, item) for item in range(top + 1, top + 1 + self._lost))
