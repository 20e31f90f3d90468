"""What the command line says about a plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from runner.model.template import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """Options, read and checked for their form.

    ``limit`` and ``exclude`` are patterns, ``tags`` and ``skip_tags`` expressions of tags, ``start_at`` names a step.
    ``concurrency`` replaces every play's. ``timeout`` is the limit in seconds of steps that name none (the language's
    is 30 minutes). ``seed`` decides shuffles; None counts as 0. ``fail_fast`` is a budget of 0 and the end of what
    runs. ``max_open`` is how many hosts limits on open files allow at once. ``extra`` are variables and ``given`` the
    values of inputs, both above all others.
    """

    limit: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    start_at: str | None = None
    concurrency: int | Literal["auto"] | None = None
    timeout: float | None = None
    seed: int | None = None
    fail_fast: bool = False
    max_open: int | None = None
    extra: Mapping[str, Value] = field(default_factory=dict)
    given: Mapping[str, Value] = field(default_factory=dict)
