"""The names in local template files; what is wrong with a file itself its step kind says."""

import os
from dataclasses import dataclass
from pathlib import Path

from runner.loading.lint.look import Look, Scene
from runner.loading.playbook import PlaybookTexts
from runner.loading.source import Source
from runner.loading.steps import StepTexts
from runner.location import Location
from runner.model.template import Template


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template file of a step: its name in messages, and its text. None where only the run knows what is in it."""

    name: str
    text: str | None


def template_file(step: StepTexts, texts: PlaybookTexts) -> TemplateFile | None:
    """The template file of a step, None where it has none or it can't be read."""
    source = step.step.params.get("src") if step.step.kind == "template" else None
    if source is None:
        return None
    folder = Path(step.step.folder or texts.playbook.folder)
    path = folder / str(source)
    if isinstance(source, Template) or not path.is_file():
        return TemplateFile("", None)
    try:
        return TemplateFile(_shown(path, step), path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None


def look_into(file: TemplateFile, scene: Scene, look: Look) -> None:
    """Look at the file as the template that it is, with the names that its step sees."""
    if file.text is None:
        return
    source = Source(file.name, file.text)
    look.problems.sources.setdefault(file.name, source.lines)
    look.check(Template(file.text, Location(file.name, 1)), source.location, scene)


def _shown(path: Path, step: StepTexts) -> str:
    """A file that a step names, named as the step's own file is."""
    file = step.cursor.document
    return os.path.normpath(Path(file.name).parent / os.path.relpath(path, file.path.parent))
