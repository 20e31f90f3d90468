"""Which plays need which others: as written, else the play before, and the last before that which named none."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from runner.loading.cursor import Cursor
from runner.loading.plays import PlayTexts
from runner.loading.step_values import word_places
from runner.model.changed import changed
from runner.words import suggest


@dataclass(slots=True)
class Group:
    """The plays that an include brings, which its ``name`` stands for; ``cursor`` is the include."""

    name: str
    cursor: Cursor
    entries: "list[Entry]"


Entry = PlayTexts | Group
"""What stands in a list of plays."""


def plays_in(entries: Iterable[Entry]) -> Iterator[PlayTexts]:
    """All plays, those that includes bring too, in order."""
    for entry in entries:
        if isinstance(entry, Group):
            yield from plays_in(entry.entries)
        else:
            yield entry


def order_plays(entries: Sequence[Entry]) -> None:
    """Give each play the ids that it needs. Complains (E404) of unknown plays, and of plays that need each other."""
    _order(entries, ())
    _check_cycles(list(plays_in(entries)))


def _order(entries: Sequence[Entry], outer: tuple[str, ...]) -> None:
    """``outer`` is what the first plays of the list need."""
    meant = {word: ids for entry in reversed(entries) for word, ids in _called(entry).items()}
    before: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()  # the last that named none: one that does must not loosen the order of those around it
    for entry in entries:
        needs = _needs(entry, tuple(dict.fromkeys((*chain, *before))), meant) or outer
        if isinstance(entry, Group):
            _order(entry.entries, needs)
        else:
            entry.play = changed(entry.play, needs=needs)
        before = _ids(entry) or before
        chain = chain if _names_needs(entry) else before


def _ids(entry: Entry) -> tuple[str, ...]:
    return tuple(texts.play.id for texts in plays_in([entry]))


def _called(entry: Entry) -> dict[str, tuple[str, ...]]:
    """What ``needs`` may call it, and the ids meant by that."""
    words = [entry.name] if isinstance(entry, Group) else [entry.play.name, entry.play.id]
    return dict.fromkeys(words, _ids(entry))


def _names_needs(entry: Entry) -> bool:
    return entry.cursor.at("needs").data is not None


def _needs(entry: Entry, before: tuple[str, ...], meant: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if not _names_needs(entry):
        return before
    place = entry.cursor.at("needs")
    return tuple(dict.fromkeys(one for word in word_places(place) for one in _found(word, entry, meant)))


def _found(word: Cursor, entry: Entry, meant: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    wanted = meant.get(word.data)
    if wanted is None:
        word.error("E404", f'there is no play "{word.data}" to need', suggest(word.data, meant))
    elif wanted == _ids(entry) and wanted:
        word.error("E404", f'the play "{word.data}" needs itself', "remove it")
        return ()
    return wanted or ()


def _check_cycles(plays: Sequence[PlayTexts]) -> None:
    """Complains once of each ring of plays that wait for each other."""
    left = {texts.play.id: texts for texts in plays}
    while ready := [one for one, texts in left.items() if not any(need in left for need in texts.play.needs)]:
        for one in ready:
            del left[one]
    while left:
        ring = _ring(left)
        steps = " needs ".join(f'"{one}" ({left[one].cursor.here})' for one in ring)
        first = left[ring[0]]
        place = first.cursor.at("needs") if "needs" in first.cursor.data else first.cursor
        hint = "a play without needs needs the one written before it; write needs: [] on one of them"
        place.error("E404", f'these plays wait for each other: {steps} needs "{ring[0]}"', hint)
        for one in ring:
            del left[one]
        left = {one: texts for one, texts in left.items() if any(need in left for need in texts.play.needs)}


def _ring(left: Mapping[str, PlayTexts]) -> list[str]:
    """The ids of plays each of which needs the next, and the last the first."""
    way = [next(iter(left))]
    while True:
        following = next(need for need in left[way[-1]].play.needs if need in left)
        if following in way:
            return way[way.index(following) :]
        way.append(following)
