"""Variables that a step reads and some hosts of its play don't have (W429)."""

from collections.abc import Iterable, Iterator, Mapping

from runner.errors import RenderError
from runner.hostlist import fold
from runner.loading.documents import Problems
from runner.loading.lint.look import Look, place_in
from runner.loading.lint.scenes import Names, Sight
from runner.loading.plays import PlayTexts
from runner.loading.static import Static
from runner.model.inventory import Host, Inventory
from runner.model.playbook import Block, Node, Play, Step
from runner.patterns import Names as HostNames
from runner.patterns import resolve

SHOWN = 80
"""Characters of the names of hosts that a message shows."""


def hosts_of(play: PlayTexts, inventory: Inventory, static: Static) -> list[Host]:
    """The hosts of a play as it is written; none where that can't be told, which planning then says."""
    names = HostNames(inventory.hosts, {name: group.hosts for name, group in inventory.groups.items()})
    try:
        patterns = static.templates.render(play.play.hosts, static.scope())
    except RenderError:
        return []
    found: set[str] = set()
    for text in patterns if isinstance(patterns, list | tuple) else [patterns]:
        if isinstance(text, str):
            found |= resolve(text, names)[0]
    return [host for name in found if (host := inventory.find(name))]


class SomeHosts:
    """What the hosts of one play lack. ``always`` are names that are known on all of them."""

    def __init__(self, play: Play, hosts: Iterable[Host], always: frozenset[str]) -> None:
        self._always = always
        self._frames = {"": frozenset[str]()} | {
            one.id: frozenset((*one.vars, *one.inputs)) for one in play.frames.values()
        }
        self._plain = {step.id for step in _unconditional(play.steps)} if play.when is None else set[str]()
        self._alike: dict[int, tuple[Mapping[str, object], list[str]]] = {}
        for host in hosts:
            self._alike.setdefault(id(host.vars), (host.vars, []))[1].append(host.name)
        self._told: set[str] = set()

    def check(self, sight: Sight, names: Names, look: Look) -> None:
        """Warn of each name once, where it is read first; a condition may be there for those that lack it."""
        if sight.step is None or sight.step.step.id not in self._plain:
            return
        template, own = sight.note.template, self._frames[sight.step.step.frame]
        for name in sorted((look.templates.names(template) & names.of_hosts) - self._always - own - self._told):
            lacking = [host for variables, hosts in self._alike.values() if name not in variables for host in hosts]
            if lacking:
                self._told.add(name)
                self._warn(name, lacking, sight, look.templates.place(template, name), look.problems)

    def _warn(self, name: str, lacking: list[str], sight: Sight, offset: int, problems: Problems) -> None:
        everyone = sum(len(hosts) for _, hosts in self._alike.values())
        folded = fold(sorted(lacking))
        folded = folded if len(folded) <= SHOWN else f"{folded[:SHOWN]}…"
        who = "no host of this play does" if len(lacking) == everyone else f"not {folded}"
        hint = f"write {name} | default(…), a when, or give them the variable"
        problems.warning("W429", f'only some hosts have "{name}", {who}', place_in(sight.note, offset, len(name)), hint)


def _unconditional(nodes: Iterable[Node]) -> Iterator[Step]:
    """The steps that no condition keeps any host from."""
    for node in nodes:
        if node.when is None and isinstance(node, Step):
            yield node
        elif node.when is None and isinstance(node, Block):
            yield from _unconditional(node.steps)
