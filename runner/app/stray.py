"""Faults that nobody waits for: in a thread, in a callback of the loop, while something is thrown away.

Python would print the whole of them; their messages may hold a host's text, or a secret.
"""

import sys
import threading
import traceback
from typing import Any


def words(error: BaseException | None, where: str) -> str:
    """A fault for standard error: of what kind it is and where in the code, not what its message says."""
    from runner.reporting.escape import tame  # noqa: PLC0415 - only when something is wrong

    kind = type(error).__name__ if error is not None else "nobody knows which"
    trace = "".join(traceback.format_tb(error.__traceback__)) if error is not None else ""
    return tame(f"warning: a fault in runner {where}: {kind}\n{trace}")


def watch() -> None:
    """Print them so from now on, unless somebody else has a use for them already."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = lambda _kind, error, _trace: _print(error, "itself")
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda told: _print(told.exc_value, "in a thread")
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = lambda told: _print(told.exc_value, "while something was thrown away")


def of_loop(_loop: Any, context: dict[str, Any]) -> None:
    """What an event loop calls for an error that nobody has fetched."""
    _print(context.get("exception"), "in the loop")


def _print(error: BaseException | None, where: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(words(error, where))
