"""Files and options in, Playbook and Inventory out, or one InputError with all that is wrong in all files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.loading.assignments import extra_variables
from runner.loading.documents import Document, Problems, read_document, read_text
from runner.loading.inventory import Source, load_inventory
from runner.loading.lint import lint
from runner.loading.local_sources import check_local_sources
from runner.loading.playbook import PlaybookTexts, playbook_of
from runner.loading.texts import Written
from runner.location import Location, Problem
from runner.model.inventory import Inventory
from runner.model.playbook import Playbook
from runner.model.template import Value
from runner.steps import kinds
from runner.templating import Templates

NO_INVENTORY = "give one with -i, or write inventory: FILE in the playbook"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded. ``warnings`` stop nothing; ``sources`` are the lines of the files they stand in.

    ``hashes`` maps the name of each file that was read to the SHA-256 of its bytes; ``extra`` are the command line's
    variables. ``templates`` has everything compiled already and can be used to render.
    """

    playbook: Playbook
    inventory: Inventory
    warnings: tuple[Problem, ...] = ()
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Value] = field(default_factory=dict)
    templates: Templates = field(default_factory=Templates)


def load(path: Path, *, inventories: Sequence[str] = (), sets: Sequence[str] = (), cwd: Path) -> Loaded:
    """The playbook at ``path`` with its inventory, checked against each other.

    ``inventories`` replace the playbook's own; ``sets`` are the arguments of ``-e``: ``name=value`` or ``@file``. Names
    of files in both start at ``cwd``. Raises InputError with all problems of all files.
    """
    problems = Problems()
    document = read_document(cwd / path, problems, what="playbook", cwd=cwd)
    texts = playbook_of(document, problems, kinds(), cwd=cwd) if document else None
    if document is None or texts is None:
        _only_inventories(inventories, problems, cwd)
        problems.raise_if_errors()
        raise AssertionError("a playbook that can't be read has a problem")
    notes: list[Written] = []
    inventory = _inventory(texts, document, inventories, problems, notes=notes, cwd=cwd)
    extra = extra_variables(sets, texts, inventory, problems, notes=notes, cwd=cwd)
    templates = Templates(yaml_load=data_of)
    lint(texts, inventory, notes, problems, templates)
    check_local_sources(texts, kinds(), cwd=cwd)
    problems.raise_if_errors()
    return Loaded(
        playbook=texts.playbook,
        inventory=inventory,
        warnings=problems.in_order(),
        sources=problems.sources,
        hashes=problems.hashes,
        extra=extra,
        templates=templates,
    )


def _only_inventories(inventories: Sequence[str], problems: Problems, cwd: Path) -> None:
    """What is wrong with the inventories is told although the playbook can't be read."""
    if inventories:
        load_inventory(list(inventories), problems, base=cwd)


def _inventory(
    texts: PlaybookTexts,
    document: Document,
    inventories: Sequence[str],
    problems: Problems,
    *,
    notes: list[Written],
    cwd: Path,
) -> Inventory:
    """The inventory that ``-i`` or else the playbook names."""
    own = texts.cursor.at("inventory").data
    if inventories:
        return load_inventory(list(inventories), problems, base=cwd, notes=notes)
    if own is None:
        problems.error("E402", "there is no inventory", Location(document.name, 1), NO_INVENTORY)
        return load_inventory([], Problems(), base=cwd)
    sources: list[Source] = [(document, ("inventory",))] if isinstance(own, dict) else _listed(own)
    return load_inventory(sources, problems, base=document.path.parent, notes=notes)


def _listed(own: Any) -> list[Source]:
    listed = own if isinstance(own, list) else [own]
    return [entry for entry in listed if isinstance(entry, str)]


def data_of(text: str) -> Any:
    """YAML text as data, for the filter ``from_yaml``. Raises ValueError, in the words of the first problem."""
    problems = Problems()
    document = read_text(text, "YAML", problems)
    if document is None or problems.has_errors:
        raise ValueError(problems.in_order()[0].message)
    return document.data
