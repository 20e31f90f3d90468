"""Which names there are where: for every template of a play, what it sees when it is rendered.

A step sees variables, inputs, and what steps before it have registered; in an included file what that file has, and of
results only its own. Variables are rendered where they are used, so theirs may name whatever is known anywhere.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from runner.loading.cursor import Cursor
from runner.loading.includes import Copy
from runner.loading.lint.look import Scene
from runner.loading.nodes import BlockTexts, Texts
from runner.loading.playbook import PlaybookTexts
from runner.loading.plays import PlayTexts
from runner.loading.static import ONLY
from runner.loading.steps import StepTexts
from runner.loading.texts import Written
from runner.location import Location
from runner.model.inventory import Inventory
from runner.model.scope import ALWAYS

ANYWHERE = frozenset({*ALWAYS, "item", "loop", "result"})


@dataclass(frozen=True, slots=True)
class Sight:
    """A template and what it sees. ``step`` is the step it stands in."""

    note: Written
    scene: Scene
    step: StepTexts | None = None


@dataclass(frozen=True, slots=True)
class Here:
    """A step that is come to, and what its templates see."""

    step: StepTexts
    scene: Scene


class Names:
    """The names of a playbook and its inventory.

    ``lost`` are names that steps may give which could not be read for want of an input; nobody calls them undefined.
    """

    def __init__(self, texts: PlaybookTexts, inventory: Inventory, *, lost: frozenset[str] = frozenset()) -> None:
        self._texts = texts
        self.lost = lost
        hosts = [inventory.controller, *inventory.hosts.values()]
        shared = {id(host.vars): host.vars for host in hosts}
        self.of_hosts = frozenset[str]().union(*shared.values())
        self.given = {play.play.id: given_in(play)[""] for play in texts.plays}
        self._needs = {play.play.id: play.play.needs for play in texts.plays}
        self._needed_by: dict[str, list[str]] = {}
        for play, needs in self._needs.items():
            for one in needs:
                self._needed_by.setdefault(one, []).append(play)

    def written(self, play: PlayTexts) -> frozenset[str]:
        """Variables of a play and of its playbook, and inputs."""
        origin = play.origin
        layers = origin.layers if origin else self._texts.playbook.layers
        inputs = origin.inputs if origin else self._texts.playbook.inputs
        return frozenset(inputs).union(play.play.vars.values, *(layer.values for layer in layers))

    def inputs(self, play: PlayTexts) -> frozenset[str]:
        """The inputs of a play's playbook."""
        return frozenset(play.origin.inputs if play.origin else self._texts.playbook.inputs)

    def before(self, play: PlayTexts) -> set[str]:
        """What the plays that a play waits for have given names to."""
        return set[str]().union(*(self.given.get(one, set()) for one in _behind(play.play.id, self._needs)))

    @cached_property
    def everywhere(self) -> Scene:
        """For variables of the inventory and of the whole playbook: whatever is known anywhere."""
        plays = self._texts.plays
        own = [self._texts.playbook.inputs, *(layer.values for layer in self._texts.playbook.layers)]
        known = (ANYWHERE | self.of_hosts | self.lost).union(
            *own, *(self.written(play) | self.given[play.play.id] for play in plays)
        )
        inputs = frozenset(self._texts.playbook.inputs).union(*(self.inputs(play) for play in plays))
        return Scene(known, inputs)

    def static(self, play: PlayTexts) -> Scene:
        """For what must be known before any host is chosen."""
        known = self.written(play) | {"inputs", "groups"}
        others = (self.of_hosts | ANYWHERE).union(*self.given.values()) - known
        return Scene(known, self.inputs(play), dict.fromkeys(others, ONLY))

    def beside(self, play: PlayTexts) -> dict[str, str]:
        """Names that plays give which may run at the same time as this one, each with its play."""
        own = play.play.id
        apart = {own} | _behind(own, self._needs) | _behind(own, self._needed_by)
        return {
            name: other.play.id
            for other in self._texts.plays
            if other.play.id not in apart
            for name in self.given[other.play.id] - self.given[play.play.id]
        }


def _behind(play: str, ways: Mapping[str, Iterable[str]]) -> set[str]:
    """The plays that ways lead to from one, directly or through others."""
    found: set[str] = set()
    left = list(ways.get(play, ()))
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += ways.get(one, ())
    return found


@dataclass(slots=True)
class Walk:
    """One way through a play in the order in which things run; each sight is given when it is come to.

    ``registered`` are the names given so far, by frame; ``frames`` what else is known in each; ``given`` all names that
    steps give in one;
    ``places`` are the first place of each, by frame.
    """

    play: PlayTexts
    names: Names
    frames: dict[str, Scene] = field(default_factory=dict)
    registered: dict[str, set[str]] = field(default_factory=dict)
    given: Mapping[str, set[str]] = field(default_factory=dict)
    places: Mapping[str, Mapping[str, Location]] = field(default_factory=dict)

    def sights(self) -> Iterator[Sight | Here]:
        """Each step as it is come to, and every template."""
        names, play = self.names, self.play
        self.given = given_in(play)
        self.registered[""] = names.before(play)
        self.places = self._places()
        base = names.of_hosts | names.written(play) | names.lost | set(ALWAYS)
        beside = {name: other for name, other in names.beside(play).items() if name not in self.registered[""]}
        self.frames[""] = Scene(base | beside.keys(), names.inputs(play), self._hints(), beside)
        start = self.scene("")
        for note in play.targets:
            yield Sight(note, names.static(play))
        for note in play.notes:
            yield Sight(note, start if note.cursor.path[-1:] == ("when",) else names.everywhere)
        for part in _in_order(play.parts):
            if frame_of(part) in self.frames:  # of the copies that a loop makes the first stands for all
                yield from self._part(part)
        for check in play.gate:
            yield from self._step(check, self.scene(""))

    def scene(self, frame: str) -> Scene:
        """What is known now inside a frame, or outside any."""
        base = self.frames[frame]
        mine = frozenset(self.registered.setdefault(frame, set()))
        return replace(base, known=base.known | mine, later=self.places.get(frame, {}))

    def _places(self) -> Mapping[str, Mapping[str, Location]]:
        found: dict[str, dict[str, Location]] = {}
        for part in self.play.parts:
            for name, place in given_by(part) if _section(part) != "rollback" else ():
                found.setdefault(frame_of(part), {}).setdefault(name, place.here)
        return found

    def _part(self, part: Texts) -> Iterator[Sight | Here]:
        scene = self.scene(frame_of(part))
        if isinstance(part, StepTexts):
            yield from self._step(part, scene)
            self.registered[part.step.frame] |= {name for name, _ in given_by(part)}
            return
        items = ("item", "loop") if part.copy and part.copy.frame.has_item else ()
        for note in part.notes:
            yield Sight(note, scene.plus(*items))
        if part.copy is not None:
            yield from self._copy(part.copy, scene)
        self.registered[frame_of(part)] |= {name for name, _ in given_by(part)}

    def _copy(self, copy: Copy, outer: Scene) -> Iterator[Sight]:
        """What an include hands over, and its file's own variables; from here on its frame is known."""
        frame = copy.frame
        items = {"item", "loop"} if frame.has_item else set()
        for note in copy.handed:
            yield Sight(note, outer.plus(*items))
        known = (
            self.names.of_hosts
            | self.names.written(self.play)
            | self.names.lost
            | {*ALWAYS, *frame.vars, *frame.inputs, *items}
        )
        hints = {name: _hand_in(name) for name in self.registered.get(frame.parent, set()) - known}
        inside = self.frames[frame.id] = Scene(frozenset(known), frozenset(frame.inputs), hints)
        for note in copy.own:
            yield Sight(note, inside.plus(*self.given.get(frame.id, ()), *ANYWHERE))

    def _step(self, step: StepTexts, scene: Scene) -> Iterator[Sight | Here]:
        inside = scene.plus("item", "loop") if step.step.loop is not None else scene
        own = {name for name, _ in given_by(step)}
        inside = replace(inside, later={name: place for name, place in inside.later.items() if name not in own})
        loop = (*step.cursor.path, "loop")
        yield Here(step, inside)
        for note in step.notes:
            yield Sight(note, scene if note.cursor.path[: len(loop)] == loop else inside, step)
        for note in step.answers:
            mine = (step.step.register,) if step.step.register else ()
            yield Sight(note, inside.plus("result", *mine), step)

    def _hints(self) -> Mapping[str, str]:
        return {name: _show(name, frame) for frame in self.play.play.frames for name in self.given.get(frame, ())}


def frame_of(part: Texts) -> str:
    """The frame that something stands in, empty outside any."""
    if isinstance(part, StepTexts):
        return part.step.frame
    return part.block.frame if part.block else part.copy.frame.parent if part.copy else ""


def given_by(part: Texts) -> Iterator[tuple[str, Cursor]]:
    """The names that exist once a step or an include has run, each with its place."""
    if isinstance(part, BlockTexts):
        if part.block and part.block.register:
            yield part.block.register, part.cursor.at("register")
        return
    if part.step.register:
        yield part.step.register, part.cursor.at("register")
    yield from set_by(part)


def set_by(step: StepTexts) -> Iterator[tuple[str, Cursor]]:
    """The names that a ``set`` step gives."""
    if step.step.kind == "set":
        yield from step.cursor.at("set").items()


def written_in(data: Any) -> Iterator[str]:
    """The names that steps give, as they are written in a file; none of them need be sound."""
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    for part in parts:
        yield from written_in(part)
    if isinstance(data, dict):
        yield from [data["register"]] if isinstance(data.get("register"), str) else []
        yield from data["set"] if isinstance(data.get("set"), dict) else []


def given_in(play: PlayTexts) -> defaultdict[str, set[str]]:
    """The names that steps give inside each frame, and outside any: an empty id. A frame may give none."""
    found = defaultdict[str, set[str]](set)
    for part in play.parts:
        found[frame_of(part)].update(name for name, _ in given_by(part))
    return found


def _hand_in(name: str) -> str:
    return (
        f'a file sees of results only its own; hand it in: include: {{file: …, vars: {{{name}: "{{{{ {name} }}}}"}}}}'
    )


def _show(name: str, frame: str) -> str:
    return f'it is registered inside the include "{frame}"; write register: NAME beside the include, and NAME.{name}'


def _in_order(parts: Sequence[Texts]) -> list[Texts]:
    """Rolling back comes last: nothing else sees what it registers."""
    return sorted(parts, key=lambda part: _section(part) == "rollback")


def _section(part: Texts) -> str:
    if isinstance(part, StepTexts):
        return part.step.section
    return part.block.section if part.block else "handlers"
