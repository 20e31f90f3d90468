"""``--output quiet``: the summary alone."""

from collections.abc import Callable

from runner.model.plan import Plan
from runner.model.summary import Summary
from runner.reporting import Record
from runner.reporting.summary import render
from runner.reporting.wording import Names, step_names


class Quiet:
    """Says nothing until the end."""

    def __init__(self, write: Callable[[str], None], *, color: bool = False) -> None:
        self._write = write
        self._color = color
        self._names: Names = {}

    def begin(self, plan: Plan, run: str, folder: str) -> None:  # noqa: ARG002 - the view's contract
        """Remember what steps are called."""
        self._names = step_names(plan)

    def see(self, record: Record) -> None:
        """Nothing."""

    def tick(self, now: float) -> None:
        """Nothing."""

    def end(self, summary: Summary) -> None:
        """The summary."""
        self._write(render(summary, self._names, color=self._color))
