"""Steps that ended well in earlier processes of a run, and whether they still are what they were."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from runner.model.canonical import canonical
from runner.model.inventory import Host
from runner.model.past import PlayPast, StepPast
from runner.model.plan import Plan, PlannedPlay
from runner.model.playbook import Step, leaves
from runner.model.template import Template
from runner.planning.essence import essence, templates_of
from runner.planning.readings import Readings
from runner.templating import Templates


@dataclass(frozen=True, slots=True)
class Around:
    """What steps are made from beside the plan.

    ``files`` gives the names of files that a step of the new plan sends to a host, and that have other bytes now than
    when the old plan was stored; it is None where no file has. ``text`` gives the template file that it renders there,
    as the template that it is; None where it has none, or the run alone knows which.
    """

    templates: Templates
    files: Callable[[PlannedPlay, Step, str], tuple[str, ...]] | None = None
    text: Callable[[PlannedPlay, Step, str], Template | None] = lambda _play, _step, _host: None


@dataclass(frozen=True, slots=True)
class Change:
    """A step that ended well on these hosts and is not the same any more. ``what`` has changed of it, or is read by it.

    ``step`` is as it is now, None where it is no longer there; ``old`` as it was.
    """

    play: str
    old: Step
    step: Step | None
    hosts: tuple[str, ...]
    what: tuple[str, ...] = ()


def has_ended_well(past: StepPast | None) -> bool:
    """Whether it, or an item of its loop, was tried and ended well."""
    if past is None:
        return False
    return (past.has_acted and past.is_well) or any(one.has_acted and one.is_well for one in past.items.values())


def changes(old: Plan, new: Plan, play: PlannedPlay, past: PlayPast, around: Around) -> Iterator[Change]:
    """Those of one play of the old plan, in the order of its steps; the new plan has the play, too."""
    now = next(one for one in new.plays if one.id == play.id)
    there = {step.id: step for step in all_steps(now)}
    looking = _Looking(old, new, play, now, around)
    for step in all_steps(play):
        hosts = tuple(name for name in play.hosts if name in past.hosts and _is_done(past, name, step))
        if not hosts:
            continue
        if (after := there.get(step.id)) is None:
            yield Change(play.id, step, None, hosts)
            continue
        before_texts, after_texts = essence(step, play), essence(after, now)
        what = tuple(name for name, text in before_texts.items() if after_texts[name] != text)
        if what:
            yield Change(play.id, step, after, hosts, what)
        else:
            yield from looking.changes(step, after, hosts)


def all_steps(play: PlannedPlay) -> Iterator[Step]:
    """The steps of all sections of a play, of ``rescue`` and ``always`` too."""
    for section in play.sections:
        yield from leaves(section, everything=True)


def _is_done(past: PlayPast, host: str, step: Step) -> bool:
    return has_ended_well(past.hosts[host].steps.get(step.id))


@dataclass
class _Looking:
    """A look at what the steps of a play read, then and now."""

    old: Plan
    new: Plan
    play: PlannedPlay
    now: PlannedPlay
    around: Around
    _texts: dict[int, tuple[Host, str]] = field(default_factory=dict)
    _known: dict[tuple[object, ...], tuple[str, ...]] = field(default_factory=dict)

    def changes(self, step: Step, after: Step, hosts: tuple[str, ...]) -> Iterator[Change]:
        """What has changed of a step whose own text is the same, for the hosts for which the same has."""
        files = self.around.files
        if self._is_all_the_same and files is None:
            return
        found: dict[tuple[str, ...], list[str]] = {}
        for name in hosts:
            sent = files(self.now, after, name) if files else ()
            if what := (*self._names(step, after, name), *sent):
                found.setdefault(what, []).append(name)
        for what, names in found.items():
            yield Change(self.play.id, step, after, tuple(names), what)

    def _names(self, step: Step, after: Step, name: str) -> tuple[str, ...]:
        """What the step reads on a host and has another definition now; hosts with equal variables share the answer."""
        was, now = host_in(self.old, name), host_in(self.new, name)
        if self._is_all_the_same or was is None or now is None:
            return ()
        file = self.around.text(self.now, after, name)
        text = file.source if file else ""
        key = (step.id, text, self._vars(was), self._vars(now), was.index == now.index, was.groups == now.groups)
        if key not in self._known:
            roots = [*templates_of(step, self.play), *([file] if file else ())]
            self._known[key] = self._differing(roots, step, after, was, now)
        return self._known[key]

    def _differing(self, roots: list[Template], step: Step, after: Step, was: Host, now: Host) -> tuple[str, ...]:
        before, found = self._before.of(roots, step.frame, was), self._after.of(roots, after.frame, now)
        return tuple(label for label in {**before, **found} if before.get(label) != found.get(label))

    @cached_property
    def _before(self) -> Readings:
        return Readings(self.old, self.play, self.around.templates)

    @cached_property
    def _after(self) -> Readings:
        return Readings(self.new, self.now, self.around.templates)

    @cached_property
    def _is_all_the_same(self) -> bool:
        """Whether nothing that any step could read has changed, so that none need be looked at."""
        if _shared(self.old, self.play) != _shared(self.new, self.now):
            return False
        names = {**self.old.others, **self.old.hosts}
        return all(self._is_same(host, host_in(self.new, name)) for name, host in names.items())

    def _is_same(self, before: Host, after: Host | None) -> bool:
        if after is None or before.index != after.index or before.groups != after.groups:
            return False
        return self._vars(before) == self._vars(after)

    def _vars(self, host: Host) -> str:
        """Its variables as text; hosts of a range share them."""
        shared = self._texts.get(id(host.vars))
        if shared is None:
            shared = self._texts[id(host.vars)] = (host, canonical(host.vars))  # kept, so that the id stays its own
        return shared[1]


def host_in(plan: Plan, name: str) -> Host | None:
    """A host of a plan's inventory."""
    return plan.hosts.get(name) or plan.others.get(name)


def _shared(plan: Plan, play: PlannedPlay) -> str:
    """All that steps may read and that is the same for all hosts."""
    frames: Mapping[str, object] = play.frames
    return canonical([play.name, play.vars, play.given, plan.extra, plan.groups, frames])
