"""Files that a playbook includes: where they may lie, and each read once."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from runner.errors import StepError
from runner.loading.cursor import Cursor
from runner.loading.documents import Document, Problems, read_document
from runner.local_files import inside
from runner.location import Location

MOST = 2_000
"""Includes that one playbook may come to, each item of a loop counted."""


def project_of(folder: Path, cwd: Path) -> Path:
    """The folder that local files must stay within.

    The nearest above the playbook with ``.git``, else the current one if it holds the playbook, else the playbook's. In
    a folder that everybody can write, like ``/tmp``, another user's ``.git`` counts for nothing.
    """
    folder = folder.resolve()
    for above in (folder, *folder.parents):
        if _is_root(above):
            return above
    return cwd.resolve() if folder.is_relative_to(cwd.resolve()) else folder


def _is_root(folder: Path) -> bool:
    mark = folder / ".git"
    if not mark.exists():
        return False
    return not folder.stat().st_mode & stat.S_IWOTH or mark.lstat().st_uid in {os.geteuid(), 0}


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain of files that include each other: a file, and where the next one is included in it."""

    path: Path
    here: Location


@dataclass(slots=True)
class Files:
    """The files of a project as they are included. ``cwd`` is what their names are shown relative to."""

    project: Path
    cwd: Path
    problems: Problems
    count: int = 0
    _read: dict[Path, Document | None] = field(default_factory=dict)

    def include(self, place: Cursor, chain: tuple[Link, ...], what: str) -> Document | None:
        """The file that an include names at a place, as a document of its own, or None and a complaint (E410).

        Its path starts at the file it is written in. ``what`` is the word for the file in messages.
        """
        self.count += 1
        if self.count == MOST + 1:
            place.error("E225", f"the playbook comes to more than {MOST} includes, loops counted: the limit")
        path = self._path(place) if self.count <= MOST else None
        if path is None or not _is_new(path, place, chain):
            return None
        if path not in self._read:
            self._read[path] = read_document(path, self.problems, what=what, cwd=self.cwd.resolve())
        found = self._read[path]
        return found.copy() if found else None

    def _path(self, place: Cursor) -> Path | None:
        name = place.data
        if "://" in name or name.startswith(("/", "~")):
            hint = "write its path from this file on, such as common/users.yaml"
            place.error("E410", f'"{name}" can\'t be included: files of the project can', hint)
            return None
        try:
            return inside(self.project, place.document.path.parent, name)
        except StepError as error:
            place.error("E410", error.message, error.hint)
            return None


def _is_new(path: Path, place: Cursor, chain: tuple[Link, ...]) -> bool:
    """Complains of a file that includes itself, by whatever way."""
    passed = [number for number, link in enumerate(chain) if link.path == path]
    if not passed:
        return True
    ring = [*(str(link.here) for link in chain[passed[0] + 1 :]), str(place.here)]
    message = f"{chain[passed[0]].path.name} includes itself: {', then '.join(ring)}"
    place.error("E410", message, "remove one of these includes")
    return False
