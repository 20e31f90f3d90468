"""A saved plan, looked at before it is run: whether it is what it says it is, and whether it still fits what is here.

**A plan that is run is always made here.** A saved plan is never carried out itself, however well it is vouched for.
The files it names are read, and planned with the options it names, and what comes out has to be the same plan to the
byte. So a plan that somebody forged can do nothing but what the files that are here say; and where anything that goes
into it has changed, it is refused.

Who vouches for a plan is decided before anything in it is believed: the seal, made with a key of this account on this
machine, or the SHA-256 of the whole file, given by a person who had it from where the plan was made.
"""

import shlex
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from runner import __version__
from runner.app import finding, plan_file, seal_key, used_plans
from runner.app.local_inputs import hash_now
from runner.app.plans import Planned, make_plan
from runner.app.provenance import user
from runner.app.saving import stamp
from runner.app.settings import SHAPING, Settings, contrary, with_options
from runner.errors import InputError, MismatchError
from runner.loading.files import project_of
from runner.location import Problem
from runner.model.encoding import encode_plan
from runner.model.saved_plan import Parts, SavedPlan, movable, take_apart
from runner.run_folder import RunFolder

OPTIONS: Mapping[str, str] = {
    **{name: f"--{name.replace('_', '-')}" for name in SHAPING},
    "inventory": "-i",
    "sets": "-e",
    "limit": "-l",
    "exclude": "-x",
    "tags": "-t",
    "concurrency": "-j",
}
"""How the options that shape a plan are written."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a saved plan. It can be run where there are no ``problems``.

    ``planned`` is the plan made again from the files that are here, where that was possible, by ``settings``; ``error``
    is why it was not, where nothing has changed.
    """

    parts: Parts
    problems: tuple[Problem, ...]
    settings: Settings
    planned: Planned | None = None
    error: InputError | None = None

    @property
    def head(self) -> SavedPlan:
        """What is said about the plan."""
        return self.parts.head


def chosen(settings: Settings, *, now: datetime) -> tuple[Settings, Planned]:
    """The plan of the playbook that ``settings`` name, or of the saved plan, which then says what the options are.

    Raises InputError for what is wrong with files and options; MismatchError for a saved plan that can't be run.
    """
    if not plan_file.is_saved(settings.playbook):
        if settings.playbook == Path("-"):
            hint = "save it in a file: resume reads it again"
            raise InputError([Problem("E619", "a playbook on standard input can't be run", None, hint)])
        if settings.sha256 is not None:
            raise InputError([Problem("E619", f"--sha256 is for a saved plan; {settings.playbook} is none")])
        return settings, make_plan(settings)
    standing = look_at(settings, now=now)
    if standing.problems:
        raise _refused(settings.playbook, standing.head, standing.problems)
    if standing.planned is None:
        raise standing.error or RuntimeError("a plan without problems was not made")
    return standing.settings, replace(standing.planned, saved=standing.head)


def claim(head: SavedPlan, folder: RunFolder, settings: Settings, *, now: datetime) -> None:
    """Use a saved plan up for the run in ``folder``, which is removed where another run was faster.

    Raises MismatchError then, JournalError where it can't be kept.
    """
    by = f"{user()} on {socket.gethostname()}"
    if not used_plans.claim(head.id, folder.id, by=by, at=stamp(now), runs_dir=settings.runs_dir):
        shutil.rmtree(folder.path, ignore_errors=True)
        raise _refused(Path(settings.plan_file or ""), head, list(_used(head, settings)))


def look_at(settings: Settings, *, now: datetime) -> Standing:
    """All that speaks against running it.

    Raises InputError for what is no saved plan, and options that would change it; MismatchError for one that nobody
    vouches for, or that was changed: nothing more of it is looked at.
    """
    path = settings.playbook
    parts = take_apart(plan_file.read(path), str(path))
    if problem := _stranger(parts, settings.sha256):
        hint = "if you trust it, say which plan you mean: --sha256 SUM, as runner plan -o printed it"
        raise MismatchError(f"nobody vouches for {path}", hint=hint, problems=[problem])
    head = parts.head
    check_options(settings, head)
    wanted = replace(with_options(settings, head.options), playbook=Path(head.playbook), plan_file=path)
    problems = [*_outdated(head, now), *_used(head, settings)]
    try:
        planned, changes = _made_again(parts, wanted)
    except InputError as error:
        return Standing(parts, tuple(problems), wanted, error=error)
    return Standing(parts, (*problems, *changes), wanted, planned)


def check_options(settings: Settings, head: SavedPlan) -> None:
    """Refuse options that would make another plan of it. Raises InputError."""
    given = contrary(settings, head.options)
    if given:
        raise InputError(
            Problem("E619", f"{OPTIONS[name]} would change the saved plan", None, "leave it out, or make a new plan")
            for name in given
        )


def _stranger(parts: Parts, sha256: str | None) -> Problem | None:
    """Why nobody vouches for a plan, if nobody does."""
    head = parts.head
    if sha256 is not None:
        if sha256.lower().removeprefix("sha256:").strip() == parts.sha256:
            return None
        return Problem("E608", f"its SHA-256 is {parts.sha256}, not the one after --sha256")
    if parts.is_sealed_with(seal_key.ours(make=False)):
        return None
    if not parts.seal:
        return Problem("E608", f"{head.user} saved it on {head.host} where no key could be kept, so it has no seal")
    if (head.user, head.host) != (user(), socket.gethostname()):
        return Problem(
            "E608", f"it says that {head.user} made it on {head.host}; this is {user()} on {socket.gethostname()}"
        )
    return Problem("E608", "its seal is not of this account's key: it was made elsewhere, or changed since")


def _outdated(head: SavedPlan, now: datetime) -> Iterator[Problem]:
    if head.tool != __version__:
        yield Problem("E606", f"it was made by runner {head.tool}; this is {__version__}")
    if stamp(now) >= head.expires:
        yield Problem("E610", f"it was good until {head.expires}")


def _used(head: SavedPlan, settings: Settings) -> Iterator[Problem]:
    if found := used_plans.used(head.id, runs_dir=settings.runs_dir):
        folder = RunFolder(finding.root_of(settings.runs_dir) / found.run, found.run)
        hint = f"go on with that run: {finding.command('resume', folder)}" if found.run else ""
        yield Problem("E621", f"it was applied already, {found.words}", None, hint)


def _made_again(parts: Parts, wanted: Settings) -> tuple[Planned | None, list[Problem]]:
    """The plan that the files come to now, and what is other than it was."""
    head = parts.head
    cwd = Path.cwd()
    if not (cwd / wanted.playbook).exists():
        words = f"there is no {wanted.playbook} in {cwd}: this is another project than the plan's"
        return None, [Problem("E609", words, None, f"it was made in {head.cwd}")]
    here = str(project_of((cwd / wanted.playbook).parent, cwd))
    before = {_moved(name, head.project, here): value for name, value in parts.inputs.items()}
    try:
        planned = make_plan(wanted)
    except InputError:
        changes = list(_changes(before, {name: found for name in before if (found := hash_now(name, cwd))}))
        if not changes:
            raise
        return None, changes
    changes = list(_changes(before, planned.plan.inputs))
    if (
        not changes
        and head.tool == __version__
        and movable(parts.plan, head.project) != movable(encode_plan(planned.plan), here)
    ):
        changes = [Problem("E608", "the files that are here come to another plan")]
    return planned, changes


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Problem]:
    for name, value in before.items():
        if name not in now:
            how = "is no longer part of the plan" if Path(name).exists() else "is gone since the plan was made"
            yield Problem("E608", f"{name} {how}")
        elif now[name] != value:
            yield Problem("E608", f"{name} has changed since the plan was made")
    for name in now:
        if name not in before:
            yield Problem("E608", f"{name} is new since the plan was made")


def _refused(path: Path, head: SavedPlan, problems: Sequence[Problem]) -> MismatchError:
    hint = f"make it anew: {command_of(head)} -o {shlex.quote(str(path))}"
    return MismatchError(f"{path} can't be run", hint=hint, problems=problems)


def _moved(name: str, before: str, now: str) -> str:
    """The name of a file outside of the current folder, in a project that lies elsewhere."""
    return f"{now}{name.removeprefix(before)}" if name.startswith(f"{before}/") else name


def command_of(head: SavedPlan) -> str:
    """The command that made a plan, but for its ``-o``."""
    words = ["runner", "plan", head.playbook]
    for name in SHAPING:
        value = getattr(head.options, name)
        if name == "fail_fast":
            words += ["--fail-fast"] if value else []
        elif isinstance(value, tuple):
            words += [word for one in value for word in (OPTIONS[name], one)]
        elif value is not None and name != "seed":
            words += [OPTIONS[name], str(value)]
    return shlex.join(words)
