"""What people are told at a signal by views that else say nothing of what is under way: who is waited for."""

from collections.abc import Callable
from datetime import tzinfo

from runner.model.events import RunStarted, Signalled
from runner.model.plan import Plan
from runner.model.progress import Progress
from runner.model.summary import Summary
from runner.reporting import Record
from runner.reporting.chronicle import Chronicle
from runner.reporting.wording import step_names


class OnSignal:
    """The signal, and each step that is waited for: host, how long, the last line heard.

    ``progress`` has a record folded in before it is seen here. ``is_told`` where another view says what came.
    """

    def __init__(
        self, write: Callable[[str], None], progress: Progress, *, is_told: bool, zone: tzinfo | None = None
    ) -> None:
        self._write = write
        self._progress = progress
        self._is_told = is_told
        self._zone = zone
        self._chronicle = Chronicle({}, "", zone=zone)

    def begin(self, plan: Plan, run: str, folder: str) -> None:
        """Remember what steps are called."""
        self._chronicle = Chronicle(step_names(plan), folder, run=run, zone=self._zone)

    def see(self, record: Record) -> None:
        """Tell of a signal; pass over all else."""
        if isinstance(record.event, Signalled | RunStarted):
            self._chronicle.see(record.event, record.ts)
        if isinstance(record.event, Signalled):
            told = self._chronicle.told()
            lines = [*([] if self._is_told else told), *self._chronicle.waiting(self._progress, record.ts, each=True)]
            self._write("".join(f"{line}\n" for line in lines))

    def tick(self, now: float) -> None:
        """Nothing."""

    def end(self, summary: Summary) -> None:
        """Nothing."""
