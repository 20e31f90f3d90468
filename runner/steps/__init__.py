"""The step kinds: one file each, listed here, then whatever installed packages add.

A package adds kinds through entry points of the group ``runner.steps``: the name is the word in YAML, the object a
:class:`~runner.step.StepKind` of that name. A plug-in that can't be loaded is an error that names it, because a
playbook would otherwise fail with "unknown key" at a word that is right.

Why the search by text first: reading entry points costs some 40 ms of processor time, most of it for importing
``importlib.metadata``, and hardly anybody has a plug-in. So it is only done where an installed package says the group.
"""

import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from runner.errors import RunnerError
from runner.step import StepKind
from runner.steps import assert_, command, copy, fetch, file, http, log, pause, ping, script, shell, template, wait_for
from runner.steps import set as set_

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "runner.steps"

BUILT_IN: tuple[StepKind[Any], ...] = (
    command.STEP,
    shell.STEP,
    script.STEP,
    copy.STEP,
    template.STEP,
    fetch.STEP,
    file.STEP,
    wait_for.STEP,
    http.STEP,
    assert_.STEP,
    set_.STEP,
    log.STEP,
    ping.STEP,
    pause.STEP,
)
"""In the order in which they are documented."""


@cache
def kinds() -> Mapping[str, StepKind[Any]]:
    """All step kinds by their word in YAML. Raises RunnerError when a plug-in can't be used."""
    return MappingProxyType(with_plugins(BUILT_IN, plugins(sys.path)))


def plugins(search: Iterable[str]) -> Iterable["EntryPoint"]:
    """The entry points of the group, in the packages installed along ``search``."""
    header = f"[{GROUP}]".encode()
    files = (file for folder in search for file in Path(folder).glob("*-info/entry_points.txt"))
    if not any(header in file.read_bytes() for file in files):
        return ()
    from importlib.metadata import entry_points  # noqa: PLC0415 - costs 40 ms, see above

    return entry_points(group=GROUP)


def with_plugins(built_in: Iterable[StepKind[Any]], points: Iterable["EntryPoint"]) -> dict[str, StepKind[Any]]:
    """The built-in kinds and those behind entry points. Raises RunnerError for a plug-in that can't be used."""
    found = {kind.name: kind for kind in built_in}
    for point in points:
        if point.name in found:
            raise RunnerError(f'step kind "{point.name}" is there twice; once from {origin(point)}')
        found[point.name] = loaded(point)
    return found


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
