"""A play as it is written becomes a Play: its steps in all sections, its handlers, its strategy with the gate."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from runner.loading import language, step_language
from runner.loading.cursor import Cursor
from runner.loading.gates import gate_of
from runner.loading.handlers import Handlers, Links, check_without_handlers
from runner.loading.ids import Ids, slug, unique
from runner.loading.nodes import Texts, Tree, check_late, check_registers, tree_of
from runner.loading.opening import Opening, check_names
from runner.loading.setting import Around, Brought, Reading, Setting
from runner.loading.step_values import become_of, optional_condition, words_of
from runner.loading.steps import StepTexts
from runner.loading.strategy import sizes_of, strategy_of
from runner.loading.texts import Written, layer_of, mapping_of, templates_of
from runner.model.inventory import Become
from runner.model.playbook import DEFAULT_STRATEGY, NO_VARS, Check, Condition, Play, Strategy, leaves
from runner.model.template import Template, Value

SECTIONS = ("steps", "handlers", "rollback", "always")


@dataclass(slots=True)
class PlayTexts:
    """What lint needs of a play: the templates of its steps, and its own.

    ``parts`` are the steps of all sections, and the blocks that they stand in, each before its steps, in the order in
    which they run but for handlers of included files, which come last; ``gate`` are the checks of the strategy.
    ``targets`` see inputs, variables and groups alone. ``origin`` is the opening of another playbook that the play
    comes from, whose variables and inputs it sees.
    """

    play: Play
    cursor: Cursor
    parts: list[Texts]
    gate: list[StepTexts] = field(default_factory=list)
    notes: list[Written] = field(default_factory=list)
    targets: list[Written] = field(default_factory=list)
    origin: Opening | None = None

    @property
    def steps(self) -> list[StepTexts]:
        """The steps of all sections, without blocks and gate."""
        return [part for part in self.parts if isinstance(part, StepTexts)]


@dataclass(slots=True)
class _Sections:
    """What the lists of steps of a play were built into. ``own_handlers`` counts texts; the others were brought."""

    steps: Tree
    handlers: Handlers
    rollback: Tree
    always: Tree
    gate: tuple[Check, ...] = ()
    asked: list[StepTexts] = field(default_factory=list)
    own_handlers: int = 0

    @property
    def parts(self) -> list[Texts]:
        """Everything but the gate, an include before what it brings."""
        own, brought = self.handlers.parts[: self.own_handlers], self.handlers.parts[self.own_handlers :]
        return [*self.steps.texts, *own, *self.rollback.texts, *self.always.texts, *brought]


@dataclass(frozen=True, slots=True)
class Source:
    """The playbook that a play stands in: what it is read with, and what an include of it says of all its plays.

    ``origin`` is its opening where it is not the playbook that is run, and ``given`` the values of its inputs then.
    ``taken`` are the ids of plays that there are already.
    """

    reading: Reading
    taken: set[str] = field(default_factory=set)
    tags: tuple[str, ...] = ()
    when: Condition | None = None
    origin: Opening | None = None
    given: Mapping[str, Value] | None = None


def play_of(cursor: Cursor, source: Source, *, is_single: bool) -> PlayTexts:
    """The play at a place, as far as it is sound. Its variables are the playbook's where it ``is_single``."""
    notes: list[Written] = []
    targets: list[Written] = []
    name = text_of(cursor.at("name"))
    tags = tuple(dict.fromkeys((*source.tags, *words_of(cursor.at("tags")))))
    variables = {} if is_single else layer_of(cursor.at("vars"), "play", []).values
    reading = replace(source.reading, static=source.reading.static.within(variables))
    setting = Setting(reading, Ids(), Brought(), around=Around(tags=tags))
    sections = _sections(cursor, setting)
    frames = setting.brought.frames
    links = Links(sections.handlers, {frame.id: frame.parent for frame in frames.values()})
    _check_links(sections, links)
    check_names(cursor.at("vars"))
    play = Play(
        id=unique(slug(name) or "play", source.taken),
        name=name or "play",
        hosts=templates_of(cursor.at("hosts"), targets),
        steps=links.linked(sections.steps.nodes),
        location=cursor.here,
        hosts_location=cursor.at("hosts").here,
        host_places=tuple(part.here for part in cursor.at("hosts").parts()),
        strategy=_strategy(cursor, sections.gate),
        strategy_location=cursor.at("strategy").here if "strategy" in cursor.data else None,
        vars=NO_VARS if is_single else layer_of(cursor.at("vars"), f"play {name}".strip(), notes),
        become=_become(cursor, notes),
        env=mapping_of(cursor.at("env"), notes),
        cwd=templates_of(cursor.at("cwd"), notes),
        allow_empty=cursor.data.get("allow_empty") is True,
        when=both(source.when, optional_condition(cursor.at("when"), notes)),
        tags=tags,
        handlers=links.linked(sections.handlers.steps),
        rollback=tuple(sections.rollback.nodes),
        always=tuple(sections.always.nodes),
        frames=frames,
        layers=source.origin.layers if source.origin else None,
        given=source.given,
    )
    source.taken.add(play.id)
    _check_rollback(cursor, play)
    texts = PlayTexts(play, cursor, sections.parts, sections.asked, notes, targets, source.origin)
    _take_links(texts)
    return texts


def both(one: Condition | None, other: Condition | None) -> Condition | None:
    """A condition that holds where two do; None is none."""
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, bool) or isinstance(other, bool):
        return other if one is True else one if other is True else False
    return Template(f"({one.source}) and ({other.source})", other.location, bare=True)


def text_of(cursor: Cursor) -> str:
    """Text, empty for anything else."""
    return cursor.data if isinstance(cursor.data, str) else ""


def _sections(cursor: Cursor, setting: Setting) -> _Sections:
    setting.ids.reserve(cursor.at(section) for section in SECTIONS)
    handlers = Handlers()
    steps = tree_of(cursor.at("steps"), setting)
    handlers.add(cursor.at("handlers"), setting.inside(setting.around, "handlers"))
    own = len(handlers.parts)
    rollback = tree_of(cursor.at("rollback"), setting.inside(setting.around, "rollback"))
    always = tree_of(cursor.at("always"), setting.inside(setting.around, "always"))
    for place, inside in setting.brought.handlers:
        handlers.add(place, inside)
    gate, asked = gate_of(cursor.at("strategy", "gate"), setting)
    return _Sections(steps, handlers, rollback, always, gate, asked, own)


def _check_links(sections: _Sections, links: Links) -> None:
    check_registers(sections.parts)
    links.check([*sections.steps.texts, *sections.handlers.texts])
    links.check_order()
    check_without_handlers(sections.rollback.texts, "rollback")
    check_without_handlers(sections.always.texts, "always")
    check_late(sections.rollback, "rollback")
    check_late(sections.always, "always")


def _take_links(texts: PlayTexts) -> None:
    """Put the steps with their resolved handlers into the texts, too."""
    linked = {step.id: step for section in texts.play.sections for step in leaves(section, everything=True)}
    for part in texts.steps:
        part.step = linked.get(part.step.id, part.step)


def _check_rollback(cursor: Cursor, play: Play) -> None:
    """Complains (E406) of rolling back without steps that could."""
    if play.strategy.on_exceed == "rollback" and "rollback" not in cursor.data:
        hint = "write rollback: [STEPS] beside steps"
        cursor.at("strategy", "on_exceed").error("E406", "there are no steps to roll back with", hint)


def _strategy(cursor: Cursor, gate: tuple[Check, ...]) -> Strategy:
    place = cursor.at("strategy")
    if place.data is None:
        return DEFAULT_STRATEGY
    if not place.fits(language.UNSIZED_STRATEGY):
        if place.at("waves").data is not None:
            sizes_of(place.at("waves"))
        return DEFAULT_STRATEGY
    return strategy_of(place, gate)


def _become(cursor: Cursor, notes: list[Written]) -> Become | Literal[False] | None:
    place = cursor.at("become")
    return become_of(place, notes) if place.data is not None and place.fits(step_language.BECOME) else None
