"""A run that is over, or on its way, in the few words of a list."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

OVER = frozenset({"ok", "rolled_back", "came_to_nothing"})
"""Statuses with which, by themselves, nothing is left to be done."""


class RunEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run of a list. ``started`` is RFC 3339 in UTC, ``duration`` in seconds, up to now where it is at work.

    ``status`` is that of ``run.ended``, or ``running`` (``pid`` is then its process); ``died`` where it ended without
    saying so, ``came_to_nothing`` where that was before its first record; ``damaged`` where its journal can't be used:
    ``problem`` says why. ``hosts`` are how many have which status, ``of_hosts`` how many it is for. ``go_on`` is what
    to type next.
    """

    run: str
    status: str
    exit: int | None = None
    started: str = ""
    duration: float | None = None
    playbook: str = ""
    name: str = ""
    mode: str = ""
    user: str = ""
    controller: str = ""
    pid: int | None = None
    hosts: Mapping[str, int] = {}
    of_hosts: int | None = None
    problem: str = ""
    go_on: tuple[str, ...] = ()

    @property
    def is_left(self) -> bool:
        """Whether something of it is left to be done, as far as it says."""
        return self.status not in OVER or any(line.startswith("runner resume ") for line in self.go_on)


STATUSES = (
    "ok", "failed", "aborted", "unknown", "rolled_back", "rollback_failed", "paused", "interrupted",
    "running", "died", "came_to_nothing", "damaged",
)  # fmt: skip
"""All that ``status`` may be."""


def as_data(entries: Iterable[RunEntry]) -> list[dict[str, Any]]:
    """The list as plain data; what does not apply is left out."""
    return [msgspec.to_builtins(entry) for entry in entries]
