"""``--output json``: the journal's own lines, for scripts."""

from collections.abc import Callable

from runner.model.plan import Plan
from runner.model.summary import Summary
from runner.reporting import Record


class JsonLines:
    """Passes each record's line on, byte for byte; the last one holds the summary."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def begin(self, plan: Plan, run: str, folder: str) -> None:
        """Nothing: the records say it."""

    def see(self, record: Record) -> None:
        """The line, which is ASCII."""
        self._write(record.line.decode("ascii"))

    def tick(self, now: float) -> None:
        """Nothing."""

    def end(self, summary: Summary) -> None:
        """Nothing: ``run.ended`` has it."""
