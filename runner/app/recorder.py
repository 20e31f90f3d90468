"""Where every event of a run goes: first the journal, then what is folded from it, then those who show it."""

from collections.abc import Callable, Iterable, Mapping

from runner.errors import RunnerError
from runner.journal import Journal
from runner.model.changed import changed
from runner.model.events import Event, StepEnded, StepOutput
from runner.model.plan import Plan
from runner.model.progress import Progress
from runner.model.summary import Summary
from runner.redaction import Redactor
from runner.reporting import Record, View


class Recorder:
    """Implements what the engine asks for. A view that fails is dropped; it never stops a run.

    ``dropped`` names those views, but for one whose reader has gone. ``faults`` are events that do not fit together.

    ``log_output`` puts chunks of output into the journal too; without it only the views see them, and only where
    ``wants_output`` says that one of them wants to.
    """

    def __init__(
        self,
        journal: Journal,
        progress: Progress,
        views: Iterable[View],
        *,
        redactor: Redactor,
        log_output: bool,
        wants_output: bool,
    ) -> None:
        self._journal = journal
        self._progress = progress
        self._views = list(views)
        self._redactor = redactor
        self._log_output = log_output
        self.wants_output = log_output or wants_output
        self.faults: list[str] = []
        self.dropped: list[str] = []

    def emit(self, event: Event) -> None:
        """Record it; it rides on the next sync."""
        record = self._record(masked(event, self._redactor) if self._redactor else event)
        try:
            self._progress.apply(record.event, record.ts)
        except RunnerError as error:
            # A summary that is wrong is a fault; ending what runs on hosts for it would be a worse one.
            self.faults.append(error.message)
        self._show(lambda view: view.see(record))

    async def store(self, event: Event) -> None:
        """Record it and return when it is on disk. Raises JournalError."""
        self.emit(event)
        await self._journal.stored()

    def begin(self, plan: Plan, run: str, folder: str) -> None:
        """Let the views say what will run."""
        self._show(lambda view: view.begin(plan, run, folder))

    def tick(self, now: float) -> None:
        """Let the views redraw, and whoever follows the journal see what nobody waits for."""
        self._journal.flush()
        self._show(lambda view: view.tick(now))

    def end(self, summary: Summary) -> None:
        """Let the views say how it ended."""
        self._show(lambda view: view.end(summary))

    def _record(self, event: Event) -> Record:
        if isinstance(event, StepOutput) and not self._log_output:
            return Record(event, self._journal.now(), -1, b"")
        seq, ts, line = self._journal.append(event)
        return Record(event, ts, seq, line)

    def _show(self, call: Callable[[View], None]) -> None:
        for view in tuple(self._views):
            try:
                call(view)
            except Exception as error:  # noqa: BLE001 - what people see must not stop what hosts do
                self._views.remove(view)
                if not isinstance(error, BrokenPipeError):
                    self.dropped.append(f"{type(view).__name__}: {error}")


FREE_TEXT = (
    *("argv", "become", "hint", "inputs", "label", "message", "notes"),
    *("question", "reason", "register", "tail", "values"),
)
"""Fields of events whose text comes from people, hosts or templates. All others are words and names of our own: a
secret that reads like one of them must not change what an event says."""


CUT_OFF: Mapping[str, int] = {"label": 0, "tail": 0, "message": 180, "reason": 180}
"""Fields whose text was cut off where it was longer, perhaps in the middle of a secret; and the least such length."""


STREAMS = ("stdout", "stderr")
"""What of a registered result was cut off where more came than is kept."""


def masked(event: Event, redactor: Redactor) -> Event:
    """The event with every secret in its free text masked.

    Chunks of output are masked already, over their borders, and the summary is made of masked events.
    """
    changes = {name: redactor.data(getattr(event, name)) for name in FREE_TEXT if hasattr(event, name)}
    changes |= {name: redactor.cut(text) for name in CUT_OFF if len(text := getattr(event, name, "")) > CUT_OFF[name]}
    if isinstance(event, StepEnded) and event.truncated and event.register:
        kept = {name: event.register.get(name) for name in STREAMS}
        ends = {name: redactor.cut(text) for name, text in kept.items() if isinstance(text, str)}
        changes["register"] = {**changes["register"], **ends}
    if isinstance(event, StepEnded):
        # Whoever goes on with the run must know that these are not the values that there were.
        changes["masked"] = (changes["register"], changes["values"]) != (event.register, event.values)
    return changed(event, **changes) if changes else event
