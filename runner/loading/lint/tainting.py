"""Where values come from, name by name: which hold a secret, and how far each may be trusted in shell text."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.loading.lint.scenes import frame_of, given_by, set_by
from runner.loading.nodes import BlockTexts
from runner.loading.playbook import PlaybookTexts
from runner.loading.plays import PlayTexts
from runner.loading.texts import Written
from runner.model.playbook import Frame
from runner.model.template import Template, Value, templates_in
from runner.templating import Templates

if TYPE_CHECKING:
    from runner.templating.trust import Trust

SECRETS = frozenset({"secrets"})
HOSTS = frozenset({"host", "hosts"})

Variables = Sequence[tuple[str, Value]]
"""Names with values that have templates in them; a name may have several."""

Marked = frozenset[str]


@dataclass(slots=True)
class Frames:
    """What is known of the names inside each frame of a play, and outside any (an empty id).

    ``secret`` are the names whose values hold a secret, ``handed`` those of them that are inputs of a frame too.
    ``trust`` is asked for only where there is shell text with templates in it.
    """

    secret: Mapping[str, Marked]
    trust: Callable[[str], Mapping[str, "Trust"]]
    variables: Marked
    templates: Templates
    _made: dict[str, Mapping[str, "Trust"]] = field(default_factory=dict)

    def names(self, frame: str) -> Mapping[str, "Trust"]:
        """How far each name may be trusted inside a frame."""
        if frame not in self._made:
            self._made[frame] = self.trust(frame)
        return self._made[frame]

    def secrets_in(self, template: Template, frame: str, *, item: bool = False) -> Marked:
        """The names in a template that bring a secret into it. ``item`` says that the loop's items hold one."""
        return _secrets_in(template, self.secret[frame] | ({"item"} if item else set()), self.variables, self.templates)


def frames_of(play: PlayTexts, texts: PlaybookTexts, inventory: Iterable[Written], templates: Templates) -> Frames:
    """What is known of the names of a play. ``inventory`` are the templates of hosts, groups and their file."""
    ours = [*_of_inventory(inventory), *_of_playbook(play, texts)]
    of_hosts = frozenset(name for name, _ in _of_inventory(inventory))
    secret = _secret_names(play, ours, of_hosts, templates)
    return Frames(secret, lambda frame: _trusted(play, texts, ours, of_hosts, templates, frame), of_hosts, templates)


def _of_inventory(notes: Iterable[Written]) -> Iterator[tuple[str, Value]]:
    for note in notes:
        path = note.cursor.path
        if "vars" in path[:-1]:
            rest = path[path.index("vars") + 1 :]
            yield str(rest[0]), note.template if len(rest) == 1 else [note.template]


def _of_playbook(play: PlayTexts, texts: PlaybookTexts) -> Iterator[tuple[str, Value]]:
    layers = [*(play.origin.layers if play.origin else texts.playbook.layers), play.play.vars]
    yield from {name: value for layer in layers for name, value in layer.values.items()}.items()


def _secret_names(play: PlayTexts, ours: Variables, of_hosts: Marked, templates: Templates) -> dict[str, Marked]:
    """The names that hold a secret in each frame; what steps ``set`` counts as the variables do."""
    found: dict[str, Marked] = {}
    given = _set_in(play)
    for frame in (None, *play.play.frames.values()):  # the frame that an include stands in comes before its own
        own = {} if frame is None else {**frame.vars, **frame.given}
        values = [*ours, *own.items(), *given["" if frame is None else frame.id]]
        start = set(SECRETS)
        if frame is not None:
            outer = found[frame.parent]
            handed = {name for name, value in frame.given.items() if _holds(value, outer, of_hosts, templates)}
            start |= handed | ({"inputs"} if handed else set())
            values = [(name, value) for name, value in values if name not in frame.given]
        names = frozenset(start)
        while more := {name for name, value in values if _holds(value, names, of_hosts, templates)} - names:
            names |= more
        found["" if frame is None else frame.id] = names
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


def _trusted(
    play: PlayTexts,
    texts: PlaybookTexts,
    ours: Variables,
    of_hosts: Marked,
    templates: Templates,
    frame: str,
) -> dict[str, "Trust"]:
    """How far each name may be trusted inside a frame."""
    from runner.templating import trust  # noqa: PLC0415 - brings jinja2, which a playbook without templates needs not

    chain = list(_chain(play.play.frames, frame))
    handed: dict[str, Trust] = {}
    names: dict[str, Trust] = {}
    everywhere = {name: one for other in texts.plays for name, one in _given(other, "").items()}
    for one in ("", *(found.id for found in chain)):
        inner = play.play.frames.get(one)
        if inner is not None:
            handed = {name: _of(value, names, templates) for name, value in inner.given.items()}
        values = [*ours, *(inner.vars.items() if inner else ())]
        given = _given(play, one) if inner else everywhere
        start = {"facts": trust.RAW, "inputs": trust.mapping_trust(handed), **given, **handed}
        names = _settled([pair for pair in values if pair[0] not in handed], start, everywhere, of_hosts, templates)
    return names


def _chain(frames: Mapping[str, Frame], frame: str) -> Iterator[Frame]:
    """The frames that lead to one, from outside in, itself the last."""
    if frame in frames:
        yield from _chain(frames, frames[frame].parent)
        yield frames[frame]


def _settled(
    values: Variables,
    start: Mapping[str, "Trust"],
    results: Mapping[str, "Trust"],
    of_hosts: Marked,
    templates: Templates,
) -> dict[str, "Trust"]:
    """Names with the variables among them, until nothing changes any more."""
    from runner.templating import trust  # noqa: PLC0415 - see above

    templated = [(name, value) for name, value in values if next(templates_in(value), None)]
    found: dict[str, Trust] = {}
    for _ in range(len(templated) + 1):
        host = trust.host_trust({name: one for name, one in found.items() if name in of_hosts}, results)
        names = {**start, **found, "host": host, "hosts": trust.hosts_trust(host)}
        again: dict[str, Trust] = {}
        for name, value in templated:
            given = _of(value, names, templates)
            again[name] = trust.either(again[name], given) if name in again else given
        if again == found:
            break
        found = again
    return names


def _of(value: Value, names: Mapping[str, "Trust"], templates: Templates) -> "Trust":
    from runner.templating import trust  # noqa: PLC0415 - see above

    if isinstance(value, Template):
        return templates.trust(value, names)
    if isinstance(value, dict):
        return trust.mapping_trust({name: _of(part, names, templates) for name, part in value.items()})
    if isinstance(value, list | tuple):
        return trust.list_trust(_of(part, names, templates) for part in value)
    return trust.CLEAN


def item_of(loop: Value, names: Mapping[str, "Trust"], templates: Templates) -> "Trust":
    """How far the items of a loop may be trusted."""
    from runner.templating import trust  # noqa: PLC0415 - see above

    if isinstance(loop, dict):
        return trust.mapping_trust({name: _of(part, names, templates).item() for name, part in loop.items()})
    return _of(loop, names, templates).item()


def _given(play: PlayTexts, frame: str) -> dict[str, "Trust"]:
    """What steps and includes register and set, inside a frame or outside any."""
    from runner.templating import trust  # noqa: PLC0415 - see above

    found: dict[str, Trust] = {}
    for part in play.parts:
        if frame_of(part) != frame:
            continue
        inside = trust.RAW
        if isinstance(part, BlockTexts) and part.copy is not None:
            inside = trust.Trust(trust.Level.RAW, _given(play, part.copy.frame.id))
            inside = trust.Trust(trust.Level.RAW, {**inside.members, "results": trust.list_trust([inside])})
        for name, _ in given_by(part):
            is_result = not isinstance(part, BlockTexts) and name == part.step.register
            mine = trust.RESULT if is_result else inside
            found[name] = mine if found.get(name, mine) == mine else trust.RAW
    return found
