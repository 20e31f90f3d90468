"""The options of a run that decide what is run, and how, as its first record keeps them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from runner.errors import JournalError
from runner.model.plan_options import PlanOptions


class RunOptions(PlanOptions, frozen=True, omit_defaults=True, kw_only=True):
    """The options that shape the plan, and those that a run has beside them.

    ``masked`` names those of ``sets`` whose values hold a secret and so are not there.
    """

    playbook: str
    masked: tuple[str, ...] = ()
    connect_timeout: str | None = None
    exit_policy: str = "any"

    def as_data(self) -> dict[str, Any]:
        """All of them, as the record has them; what was not given is left out."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data


def options_in(data: Mapping[str, Any]) -> RunOptions:
    """The options in a record. Raises JournalError, as a journal may hold anything."""
    try:
        return msgspec.convert(data, RunOptions)
    except msgspec.ValidationError as error:
        raise JournalError(f"the options of the run are not recorded as they should be: {error}") from None
