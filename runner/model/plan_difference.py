"""What ``runner plan --against`` says, for people and scripts: ``--format json`` prints it."""

from typing import Any

import msgspec

from runner.model.plan_document import Document

VERSION = "1.0"
"""A new field is a minor version, a changed one a major version."""


class ChangedSetting(Document, frozen=True, kw_only=True):
    """A setting by its path, such as ``strategy.waves``, and what it was and is."""

    key: str
    old: Any
    new: Any


class ChangedPart(Document, frozen=True, kw_only=True):
    """A step or a host that is in both plans, and the keys in which it differs."""

    name: str
    keys: tuple[str, ...]


class MovedHost(Document, frozen=True, kw_only=True):
    """A host in another wave than before; waves count from 1."""

    host: str
    old: int
    new: int


class Names(Document, frozen=True, kw_only=True):
    """What only the new plan has, and what only the old one had."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class ChangedNames(Names, frozen=True, kw_only=True):
    """The same with the names of what both have and what is not the same."""

    changed: tuple[str, ...] = ()


class ChangedParts(Names, frozen=True, kw_only=True):
    """The same with what has changed in each."""

    changed: tuple[ChangedPart, ...] = ()


class ChangedHosts(Names, frozen=True, kw_only=True):
    """The same with those that are in another wave."""

    moved: tuple[MovedHost, ...] = ()


class DifferingTask(Document, frozen=True, kw_only=True):
    """One step on one host, in a wave of the plan that has it."""

    play: str
    wave: int
    host: str
    step: str


class PlayDifference(Document, frozen=True, kw_only=True):
    """A play that differs. ``status`` is ``added``, ``removed`` or ``changed``.

    ``steps`` are those of all its lists, blocks too; ``keys`` are settings whose values are not told.
    """

    play: str
    status: str
    settings: tuple[ChangedSetting, ...] = ()
    keys: tuple[str, ...] = ()
    hosts: ChangedHosts = ChangedHosts()
    steps: ChangedParts = ChangedParts()


class PlanDifference(Document, frozen=True, kw_only=True):
    """All in which two plans differ; of what is the same nothing is said.

    ``old`` and ``new`` are what they were called. ``added`` and ``removed`` are steps on hosts that only one has.
    ``files`` are those that went into the plans, ``contacts`` the hosts with the way to them and their variables.
    """

    version: str = VERSION
    old: str
    new: str
    is_same: bool
    settings: tuple[ChangedSetting, ...] = ()
    plays: tuple[PlayDifference, ...] = ()
    added: tuple[DifferingTask, ...] = ()
    removed: tuple[DifferingTask, ...] = ()
    contacts: ChangedParts = ChangedParts()
    files: ChangedNames = ChangedNames()


def encode_difference(difference: PlanDifference) -> bytes:
    """As indented JSON, with a line feed at its end."""
    return msgspec.json.format(msgspec.json.encode(difference), indent=2) + b"\n"


def difference_schema() -> dict[str, Any]:
    """What ``runner plan --against OLD --format json`` prints."""
    schema: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(PlanDifference)))
    return schema  # as JSON has it: the default of a list is a list
