"""Which plays need which others: as written, else the play before."""

from collections.abc import Mapping, Sequence

from runner.loading.cursor import Cursor
from runner.loading.plays import PlayTexts
from runner.loading.step_values import word_places
from runner.model.changed import changed
from runner.words import suggest


def order_plays(plays: Sequence[PlayTexts]) -> None:
    """Give each play the ids that it needs. Complains (E404) of unknown plays, and of plays that need each other."""
    meant = {word: texts.play.id for texts in reversed(plays) for word in (texts.play.name, texts.play.id)}
    for before, texts in zip([None, *plays], plays, strict=False):
        needs = _needs(texts, before, meant)
        texts.play = changed(texts.play, needs=needs)
    _check_cycles(plays)


def _needs(texts: PlayTexts, before: PlayTexts | None, meant: Mapping[str, str]) -> tuple[str, ...]:
    place = texts.cursor.at("needs")
    if place.data is None:
        return (before.play.id,) if before else ()
    found = [_found(word, texts, meant) for word in word_places(place)]
    return tuple(dict.fromkeys(one for one in found if one))


def _found(word: Cursor, texts: PlayTexts, meant: Mapping[str, str]) -> str:
    wanted = meant.get(word.data, "")
    if not wanted:
        word.error("E404", f'there is no play "{word.data}" to need', suggest(word.data, meant))
    elif wanted == texts.play.id:
        word.error("E404", f'the play "{word.data}" needs itself', "remove it")
        return ""
    return wanted


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
