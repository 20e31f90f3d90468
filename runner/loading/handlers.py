"""Handlers of a play, and which of them ``notify`` means.

A step looks in its own file first, then in those that include it, last in the play. What a play's steps can notify
beside its own handlers are those of the files it includes, as long as only one file has a handler of that name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from runner.loading.cursor import Cursor
from runner.loading.forms import HANDLERS_INCLUDE, kind_of, step_shapes
from runner.loading.includes import copies_of
from runner.loading.nodes import BlockTexts, Texts
from runner.loading.setting import Setting
from runner.loading.step_values import word_places
from runner.loading.steps import StepTexts, step_of
from runner.loading.texts import Written
from runner.model.changed import changed
from runner.model.playbook import Node, Step, map_steps
from runner.words import suggest


@dataclass(slots=True)
class Handlers:
    """All handlers of a play in the order they run. ``scopes`` maps a frame to what names and ids mean in its file.

    ``parts`` are their texts and, before those of its handlers, that of an include. ``broken`` are the names of those
    of which something is said already.
    """

    texts: list[StepTexts] = field(default_factory=list)
    scopes: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    parts: list[Texts] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The handlers themselves."""
        return tuple(texts.step for texts in self.texts)

    def add(self, cursor: Cursor, setting: Setting) -> None:
        """The handlers of a list. Complains of blocks, and of two of one name."""
        for part in cursor.parts():
            if isinstance(part.data, dict) and (word := next((w for w in ("block", "flush") if w in part.data), "")):
                message = f'a handler is a single step; it can\'t be a "{word}"'
                part.problems.error("E403", message, part.at(word).key, "write each step as a handler of its own")
            elif isinstance(part.data, dict) and "include" in part.data:
                self._include(part, setting)
            elif texts := step_of(part, setting, ()):
                self._keep(texts, setting)
            elif isinstance(part.data, dict):
                self.broken |= {str(part.data[key]) for key in ("id", "name") if key in part.data}

    def _include(self, cursor: Cursor, setting: Setting) -> None:
        """The handlers of another file, which are called here as they are there, or by their whole id."""
        if kind_of(cursor, HANDLERS_INCLUDE, step_shapes(setting.kinds)) is None:
            return
        notes: list[Written] = []
        around = setting.around.within(cursor, notes)
        own = setting.ids.of(cursor, "include")
        for copy in copies_of(cursor, setting, around, own, wanted="handlers"):
            self.parts.append(BlockTexts(None, cursor, notes, copy))
            self.add(copy.handlers, copy.setting)
            for word, handlers in self.scopes.get(copy.frame.id, {}).items():
                self._called(word, setting.frame).extend(handlers)

    def _keep(self, texts: StepTexts, setting: Setting) -> None:
        own, name = texts.step.id, texts.cursor.at("name")
        self.texts.append(texts)
        self.parts.append(texts)
        self._called(own.removeprefix(setting.ids.prefix), setting.frame).append(own)
        if not isinstance(name.data, str) or own in self._called(name.data, setting.frame):
            return
        other = next((one for one in self.texts[:-1] if _is_like(one, texts)), None)
        if other is not None:
            message = f'there is a handler "{name.data}" already, at {other.cursor.at("name").here}'
            name.error("E412", message, "give each its own name")
        self._called(name.data, setting.frame).append(own)

    def _called(self, word: str, frame: str) -> list[str]:
        """The ids of what is called so in the file of a frame; it may be added to."""
        return self.scopes.setdefault(frame, {}).setdefault(word, [])

    def meant(self, word: str, frames: Iterable[str]) -> list[str]:
        """The ids that a word can mean, looked for in these frames, from the innermost to the play's."""
        scopes = [self.scopes.get(frame, {}) for frame in frames]
        near = next((scope[word] for scope in scopes if scope.get(word)), [])
        everywhere = [one for scope in self.scopes.values() for one in scope.get(word, ())]
        return near or [step.id for step in self.steps if step.id == word] or list(dict.fromkeys(everywhere))

    def words(self) -> set[str]:
        """All names and ids."""
        return {word for scope in self.scopes.values() for word in scope}


def _is_like(one: StepTexts, other: StepTexts) -> bool:
    """Whether two handlers of one file have one name."""
    return (one.step.frame, one.cursor.data.get("name")) == (other.step.frame, other.cursor.data.get("name"))


@dataclass(frozen=True, slots=True)
class Links:
    """What ``notify`` is resolved with: the handlers, and for each frame the one that it stands in."""

    handlers: Handlers
    parents: Mapping[str, str]

    def linked(self, nodes: Iterable[Node]) -> tuple[Node, ...]:
        """The nodes with ids of handlers in ``notify``; what is not found is left out."""
        return map_steps(nodes, self._linked)

    def _linked(self, step: Step) -> Step:
        if not step.notify:
            return step
        found = [self.handlers.meant(word, self._frames(step.frame)) for word in step.notify]
        return changed(step, notify=tuple(dict.fromkeys(ids[0] for ids in found if ids)))

    def _frames(self, frame: str) -> list[str]:
        frames = [frame]
        while frames[-1]:
            frames.append(self.parents.get(frames[-1], ""))
        return frames

    def check(self, texts: Iterable[Texts]) -> None:
        """Complain of what nothing is called by (E427), or more than one handler (E412)."""
        for one in texts:
            if isinstance(one, StepTexts):
                for place in word_places(one.cursor.at("notify")):
                    self._check(place, self.handlers.meant(place.data, self._frames(one.step.frame)))

    def _check(self, place: Cursor, found: Sequence[str]) -> None:
        if not found and place.data not in self.handlers.broken:
            hint = suggest(place.data, self.handlers.words()) or "write it under handlers, beside steps"
            place.error("E427", f'there is no handler "{place.data}"', hint)
        elif len(found) > 1:
            place.error("E412", f'"{place.data}" could be any of {", ".join(found)}', f"write its id: {found[0]}")

    def check_order(self) -> None:
        """Complain (E406) of handlers that notify one which has had its turn by then."""
        order = {step.id: number for number, step in enumerate(self.handlers.steps)}
        for texts in self.handlers.texts:
            for place in word_places(texts.cursor.at("notify")):
                found = self.handlers.meant(place.data, self._frames(texts.step.frame))
                if found and order[found[0]] <= order[texts.step.id]:
                    message = f'the handler "{place.data}" has had its turn when this one runs'
                    place.error("E406", message, "handlers run in the order written: put it behind this one")


def check_without_handlers(texts: Iterable[Texts], section: str) -> None:
    """Complain (E406) of ``notify`` and ``flush`` where no handlers run any more."""
    for one in texts:
        for word in ("notify", "flush") if isinstance(one, StepTexts) else ():
            if word in one.cursor.data:
                place = one.cursor.at(word)
                message = f'"{word}" has no meaning in "{section}": no handlers run there'
                place.problems.error("E406", message, place.key, "write what should be done as a step")
