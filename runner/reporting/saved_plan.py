"""What is said about a saved plan, as text. Safe to show."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from runner.model.plan_document import SavedDocument
from runner.reporting.escape import visible


def saved_lines(saved: SavedDocument, path: Path) -> Iterator[str]:
    """What a plan that was just saved is called, and how it is run."""
    yield f"saved as {visible(str(path))}: plan {saved.id}, good until {saved.expires}"
    yield f"sha256: {saved.sha256}"
    yield f"run it once: {visible(shlex.join(['runner', 'run', str(path)]))}"
    if not saved.is_sealed:
        yield "it has no seal, as no key can be kept here: it can be run only with --sha256 and the sum above"


def standing_lines(saved: SavedDocument, path: Path) -> Iterator[str]:
    """What a saved plan is, where it is from, and whether it can be run."""
    yield f"saved plan {visible(str(path))}: {saved.id}"
    yield f"  made         {visible(saved.created)} by {visible(saved.user)} on {visible(saved.host)}"
    yield f"  in           {visible(saved.cwd)}{_commit(saved)}, by runner {visible(saved.tool)}"
    yield f"  by           {visible(saved.command)}"
    yield f"  good until   {visible(saved.expires)}"
    yield f"  sha256       {saved.sha256}"
    yield f"  can be run   {'no' if saved.problems else 'yes, once'}"
    yield from (f"               - {visible(problem)}" for problem in saved.problems)


def _commit(saved: SavedDocument) -> str:
    if saved.git_commit is None:
        return ""
    return f", git {visible(saved.git_commit[:12])}{'' if saved.git_clean else ' and changes on top'}"
