"""Where a place in shell text stands: whether a value that was quoted for a shell is still one word there.

``'it'"'"'s'`` is one word where the shell looks for words. Between double quotes, backquotes, in a here-document or a
comment, or behind a backslash it is not: what it holds is read as text of the program, or a line end in it ends what it
stands in. POSIX.1-2017, XCU 2.2, 2.3 and 2.7.4.
"""

import re

_READ_AGAIN = re.compile(r"(?:\A|[\s/])(?:eval\s|(?:sh|bash|dash|ksh|zsh)\s+(?:-\S+\s+)*-[a-z]*c\s)")
"""Beginnings of a command that reads its words as shell text once more."""

_HERE = re.compile(r"<<(-?)[ \t]*(\\?[A-Za-z0-9_.]+|'[^'\n]*'|\"[^\"\n]*\")")

_WORDS, _SINGLE, _DOUBLE, _BACK, _SUM, _BRACE, _COMMENT, _ESCAPED = "words", "'", '"', "`", "((", "{", "#", "\\"


class Places:
    """Reads shell text piece by piece. ``takes_words`` says whether a quoted value is one word at the end so far."""

    def __init__(self) -> None:
        self._open = [_WORDS]
        self._here: list[tuple[str, bool]] = []
        self._before = ""
        self._document: tuple[str, bool] | None = None
        self._line = ""
        self._said = ""

    @property
    def takes_words(self) -> bool:
        """Whether what comes next is read as words."""
        is_for_words = self._document is None and self._open[-1] == _WORDS and _BACK not in self._open
        return is_for_words and not _READ_AGAIN.search(self._said)

    def read(self, text: str) -> None:
        """Go on behind this text; a value stands between it and what came before."""
        position = 0
        while position < len(text):
            position = self._within_document(text, position) if self._document else self._step(text, position)

    def value(self) -> None:
        """A value stands here."""
        if self._open[-1] == _ESCAPED:
            self._open.pop()
        self._before = "x"
        self._line += "x"
        self._said += "x"

    def _step(self, text: str, at: int) -> int:
        """Read one piece from ``at`` on; gives the place behind it."""
        here, letter = self._open[-1], text[at]
        before, self._before = self._before, letter
        if here in {_SINGLE, _COMMENT, _ESCAPED}:
            return self._unread(text, at)
        if letter == "\\":
            self._open.append(_ESCAPED)
            return at + 1
        if letter == "`":
            self._toggle(_BACK)
        elif letter == '"':
            self._toggle(_DOUBLE)
        elif letter == "$" or (here == _SUM and letter in "()"):
            return self._dollar(text, at)
        elif here == _BRACE and letter == "}":
            self._open.pop()
        elif here == _BRACE and letter == _SINGLE and self._open[-2] != _DOUBLE:
            self._open.append(_SINGLE)
        elif here in {_WORDS, _BACK}:
            return self._plain(text, at, before)
        return at + 1

    def _unread(self, text: str, at: int) -> int:
        """What means nothing: up to the quote that ends it, the line's end, or a single character."""
        if self._open[-1] == _COMMENT and text[at] != "\n":
            return at + 1
        if self._open[-1] == _SINGLE and text[at] != _SINGLE:
            return at + 1
        is_line_end = self._open.pop() == _COMMENT
        self._before = "x"
        return at if is_line_end else at + 1

    def _toggle(self, mark: str) -> None:
        if self._open[-1] == mark:
            self._open.pop()
        elif mark == _BACK and _BACK in self._open:
            del self._open[self._open.index(_BACK) :]
        else:
            self._open.append(mark)

    def _dollar(self, text: str, at: int) -> int:
        if text[at] != "$":
            return self._sum(text, at)
        for mark, kind in (("$((", _SUM), ("$(", _WORDS), ("${", _BRACE)):
            if text.startswith(mark, at):
                self._open.append(kind)
                self._before = "("
                return at + len(mark)
        return at + 1

    def _sum(self, text: str, at: int) -> int:
        if text.startswith("))", at):
            self._open.pop()
            return at + 2
        return at + 1

    def _plain(self, text: str, at: int, before: str) -> int:
        letter = text[at]
        self._said = "" if letter in "\n;&|(" else self._said + letter
        if letter == _SINGLE:
            self._open.append(_SINGLE)
        elif letter == "(":
            self._open.append(_WORDS)
        elif letter == ")" and len(self._open) > 1 and self._open[-1] == _WORDS:
            self._open.pop()
        elif letter == "#" and (not before or before in " \t\n;&|("):
            self._open.append(_COMMENT)
        elif letter == "<" and (found := _HERE.match(text, at)) and not text.startswith("<<<", at):
            self._here.append((found[2].strip("'\"\\"), bool(found[1])))
            return found.end()
        elif letter == "\n" and self._here:
            self._document, self._line = self._here.pop(0), ""
        return at + 1

    def _within_document(self, text: str, at: int) -> int:
        """Read a line of a here-document; behind its last one, words come again."""
        end = text.find("\n", at)
        if end < 0:
            self._line += text[at:]
            return len(text)
        word, may_be_indented = self._document or ("", False)
        line = self._line + text[at:end]
        self._line = ""
        if (line.lstrip("\t") if may_be_indented else line) == word:
            self._document = self._here.pop(0) if self._here else None
        return end + 1
