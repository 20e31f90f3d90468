"""What can be said of a playbook before any host is contacted, beyond its form: one module for each idea.

Names that are not there (``scenes``, ``look``, ``hints``, ``files``), hide others (``hiding``), are used by nobody
(``unused``), need themselves (``circles``) or are missing on some hosts (``some_hosts``); secrets and host data in the
wrong place (``arguments``, ``tainting``, ``trusting``, ``clear_text``); steps that never run (``never``), or don't wait
for others (``waits``).
"""

from dataclasses import dataclass, replace

from runner.loading.clear_text import check_clear_text
from runner.loading.documents import Problems
from runner.loading.lint.arguments import check_arguments
from runner.loading.lint.circles import check_circles
from runner.loading.lint.files import TemplateFile, look_into, template_file
from runner.loading.lint.hiding import check_inputs, check_results
from runner.loading.lint.look import Look
from runner.loading.lint.never import check_never
from runner.loading.lint.scenes import Here, Names, Walk, written_in
from runner.loading.lint.some_hosts import SomeHosts, hosts_of
from runner.loading.lint.tainting import Origins
from runner.loading.lint.unused import check_handlers, check_names
from runner.loading.lint.waits import check_once, check_others
from runner.loading.playbook import PlaybookTexts
from runner.loading.plays import PlayTexts
from runner.loading.static import Static
from runner.loading.texts import Written
from runner.model.inventory import Host, Inventory, merged


def lint(texts: PlaybookTexts, inventory: Inventory, notes: list[Written], problems: Problems, static: Static) -> None:
    """Add to ``problems`` what is wrong. ``notes`` are the inventory's templates, ``static`` what is known before."""
    _Lint(texts, inventory, notes, problems, static).run()


@dataclass(slots=True)
class _Lint:
    texts: PlaybookTexts
    inventory: Inventory
    notes: list[Written]
    problems: Problems
    static: Static

    def run(self) -> None:
        """Everything; what nobody uses only where all that could use it has been read."""
        is_whole = not self.problems.has_errors and not self.problems.has_silenced
        look = Look(
            self.static.templates,
            self.problems,
            groups=frozenset(self.inventory.groups),
            secrets=frozenset(self.texts.playbook.secrets),
        )
        lost = frozenset(written_in(self.texts.cursor.data)) if self.problems.has_silenced else frozenset[str]()
        names = Names(self.texts, self.inventory, lost=lost)
        files = self._files()
        for note in self.static.notes:
            look.use(note.template)
        for note in self._playbook_notes():
            look.take(note, names.everywhere)
        origins = Origins(self.texts, self.notes, look.templates)
        for play in self.texts.plays:
            self._play(play, names, look, files, origins)
        check_inputs(self.texts, names, self.problems)
        check_circles(self.texts, self.inventory, self.problems, look.templates)
        check_clear_text(self.texts, self.inventory, self.problems)
        if is_whole and all(file.text is not None for file in files.values()):
            check_names(self.texts, look.used, self.problems)
        if is_whole:
            for play in self.texts.plays:
                check_handlers(play, self.problems)

    def _playbook_notes(self) -> list[Written]:
        origins = {id(play.origin): play.origin for play in self.texts.plays if play.origin}
        others = [note for origin in origins.values() for note in origin.notes]
        return [*self.texts.notes, *others, *self.notes]

    def _files(self) -> dict[int, TemplateFile]:
        """The template files of steps, by the identity of the step's texts."""
        steps = [step for play in self.texts.plays for step in play.steps]
        found = {id(step): template_file(step, self.texts) for step in steps}
        return {key: file for key, file in found.items() if file is not None}

    def _play(
        self, play: PlayTexts, names: Names, look: Look, files: dict[int, TemplateFile], origins: Origins
    ) -> None:
        frames = origins.frames(play)
        hosts = SomeHosts(play.play, self._hosts(play), names.written(play) | self.static.extra.keys())
        for sight in Walk(play, names).sights():
            if isinstance(sight, Here):
                if file := files.get(id(sight.step)):
                    look_into(file, sight.scene, look)
                continue
            look.take(sight.note, sight.scene)
            check_arguments(sight, frames, look)
            hosts.check(sight, names, look)
        check_results(play, names, self.problems)
        check_never(play, self.problems)
        check_once(play, self.problems)
        check_others(play, look)

    def _hosts(self, play: PlayTexts) -> list[Host]:
        static = self.static
        if play.origin:
            static = replace(static, variables=merged(play.origin.layers), given=play.play.given or {})
        return hosts_of(play, self.inventory, static.within(play.play.vars.values))
