"""What a run that is gone on with needs from the files of today, to compare them with the plan that was stored."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from runner.app.local_inputs import hashes_of
from runner.app.plans import Planned
from runner.errors import StepError
from runner.local_files import inside
from runner.location import Location
from runner.model.plan import PlannedPlay
from runner.model.playbook import Step, leaves
from runner.model.template import Template
from runner.planning.finished import Around
from runner.planning.local_paths import NamedPath, PathsOnHosts
from runner.steps import kinds

TEMPLATE = "template"
"""The kind whose local file has names in it."""


def around(planned: Planned, inputs: Mapping[str, str]) -> Around:
    """``planned`` is the plan as it comes to now; ``inputs`` are the hashes of files in the stored one."""
    files = _Files(planned, inputs)
    is_changed = any(inputs.get(name, digest) != digest for name, digest in planned.plan.inputs.items())
    return Around(planned.loaded.templates, files.changed if is_changed else None, files.text)


@dataclass
class _Files:
    planned: Planned
    inputs: Mapping[str, str]
    _paths: PathsOnHosts = field(init=False)
    _changed: dict[NamedPath, bool] = field(default_factory=dict)
    _texts: dict[NamedPath, Template | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plan = self.planned.plan
        params = {name: kinds()[name].local_files for name in _kinds_of(plan.plays)}
        self._paths = PathsOnHosts(plan, self.planned.loaded.templates, params)

    def changed(self, play: PlannedPlay, step: Step, host: str) -> tuple[str, ...]:
        """The files that a step sends to a host and that are not what they were, as the step names them."""
        return tuple(path[1] for path in self._paths.of(play, step, host) if self._is_changed(path))

    def text(self, play: PlannedPlay, step: Step, host: str) -> Template | None:
        """The template file of a step."""
        if step.kind != TEMPLATE:
            return None
        path = next(iter(self._paths.of(play, step, host)), None)
        if path is not None and path not in self._texts:
            self._texts[path] = self._read(path)
        return None if path is None else self._texts[path]

    def _is_changed(self, path: NamedPath) -> bool:
        if path not in self._changed:
            now = hashes_of([path], self.planned.project, Path.cwd())
            self._changed[path] = any(self.inputs.get(name, digest) != digest for name, digest in now.items())
        return self._changed[path]

    def _read(self, path: NamedPath) -> Template | None:
        with suppress(StepError, OSError, UnicodeDecodeError):
            found = inside(self.planned.project, Path(path[0]), path[1])
            return Template(found.read_text(encoding="utf-8"), Location(path[1], 1))
        return None


def _kinds_of(plays: tuple[PlannedPlay, ...]) -> set[str]:
    return {step.kind for play in plays for section in play.sections for step in leaves(section, everything=True)}
