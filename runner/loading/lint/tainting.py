"""Where values come from, name by name: which hold a secret, and how far each may be trusted in shell text."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.loading.lint.scenes import set_by
from runner.loading.lint.trusting import GivenByAll, Trusted, Variables
from runner.loading.playbook import PlaybookTexts
from runner.loading.plays import PlayTexts
from runner.loading.texts import Written
from runner.model.template import Template, Value, has_template, templates_in
from runner.templating import Templates

if TYPE_CHECKING:
    from runner.templating.trust import Trust

SECRETS = frozenset({"secrets"})
HOSTS = frozenset({"host", "hosts"})

Marked = frozenset[str]


@dataclass(slots=True)
class Frames:
    """What is known of the names inside each frame of a play, and outside any (an empty id).

    ``secret`` are the names whose values hold a secret; ``variables`` are those of the inventory.
    """

    secret: Mapping[str, Marked]
    trusted: Trusted
    variables: Marked
    templates: Templates

    def names(self, frame: str) -> Mapping[str, "Trust"]:
        """How far each name may be trusted inside a frame."""
        return self.trusted.names(frame)

    def secrets_in(self, template: Template, frame: str, *, item: bool = False) -> Marked:
        """The names in a template that bring a secret into it. ``item`` says that the loop's items hold one."""
        return _secrets_in(template, self.secret[frame] | ({"item"} if item else set()), self.variables, self.templates)


class Origins:
    """Where the values of a playbook come from. ``inventory`` are the templates of hosts, groups and their file."""

    def __init__(self, texts: PlaybookTexts, inventory: Iterable[Written], templates: Templates) -> None:
        self._texts = texts
        self._hosts = _of_inventory(inventory)
        self._templates = templates
        self._given = GivenByAll(texts)

    def frames(self, play: PlayTexts) -> Frames:
        """What is known of the names of a play."""
        ours = [*self._hosts, *_of_playbook(play, self._texts)]
        of_hosts = frozenset(name for name, _ in self._hosts)
        secret = _secret_names(play, ours, of_hosts, self._templates)
        trusted = Trusted(play, self._given, ours, of_hosts, self._templates)
        return Frames(secret, trusted, of_hosts, self._templates)


def _of_inventory(notes: Iterable[Written]) -> Variables:
    """Its variables with templates; what is written for many hosts alike counts once."""
    found: dict[tuple[str, str, bool], tuple[str, Value]] = {}
    for note in notes:
        path = note.cursor.path
        if "vars" in path[:-1]:
            rest = path[path.index("vars") + 1 :]
            name, is_whole = str(rest[0]), len(rest) == 1
            found[name, note.template.source, is_whole] = name, note.template if is_whole else [note.template]
    return list(found.values())


def _of_playbook(play: PlayTexts, texts: PlaybookTexts) -> Iterator[tuple[str, Value]]:
    layers = [*(play.origin.layers if play.origin else texts.playbook.layers), play.play.vars]
    last = {name: value for layer in layers for name, value in layer.values.items()}
    yield from ((name, value) for name, value in last.items() if has_template(value))


def _secret_names(play: PlayTexts, ours: Variables, of_hosts: Marked, templates: Templates) -> dict[str, Marked]:
    """The names that hold a secret in each frame; what steps ``set`` counts as the variables do."""
    given = _set_in(play)

    def closed(start: Marked, *values: tuple[str, Value]) -> Marked:
        """These names, and those whose values are made of them."""
        names = start
        while more := {name for name, value in values if _holds(value, names, of_hosts, templates)} - names:
            names |= more
        return names

    known = closed(SECRETS, *ours)
    found = {"": closed(known, *ours, *given[""]) if given[""] else known}
    for frame in play.play.frames.values():  # the frame that an include stands in comes before its own
        outer = found[frame.parent]
        handed = {name for name, value in frame.given.items() if _holds(value, outer, of_hosts, templates)}
        start = known - frame.given.keys() | handed | ({"inputs"} if handed else set())
        own = [pair for pair in (*frame.vars.items(), *given[frame.id]) if pair[0] not in frame.given]
        names = closed(start, *own)
        if names - known:  # variables from outside that are made of them hold a secret here, too
            names = closed(names, *(pair for pair in ours if pair[0] not in frame.given), *own)
        found[frame.id] = names
    return found


def _set_in(play: PlayTexts) -> defaultdict[str, list[tuple[str, Value]]]:
    """The names that steps set in each frame; those of a loop whose items are secrets, too."""
    found = defaultdict[str, list[tuple[str, Value]]](list)
    for step in play.steps:
        if step.step.kind == "set":
            values = step.step.params.get("values", {})
            found[step.step.frame] += [(name, [values.get(name), step.step.loop]) for name, _ in set_by(step)]
    return found


def _holds(value: Value, marked: Marked, of_hosts: Marked, templates: Templates) -> bool:
    return any(_secrets_in(part, marked, of_hosts, templates) for part in templates_in(value))


def _secrets_in(template: Template, marked: Marked, of_hosts: Marked, templates: Templates) -> Marked:
    found = templates.mentions(template) & marked
    views = templates.mentions(template) & HOSTS
    if views and marked & of_hosts & templates.uses(template).names_members:
        found |= views  # host.vars.NAME
    return found
