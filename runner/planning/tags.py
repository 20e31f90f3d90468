"""Expressions of tags, as ``--tags`` takes them: ``web and not (slow or risky)``, ``a,b``, ``web*``; pure.

A comma is an ``or``. A word with ``*`` or ``?`` stands for every tag that it matches.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from fnmatch import fnmatchcase

_TOKEN = re.compile(r"[(),]|[^\s(),]+")
_DEPTH = 50
"""Parentheses and ``not`` inside each other; more is no expression that a person wrote."""

Tree = tuple[str, "Tree", "Tree"] | tuple[str, "Tree"] | str
"""``("or" | "and", one, other)``, ``("not", one)``, or a tag."""


class TagError(ValueError):
    """Text that is no expression."""


def parsed(text: str) -> Tree:
    """The tree of an expression. Raises TagError."""
    return _Parser(text).whole()


def holds(tree: Tree, tags: Collection[str]) -> bool:
    """Whether an expression holds for something with these tags."""
    match tree:
        case ("or", one, other):
            return holds(one, tags) or holds(other, tags)
        case ("and", one, other):
            return holds(one, tags) and holds(other, tags)
        case ("not", one):
            return not holds(one, tags)
        case str():
            return any(matching(tree, tags))
    raise AssertionError(tree)


def words(tree: Tree, *, asked: bool = True) -> Iterator[tuple[str, bool]]:
    """Every tag in an expression, and whether it is asked for; behind ``not`` it is not."""
    match tree:
        case ("or" | "and", one, other):
            yield from words(one, asked=asked)
            yield from words(other, asked=asked)
        case ("not", one):
            yield from words(one, asked=not asked)
        case str():
            yield tree, asked


def matching(word: str, tags: Iterable[str]) -> Iterator[str]:
    """The tags that a word of an expression stands for."""
    return (tag for tag in tags if tag == word or (("*" in word or "?" in word) and fnmatchcase(tag, word)))


class _Parser:
    """Reads one expression, from left to right; ``not`` binds most, then ``and``, then ``or`` and commas."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._left = _TOKEN.findall(text)[::-1]
        self._depth = 0

    def whole(self) -> Tree:
        tree = self._either()
        if self._left:
            raise TagError(f'"{self._text}" goes on with "{self._left[-1]}" where it should end')
        return tree

    def _either(self) -> Tree:
        tree = self._both()
        while self._takes("or", ","):
            tree = ("or", tree, self._both())
        return tree

    def _both(self) -> Tree:
        tree = self._one()
        while self._takes("and"):
            tree = ("and", tree, self._one())
        return tree

    def _one(self) -> Tree:
        self._depth += 1
        if self._depth > _DEPTH:
            raise TagError(f"more than {_DEPTH} parentheses and nots stand inside each other")
        tree = self._part()
        self._depth -= 1
        return tree

    def _part(self) -> Tree:
        if self._takes("not"):
            return ("not", self._one())
        if self._takes("("):
            tree = self._either()
            if not self._takes(")"):
                raise TagError(f'")" is missing in "{self._text}"')
            return tree
        word = self._left.pop() if self._left else ""
        if word in {"", ")", ",", "and", "or"}:
            where = f'before "{word}" in' if word else "at the end of"
            raise TagError(f'a tag is missing {where} "{self._text}"')
        return str(word)

    def _takes(self, *tokens: str) -> bool:
        if not self._left or self._left[-1] not in tokens:
            return False
        self._left.pop()
        return True
