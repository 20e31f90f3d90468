"""The files of an inventory: a file, a list of them, a folder, or a mapping inside a playbook."""

import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.home import at_home
from runner.loading.cursor import Cursor
from runner.loading.documents import Document, Problems, Refusal, Steps, read_document

SUFFIXES = frozenset({".yaml", ".yml"})
"""Files of a folder that are read; the others are left alone."""

Source = str | Path | tuple[Document, Steps]
"""A file, a folder, or a mapping in a document that has been read already."""

_HEAD = 64 * 1024
_BLANK = rb"(?:[ \t]*+(?:[#;][^\n]*+)?+\r?\n)*+"
"""Lines that say nothing. It never goes back, or a file of many would take for ever."""

_SECTION = re.compile(_BLANK + rb"[ \t]*+\[+[A-Za-z0-9_:. -]+\]+[ \t]*+(?:[#;].*)?\r?(?:\n|\Z)")
_JSON_EXTRAS = re.compile(rb"^\s*//|^\s*/\*|,\s*[}\]]", re.MULTILINE)


@dataclass(frozen=True, slots=True, eq=False)
class InventoryFile:
    """One file: where its mapping stands, and the folder where paths in it start."""

    cursor: Cursor
    folder: Path

    @property
    def name(self) -> str:
        """As messages show it."""
        return self.cursor.document.name


def files_of(sources: Source | Sequence[Source], problems: Problems, *, base: Path) -> Iterator[InventoryFile]:
    """Each file that could be read, in order; names of files start at ``base``."""
    for source in sources if isinstance(sources, list) else [sources]:
        if isinstance(source, tuple):
            document, path = source
            yield InventoryFile(_cursor(document, problems).at(*path), document.path.parent)
        elif isinstance(source, str | Path):
            yield from _read(base / at_home(str(source)), problems)


def _read(path: Path, problems: Problems) -> Iterator[InventoryFile]:
    for file in _in_folder(path, problems) if stat.S_ISDIR(_mode(path)) else [path]:
        if document := read_document(file, problems, what="inventory", refused=_foreign):
            yield InventoryFile(_cursor(document, problems), file.parent)


def _mode(path: Path) -> int:
    """What kind of file it is, 0 for one that can't be looked at: reading it says why."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def _in_folder(path: Path, problems: Problems) -> list[Path]:
    files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and not file.name.startswith("."))
    if not files:
        problems.error("E116", f'no inventory file in the folder "{path}"', None, "its files end in .yaml or .yml")
    return files


def _foreign(path: Path, data: bytes) -> Refusal | None:
    """Why a file is refused that is something else than YAML."""
    head = data[:_HEAD]
    if head.startswith(b"#!") or (path.suffix not in {*SUFFIXES, ".json"} and _mode(path) & 0o111):
        hint = "run it yourself, and give its output as YAML"
        return "E508", "this inventory is a program; programs are never run", hint
    if kind := _looks_like(path, head):
        return "E507", f"this looks like {kind}, not like YAML", "write hosts and groups as YAML"
    return None


def _looks_like(path: Path, head: bytes) -> str:
    if path.suffix == ".toml":
        return "TOML"
    if _SECTION.match(head):
        return "INI"
    if (path.suffix == ".json" or head.lstrip()[:2] == b'{"') and _JSON_EXTRAS.search(head):
        return "JSON with comments or with a comma too many"
    return ""


def _cursor(document: Document, problems: Problems) -> Cursor:
    return Cursor(document, problems, document.data)
