"""What can be said of names before any host is contacted: undefined ones, hidden ones, unused ones.

A template is looked at where it stands; which names it may use depends on what kind of place that is (``Seen``).
Variables are rendered where they are used, so theirs may name whatever is known anywhere.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from runner.loading.clear_text import check_clear_text
from runner.loading.cursor import Cursor
from runner.loading.documents import Problems
from runner.loading.nodes import Texts
from runner.loading.playbook import PlaybookTexts
from runner.loading.plays import PlayTexts
from runner.loading.source import Source
from runner.loading.steps import StepTexts
from runner.loading.texts import Written
from runner.location import Location
from runner.model.inventory import Inventory
from runner.model.scope import ALWAYS, PARTS
from runner.model.template import Template, templates_in
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
    tainted: frozenset[str] = frozenset()
    used: set[str] = field(default_factory=set)
    is_complete: bool = True

    def run(self) -> None:
        """Report everything."""
        self.shared = self._variables()
        self.tainted = self._tainted()
        self._check_inputs()
        everywhere = self.shared | self._given_anywhere() | ANYWHERE
        for note in [*self.texts.notes, *self.notes]:
            self._check(note, everywhere)
        given: set[str] = set()
        for play in self.texts.plays:
            self._play(play, given, everywhere)
        if self.is_complete:
            self._unused()
        check_clear_text(self.texts, self.inventory, self.problems)

    def _check_inputs(self) -> None:
        """An input may not hide a variable (E412)."""
        hosts = [self.inventory.controller, *self.inventory.hosts.values()]
        layers = [*self.texts.playbook.layers, *(play.play.vars for play in self.texts.plays)]
        shared = {id(values): values for values in [*(one.vars for one in hosts), *(one.values for one in layers)]}
        variables = set[str]().union(*shared.values())
        for name, one in self.texts.playbook.inputs.items():
            if name in variables:
                message = f'the input "{name}" would hide a variable of that name'
                self.problems.error("E412", message, one.location, "take another name, or -e for the variable itself")

    def _variables(self) -> frozenset[str]:
        """Names of inputs, and of variables of the playbook and of any host."""
        names = {name for layer in self.texts.playbook.layers for name in layer.values}
        names |= self.texts.playbook.inputs.keys()
        hosts = [self.inventory.controller, *self.inventory.hosts.values()]
        shared = {id(host.vars): host.vars for host in hosts}
        return frozenset(names.union(*shared.values()))

    def _given_anywhere(self) -> set[str]:
        """Names that any step registers or sets, and those of all plays' variables."""
        names = {name for play in self.texts.plays for name in play.play.vars.values}
        return names.union(*(given_by(step) for play in self.texts.plays for step in play.steps))

    def _tainted(self) -> frozenset[str]:
        """Variables that hold a secret, directly or through others."""
        layers = [*self.texts.playbook.layers, *(play.play.vars for play in self.texts.plays)]
        uses = {
            name: {mention for template in templates_in(value) for mention in self.templates.mentions(template)}
            for layer in layers
            for name, value in layer.values.items()
        }
        found: set[str] = set()
        while more := {name for name, names in uses.items() if names & {"secrets", *found}} - found:
            found |= more
        return frozenset(found)

    def _play(self, play: PlayTexts, given: set[str], everywhere: frozenset[str]) -> None:
        for note in play.targets:
            self._check(note, self.shared | play.play.vars.values.keys() | {"inputs", "groups"})
        for note in play.notes:
            self._check(note, everywhere)
        variables = self.shared | play.play.vars.values.keys()
        mine: set[str] = set()
        for part in play.parts:
            self._part(part, variables | given | set(ALWAYS), given)
            if isinstance(part, StepTexts):
                self._check_hiding(part, variables, mine)
                given |= given_by(part)
        for check in play.gate:
            self._part(check, variables | given | set(ALWAYS), given)

    def _part(self, part: Texts, known: frozenset[str] | set[str], given: set[str]) -> None:
        if isinstance(part, StepTexts):
            self._step(part, known, given)
            return
        for note in part.notes:
            self._check(note, known)

    def _step(self, step: StepTexts, known: frozenset[str] | set[str], given: set[str]) -> None:
        inside = {*known, "item", "loop"} if step.step.loop is not None else set(known)
        kind = (*step.cursor.path, step.step.kind)
        for note in step.notes:
            over_items = note.cursor.path[: len(kind)] != (*step.cursor.path, "loop")
            self._check(note, inside if over_items else known)
            if note.cursor.path[: len(kind)] == kind:
                self._check_arguments(note, step.step.kind, given)
        for note in step.answers:
            self._check(note, {*inside, "result"}, own=step.step.register)
        self._check_file(step, inside)
        if step.step.when is False:
            place = step.cursor.at("when")
            self.problems.warning("W426", "this step never runs", place.here, "write a condition, or remove the step")

    def _check(self, note: Written, known: Iterable[str], own: str | None = None) -> None:
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
        self._check_members(note)

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

    def _check_members(self, note: Written) -> None:
        """What is asked of the names that are always there, whose parts are known."""
        own = {"groups": frozenset(self.inventory.groups), "inputs": frozenset(self.texts.playbook.inputs)}
        for name, parts in {**PARTS, **own}.items():
            for part in sorted(self.templates.members(note.template, name) - parts):
                offset = note.template.source.find(part, self.templates.place(note.template, name))
                place = self._inside(note, max(offset, 0), len(part))
                self.problems.error("E407", f'"{name}.{part}" is undefined', place, suggest(part, parts))

    def _check_arguments(self, note: Written, kind: str, given: set[str]) -> None:
        """What a host printed in shell text needs quoting; a secret may not stand there, nor in an argument (E415)."""
        if kind not in ARGUMENTS or self.templates.faults(note.template):
            return
        for name in sorted(self.templates.mentions(note.template) & {"secrets", *self.tainted}):
            where = self._inside(note, self.templates.place(note.template, name), len(name))
            message = f"a secret in `{kind}` can be read by every user of the host"
            self.problems.error("E415", message, where, "hand it over with `env` or `stdin`")
        for name in sorted(self.templates.unquoted(note.template) & given) if kind == "shell" else ():
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
        path = Path(self.texts.playbook.folder) / str(source)
        if isinstance(source, Template) or not path.is_file():
            self.is_complete = False
            return
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return
        self._check_text(_shown(path, self.texts), text, {*known, *step.step.params.get("vars", ())})

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
        layers = [layer for layer in self.texts.playbook.layers if layer.origin == "playbook"]
        for layer in [*layers, *(play.play.vars for play in self.texts.plays)]:
            for name in layer.values.keys() - self.used:
                place = layer.locations[name]
                self.problems.warning("W425", f'the variable "{name}" is not used', place, "remove it")


def _shown(path: Path, texts: PlaybookTexts) -> str:
    """A file beside the playbook, named as the playbook is."""
    name = Path(texts.playbook.path).parent / path.relative_to(texts.playbook.folder)
    return str(name)


def set_by(step: StepTexts) -> Iterator[tuple[str, Cursor]]:
    """The names that a ``set`` step gives."""
    if step.step.kind == "set":
        yield from step.cursor.at("set").items()


def given_by(step: StepTexts) -> set[str]:
    """The names that exist once a step has run."""
    return {name for name, _ in set_by(step)} | ({step.step.register} if step.step.register else set())


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
