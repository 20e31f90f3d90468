"""Host patterns: which hosts a text such as ``web:&prod:!web[3-5]`` means; pure.

A pattern is terms joined by ``:`` or ``,`` (or), ``:&`` (and), ``:!`` (but not), read from left to right. A term is a
host, a group, ``all``, ``controller``, a glob over host names, or a range. It knows nothing of inventories, only names,
so that a group's members and a play's hosts are found by the same rules.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import translate

from runner.hostlist import HostListError, expand
from runner.model.inventory import CONTROLLER

ALL = "all"
_SEPARATOR = re.compile(r"\[[^\]]*\]?|([:,]\s*[&!]?)")
_GLOB = re.compile(r"[*?]")


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a pattern: a code, words, and where: ``offset`` in ``text``, ``length`` characters."""

    code: str
    message: str
    text: str
    offset: int
    length: int
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """What a pattern can name: hosts, in order, and the members of each group."""

    hosts: Collection[str]
    groups: Mapping[str, Iterable[str]]


Combine = Callable[[set[str], set[str]], set[str]]
_COMBINE: Mapping[str, Combine] = {"": set.union, "&": set.intersection, "!": set.difference}


def resolve(pattern: str, names: Names) -> tuple[set[str], list[Flaw]]:
    """The hosts a pattern means, in no order, and every flaw in it, one for each bad term."""
    chosen: set[str] = set()
    flaws: list[Flaw] = []
    for index, (offset, operator, term) in enumerate(_terms(pattern)):
        if operator and index == 0:
            flaws.append(_starts_with_operator(pattern, operator))
        try:
            chosen = _COMBINE[operator](chosen, _hosts_of(term, names))
        except _NothingNamedError as error:
            flaws += [Flaw("E405", message, pattern, offset, len(term), hint) for message, hint in error.reasons]
        except HostListError as error:
            code = "E505" if term else "E405"
            flaws.append(Flaw(code, error.message, pattern, offset + error.position, 1, error.hint))
    return chosen, flaws


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word at most two edits away (one, for words of three letters or less), the nearest, the first of equals."""
    limit = 2 if len(word) > 3 else 1
    found = None
    for other in words:
        if abs(len(other) - len(word)) <= limit and (distance := _distance(word, other, limit)) <= limit:
            found, limit = other, distance - 1
    return found


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """A hint with the nearest word, or empty."""
    found = nearest(word, words)
    return f'did you mean "{found}"?' if found else ""


class _NothingNamedError(Exception):
    """Terms that name nothing: a message and a hint for each."""

    def __init__(self, reasons: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self.reasons = tuple(reasons)


def _terms(pattern: str) -> Iterator[tuple[int, str, str]]:
    """Offset, operator (empty for or) and text of each term."""
    start = len(pattern) - len(pattern.lstrip())
    operator = pattern[start : start + 1] if pattern[start : start + 1] in ("&", "!") else ""
    start += len(operator)
    for separator in _SEPARATOR.finditer(pattern):
        if separator[1]:
            yield _stripped(pattern, start, separator.start(), operator)
            operator = separator[1][-1] if separator[1][-1] in "&!" else ""
            start = separator.end()
    yield _stripped(pattern, start, len(pattern), operator)


def _stripped(pattern: str, start: int, end: int, operator: str) -> tuple[int, str, str]:
    term = pattern[start:end]
    return start + len(term) - len(term.lstrip()), operator, term.strip()


def _starts_with_operator(pattern: str, operator: str) -> Flaw:
    message = f'pattern "{pattern}" starts with "{operator}"; there is nothing before it to choose from'
    return Flaw("E405", message, pattern, 0, 1, f'write "all:{pattern.strip()}"')


def _hosts_of(term: str, names: Names) -> set[str]:
    if term == ALL:
        return set(names.hosts)
    if term == CONTROLLER:
        return {CONTROLLER}
    parts = [term] if term in names.hosts else expand(term)
    found: set[str] = set()
    unknown = [part for part in parts if not _add(part, names, found)]
    if len(unknown) == len(parts):
        raise _NothingNamedError([_reason(term, names)])
    return found


def _add(part: str, names: Names, found: set[str]) -> bool:
    """Add the hosts that a term without ranges names; False where it names nothing."""
    if part in names.hosts:
        found.add(part)
    elif part in names.groups:
        found.update(names.groups[part])
    else:
        matching = _matching(part, names.hosts)
        found.update(matching)
        return bool(matching)
    return True


def _matching(part: str, words: Iterable[str]) -> list[str]:
    """The words that a glob matches; none for text that is no glob."""
    if not _GLOB.search(part):
        return []
    return list(filter(re.compile(translate(part.replace("[", "[[]"))).match, words))


def _reason(term: str, names: Names) -> tuple[str, str]:
    if _GLOB.search(term):
        groups = _matching(term, names.groups)
        hint = f'a glob matches host names; name the group: "{groups[0]}"' if groups else ""
        return f'no host matches "{term}"', hint
    if "[" in term:
        return f'no host of "{term}" is in the inventory', ""
    return f'no host or group is called "{term}"', did_you_mean(term, [*names.groups, *names.hosts, ALL, CONTROLLER])


def _distance(one: str, two: str, limit: int) -> int:
    """Edits, swaps of neighbours too, that turn one word into the other; a number over ``limit`` for more of them."""
    earlier: list[int] = []
    above: list[int] = []
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        earlier, above, row = above, row, [i]
        for j, b in enumerate(two, 1):
            edits = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            swapped = i > 1 and j > 1 and a == two[j - 2] and b == one[i - 2]
            row.append(min(edits, earlier[j - 2] + 1) if swapped else edits)
        if min(row) > limit:
            return limit + 1
    return row[-1]
