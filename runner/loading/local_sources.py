"""Local files that steps name are there before any host is contacted (E413), as far as their names are known.

Why here and not in the step kinds: a kind sees its params, not the folder they start at. It looks again when it runs.
"""

from collections.abc import Iterator
from pathlib import Path

from runner.errors import StepError
from runner.loading.cursor import Cursor
from runner.loading.files import project_of
from runner.loading.playbook import PlaybookTexts
from runner.loading.setting import Kinds
from runner.loading.steps import StepTexts
from runner.local_files import inside


def check_local_sources(texts: PlaybookTexts, kinds: Kinds, *, cwd: Path) -> None:
    """Complain of every named file that is missing, can't be read or lies outside the project."""
    folder = Path(texts.playbook.folder)
    project = project_of(folder, cwd)
    for play in texts.plays:
        for step in play.steps:
            for name, place in _named(step, kinds[step.step.kind].local_files):
                try:
                    path = inside(project, Path(step.step.folder) if step.step.folder else folder, name)
                except StepError as error:
                    place.error("E413", error.message, error.hint)
                else:
                    _check_kind(path, name, place, may_be_folder=step.step.kind == "copy")


def _named(step: StepTexts, params: tuple[str, ...]) -> Iterator[tuple[str, Cursor]]:
    """Paths that are plain text, with where they are written; a template is known at run time only."""
    written = step.cursor.at(step.step.kind)
    for param in params:
        value = step.step.params.get(param)
        place = written.at(param) if isinstance(written.data, dict) else written
        if isinstance(value, str):
            yield value, place
        for index, part in enumerate(value if isinstance(value, list) else ()):
            if isinstance(part, str):
                yield part, place.at(index) if isinstance(place.data, list) else place


def _check_kind(path: Path, name: str, place: Cursor, *, may_be_folder: bool) -> None:
    if path.is_dir():
        if not may_be_folder:
            place.error("E413", f'"{name}" is a folder, expected a file')
    elif not path.is_file():
        place.error("E413", f'"{name}" is no regular file')
    else:
        try:
            path.open("rb").close()
        except OSError as error:
            place.error("E413", f'"{name}" can\'t be read: {error.strerror}')
