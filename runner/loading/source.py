"""The text of one file, and how an index in it becomes a line and a column."""

from bisect import bisect_right
from functools import cached_property

from runner.location import Location


class Source:
    """Text of a file under the name that messages show. Lines end with LF or CRLF; other line ends are refused."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines without their ends."""
        return tuple(line.removesuffix("\r") for line in self.text.split("\n"))

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.text.split("\n"):
            starts.append(starts[-1] + len(line) + 1)
        return starts

    def location(self, index: int, length: int = 1) -> Location:
        """The place of ``length`` characters from ``index``, counted from 0; the mark ends with its line."""
        index = min(max(index, 0), len(self.text))
        line = bisect_right(self._starts, index, hi=len(self._starts) - 1)
        column = index - self._starts[line - 1] + 1
        rest = len(self.lines[line - 1]) - column + 1
        return Location(self.name, line, column, max(1, min(length, rest)))
