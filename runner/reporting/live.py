"""``--output live``: a few lines at the bottom of the terminal that show where the run is; what ended scrolls above.

The number of lines is fixed, whatever the number of hosts, and what a frame costs does not grow with the hosts either:
everything in it is counted as events come, and names are folded only for small sets.

**Why not rich.live**: its tables cost 5 ms for 20 rows, and it wants to own standard output and a thread. Going up some
lines and clearing to the end of the screen is all that is needed; rich measures the width of the characters.
"""

from collections.abc import Callable
from datetime import tzinfo

from rich.cells import cell_len, set_cell_size

from runner.model.events import Signalled
from runner.model.plan import Plan
from runner.model.progress import Progress
from runner.model.state import Failure, PlayProgress
from runner.model.summary import Summary
from runner.reporting import Record
from runner.reporting.chronicle import Chronicle
from runner.reporting.durations import duration
from runner.reporting.escape import visible
from runner.reporting.eta import seconds_left
from runner.reporting.summary import opening, render
from runner.reporting.wording import FOLDED, Names, hosts, paint, step_names

FRAME = 0.25
"""Seconds between two frames, at least."""

STEPS = 4
"""Lines for the steps at work."""

FAILED = 2
"""Lines for the hosts that failed last."""

_UP, _CLEAR = "\x1b[{}A", "\r\x1b[J"
_BAR = 24


class Live:
    """The live view. ``size`` gives the terminal's columns and rows, asked anew for each frame.

    ``zone`` is that of the times of the lines that scroll by, None the machine's own.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        size: Callable[[], tuple[int, int]],
        color: bool = True,
        zone: tzinfo | None = None,
    ) -> None:
        self._write = write
        self._size = size
        self._color = color
        self._zone = zone
        self._names: Names = {}
        self._chronicle = Chronicle({}, "", color=color, brief=True, zone=zone)
        self._progress = Progress()
        self._drawn: list[int] = []  # the width in cells of each line of the frame on the screen
        self._last_frame = float("-inf")

    def begin(self, plan: Plan, run: str, folder: str) -> None:
        """Say what will run; it scrolls by like everything else."""
        self._names = step_names(plan)
        self._chronicle = Chronicle(self._names, folder, color=self._color, brief=True, zone=self._zone)
        self._write("".join(f"{line}\n" for line in [*opening(plan, run), f"records in {visible(folder)}"]))

    def see(self, record: Record) -> None:
        """Count it; the next frame shows it. An interrupt is told at once, with all that is waited for."""
        self._progress.apply(record.event, record.ts)
        self._chronicle.see(record.event, record.ts)
        if isinstance(record.event, Signalled):
            self._draw(record.ts, self._chronicle.waiting(self._progress, record.ts))

    def tick(self, now: float) -> None:
        """Draw a frame, if the last one is long enough ago."""
        if now - self._last_frame >= FRAME - 0.001:  # a timer may come a little early
            self._draw(now, [])

    def end(self, summary: Summary) -> None:
        """Take the frame away and leave the summary."""
        columns, _ = self._size()
        scrolled = "".join(f"{line}\n" for line in self._chronicle.told())
        self._write(self._erase(columns) + scrolled + render(summary, self._names, color=self._color))
        self._drawn = []

    def _draw(self, now: float, more: list[str]) -> None:
        self._last_frame = now
        columns, rows = self._size()
        scrolled = [*self._chronicle.told(), *more]
        frame = [_fitted(line, max(columns - 1, 1)) for line in self._frame(now)[: max(rows - 1, 1)]]
        text = self._erase(columns) + "".join(f"{line}\n" for line in scrolled)
        self._drawn = [cell_len(line) for line in frame]
        self._write(text + "".join(f"{self._painted(line)}\n" for line in frame))

    def _erase(self, columns: int) -> str:
        """Go to the frame's first row; in a terminal made narrower each of its lines takes several rows."""
        rows = sum(max(1, -(-width // max(columns, 1))) for width in self._drawn)
        return (_UP.format(rows) if rows else "") + _CLEAR

    def _painted(self, line: str) -> str:
        word = line.split(" ", 1)[0]
        status = {"failed": "failed", "run": "bold"}.get(word)
        return paint(line, status, color=self._color) if status else line

    # what a frame holds: plain text, cut to the width afterwards

    def _frame(self, now: float) -> list[str]:
        progress = self._progress
        play = _current(progress)
        at_work = _slots([self._step(key, began, now) for key, began in self._oldest_steps()], STEPS)
        failed = _slots([self._failure(failure) for failure in self._last_failures()], FAILED)
        return [self._overall(now), _wave(play), _hosts(progress, play), *at_work, self._slowest(now), *failed]

    def _overall(self, now: float) -> str:
        progress = self._progress
        left = seconds_left(progress, now)
        elapsed = duration(now - progress.started_at) if progress.run else duration(0)
        ready = f"{_bar(progress.done + progress.dropped, progress.total)}  {progress.done} of {progress.total} steps"
        return f"run      {ready}  {elapsed} gone" + (
            f", about {duration(left)} left" if left is not None and left >= 1 else ""
        )

    def _oldest_steps(self) -> list[tuple[tuple[str, str], dict[str, float]]]:
        """The steps at work, those first in which a host has been the longest."""
        return sorted(self._progress.at_work.items(), key=lambda item: next(iter(item[1].values())))

    def _step(self, key: tuple[str, str], began: dict[str, float], now: float) -> str:
        since = duration(now - next(iter(began.values())))
        return f"at work  {self._name(key)}  {hosts(began, most=FOLDED)}  {since}"

    def _slowest(self, now: float) -> str:
        steps = self._oldest_steps()
        if not steps:
            return ""
        key, began = steps[0]
        name, since = next(iter(began.items()))
        host = self._progress.host(key[0], name)
        said = f"  | {visible(host.last)}" if host and host.last else ""
        return f"slowest  {visible(name)}  {self._name(key)}  {duration(now - since)}{said}"

    def _last_failures(self) -> list[Failure]:
        return [failure for failure in self._progress.failures[-20:] if not failure.ignored][-FAILED:]

    def _failure(self, failure: Failure) -> str:
        name = f"{self._name((failure.play, failure.step))}: " if failure.step else ""
        line = failure.tail.rstrip().rpartition("\n")[2]
        said = f"  | {visible(line)}" if line else ""
        return f"failed   {visible(failure.host)}  {name}{visible(failure.reason or failure.status)}{said}"

    def _name(self, key: tuple[str, str]) -> str:
        return self._names.get(key) or visible(key[1])


def _current(progress: Progress) -> PlayProgress | None:
    """The play that began last."""
    begun = [play for play in progress.plays.values() if play.waves]
    return begun[-1] if begun else None


def _wave(play: PlayProgress | None) -> str:
    if play is None:
        return "wave"
    index = max(play.waves)
    wave = play.waves[index]
    done = f"{_bar(wave.ended, len(wave.hosts))}  {wave.ended} of {len(wave.hosts)} hosts"
    return f"wave     {done}  {visible(play.id)} {index}/{play.of_waves}"


def _hosts(progress: Progress, play: PlayProgress | None) -> str:
    numbers = dict(play.counts) if play else {}
    waiting = (play.of_hosts if play else 0) - sum(numbers.values()) - progress.active
    numbers |= {"at work": progress.active, "connecting": len(progress.connecting), "waiting": max(waiting, 0)}
    return "hosts    " + "  ".join(f"{name} {number}" for name, number in numbers.items() if number)


def _bar(done: int, total: int) -> str:
    filled = _BAR * done // total if total else 0
    return f"[{'#' * filled}{'-' * (_BAR - filled)}]"


def _slots(lines: list[str], number: int) -> list[str]:
    """Exactly that many lines: the last says how many there was no room for, or is blank."""
    if len(lines) > number:
        return [*lines[: number - 1], f"         and {len(lines) - number + 1} more"]
    return lines + [""] * (number - len(lines))


def _fitted(line: str, width: int) -> str:
    """The line in at most that many cells; a tab is as wide as a space."""
    flat = line.replace("\t", " ")[: 4 * width]
    return set_cell_size(flat, width).rstrip() if cell_len(flat) > width else flat
