"""The options of a run that decide what is run, and how, as its first record keeps them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from runner.errors import JournalError


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As they were typed, fields as in the command line's settings; ``seed`` is the one that was drawn, too.

    ``sets`` are the arguments of ``-e``; ``masked`` names those whose values hold a secret and so are not here.
    """

    playbook: str
    inventory: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    start_at: str | None = None
    concurrency: int | str | None = None
    timeout: str | None = None
    connect_timeout: str | None = None
    seed: int | None = None
    fail_fast: bool = False
    exit_policy: str = "any"

    def as_data(self) -> dict[str, Any]:
        """All of them, as the record has them."""
        return msgspec.structs.asdict(self)


def options_in(data: Mapping[str, Any]) -> RunOptions:
    """The options in a record. Raises JournalError, as a journal may hold anything."""
    try:
        return msgspec.convert(data, RunOptions)
    except msgspec.ValidationError as error:
        raise JournalError(f"the options of the run are not recorded as they should be: {error}") from None
