"""What ``runner plan`` shows: a plan made now, or one that was saved, with what is said about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from runner.app import finding, plan_file
from runner.app.saved_plans import command_of, look_at
from runner.app.settings import Settings
from runner.errors import InputError, JournalError
from runner.loading.project import data_of
from runner.location import Location, Problem
from runner.model.encoding import decode_plan
from runner.model.plan import Plan
from runner.model.plan_document import SavedDocument
from runner.model.saved_plan import RUNS_PLAN, SavedPlan, check_shape, stored_kind, take_apart
from runner.templating import Templates


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan to look at. ``templates`` render what is known of it before the run."""

    plan: Plan
    templates: Templates
    saved: SavedDocument | None = None


def stored(settings: Settings, *, now: datetime) -> Shown:
    """A saved plan as it was made, whether it can still be run or not.

    Raises InputError for what is no saved plan, and options that would change it; MismatchError for one that nobody
    vouches for, or that was changed.
    """
    standing = look_at(settings, now=now)
    problems = [_words(problem) for problem in standing.problems or getattr(standing.error, "problems", ())]
    plan = plan_in(standing.parts.plan, settings.playbook)
    return Shown(plan, Templates(yaml_load=data_of), described(standing.head, standing.parts.sha256, problems))


def described(head: SavedPlan, sha256: str, problems: Iterable[str] = (), *, is_sealed: bool = True) -> SavedDocument:
    """What is said about a saved plan, for people and programs."""
    return SavedDocument(
        id=head.id,
        created=head.created,
        expires=head.expires,
        tool=head.tool,
        user=head.user,
        host=head.host,
        cwd=head.cwd,
        command=command_of(head),
        git_commit=head.git_commit,
        git_clean=head.git_clean,
        sha256=sha256,
        is_sealed=is_sealed,
        problems=tuple(problems),
    )


def older(wanted: str, *, runs_dir: Path | None) -> Plan:
    """A plan to compare with: of a file that holds one, else of a run, by its id. It may come from anywhere.

    Raises InputError for what is none, MismatchError for a saved plan that was changed.
    """
    path = Path(wanted)
    if not path.exists() and path.name == wanted:
        path = finding.named(finding.root_of(runs_dir), wanted).path / "plan.json"
    data = plan_file.read(path)
    return plan_in(take_apart(data, str(path)).plan if stored_kind(data) != RUNS_PLAN else data, path)


def plan_in(data: bytes, path: Path) -> Plan:
    """The plan that stands in bytes from a file. Raises InputError for what is none."""
    check_shape(data, str(path))
    try:
        return decode_plan(data)
    except JournalError as error:
        raise InputError([Problem("E601", error.message, Location(str(path), 1))]) from None


def _words(problem: Problem) -> str:
    return f"{problem.location}: {problem.message}" if problem.location else problem.message
