"""``--output plain``: lines for logs and for terminals that cannot move their cursor."""

from collections.abc import Callable
from datetime import tzinfo

from runner.model.events import ApprovalWaiting, Signalled
from runner.model.plan import Plan
from runner.model.progress import Progress
from runner.model.summary import Summary
from runner.reporting import Record
from runner.reporting.chronicle import Chronicle
from runner.reporting.escape import visible
from runner.reporting.summary import opening, render
from runner.reporting.wording import Names, spoken, step_names

HEARTBEAT = 10.0
"""Seconds after which it is said again what is waited for."""

HELD = 1000
"""Records after which lines are written even though no tick came."""


class Plain:
    """A line per finished step and folded set of hosts, failures with their last lines, a sign of life when it is long.

    Not one escape byte without ``color``. ``answers`` says that the run waits for answers to its questions. ``zone`` is
    that of the times, None the machine's own.

    ``shared`` is the run's own progress, which is folded before a record is seen; without it the view folds one.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        color: bool = False,
        answers: bool = True,
        zone: tzinfo | None = None,
        shared: Progress | None = None,
    ) -> None:
        self._write = write
        self._answers = answers
        self._color = color
        self._zone = zone
        self._names: Names = {}
        self._chronicle = Chronicle({}, "", color=color, zone=zone)
        self._progress = Progress() if shared is None else shared
        self._folds = shared is None
        self._held = 0
        self._beat: float | None = None

    def begin(self, plan: Plan, run: str, folder: str) -> None:
        """Say what will run and where its records are."""
        self._names = step_names(plan)
        asks = run if self._answers else ""
        self._chronicle = Chronicle(
            self._names, folder, run=asks, talk=spoken(plan), color=self._color, zone=self._zone
        )
        self._lines([*opening(plan, run, self._progress), f"records in {visible(folder)}"])

    def see(self, record: Record) -> None:
        """Keep it for the next tick; a question and an interrupt are told at once, this with all that is waited for."""
        if self._folds:
            self._progress.apply(record.event, record.ts)
        self._chronicle.see(record.event, record.ts)
        self._held += 1
        if isinstance(record.event, Signalled):
            waiting = self._chronicle.waiting(self._progress, record.ts, each=True)
            self._lines([*self._chronicle.told(), *waiting])
        elif self._held >= HELD or isinstance(record.event, ApprovalWaiting):
            self._flush()

    def tick(self, now: float) -> None:
        """Write what has come, and every ten seconds what is waited for."""
        self._flush()
        if self._beat is None:
            self._beat = now
        if now - self._beat >= HEARTBEAT:
            self._beat = now
            self._lines(self._chronicle.waiting(self._progress, now))

    def end(self, summary: Summary) -> None:
        """The rest, and the summary."""
        self._flush()
        self._write(render(summary, self._names, color=self._color))

    def _flush(self) -> None:
        self._held = 0
        self._lines(self._chronicle.told())

    def _lines(self, lines: list[str]) -> None:
        if lines:
            self._write("".join(f"{line}\n" for line in lines))
