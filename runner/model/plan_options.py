"""What the command line said about a plan, as it is stored with the plan: enough to make the same one again."""

from typing import Literal

import msgspec


class PlanOptions(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Options as typed, but ``limit`` and ``exclude`` with each ``@file`` read. None and empty are not given.

    ``seed`` is the one that was taken, given or drawn. ``max_open`` is how many hosts limits on open files allowed at
    once where the plan was made.
    """

    inventory: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    start_at: str | None = None
    concurrency: int | Literal["auto"] | None = None
    timeout: str | None = None
    seed: int | None = None
    fail_fast: bool = False
    max_open: int | None = None
