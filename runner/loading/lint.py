"""What can be said of names before any host is contacted: undefined ones, hidden ones, unused ones.

A template is looked at where it stands; which names it may use depends on what kind of place that is (``Seen``).
Variables are rendered where they are used, so theirs may name whatever is known anywhere.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runner.loading.clear_text import check_clear_text
from runner.loading.documents import Problems
from runner.loading.lint_names import Known, given_by, set_by, tainted_in
from runner.loading.nodes import BlockTexts, Texts
from runner.loading.opening import Opening
from runner.loading.playbook import PlaybookTexts
from runner.loading.plays import PlayTexts
from runner.loading.source import Source
from runner.loading.steps import StepTexts
from runner.loading.texts import Written
from runner.location import Location
from runner.model.inventory import Inventory, Layer
from runner.model.playbook import Input
from runner.model.scope import ALWAYS, PARTS
from runner.model.template import Template
from runner.templating import Templates
from runner.words import suggest

ARGUMENTS = frozenset({"command", "shell", "script"})
"""Kinds whose own text ends up in an argument list on the host, which every user there can read."""

FOREIGN = {
    "inventory_hostname": "host.name",
    "ansible_host": "host.address",
    "ansible_facts": "facts",
    "hostvars": "hosts.NAME.vars",
    "group_names": "host.groups",
    "play_hosts": "wave.hosts",
}
"""Ansible's names, and what they are here."""

ANYWHERE = frozenset({*ALWAYS, "item", "loop", "result"})


@dataclass(slots=True)
class Lint:
    """One look over a playbook and its inventory. ``used`` gathers every name that any template reads."""

    texts: PlaybookTexts
    inventory: Inventory
    problems: Problems
    templates: Templates
    notes: list[Written]
    shared: frozenset[str] = frozenset()
    used: set[str] = field(default_factory=set)
    is_complete: bool = True

    def run(self) -> None:
        """Report everything."""
        self.shared = self._of_hosts()
        for layers, inputs in self._playbooks():
            self._check_inputs(layers, inputs)
        everywhere = self.shared | self._anywhere() | ANYWHERE
        for note in [*self.texts.notes, *self.notes, *self._notes_of_others()]:
            self._check(note, everywhere, self._all_inputs())
        given: set[str] = set()
        for play in self.texts.plays:
            self._play(play, given, everywhere)
        if self.is_complete:
            self._unused()
        check_clear_text(self.texts, self.inventory, self.problems)

    def _openings(self) -> list[Opening]:
        """Those of other playbooks that are included."""
        return list({id(play.origin): play.origin for play in self.texts.plays if play.origin}.values())

    def _playbooks(self) -> list[tuple[tuple[Layer, ...], Mapping[str, Input]]]:
        """Variables and inputs of the playbook, and of those it includes."""
        own = self.texts.playbook
        return [(own.layers, own.inputs), *((one.layers, one.inputs) for one in self._openings())]

    def _all_inputs(self) -> frozenset[str]:
        return frozenset(name for _, inputs in self._playbooks() for name in inputs)

    def _notes_of_others(self) -> list[Written]:
        return [note for opening in self._openings() for note in opening.notes]

    def _check_inputs(self, layers: Iterable[Layer], inputs: Mapping[str, Input]) -> None:
        """An input may not hide a variable (E412)."""
        plays = [play.play.vars for play in self.texts.plays if play.play.layers in (None, layers)]
        variables = self.shared | {name for layer in [*layers, *plays] for name in layer.values}
        for name, one in inputs.items():
            if name in variables:
                message = f'the input "{name}" would hide a variable of that name'
                self.problems.error("E412", message, one.location, "take another name, or -e for the variable itself")

    def _of_hosts(self) -> frozenset[str]:
        """Names of variables of any host."""
        hosts = [self.inventory.controller, *self.inventory.hosts.values()]
        shared = {id(host.vars): host.vars for host in hosts}
        return frozenset(set[str]().union(*shared.values()))

    def _anywhere(self) -> set[str]:
        """Names of all variables and inputs, and of what any step registers or sets."""
        layers = [layer for layers, _ in self._playbooks() for layer in layers]
        layers += [play.play.vars for play in self.texts.plays]
        given = (given_by(part) for play in self.texts.plays for part in play.parts)
        return {name for layer in layers for name in layer.values}.union(self._all_inputs(), *given)

    def _known(self, play: PlayTexts, given: set[str]) -> Known:
        """What the steps of a play see outside of any include."""
        own = self.texts.playbook
        layers = (*(play.origin.layers if play.origin else own.layers), play.play.vars)
        inputs = play.origin.inputs if play.origin else own.inputs
        return Known(
            variables=self.shared | inputs.keys() | {name for layer in layers for name in layer.values},
            inputs=frozenset(inputs),
            tainted=tainted_in(layers, self.templates),
            given=given,
        )

    def _play(self, play: PlayTexts, given: set[str], everywhere: frozenset[str]) -> None:
        known = {"": self._known(play, given)}
        for note in play.targets:
            self._check(note, known[""].variables | {"inputs", "groups"}, known[""].inputs)
        for note in play.notes:
            self._check(note, everywhere, known[""].inputs)
        mine: dict[str, set[str]] = {}
        for part in play.parts:
            frame = _frame(part)
            if frame not in known:
                continue  # of another item of a loop, which is read alike
            if isinstance(part, StepTexts):
                self._step(part, known[frame])
                self._check_hiding(part, known[frame].variables, mine.setdefault(frame, set()))
                known[frame].given |= given_by(part)
            else:
                self._block(part, known, everywhere)
        for check in play.gate:
            self._step(check, known[""])

    def _block(self, part: BlockTexts, known: dict[str, Known], everywhere: frozenset[str]) -> None:
        """What a block says for all its steps; an include also what it hands over, and the variables of its file."""
        outer, copy = known[_frame(part)], part.copy
        names = {*outer.names, "item", "loop"} if copy and copy.frame.has_item else outer.names
        for note in part.notes:
            self._check(note, names, outer.inputs)
        if copy is None:
            return
        for note in copy.handed:
            self._check(note, names, outer.inputs)
        inner = known[""].inside(copy, outer, self.templates)
        known[copy.frame.id] = inner
        for note in copy.own:
            self._check(note, everywhere | inner.names, inner.inputs)
        outer.given |= given_by(part)

    def _step(self, step: StepTexts, known: Known) -> None:
        names = known.names
        inside = {*names, "item", "loop"} if step.step.loop is not None else names
        kind = (*step.cursor.path, step.step.kind)
        for note in step.notes:
            over_items = note.cursor.path[: len(kind)] != (*step.cursor.path, "loop")
            self._check(note, inside if over_items else names, known.inputs)
            if note.cursor.path[: len(kind)] == kind:
                self._check_arguments(note, step.step.kind, known)
        for note in step.answers:
            self._check(note, {*inside, "result"}, known.inputs, own=step.step.register)
        self._check_file(step, inside)
        if step.step.when is False:
            place = step.cursor.at("when")
            self.problems.warning("W426", "this step never runs", place.here, "write a condition, or remove the step")

    def _check(self, note: Written, known: Iterable[str], inputs: frozenset[str], own: str | None = None) -> None:
        """One template: its syntax, its names, its secrets. ``own`` is what its step registers, known only later."""
        faults = self.templates.faults(note.template)
        for fault in faults:
            self.problems.error("E408", fault.message, self._inside(note, fault.offset, fault.length), fault.hint)
        if faults:
            return
        self.used |= self.templates.mentions(note.template)
        for name in sorted(self.templates.names(note.template) - set(known)):
            hint = 'write "result": it is this step\'s own answer' if name == own else ""
            self._complain(note, name, known, hint)
        self._check_secrets(note)
        self._check_members(note, inputs)

    def _complain(self, note: Written, name: str, known: Iterable[str], hint: str = "") -> None:
        offset = self.templates.place(note.template, name)
        hint = hint or hint_for(note.template.source, offset, name, known)
        self.problems.error("E407", f'"{name}" is undefined', self._inside(note, offset, len(name)), hint)

    def _check_secrets(self, note: Written) -> None:
        declared = self.texts.playbook.secrets
        for name in sorted(self.templates.members(note.template, "secrets") - declared.keys()):
            offset = note.template.source.find(name, self.templates.place(note.template, "secrets"))
            hint = suggest(name, declared) or f"declare it: secrets: {{{name}: {{env: {name.upper()}}}}}"
            self.problems.error("E407", f'there is no secret "{name}"', self._inside(note, offset, len(name)), hint)

    def _check_members(self, note: Written, inputs: frozenset[str]) -> None:
        """What is asked of the names that are always there, whose parts are known."""
        own = {"groups": frozenset(self.inventory.groups), "inputs": inputs}
        for name, parts in {**PARTS, **own}.items():
            for part in sorted(self.templates.members(note.template, name) - parts):
                offset = note.template.source.find(part, self.templates.place(note.template, name))
                place = self._inside(note, max(offset, 0), len(part))
                self.problems.error("E407", f'"{name}.{part}" is undefined', place, suggest(part, parts))

    def _check_arguments(self, note: Written, kind: str, known: Known) -> None:
        """What a host printed in shell text needs quoting; a secret may not stand there, nor in an argument (E415)."""
        if kind not in ARGUMENTS or self.templates.faults(note.template):
            return
        for name in sorted(self.templates.mentions(note.template) & {"secrets", *known.tainted}):
            where = self._inside(note, self.templates.place(note.template, name), len(name))
            message = f"a secret in `{kind}` can be read by every user of the host"
            self.problems.error("E415", message, where, "hand it over with `env` or `stdin`")
        heard = self.templates.unquoted(note.template) & (known.given | known.heard) if kind == "shell" else set()
        for name in sorted(heard):
            where = self._inside(note, self.templates.place(note.template, name), len(name))
            message = f'"{name}" comes from a host and would be read by the shell'
            self.problems.error("E415", message, where, "write | quote behind it, or hand it over with `env`")

    def _inside(self, note: Written, offset: int, length: int) -> Location:
        place = note.cursor.document.inside(note.cursor.path, max(offset, 0))
        return Location(place.file, place.line, place.column, length)

    def _check_hiding(self, step: StepTexts, variables: frozenset[str], mine: set[str]) -> None:
        """A result may not hide a variable, nor a ``set`` name a variable or a result of its play (E412)."""
        places = [step.cursor.at("register")] if step.step.register else []
        names = [(step.step.register or "", place.here) for place in places]
        names += [(name, part.key) for name, part in set_by(step)]
        for name, place in names:
            if name in variables or (name in mine and name != step.step.register):
                what = "a variable" if name in variables else "a result"
                self.problems.error("E412", f'"{name}" would hide {what} of that name', place, "take another name")
            elif name in ANYWHERE:
                self.problems.error("E412", f'"{name}" is always there', place, "take another name")
        mine |= {step.step.register} if step.step.register else set()

    def _check_file(self, step: StepTexts, known: Iterable[str]) -> None:
        """The names in a local template file; what is wrong with the file itself the step kind says."""
        source = step.step.params.get("src") if step.step.kind == "template" else None
        if source is None:
            return
        path = Path(step.step.folder or self.texts.playbook.folder) / str(source)
        if isinstance(source, Template) or not path.is_file():
            self.is_complete = False
            return
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return
        self._check_text(_shown(path, step), text, {*known, *step.step.params.get("vars", ())})

    def _check_text(self, name: str, text: str, known: Iterable[str]) -> None:
        file, template = Source(name, text), Template(text, Location(name, 1))
        self.problems.sources.setdefault(name, file.lines)
        faults = self.templates.faults(template)
        for fault in faults:
            self.problems.error("E408", fault.message, file.location(fault.offset, fault.length), fault.hint)
        self.used |= self.templates.mentions(template)
        for missing in sorted(self.templates.names(template) - set(known)) if not faults else ():
            offset = self.templates.place(template, missing)
            hint = hint_for(text, offset, missing, known)
            self.problems.error("E407", f'"{missing}" is undefined', file.location(offset, len(missing)), hint)

    def _unused(self) -> None:
        layers = [layer for layers, _ in self._playbooks() for layer in layers if layer.origin == "playbook"]
        layers += [play.play.vars for play in self.texts.plays]
        copies = (part.copy for play in self.texts.plays for part in play.parts if isinstance(part, BlockTexts))
        layers += [copy.vars for copy in copies if copy]
        for layer in layers:
            for name in layer.values.keys() - self.used:
                place = layer.locations[name]
                self.problems.warning("W425", f'the variable "{name}" is not used', place, "remove it")


def _frame(part: Texts) -> str:
    """The frame that a step or block stands in."""
    if isinstance(part, StepTexts):
        return part.step.frame
    return part.copy.frame.parent if part.copy else part.block.frame if part.block else ""


def _shown(path: Path, step: StepTexts) -> str:
    """A file that a step names, named as the step's own file is."""
    file = step.cursor.document
    return os.path.normpath(Path(file.name).parent / os.path.relpath(path, file.path.parent))


def hint_for(source: str, offset: int, name: str, known: Iterable[str]) -> str:
    """What may have been meant by an undefined name."""
    if name in FOREIGN:
        return f'Ansible\'s "{name}" is {FOREIGN[name]} here'
    if name == "result":
        return "it is there in changed_when, failed_when and until alone; elsewhere register a name"
    if name in {"item", "loop"}:
        return "it is there in a step with a loop"
    if offset > 1 and source[offset - 1] == "-" and (source[offset - 2].isalnum()):
        return f"read as a subtraction; write a name with hyphens as ['…-{name}']"
    return suggest(name, known)


def lint(
    texts: PlaybookTexts, inventory: Inventory, notes: list[Written], problems: Problems, templates: Templates
) -> None:
    """Add to ``problems`` what is wrong with names and secrets. ``notes`` are the inventory's templates."""
    Lint(texts, inventory, problems, templates, notes).run()
