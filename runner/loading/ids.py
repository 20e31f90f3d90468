"""Ids of steps: given or made, each once in a play.

Plan, journal and messages call a step by its id, so no two may share one: not two sections, not the files that a play
includes. Those of an included file follow the include's own (``common/selinux``).
"""

import re
from collections.abc import Iterable, Iterator

from runner.loading.cursor import Cursor

_NOT_IN_ID = re.compile(r"[^a-z0-9]+")

LISTS = ("block", "rescue", "always")
"""The keys of a block that hold steps."""


def slug(text: str) -> str:
    """Words joined by hyphens: ``restart app`` is ``restart-app``."""
    return _NOT_IN_ID.sub("-", text.lower()).strip("-")


def unique(wanted: str, taken: Iterable[str]) -> str:
    """``wanted``, or with the first free number behind it."""
    others = set(taken)
    number, made = 1, wanted
    while made in others:
        number += 1
        made = f"{wanted}-{number}"
    return made


class Ids:
    """The ids of one play, or of what one include brings. ``taken`` maps each, without ``prefix``, to its place."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.taken: dict[str, Cursor] = {}

    def reserve(self, lists: Iterable[Cursor]) -> None:
        """Take the ids that are written in lists of steps, before any is made. Complains (E412) of the second of two.

        So a made id gives way to a written one, wherever that stands.
        """
        for place in (part.at("id") for each in lists for part in nodes_in(each)):
            if not isinstance(place.data, str):
                continue
            if place.data in self.taken:
                message = f'the id "{place.data}" is taken by the step at {self.taken[place.data].here}'
                place.error("E412", message, "give each step its own id")
            self.taken.setdefault(place.data, place)

    def of(self, cursor: Cursor, kind: str) -> str:
        """The id of a step: its own, else from its name, else its kind; the next ones are ``command-2`` and so on."""
        own = cursor.data.get("id")
        return self.prefix + (own if isinstance(own, str) else self.made(cursor, _named(cursor) or kind))

    def check_free(self, wanted: str, cursor: Cursor) -> None:
        """Complain (E412) where an id that is made of another one is taken. None but such a one has its form."""
        if wanted in self.taken:
            message = f'the id "{wanted}", of an item of this loop, is taken by the step at {self.taken[wanted].here}'
            cursor.error("E412", message, "give the other step another id")

    def made(self, cursor: Cursor, wanted: str) -> str:
        """The first free id, without the prefix, for what stands at a place; it is taken then."""
        made = unique(wanted, self.taken)
        self.taken[made] = cursor
        return made


def _named(cursor: Cursor) -> str:
    name = cursor.data.get("name")
    return slug(name) if isinstance(name, str) else ""


def nodes_in(cursor: Cursor) -> Iterator[Cursor]:
    """Every step that is written in a list, and in the blocks in it."""
    for part in cursor.parts():
        if isinstance(part.data, dict):
            yield part
            for key in LISTS:
                yield from nodes_in(part.at(key))
            yield from nodes_in(part.at("rescue", "steps"))
