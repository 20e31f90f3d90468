"""Command text into words, as a shell would split it, refusing all that only a shell can do; pure.

Templates are opaque: ``{{ a b }}`` is part of one word, so a value can never become two words or an operator.
"""

import re

TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\n]+)
  | (?P<template>\{\{ (?: '[^']*' | "[^"]*" | [^}'"] | \}(?!\}) )* \}\} | \{\# .*? \#\})
  | (?P<block>\{%)
  | '(?P<single>[^']*)'
  | "(?P<double>(?: \\. | [^"\\] )*)"
  | \\(?P<escaped>.)
  | (?P<shell>[|<>&;$`*?()\[\]!\#~]) | (?P<open>["'\\])
  | (?P<plain>[^\s|<>&;$`*?()\[\]!\#~"'\\{]+ | \{)
    """,
    re.VERBOSE | re.DOTALL,
)
"""What may stand in command text. Some of the ``shell`` characters are special only in places: see ``is_special``."""

IN_DOUBLE = re.compile(r'\\(["\\$`\n])')


class NotWords(ValueError):  # noqa: N818 - it reads as what it says
    """The text is no plain list of words; the message says why."""


def split(text: str) -> list[str]:
    """The words of ``text``. Raises NotWords at what only a shell understands, or where a quote is left open."""
    words: list[str] = []
    word: str | None = None
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise NotWords(f'"{text[position]}" can\'t stand in a command')
        if match["blank"]:
            words, word = (words, None) if word is None else ([*words, word], None)
        else:
            word = (word or "") + piece(match, is_start=word is None)
        position = match.end()
    if word is not None:
        words.append(word)
    return words


def piece(match: re.Match[str], *, is_start: bool) -> str:
    """What one token adds to its word."""
    kind = match.lastgroup
    found = match[kind] if kind else ""
    if kind == "block":
        raise NotWords('text with "{%" in it can\'t be split into words')
    if kind == "open":
        raise NotWords(f"a {found} is never closed" if found != "\\" else "a backslash ends the text")
    if kind == "shell" and is_special(found, is_start=is_start):
        raise NotWords(f'"{found}" means something to a shell only, and `command` has none')
    if kind == "double":
        return in_double_quotes(found)
    return found


def is_special(character: str, *, is_start: bool) -> bool:
    """Whether a shell would act upon it here: ``~`` and ``#`` at the start of a word alone, ``!`` never in scripts."""
    return character != "!" and (is_start or character not in "~#")


def in_double_quotes(text: str) -> str:
    """Text between double quotes. Raises NotWords where a shell would put in a value."""
    if re.search(r"(?<!\\)(?:\\\\)*[$`]", text):
        raise NotWords('"$" and "`" mean something to a shell only, and `command` has none')
    return IN_DOUBLE.sub(lambda match: match[1].replace("\n", ""), text)
