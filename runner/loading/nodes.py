"""Lists of steps become trees of steps and blocks, with what stands round a step handed down to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from runner.loading.cursor import Cursor
from runner.loading.forms import BLOCK, kind_of, step_shapes
from runner.loading.setting import Setting
from runner.loading.step_values import optional_condition, word_places, words_of
from runner.loading.steps import StepTexts, step_of
from runner.loading.texts import Written, templates_of
from runner.model.playbook import Block, Node
from runner.words import suggest

SECTIONS_WITHOUT_NEEDS = "not every host of the wave gets there, so it could wait for ever"
DEFAULT_RESCUE_ON = ("failed", "timed_out")


@dataclass(slots=True)
class BlockTexts:
    """What lint needs of a block: the templates that it says of the whole, or of all its steps."""

    block: Block
    cursor: Cursor
    notes: list[Written] = field(default_factory=list)


Texts = StepTexts | BlockTexts


@dataclass(slots=True)
class Tree:
    """Nodes that were built, and in order the texts of all that is in them, a block's own before those of its steps."""

    nodes: list[Node] = field(default_factory=list)
    texts: list[Texts] = field(default_factory=list)

    def add(self, other: "Tree") -> None:
        """Put what else was built behind it."""
        self.nodes += other.nodes
        self.texts += other.texts


def tree_of(cursor: Cursor, setting: Setting) -> Tree:
    """All that is sound in a list of steps. Complains of the rest."""
    tree = Tree()
    unmet: list[tuple[Cursor, str]] = []
    before: dict[str, str] = {}
    for part in cursor.parts():
        needs, missing = _needs(part, before, setting)
        built = _block(part, setting, needs) if _is_block(part) else _leaf(part, setting, needs)
        tree.add(built)
        before |= {node.id.removeprefix(setting.ids.prefix): node.id for node in built.nodes}
        own = built.nodes[0].id.removeprefix(setting.ids.prefix) if built.nodes else ""
        unmet += [(place, own) for place in missing]
    for place, own in unmet:
        _complain(place, own, before, setting)
    return tree


def _is_block(cursor: Cursor) -> bool:
    return isinstance(cursor.data, dict) and "block" in cursor.data


def _leaf(cursor: Cursor, setting: Setting, needs: tuple[str, ...]) -> Tree:
    texts = step_of(cursor, setting, needs)
    return Tree([texts.step], [texts]) if texts else Tree()


def _needs(cursor: Cursor, before: Mapping[str, str], setting: Setting) -> tuple[tuple[str, ...], list[Cursor]]:
    """The ids that a step needs, and the places of those that do not stand before it in its list."""
    place = cursor.at("needs")
    if place.data is None:
        return (), []
    if setting.section:
        message = f'"needs" has no meaning in "{setting.section}"'
        place.problems.error("E406", message, place.key, SECTIONS_WITHOUT_NEEDS)
        return (), []
    missing = [word for word in word_places(place) if word.data not in before]
    return tuple(before[word] for word in words_of(place) if word in before), missing


def _complain(place: Cursor, own: str, siblings: Mapping[str, str], setting: Setting) -> None:
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
    return Tree([block], [BlockTexts(block, cursor, notes), *inner])


def _rescue(cursor: Cursor) -> Cursor:
    """The list of a rescue in its short or long form."""
    place = cursor.at("rescue")
    return place.at("steps") if isinstance(place.data, dict) else place
