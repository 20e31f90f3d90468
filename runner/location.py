"""Where something stands in a file, and what is wrong there."""

from typing import Literal

import msgspec


class Location(msgspec.Struct, frozen=True, array_like=True):
    """A place in a source file, as an editor shows it.

    ``line`` and ``column`` count from 1, columns in Unicode characters; ``length`` is how many characters a caret line
    marks (at least 1). It is stored with the plan, so that an event can say ``src: file:line``.
    """

    file: str
    line: int
    column: int = 1
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(msgspec.Struct, frozen=True):
    """One complaint about an input: what is wrong, where, and what to write instead.

    ``code`` is stable (``E401``, ``W102``); ``location`` is None for what stands in no file, such as a command line.
    ``hint`` is without the word "hint".
    """

    code: str
    message: str
    location: Location | None = None
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
