"""How far each name may be trusted in shell text: what hosts have said is followed through variables and includes.

``runner.templating.trust`` has the words for it. It brings jinja2, so it is imported where there is shell text with
templates in it, and not before.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from runner.loading.lint.scenes import frame_of, given_by
from runner.loading.nodes import BlockTexts, Texts
from runner.loading.playbook import PlaybookTexts
from runner.loading.plays import PlayTexts
from runner.model.template import Template, Value, templates_in
from runner.templating import Templates

if TYPE_CHECKING:
    from runner.templating.trust import Trust

Names = Mapping[str, "Trust"]

Variables = Sequence[tuple[str, Value]]
"""Names with values that have templates in them; a name may have several."""


class GivenByAll:
    """What the steps of all plays register and set for whole hosts."""

    def __init__(self, texts: PlaybookTexts) -> None:
        self._texts = texts

    @cached_property
    def names(self) -> Names:
        """Each with what it is like."""
        return {name: one for play in self._texts.plays for name, one in _Given(play).names("").items()}


@dataclass(slots=True)
class Trusted:
    """The names of one play. ``ours`` are variables of inventory, playbook and play, ``of_hosts`` those of hosts."""

    play: PlayTexts
    everywhere: GivenByAll
    ours: Variables
    of_hosts: frozenset[str]
    templates: Templates
    _given: "_Given | None" = None
    _names: dict[str, Names] = field(default_factory=dict)

    def names(self, frame: str) -> Names:
        """How far each may be trusted inside a frame."""
        if frame not in self._names:
            self._names[frame] = self._inside(frame) if frame in self.play.play.frames else self._outside()
        return self._names[frame]

    def _outside(self) -> Names:
        return self._settled(self.ours, self.everywhere.names, {})

    def _inside(self, frame: str) -> Names:
        spec = self.play.play.frames[frame]
        outer = self.names(spec.parent)
        handed = {name: trust_of(value, outer, self.templates) for name, value in spec.given.items()}
        self._given = self._given or _Given(self.play)
        values = [pair for pair in (*self.ours, *spec.vars.items()) if pair[0] not in handed]
        return self._settled(values, self._given.names(frame), handed)

    def _settled(self, values: Variables, given: Names, handed: Names) -> Names:
        """All names, the variables among them, when nothing changes any more."""
        from runner.templating import trust  # noqa: PLC0415 - see above

        start = {"facts": trust.RAW, "inputs": trust.mapping_trust(handed), **given, **handed}
        found: dict[str, Trust] = {}
        for _ in range(len(values) + 1):
            of_hosts = {name: one for name, one in found.items() if name in self.of_hosts}
            host = trust.host_trust(of_hosts, self.everywhere.names)
            names = {**start, **found, "host": host, "hosts": trust.hosts_trust(host)}
            again = self._again(values, names)
            if again == found:
                break
            found = again
        return names

    def _again(self, values: Variables, names: Names) -> "dict[str, Trust]":
        """What variables are like among these names; those that are made of nothing doubtful are left out."""
        from runner.templating import trust  # noqa: PLC0415 - see above

        doubtful = {name for name, one in names.items() if one.worst()}
        found: dict[str, Trust] = {}
        for name, value in values:
            if any(self.templates.mentions(part) & doubtful for part in templates_in(value)):
                one = trust_of(value, names, self.templates)
                found[name] = trust.either(found[name], one) if name in found else one
        return found


def trust_of(value: Value, names: Names, templates: Templates) -> "Trust":
    """How far a value may be trusted that sees these names."""
    from runner.templating import trust  # noqa: PLC0415 - see above

    if isinstance(value, Template):
        return templates.trust(value, names)
    if isinstance(value, dict):
        return trust.mapping_trust({name: trust_of(part, names, templates) for name, part in value.items()})
    if isinstance(value, list | tuple):
        return trust.list_trust(trust_of(part, names, templates) for part in value)
    return trust.CLEAN


def item_of(loop: Value, names: Names, templates: Templates) -> "Trust":
    """How far the items of a loop may be trusted."""
    from runner.templating import trust  # noqa: PLC0415 - see above

    if isinstance(loop, dict):
        return trust.mapping_trust({name: trust_of(part, names, templates).item() for name, part in loop.items()})
    return trust_of(loop, names, templates).item()


class _Given:
    """What steps and includes of a play register and set, by frame."""

    def __init__(self, play: PlayTexts) -> None:
        self._parts = defaultdict[str, list[Texts]](list)
        for part in play.parts:
            self._parts[frame_of(part)].append(part)

    def names(self, frame: str) -> "dict[str, Trust]":
        """Inside a frame, or outside any: each with what it is like."""
        from runner.templating import trust  # noqa: PLC0415 - see above

        found: dict[str, Trust] = {}
        for part in self._parts[frame]:
            for name, _ in given_by(part):
                is_result = not isinstance(part, BlockTexts) and name == part.step.register
                mine = trust.RESULT if is_result else self._set_by(part)
                found[name] = mine if found.get(name, mine) == mine else trust.RAW
        return found

    def _set_by(self, part: Texts) -> "Trust":
        """Of an include what is registered inside, once or for each of its items; a value that is set is any."""
        from runner.templating import trust  # noqa: PLC0415 - see above

        if not isinstance(part, BlockTexts) or part.copy is None:
            return trust.RAW
        inside = trust.Trust(trust.Level.RAW, self.names(part.copy.frame.id))
        return trust.Trust(trust.Level.RAW, {**inside.members, "results": trust.list_trust([inside])})
