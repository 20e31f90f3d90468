"""Files and options in, Playbook and Inventory out, or one InputError with all that is wrong in all files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.errors import InputError
from runner.home import at_home
from runner.loading.assignments import Assigned, assigned
from runner.loading.cursor import Cursor
from runner.loading.documents import Document, Problems, read_document, read_text
from runner.loading.inputs import inputs_of
from runner.loading.inventory import Source, load_inventory
from runner.loading.lint import lint
from runner.loading.local_sources import check_local_sources
from runner.loading.opening import Opening, opening_of
from runner.loading.playbook import playbook_of
from runner.loading.static import Static, settle_play
from runner.loading.texts import Written
from runner.location import Location, Problem
from runner.model.inventory import Inventory, merged
from runner.model.playbook import Input, Playbook
from runner.model.template import Value
from runner.steps import kinds
from runner.templating import Templates

NO_INVENTORY = "give one with -i, or write inventory: FILE in the playbook"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded. ``warnings`` stop nothing; ``sources`` are the lines of the files they stand in.

    ``hashes`` maps the name of each file that was read to the SHA-256 of its bytes; ``given`` are the values of the
    inputs, defaults too, and ``extra`` the command line's variables. ``templates`` has everything compiled already and
    can be used to render. ``inventories`` are the files and folders that were named.
    """

    playbook: Playbook
    inventory: Inventory
    warnings: tuple[Problem, ...] = ()
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Value] = field(default_factory=dict)
    given: Mapping[str, Value] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    templates: Templates = field(default_factory=Templates)
    inventories: tuple[Path, ...] = ()


def load(
    path: Path, *, inventories: Sequence[str] = (), sets: Sequence[str] = (), cwd: Path, may_miss: bool = False
) -> Loaded:
    """The playbook at ``path`` with its inventory, checked against each other.

    ``inventories`` replace the playbook's own; ``sets`` are the arguments of ``-e``: ``name=value`` or ``@file``. Names
    of files in both start at ``cwd``. Where inputs ``may_miss``, what depends on those without a value is not checked.
    Raises InputError with all problems of all files.
    """
    problems = Problems()
    document = read_document(cwd / path, problems, what="playbook", cwd=cwd)
    if document is None or not isinstance(document.data, dict):
        _only_inventories(inventories, problems, cwd)
        raise _unreadable(document, problems, cwd)
    notes: list[Written] = []
    opening = opening_of(document, problems, cwd=cwd)
    inventory = _inventory(opening, inventories, problems, notes=notes, cwd=cwd)
    values = assigned(sets, opening, inventory, problems, notes=notes, cwd=cwd, may_miss=may_miss)
    templates = Templates(yaml_load=data_of)
    static = _settled(opening, inventory, values, templates)
    texts = playbook_of(document, problems, kinds(), cwd=cwd, opening=opening, static=static)
    if texts is None:
        raise _unreadable(document, problems, cwd)
    lint(texts, inventory, notes, problems, static)
    check_local_sources(texts, kinds(), cwd=cwd)
    problems.raise_if_errors()
    return Loaded(
        playbook=texts.playbook,
        inventory=inventory,
        warnings=problems.in_order(),
        sources=problems.sources,
        hashes=problems.hashes,
        extra=values.extra,
        given=values.given,
        missing=tuple(sorted(values.missing)),
        templates=templates,
        inventories=_paths(document, inventories, cwd),
    )


def declared_inputs(path: Path, *, cwd: Path) -> Mapping[str, Input]:
    """The inputs that the playbook at ``path`` declares; nothing else of it is looked at.

    Raises InputError with what is wrong with them, or with the file.
    """
    problems = Problems()
    document = read_document(cwd / path, problems, what="playbook", cwd=cwd)
    if document is None or not isinstance(document.data, dict):
        raise _unreadable(document, problems, cwd)
    found = inputs_of(Cursor(document, problems, document.data).at("inputs"))
    problems.raise_if_errors()
    return found


def inventory_paths(path: Path, *, inventories: Sequence[str] = (), cwd: Path) -> tuple[Path, ...]:
    """The files and folders of the inventory that ``-i`` or else the playbook at ``path`` names, if any.

    A playbook that holds its inventory itself is one of them. Nothing else of it is looked at. Raises InputError.
    """
    problems = Problems()
    document = None if inventories else read_document(cwd / path, problems, what="playbook", cwd=cwd)
    if not inventories and (document is None or not isinstance(document.data, dict)):
        raise _unreadable(document, problems, cwd)
    return _paths(document, inventories, cwd)


def _paths(document: Document | None, inventories: Sequence[str], cwd: Path) -> tuple[Path, ...]:
    if inventories or document is None:
        return tuple(cwd / at_home(text) for text in inventories)
    own = document.data.get("inventory")
    if isinstance(own, dict):
        return (document.path,)
    return tuple(document.path.parent / at_home(text) for text in _listed(own) if isinstance(text, str))


def _unreadable(document: Document | None, problems: Problems, cwd: Path) -> InputError:
    """What is wrong with a file that is no playbook at all."""
    if document is not None:
        playbook_of(document, problems, kinds(), cwd=cwd)
    return InputError(problems.in_order(), problems.sources)


def _settled(opening: Opening, inventory: Inventory, values: Assigned, templates: Templates) -> Static:
    """What is known before the run; what plays have over it is rendered in the document."""
    static = Static(
        templates=templates,
        variables=merged(opening.layers),
        groups={name: group.hosts for name, group in inventory.groups.items()},
        given=values.given,
        extra=values.extra,
        missing=values.missing,
    )
    for play in opening.plays():
        settle_play(play, static.within(opening.vars_of(play)))
    return static


def _only_inventories(inventories: Sequence[str], problems: Problems, cwd: Path) -> None:
    """What is wrong with the inventories is told although the playbook can't be read."""
    if inventories:
        load_inventory(list(inventories), problems, base=cwd)


def _inventory(
    opening: Opening,
    inventories: Sequence[str],
    problems: Problems,
    *,
    notes: list[Written],
    cwd: Path,
) -> Inventory:
    """The inventory that ``-i`` or else the playbook names."""
    own, document = opening.cursor.at("inventory").data, opening.cursor.document
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
