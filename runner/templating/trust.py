"""How far a value may be trusted in the text of a shell, and what a template makes of such values; nothing is rendered.

A value is ``RAW`` where a host said it, ``QUOTED`` when it went through ``quote``, ``CODED`` where it is made of
letters that mean nothing to a shell (base64), and ``CLEAN`` where it came from our own files or is a number.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from jinja2 import nodes


class Level(IntEnum):
    """From harmless to dangerous."""

    CLEAN = 0
    CODED = 1
    QUOTED = 2
    RAW = 3


@dataclass(frozen=True, slots=True)
class Trust:
    """What is known of a value.

    ``level`` is for its text. ``members`` are those that are known by name, ``each`` is what any other member, and any
    item, is like: for text from a host, more of the same.
    """

    level: Level = Level.CLEAN
    members: Mapping[str, "Trust"] = field(default_factory=dict)
    each: "Trust | None" = None

    def member(self, name: str) -> "Trust":
        """The member of this name."""
        return self.members.get(name) or self.other()

    def item(self) -> "Trust":
        """Any item, or member whose name is not known."""
        return either(*self.members.values(), self.other())

    def other(self) -> "Trust":
        """What is none of the members. What is cut out of a quoted word is no word any more."""
        return self.each or (RAW if self.worst() else CLEAN)

    def worst(self) -> Level:
        """The level of the worst in it."""
        parts = [*self.members.values(), *([self.each] if self.each else [])]
        return max([self.level, *(part.worst() for part in parts)])


CLEAN, CODED, QUOTED, RAW = Trust(), Trust(Level.CODED), Trust(Level.QUOTED), Trust(Level.RAW)

_OWN = ("rc", "attempts", "duration", "changed", "failed", "skipped", "status")
"""Of a registered result: what runner makes itself."""

RESULT = Trust(Level.RAW, dict.fromkeys(_OWN, CLEAN))
RESULT = replace(RESULT, members={**RESULT.members, "results": Trust(Level.RAW, each=RESULT)})
"""What ``register`` keeps of a step."""


def host_trust(variables: Mapping[str, Trust], results: Mapping[str, Trust]) -> Trust:
    """A host, as templates see one: its name and address are ours; facts, and what it registered, are not."""
    own = dict.fromkeys(("name", "address", "groups", "index"), CLEAN)
    found = {"vars": mapping_trust(variables), "facts": RAW, "results": Trust(Level.RAW, results, RAW)}
    return Trust(members={**own, **found}, each=RAW)


def mapping_trust(members: Mapping[str, Trust]) -> Trust:
    """A mapping of our own, with values that may be others'; as text it has them all."""
    return Trust(max((one.worst() for one in members.values()), default=Level.CLEAN), members, CLEAN)


def list_trust(items: Iterable[Trust]) -> Trust:
    """A list of our own, with items that may be others'; its text is no single word."""
    each = either(*items)
    return Trust(Level.RAW if each.worst() else Level.CLEAN, each=each)


def hosts_trust(host: Trust) -> Trust:
    """All hosts by name. As a whole they are data with all that each has said."""
    return Trust(Level.RAW, each=host)


def either(*found: Trust) -> Trust:
    """A value that is one of these."""
    kinds = [one for one in found if one != CLEAN] or [CLEAN]
    if all(one == kinds[0] for one in kinds):
        return kinds[0]
    return Trust(max(one.worst() for one in kinds))


_COUNTS = frozenset({"int", "float", "length", "count", "abs", "wordcount"})
_KEEPS = frozenset({"list", "sort", "unique", "reverse", "select", "reject", "selectattr", "rejectattr"})
_ONE_OF = frozenset({"first", "last", "random", "min", "max"})
_QUOTES = frozenset("'\"`\\$")


def filtered(node: nodes.Filter, value: Trust, arguments: list[Trust]) -> Trust:
    """What a filter makes of a value."""
    name, worst = node.name, either(value, *arguments)
    found = RAW if worst.worst() else CLEAN
    if name == "quote" and worst.worst():
        found = QUOTED
    elif name == "b64encode" and worst.worst():
        found = CODED
    elif name in _COUNTS and not either(*arguments).worst():
        found = CLEAN
    elif name in _KEEPS:
        found = value
    elif name in _ONE_OF:
        found = value.item()
    elif name in {"default", "d"}:
        found = worst
    elif name == "map":
        each = _mapped(node, value)
        found = Trust(Level.RAW, each=each) if each.worst() else CLEAN
    elif name == "join":
        found = _joined(node, value, arguments)
    return found


def _mapped(node: nodes.Filter, value: Trust) -> Trust:
    """The items of ``map('quote')``, ``map(attribute='results.x.rc')`` and their like."""
    if node.args and isinstance(node.args[0], nodes.Const):
        inner = nodes.Filter(None, str(node.args[0].value), node.args[1:], [], None, None)
        return filtered(inner, value.item(), [])
    attribute = _attribute(node)
    if attribute is not None and not node.args:
        return _path(value.item(), attribute)
    return RAW if value.worst() else CLEAN


def _attribute(node: nodes.Filter) -> str | None:
    """The ``x`` of ``attribute='x'``, where it is written out."""
    written = (one.value for one in node.kwargs if one.key == "attribute")
    return next((str(one.value) for one in written if isinstance(one, nodes.Const)), None)


def _path(value: Trust, path: str) -> Trust:
    for part in path.split("."):
        value = value.member(part)
    return value


def _joined(node: nodes.Filter, value: Trust, arguments: list[Trust]) -> Trust:
    item = value.item()
    if (attribute := _attribute(node)) is not None:
        item = _path(item, attribute)
    return joined([item, *arguments], node.args)


def joined(parts: list[Trust], written: list[nodes.Expr]) -> Trust:
    """Text put together; quoted words stay so, unless what stands between them has quotes of its own."""
    worst = max((part.level for part in parts), default=Level.CLEAN)
    texts = [str(part.value) for part in written if isinstance(part, nodes.Const)]
    if worst is Level.QUOTED and any(_QUOTES & set(text) for text in texts):
        return RAW
    return Trust(worst)
