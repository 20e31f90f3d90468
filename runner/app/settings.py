"""What the command line asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Options of a run, as typed. Durations are text still; ``plans`` reads them, so that a wrong one has its place.

    ``limit`` and ``exclude`` are patterns, ``@file`` already read. ``output`` None is live on a terminal, else plain.
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
    no_color: bool = False
    argv: tuple[str, ...] = ()
