"""What is read of a playbook before its plays: variables and inputs, which decide what the rest comes to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runner.home import at_home
from runner.loading import step_language
from runner.loading.cursor import Cursor
from runner.loading.documents import Document, Problems, read_document
from runner.loading.inputs import inputs_of
from runner.loading.names import RESERVED_VARIABLES
from runner.loading.texts import Written, layer_of
from runner.model.inventory import Layer
from runner.model.playbook import Input
from runner.model.template import Value


@dataclass(slots=True)
class Opening:
    """Variables of the whole playbook, lowest precedence first, and its inputs. ``files`` are those of its variables.

    ``notes`` are the templates met so far.
    """

    cursor: Cursor
    files: list[Document] = field(default_factory=list)
    layers: tuple[Layer, ...] = ()
    inputs: Mapping[str, Input] = field(default_factory=dict)
    notes: list[Written] = field(default_factory=list)

    def plays(self) -> Iterator[Cursor]:
        """The plays as they are written: those of a list, or the one that the top is."""
        if "plays" in self.cursor.data:
            yield from self.cursor.at("plays").parts()
        else:
            yield self.cursor

    def vars_of(self, play: Cursor) -> Mapping[str, Value]:
        """The variables that a play has beside the playbook's."""
        return layer_of(play.at("vars"), "play", []).values if play.path else {}


def opening_of(document: Document, problems: Problems, *, cwd: Path) -> Opening:
    """The opening of a document, empty where it is no mapping. Complains of variables and inputs.

    ``cwd`` is what names of files are shown relative to.
    """
    opening = Opening(Cursor(document, problems, document.data if isinstance(document.data, dict) else {}))
    opening.files = _vars_files(opening.cursor, cwd)
    opening.layers = tuple(_layers(opening.cursor, opening.files, opening.notes))
    opening.inputs = inputs_of(opening.cursor.at("inputs"))
    return opening


def check_names(cursor: Cursor) -> None:
    """Complains (E412) of variables that hide a name that is always there."""
    for name, part in cursor.items():
        if name in RESERVED_VARIABLES:
            message = f'"{name}" is always there and can\'t be a variable'
            cursor.problems.error("E412", message, part.key, "take another name")


def _vars_files(cursor: Cursor, cwd: Path) -> list[Document]:
    folder = cursor.document.path.parent
    found = []
    for part in cursor.at("vars_files").parts():
        if isinstance(part.data, str):
            path = folder / at_home(part.data)
            found.append(read_document(path, cursor.problems, what="vars", cwd=cwd))
    return [document for document in found if document is not None]


def _layers(cursor: Cursor, files: list[Document], notes: list[Written]) -> Iterator[Layer]:
    for document in files:
        place = Cursor(document, cursor.problems, document.data)
        if place.fits(step_language.VARS):
            check_names(place)
            yield layer_of(place, f"file {document.name}", notes)
    place = cursor.at("vars")
    if isinstance(place.data, dict):
        check_names(place)
        yield layer_of(place, "playbook", notes)
