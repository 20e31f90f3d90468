"""The step kinds: one file each, listed here, then whatever installed packages add.

A package adds kinds through entry points of the group ``runner.steps``: the name is the word in YAML, the object a
:class:`~runner.step.StepKind` of that name. A plug-in that can't be loaded is an error that names it, because a
playbook would otherwise fail with "unknown key" at a word that is right.

**Why each is imported when it is asked for.** A playbook uses four kinds of fourteen, and importing the others costs
as much processor time as thirty connections.

Why the search by text first: reading entry points costs some 40 ms of processor time, most of it for importing
``importlib.metadata``, and hardly anybody has a plug-in. So it is only done where an installed package says the group.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import RunnerError
from runner.step import StepKind

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "runner.steps"

BUILT_IN: Mapping[str, str] = {
    "command": "command",
    "shell": "shell",
    "script": "script",
    "copy": "copy",
    "template": "template",
    "fetch": "fetch",
    "file": "file",
    "wait_for": "wait_for",
    "http": "http",
    "tcp": "tcp",
    "assert": "assert_",
    "set": "set",
    "log": "log",
    "ping": "ping",
    "pause": "pause",
    "approve": "approve",
    "flush": "flush",
}
"""The module of each word in YAML, in the order in which they are documented."""


class Kinds(Mapping[str, StepKind[Any]]):
    """Step kinds by their word; a built-in one is imported when it is asked for."""

    def __init__(self, modules: Mapping[str, str], added: Mapping[str, StepKind[Any]]) -> None:
        self._modules = modules
        self._loaded = dict(added)
        self._names = (*modules, *added)

    def __getitem__(self, name: str) -> StepKind[Any]:
        if name not in self._loaded:
            self._loaded[name] = import_module(f"runner.steps.{self._modules[name]}").STEP
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@cache
def kinds() -> Mapping[str, StepKind[Any]]:
    """All step kinds by their word in YAML. Raises RunnerError when a plug-in can't be used."""
    return with_plugins(BUILT_IN, plugins(sys.path))


def plugins(search: Iterable[str]) -> Iterable["EntryPoint"]:
    """The entry points of the group, in the packages installed along ``search``."""
    header = f"[{GROUP}]".encode()
    files = (file for folder in search for file in Path(folder).glob("*-info/entry_points.txt"))
    if not any(header in file.read_bytes() for file in files):
        return ()
    from importlib.metadata import entry_points  # noqa: PLC0415 - costs 40 ms, see above

    return entry_points(group=GROUP)


def with_plugins(built_in: Mapping[str, str], points: Iterable["EntryPoint"]) -> Kinds:
    """The built-in kinds and those behind entry points. Raises RunnerError for a plug-in that can't be used."""
    added: dict[str, StepKind[Any]] = {}
    for point in points:
        if point.name in built_in or point.name in added:
            raise RunnerError(f'step kind "{point.name}" is there twice; once from {origin(point)}')
        added[point.name] = loaded(point)
    return Kinds(built_in, added)


def loaded(point: "EntryPoint") -> StepKind[Any]:
    """The kind behind an entry point. Raises RunnerError where there is none."""
    try:
        kind = point.load()
    except Exception as error:  # whatever foreign code raises
        message = f'step kind "{point.name}" from {origin(point)} can\'t be loaded: {type(error).__name__}: {error}'
        raise RunnerError(message, hint="repair or uninstall that package") from error
    if not isinstance(kind, StepKind) or kind.name != point.name:
        raise RunnerError(
            f'{origin(point)} is no StepKind named "{point.name}"', hint="repair or uninstall the package"
        )
    return kind


def origin(point: "EntryPoint") -> str:
    """Where an entry point comes from, as a message shows it."""
    package = f' of package "{point.dist.name}"' if point.dist else ""
    return f'"{point.value}"{package}'
