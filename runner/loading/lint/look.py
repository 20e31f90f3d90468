"""One look at one template: its syntax, the names in it, the members of those that are always there."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from runner.errors import RenderError
from runner.loading.documents import Problems
from runner.loading.lint.hints import hint_for
from runner.loading.texts import Written
from runner.location import Location
from runner.model.scope import PARTS
from runner.model.template import Template
from runner.templating import Templates
from runner.words import suggest

HELPED = 1_000
"""Problems up to which it is looked for the exact place and for what was meant: that takes a while."""

Locate = Callable[[int, int], Location]
"""The place of so many characters from an offset into a template's source."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What templates see at a place. ``inputs`` are the members of that name; ``hints`` help with names not known.

    ``doubtful`` are known names that may not be there yet, each with the play that gives it; ``later`` are those that
    a later step of the play gives, with its place.
    """

    known: frozenset[str]
    inputs: frozenset[str] = frozenset()
    hints: Mapping[str, str] = field(default_factory=dict)
    doubtful: Mapping[str, str] = field(default_factory=dict)
    later: Mapping[str, Location] = field(default_factory=dict)

    def plus(self, *names: str) -> "Scene":
        """The same with more names."""
        return replace(self, known=self.known | set(names))


@dataclass(slots=True)
class Look:
    """What every look needs. ``groups`` and ``secrets`` are the names there are.

    ``used`` gathers the names that any template reads, and ``inputs.*`` where one reads all inputs.
    """

    templates: Templates
    problems: Problems
    groups: frozenset[str]
    secrets: frozenset[str]
    used: set[str] = field(default_factory=set)

    def take(self, note: Written, scene: Scene) -> None:
        """Look at a template of a document."""
        self.check(note.template, lambda offset, length: place_in(note, offset, length), scene)

    def check(self, template: Template, locate: Locate, scene: Scene) -> None:
        """Complain of the syntax (E408), else of names (E407)."""
        faults = self.templates.faults(template)
        for fault in faults:
            self.problems.error("E408", fault.message, locate(fault.offset, fault.length), fault.hint)
        if faults:
            return
        self.use(template)
        self._try(template, locate)
        is_helped = len(self.problems.items) < HELPED  # of more, most are only counted
        for name in sorted(self.templates.names(template) - scene.known):
            offset = self.templates.place(template, name) if is_helped else 0
            if name in scene.later:
                code, message = ("E411" if template.bare else "E407"), f'"{name}" is not there yet'
                hint = f"the step at {scene.later[name]} gives it; it must have run before"
            else:
                code, message = "E407", f'"{name}" is undefined'
                hint = scene.hints.get(name, "")
                if not hint and is_helped:
                    hint = hint_for(template.source, offset, name, scene.known)
            self.problems.error(code, message, locate(offset, len(name)), hint)
        for name in sorted(self.templates.names(template) & scene.doubtful.keys()):
            play = scene.doubtful[name]
            message = f'"{name}" may not be there yet: the play "{play}" gives it, and this one does not wait for that'
            where = locate(self.templates.place(template, name), len(name))
            self.problems.warning("W423", message, where, f"write needs: [{play}] in this play")
        for name, part, message, hint in self._members(template, scene):
            offset = template.source.find(part, self.templates.place(template, name))
            self.problems.error("E407", message, locate(max(offset, 0), len(part)), hint)

    def _try(self, template: Template, locate: Locate) -> None:
        """Render a template that reads no name, and so always gives the same (E409)."""
        if self.templates.mentions(template) - {"range"}:
            return
        try:
            self.templates.render(template, {})
        except RenderError as error:
            self.problems.error("E409", error.message, locate(0, len(template.source)), error.hint)

    def use(self, template: Template) -> None:
        """Note what a template reads."""
        mentions = self.templates.mentions(template)
        self.used |= mentions
        if "inputs" in mentions:
            parts = self.templates.parts(template, "inputs")
            self.used |= {"inputs.*"} if parts is None else parts

    def _members(self, template: Template, scene: Scene) -> Iterator[tuple[str, str, str, str]]:
        """Members that are not there, of names whose members are known: name, member, complaint, hint."""
        mentions = self.templates.mentions(template)
        for name, parts in {**PARTS, "groups": self.groups, "inputs": scene.inputs}.items():
            for part in sorted(self.templates.members(template, name) - parts) if name in mentions else ():
                yield name, part, f'"{name}.{part}" is undefined', suggest(part, parts)
        for part in sorted(self.templates.members(template, "secrets") - self.secrets) if "secrets" in mentions else ():
            hint = suggest(part, self.secrets) or f"declare it: secrets: {{{part}: {{env: {part.upper()}}}}}"
            yield "secrets", part, f'there is no secret "{part}"', hint


def place_in(note: Written, offset: int, length: int) -> Location:
    """The place of so many characters of a template in its document."""
    place = note.cursor.document.inside(note.cursor.path, max(offset, 0))
    return Location(place.file, place.line, place.column, length)
