"""Lists of steps become trees of steps and blocks, with what stands round a step handed down to it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from runner.loading.cursor import Cursor
from runner.loading.forms import BLOCK, INCLUDE, kind_of, step_shapes
from runner.loading.includes import Copy, copies_of
from runner.loading.setting import Setting
from runner.loading.step_values import optional_condition, word_places, words_of
from runner.loading.steps import StepTexts, register_of, step_of
from runner.loading.texts import Written, templates_of
from runner.model.playbook import Block, Node, nodes_of
from runner.words import suggest

SECTIONS_WITHOUT_NEEDS = "not every host of the wave gets there, so it could wait for ever"
DEFAULT_RESCUE_ON = ("failed", "timed_out")


@dataclass(slots=True)
class BlockTexts:
    """What lint needs of a block: the templates that it says of the whole, or of all its steps.

    Of an include ``copy`` is the first copy of the file, with the templates of what it hands over and of the file's
    variables. One of handlers is no block. An include whose loop has no items is not among the texts.
    """

    block: Block | None
    cursor: Cursor
    notes: list[Written] = field(default_factory=list)
    copy: Copy | None = None


Texts = StepTexts | BlockTexts


@dataclass(slots=True)
class Tree:
    """Nodes that were built, and in order the texts of all that is in them, a block's own before those of its steps.

    ``called`` maps what one item of a list is called there to the ids of its nodes.
    """

    nodes: list[Node] = field(default_factory=list)
    texts: list[Texts] = field(default_factory=list)
    called: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, other: "Tree") -> None:
        """Put what else was built behind it."""
        self.nodes += other.nodes
        self.texts += other.texts


def tree_of(cursor: Cursor, setting: Setting) -> Tree:
    """All that is sound in a list of steps. Complains of the rest."""
    tree = Tree()
    unmet: list[tuple[Cursor, str]] = []
    before: dict[str, tuple[str, ...]] = {}
    for part in cursor.parts():
        needs, missing = _needs(part, before, setting)
        built = _builder(part)(part, setting, needs)
        tree.add(built)
        before |= built.called
        unmet += [(place, next(iter(built.called), "")) for place in missing]
    for place, own in unmet:
        _complain(place, own, before, setting)
    return tree


def _builder(cursor: Cursor) -> Callable[[Cursor, Setting, tuple[str, ...]], Tree]:
    data = cursor.data if isinstance(cursor.data, dict) else {}
    return _block if "block" in data else _include if "include" in data else _leaf


def _leaf(cursor: Cursor, setting: Setting, needs: tuple[str, ...]) -> Tree:
    texts = step_of(cursor, setting, needs)
    return Tree([texts.step], [texts], _called(texts.step.id, setting)) if texts else Tree()


def _called(full: str, setting: Setting) -> dict[str, tuple[str, ...]]:
    """What a single node is called in its list."""
    return {full.removeprefix(setting.ids.prefix): (full,)}


Called = Mapping[str, tuple[str, ...]]
"""What stands in a list, by what it is called there, with the ids of its nodes: several for an include with a loop."""


def _needs(cursor: Cursor, before: Called, setting: Setting) -> tuple[tuple[str, ...], list[Cursor]]:
    """The ids that a step needs, and the places of those that do not stand before it in its list."""
    place = cursor.at("needs")
    if place.data is None:
        return (), []
    if setting.section:
        message = f'"needs" has no meaning in "{setting.section}"'
        place.problems.error("E406", message, place.key, SECTIONS_WITHOUT_NEEDS)
        return (), []
    missing = [word for word in word_places(place) if word.data not in before]
    return tuple(one for word in words_of(place) for one in before.get(word, ())), missing


def _complain(place: Cursor, own: str, siblings: Called, setting: Setting) -> None:
    """Say (E404) why a step can't be needed."""
    wanted, taken = place.data, setting.ids.taken
    if wanted == own:
        place.error("E404", f'the step "{own}" needs itself', "remove it")
    elif wanted in siblings:
        where = taken[wanted].here
        hint = "move it up: steps run in the order written"
        place.error("E404", f'"{wanted}" stands behind this step, at {where}, and could never be waited for', hint)
    elif wanted in taken:
        where = taken[wanted].here
        hint = "a step needs steps before it in its own list; for those outside write needs on the block round it"
        place.error("E404", f'"{wanted}" stands in another list of steps, at {where}', hint)
    else:
        place.error("E404", f'there is no step "{wanted}" to need', suggest(wanted, taken))


def _block(cursor: Cursor, setting: Setting, needs: tuple[str, ...]) -> Tree:
    """A block, as a tree of one node; the steps in it are looked at also where something of the block is wrong."""
    is_sound = kind_of(cursor, BLOCK, step_shapes(setting.kinds)) is not None
    notes: list[Written] = []
    around = setting.around.within(cursor, notes) if is_sound else setting.around
    own = setting.ids.of(cursor, "block")
    steps = tree_of(cursor.at("block"), setting.inside(around))
    rescue = tree_of(_rescue(cursor), setting.inside(around, "rescue"))
    always = tree_of(cursor.at("always"), setting.inside(around, "always"))
    inner = [*steps.texts, *rescue.texts, *always.texts]
    if not is_sound:
        return Tree([], inner)
    data = cursor.data
    block = Block(
        id=own,
        name=templates_of(cursor.at("name"), notes),
        steps=tuple(steps.nodes),
        location=cursor.here,
        rescue=tuple(rescue.nodes),
        rescue_on=tuple(cursor.at("rescue", "on").data or DEFAULT_RESCUE_ON),
        always=tuple(always.nodes),
        when=optional_condition(cursor.at("when"), notes),
        once=data.get("once"),
        needs=needs,
        on_failure=data.get("on_failure", "stop"),
        tags=around.tags,
        section=setting.section,
        frame=setting.frame,
    )
    return Tree([block], [BlockTexts(block, cursor, notes), *inner], _called(own, setting))


def _include(cursor: Cursor, setting: Setting, needs: tuple[str, ...]) -> Tree:
    """The steps of another file, as a block for each item of the loop, or one."""
    if kind_of(cursor, INCLUDE, step_shapes(setting.kinds)) is None:
        return Tree()
    notes: list[Written] = []
    around = setting.around.within(cursor, notes)
    own = setting.ids.of(cursor, "include")
    name = templates_of(cursor.at("name"), notes)
    when = optional_condition(cursor.at("when"), notes)
    register = register_of(cursor.at("register"))
    tree = Tree()
    for copy in copies_of(cursor, setting, around, own):
        setting.brought.handlers.append((copy.handlers, replace(copy.setting, section="handlers")))
        inside = tree_of(copy.steps, copy.setting)
        block = Block(
            id=copy.frame.id,
            name=name,
            steps=tuple(inside.nodes),
            location=cursor.here,
            when=when,
            once=cursor.data.get("once"),
            needs=needs,
            on_failure=cursor.data.get("on_failure", "stop"),
            tags=around.tags,
            register=register,
            section=setting.section,
            frame=setting.frame,
            opens=copy.frame.id,
        )
        if not tree.nodes:  # the others are read alike
            tree.texts = [BlockTexts(block, cursor, notes, copy), *inside.texts]
        tree.nodes.append(block)
    return replace(tree, called={own.removeprefix(setting.ids.prefix): tuple(node.id for node in tree.nodes)})


def _rescue(cursor: Cursor) -> Cursor:
    """The list of a rescue in its short or long form."""
    place = cursor.at("rescue")
    return place.at("steps") if isinstance(place.data, dict) else place


def check_registers(parts: Iterable[Texts]) -> None:
    """Complains (E412) of a name that is given twice to results within a play, or within one copy of a file."""
    seen: dict[tuple[str, str], Cursor] = {}
    for part in parts:
        node = part.step if isinstance(part, StepTexts) else part.block
        if node is None or node.register is None:
            continue
        place = part.cursor.at("register")
        first = seen.setdefault((node.frame, node.register), place)
        if first is not place:
            place.error("E412", f'"{node.register}" is registered already at {first.here}', "take another name")


def check_late(tree: Tree, section: str) -> None:
    """Complain (E406) of ``once`` inside a block of a play's own section, where what runs once comes behind all."""
    blocks = [node for node in tree.nodes if isinstance(node, Block)]
    inner = {node.id for node in nodes_of(blocks) if node.once} - {block.id for block in blocks}
    for texts in tree.texts:
        node = texts.step if isinstance(texts, StepTexts) else texts.block
        if node is not None and node.id in inner:
            place = texts.cursor.at("once")
            message = (
                f'"once" has no meaning inside a block of "{section}": what runs once comes behind all that is there'
            )
            place.problems.error("E406", message, place.key, "write the step beside the block, or once on the block")
