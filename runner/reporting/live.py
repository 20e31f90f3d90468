"""``--output live``: a few lines at the bottom of the terminal that show where the run is; what ended scrolls above.

What the lines say is in :mod:`runner.reporting.frame`; here they are drawn. While a person is asked at this terminal,
nothing is redrawn, so that what they type stays where it is; news still scroll by.

**Why not rich.live**: its tables cost 5 ms for 20 rows, and it wants to own standard output and a thread. Going up some
lines and clearing to the end of the screen is all that is needed; rich measures the width of the characters.
"""

from collections.abc import Callable
from datetime import tzinfo

from rich.cells import cell_len, set_cell_size

from runner.model.events import ApprovalWaiting, Signalled
from runner.model.plan import Plan
from runner.model.progress import Progress
from runner.model.summary import Summary
from runner.reporting import Record
from runner.reporting.chronicle import Chronicle
from runner.reporting.escape import visible
from runner.reporting.frame import frame
from runner.reporting.summary import opening, render
from runner.reporting.waits import is_being_asked
from runner.reporting.wording import Names, paint, spoken, step_names

FRAME = 0.25
"""Seconds between two frames, at least."""

_UP, _CLEAR = "\x1b[{}A", "\r\x1b[J"


class Live:
    """The live view. ``size`` gives the terminal's columns and rows, asked anew for each frame.

    ``answers`` says that a person can answer questions at this terminal. ``zone`` is that of the times of the lines
    that scroll by, None the machine's own.

    ``shared`` is the run's own progress, which is folded before a record is seen; without it the view folds one.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        size: Callable[[], tuple[int, int]],
        color: bool = True,
        answers: bool = False,
        zone: tzinfo | None = None,
        shared: Progress | None = None,
    ) -> None:
        self._write = write
        self._size = size
        self._color = color
        self._answers = answers
        self._zone = zone
        self._bakes: dict[str, float] = {}
        self._names: Names = {}
        self._chronicle = Chronicle({}, "", color=color, brief=True, zone=zone)
        self._progress = Progress() if shared is None else shared
        self._folds = shared is None
        self._was_held = False
        self._drawn: list[int] = []  # the width in cells of each line of the frame on the screen
        self._last_frame = float("-inf")

    def begin(self, plan: Plan, run: str, folder: str) -> None:
        """Say what will run; it scrolls by like everything else."""
        self._names = step_names(plan)
        self._bakes = {play.id: play.strategy.bake for play in plan.plays}
        asks = run if self._answers else ""
        self._chronicle = Chronicle(
            self._names, folder, run=asks, talk=spoken(plan), color=self._color, brief=True, zone=self._zone
        )
        self._write(
            "".join(f"{line}\n" for line in [*opening(plan, run, self._progress), f"records in {visible(folder)}"])
        )

    def see(self, record: Record) -> None:
        """Count it; the next frame shows it. An interrupt is told at once, with each host that is waited for."""
        was_held = self._was_held
        if self._folds:
            self._progress.apply(record.event, record.ts)
        self._chronicle.see(record.event, record.ts)
        match record.event:
            case Signalled():
                self._draw(record.ts, self._chronicle.waiting(self._progress, record.ts, each=True))
            case ApprovalWaiting() if self._is_held and not was_held:
                self._take_away(self._chronicle.told())
        self._was_held = self._is_held

    def tick(self, now: float) -> None:
        """Draw a frame, if the last one is long enough ago."""
        if now - self._last_frame >= FRAME - 0.001:  # a timer may come a little early
            self._draw(now, [])

    def end(self, summary: Summary) -> None:
        """Take the frame away and leave the summary."""
        self._take_away([*self._chronicle.told()])
        self._write(render(summary, self._names, color=self._color))

    @property
    def _is_held(self) -> bool:
        """Whether a person may be typing."""
        open_ones = self._progress.questions.values() if self._answers else ()
        return any(is_being_asked(self._progress, question) for question in open_ones)

    def _draw(self, now: float, more: list[str]) -> None:
        self._last_frame = now
        scrolled = [*self._chronicle.told(), *more]
        if self._is_held:
            self._beside_the_question(scrolled, now)
            return
        columns, rows = self._size()
        lines = frame(self._progress, self._names, now, bakes=self._bakes)
        drawn = [_fitted(line, max(columns - 1, 1)) for line in lines[: max(rows - 1, 1)]]
        text = self._erase(columns) + "".join(f"{line}\n" for line in scrolled)
        self._drawn = [cell_len(line) for line in drawn]
        self._write(text + "".join(f"{self._painted(line)}\n" for line in drawn))

    def _take_away(self, lines: list[str]) -> None:
        """Remove the frame, and leave these lines in its place."""
        columns, _ = self._size()
        self._write(self._erase(columns) + "".join(f"{line}\n" for line in lines))
        self._drawn = []

    def _beside_the_question(self, lines: list[str], now: float) -> None:
        """News while a person is asked: below what they see and type, with the question again."""
        if lines:
            again = [line for line in self._chronicle.waiting(self._progress, now) if line not in lines]
            self._write("\n" + "".join(f"{line}\n" for line in [*lines, *again]))

    def _erase(self, columns: int) -> str:
        """Go to the frame's first row; in a terminal made narrower each of its lines takes several rows."""
        rows = sum(max(1, -(-width // max(columns, 1))) for width in self._drawn)
        return (_UP.format(rows) if rows else "") + _CLEAR

    def _painted(self, line: str) -> str:
        word = line.split(" ", 1)[0]
        status = {"failed": "failed", "run": "bold", "asked": "paused"}.get(word)
        return paint(line, status, color=self._color) if status else line


def _fitted(line: str, width: int) -> str:
    """The line in at most that many cells; a tab is as wide as a space."""
    flat = line.replace("\t", " ")[: 4 * width]
    return set_cell_size(flat, width).rstrip() if cell_len(flat) > width else flat
