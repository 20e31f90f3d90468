"""Where a place in shell text stands: whether a value that was quoted for a shell is still one word there.

``'it'"'"'s'`` is one word where the shell looks for words. Between double quotes, backquotes, or in a here-document it
is not: what it holds is read as text of the program. POSIX.1-2017, XCU 2.2 and 2.7.4.
"""

import re

_HERE = re.compile(r"<<(-?)[ \t]*(\\?[A-Za-z0-9_.]+|'[^'\n]*'|\"[^\"\n]*\")")

_WORDS, _SINGLE, _DOUBLE, _BACK, _SUM, _BRACE = "words", "'", '"', "`", "((", "{"


class Places:
    """Reads shell text piece by piece. ``takes_words`` says whether a quoted value is one word at the end so far."""

    def __init__(self) -> None:
        self._open = [_WORDS]
        self._here: list[tuple[str, bool]] = []
        self._before = ""
        self._document: tuple[str, bool] | None = None
        self._line = ""

    @property
    def takes_words(self) -> bool:
        """Whether what comes next is read as words."""
        return self._document is None and self._open[-1] == _WORDS and _BACK not in self._open

    def read(self, text: str) -> None:
        """Go on behind this text; a value stands between it and what came before."""
        position = 0
        while position < len(text):
            position = self._within_document(text, position) if self._document else self._step(text, position)

    def value(self) -> None:
        """A value stands here."""
        self._before = "x"
        self._line += "x"

    def _step(self, text: str, at: int) -> int:
        """Read one piece from ``at`` on; gives the place behind it."""
        here, letter = self._open[-1], text[at]
        before, self._before = self._before, letter
        if here == _SINGLE:
            if letter == _SINGLE:
                self._open.pop()
            return at + 1
        if letter == "\\":
            self._before = "x"
            return at + 2
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
        if letter == _SINGLE:
            self._open.append(_SINGLE)
        elif letter == "(":
            self._open.append(_WORDS)
        elif letter == ")" and len(self._open) > 1 and self._open[-1] == _WORDS:
            self._open.pop()
        elif letter == "#" and (not before or before in " \t\n;&|("):
            end = text.find("\n", at)
            return len(text) if end < 0 else end
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
