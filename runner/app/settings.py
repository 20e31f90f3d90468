"""What the command line asked for."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from runner.model.plan_options import PlanOptions

SHAPING = tuple(name for name in PlanOptions.__struct_fields__ if name != "max_open")
"""The options that shape the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Options of a run, as typed. Durations are text still; ``plans`` reads them, so that a wrong one has its place.

    ``limit`` and ``exclude`` are patterns, ``@file`` already read. ``output`` None is live on a terminal, else plain.
    ``durability`` ``relaxed`` leaves out the syncs of the journal.
    ``max_open`` is set where a stored plan is made again: how many hosts limits on open files allowed at once then.
    ``sha256`` is the sum of the saved plan that is meant, ``plan_file`` its path once it stands for its playbook.
    """

    playbook: Path
    inventory: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    start_at: str | None = None
    concurrency: int | Literal["auto"] | None = None
    timeout: str | None = None
    connect_timeout: str | None = None
    seed: int | None = None
    fail_fast: bool = False
    exit_policy: str = "any"
    batch: bool = False
    yes: bool = False
    output: str | None = None
    line: str | None = None
    log_format: str | None = None
    log_file: Path | None = None
    log_output: bool = False
    runs_dir: Path | None = None
    durability: Literal["full", "relaxed"] = "full"
    no_color: bool = False
    max_open: int | None = None
    sha256: str | None = None
    plan_file: Path | None = None
    argv: tuple[str, ...] = ()


def absolute(settings: Settings) -> Settings:
    """The same from any folder: paths that whoever looks on has typed start where we are now."""
    runs_dir, log_file = settings.runs_dir, settings.log_file
    return replace(settings, runs_dir=runs_dir and Path.cwd() / runs_dir, log_file=log_file and Path.cwd() / log_file)


def options_of(settings: Settings, *, seed: int, max_open: int) -> PlanOptions:
    """Those that shape the plan, with the seed that was taken and the limit on open files that was found."""
    given = {name: getattr(settings, name) for name in SHAPING}
    return PlanOptions(**{**given, "seed": seed}, max_open=max_open)


def with_options(settings: Settings, options: PlanOptions) -> Settings:
    """The settings with options of a stored plan in place of their own."""
    return replace(settings, **{name: getattr(options, name) for name in SHAPING}, max_open=options.max_open)


def contrary(settings: Settings, options: PlanOptions) -> tuple[str, ...]:
    """The options, by their field, that are given and other than those of a stored plan."""
    nothing = Settings(playbook=settings.playbook)
    return tuple(
        name for name in SHAPING if getattr(settings, name) not in (getattr(nothing, name), getattr(options, name))
    )
