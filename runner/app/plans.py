"""A plan out of files and options: what ``plan`` shows and ``run`` carries out."""

import secrets as chance
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from runner.app.local_inputs import hashes_of
from runner.app.loop import raise_file_limit
from runner.app.settings import Settings
from runner.durations import seconds
from runner.errors import InputError
from runner.hostlist import fold
from runner.loading.files import project_of
from runner.loading.project import Loaded, load
from runner.location import Problem
from runner.model.changed import changed
from runner.model.events import PlanReady
from runner.model.plan import Plan
from runner.model.playbook import leaves
from runner.model.saved_plan import SavedPlan
from runner.planning.compile import compile_plan
from runner.planning.local_paths import local_paths
from runner.planning.settings import PlanSettings
from runner.steps import kinds
from runner.words import suggest


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, what it was made from, the seed of every chance in it, and the folder local files must stay within.

    ``max_open`` is how many hosts limits on open files allow at once. ``unhashed`` are the steps, by play and id, of
    which only the run can tell which files they send: these are not among the plan's inputs. ``saved`` is
    what is said about the saved plan that it is.
    """

    plan: Plan
    loaded: Loaded
    seed: int
    project: Path
    max_open: int
    unhashed: tuple[tuple[str, str], ...] = ()
    saved: SavedPlan | None = None


def make_plan(settings: Settings, *, hash_files: bool = True, among: Collection[str] = ()) -> Planned:
    """Load and plan. Raises InputError with every problem.

    Files that steps send are among the plan's inputs, unless ``hash_files`` says that nobody will ask for them.
    ``among`` are the hosts of an older plan of it. Where some are gone, it is made for the rest, whatever ``--limit``
    and ``--exclude`` say: they may name one that is gone.
    """
    loaded = load(settings.playbook, inventories=settings.inventory, sets=settings.sets, cwd=Path.cwd())
    seed = chance.randbelow(1 << 31) if settings.seed is None else settings.seed
    max_open = raise_file_limit()
    there = tuple(name for name in among if loaded.inventory.find(name) is not None)
    is_cut = 0 < len(there) < len(among)
    wanted = PlanSettings(
        limit=(fold(there),) if is_cut else settings.limit,
        exclude=() if is_cut else settings.exclude,
        tags=settings.tags,
        skip_tags=settings.skip_tags,
        start_at=settings.start_at,
        concurrency=settings.concurrency,
        timeout=duration_option("--timeout", settings.timeout),
        seed=seed,
        fail_fast=settings.fail_fast,
        max_open=settings.max_open or max_open,
        extra=loaded.extra,
        given=loaded.given,
    )
    try:
        plan = compile_plan(
            loaded.playbook, loaded.inventory, settings=wanted, templates=loaded.templates, inputs=loaded.hashes
        )
    except InputError as error:
        raise InputError(error.problems, {**loaded.sources, **error.sources}) from None
    check_policy(settings.exit_policy, plan)
    check_files(plan, max_open)
    planned = Planned(plan, loaded, seed, project_of(Path(loaded.playbook.folder), Path.cwd()), max_open)
    return with_files(planned) if hash_files else planned


def with_files(planned: Planned) -> Planned:
    """The same with the files that steps send among the inputs, and the steps of which only the run can tell."""
    plan = planned.plan
    used = {step.kind for play in plan.plays for part in play.sections for step in leaves(part, everything=True)}
    found = local_paths(plan, planned.loaded.templates, {name: kinds()[name].local_files for name in used})
    hashes = hashes_of(found.named, planned.project, Path.cwd())
    return replace(planned, plan=changed(plan, inputs={**plan.inputs, **hashes}), unhashed=found.undecided)


def check_files(plan: Plan, max_open: int) -> None:
    """Refuse a concurrency that limits on open files do not bear. Raises InputError with the numbers."""
    for play in plan.plays:
        if min(play.concurrency, len(play.hosts)) > max_open:
            words = f'play "{play.id}" lets {play.concurrency} hosts work at once; open files allow {max_open}'
            hint = f"raise the limit (ulimit -n), or say --concurrency {max_open}"
            raise InputError([Problem("E619", words, play.location, hint)])


def check_policy(policy: str, plan: Plan) -> None:
    """Refuse an ``--exit-policy`` that names no policy, or a host that is not in the plan. Raises InputError."""
    kind, separator, host = policy.partition("=")
    if not separator and kind in {"any", "all", "worst"}:
        return
    if not separator or kind not in {"main", "main-any"}:
        hint = "write any, all, worst, main=HOST or main-any=HOST"
        raise InputError([Problem("E619", f'--exit-policy: there is no policy "{policy}"', hint=hint)])
    if not any(host in play.hosts for play in plan.plays):
        raise InputError(
            [Problem("E619", f'--exit-policy: no play runs on a host "{host}"', hint=suggest(host, plan.hosts))]
        )


def duration_option(option: str, text: str | None) -> float | None:
    """The seconds of a duration given on the command line. Raises InputError naming the option."""
    if text is None:
        return None
    try:
        return seconds(float(text) if text.replace(".", "", 1).isdigit() else text)
    except ValueError as error:
        raise InputError([Problem("E619", f"{option}: {error}")]) from None


def plan_ready(plan: Plan) -> PlanReady:
    """What will run, as a record."""
    plays = tuple(
        {
            "id": play.id,
            "name": play.name,
            "hosts": len(play.hosts),
            "steps": len(play.counted),
            "waves": [len(wave.hosts) for wave in play.waves],
            "concurrency": play.concurrency,
            "budget": play.budget,
        }
        for play in plan.plays
    )
    hosts = {name for play in plan.plays for name in play.hosts}
    return PlanReady(plays=plays, hosts=len(hosts), total=plan.total, notes=plan.notes)
