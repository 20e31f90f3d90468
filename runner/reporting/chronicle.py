"""Events told as lines, in order: what ``plain`` writes, and what scrolls by above the live view.

Equal news of several hosts that come between two calls of :meth:`Chronicle.told` are one line with the hosts folded.
"""

from collections.abc import Iterator
from datetime import tzinfo

from runner.model.events import (
    BudgetExceeded,
    Event,
    HostEnded,
    HostLost,
    HostStarted,
    Signalled,
    StepEnded,
    StepNote,
    StepRetry,
    Warned,
    WaveEnded,
    WaveStarted,
)
from runner.model.phases import BAD
from runner.model.progress import Progress
from runner.reporting.durations import clock, duration
from runner.reporting.escape import visible
from runner.reporting.wording import Names, counts, hosts, paint

TAIL = 10
"""Lines of output shown with a failure."""

AT_WORK = 5
"""Steps named when it is said what is waited for."""


class Chronicle:
    """Keeps what happened until it is told. ``brief`` leaves out what went as planned on single hosts.

    ``zone`` is that of the times, None the machine's own.
    """

    def __init__(
        self, names: Names, folder: str, *, color: bool = False, brief: bool = False, zone: tzinfo | None = None
    ) -> None:
        self._names = names
        self._folder = visible(folder)
        self._color = color
        self._brief = brief
        self._zone = zone
        self._news: dict[tuple[object, ...], _News] = {}
        self._of_waves: dict[str, int] = {}

    def see(self, event: Event, ts: float) -> None:
        """Take an event of the time ``ts`` (epoch seconds)."""
        match event:
            case StepEnded(item=None):
                self._step_ended(event, ts)
            case StepRetry():
                self._add(ts, self._retry(event), event.host, where=self._place(event.play, event.wave))
            case StepNote() if not self._brief:
                self._add(ts, visible(event.message), event.host, where=self._place(event.play, event.wave))
            case HostStarted() if not self._brief:
                self._add(ts, "host started", event.host, where=self._place(event.play, event.wave))
            case HostEnded():
                self._host_ended(event, ts)
            case _:
                self._rare(event, ts)

    def told(self) -> list[str]:
        """The lines since the last call, and forget them."""
        lines = [line for news in self._news.values() for line in self._lines(news)]
        self._news.clear()
        return lines

    def waiting(self, progress: Progress, now: float) -> list[str]:
        """What is waited for, by whom, for how long, and the last that was heard of it."""
        steps = list(progress.at_work.items())
        lines = [self._waiting(progress, *key, began, now) for key, began in steps[:AT_WORK]]
        if len(steps) > AT_WORK:
            lines.append(self._at(now) + f"  and {len(steps) - AT_WORK} more steps")
        if progress.connecting:
            lines.append(self._at(now) + f"  connecting to {hosts(sorted(progress.connecting))}")
        return lines

    def _waiting(self, progress: Progress, play: str, step: str, began: dict[str, float], now: float) -> str:
        since = now - next(iter(began.values()))
        said = _last_said(progress, play, began)
        line = f"{visible(play)}  waiting for {self._name(play, step)}  {hosts(began)}  {duration(since)}"
        return f"{self._at(now)}  {line}{said}"

    def _step_ended(self, event: StepEnded, ts: float) -> None:
        failed = event.status in BAD
        if self._brief and not failed:
            return
        name = self._name(event.play, event.step)
        status = paint(event.status, event.status, color=self._color)
        text = f"{name}  {status}" + (" (ignored)" if event.ignored else "")
        reason = visible(event.reason)
        detail = tuple(self._detail(event)) if failed else ()
        text += f": {reason}" if reason else ""
        where = self._place(event.play, event.wave)
        news = self._add(ts, text, event.host, where=where, took=event.duration, detail=detail)
        if failed and not news.output:
            news.output = [f"{visible(name)}: {self._folder}/{visible(path)}" for name, path in event.output.items()]

    def _detail(self, event: StepEnded) -> Iterator[str]:
        if event.rc is not None and f"exit status {event.rc}" not in event.reason:
            yield f"exit status {event.rc}" + (f", signal {visible(event.signal)}" if event.signal else "")
        for line in event.tail.splitlines()[-TAIL:]:
            yield "| " + visible(line)

    def _retry(self, event: StepRetry) -> str:
        again = f"attempt {event.attempt} {event.status}: {visible(event.reason)}; again in {duration(event.delay)}"
        return f"{self._name(event.play, event.step)}  {again}"

    def _host_ended(self, event: HostEnded, ts: float) -> None:
        if self._brief and event.status in {"ok", "changed", "not_run"}:
            return
        reason = f": {visible(event.reason)}" if event.reason else ""
        text = "host ended  " + paint(event.status, event.status, color=self._color) + reason
        took = None if event.status == "not_run" else event.duration
        self._add(ts, text, event.host, where=self._place(event.play, event.wave), took=took)

    def _rare(self, event: Event, ts: float) -> None:
        match event:
            case WaveStarted():
                self._of_waves[event.play] = event.of
                where = self._place(event.play, event.wave)
                self._say(ts, f"{where}  started  {hosts(event.hosts)}")
            case WaveEnded():
                where = self._place(event.play, event.wave)
                status = paint(event.status, event.status, color=self._color)
                numbers = counts(event.counts, color=self._color)
                self._say(ts, f"{where}  ended  {status}  {numbers}  {duration(event.duration)}")
            case BudgetExceeded():
                words = f"{event.failures} failures are more than the {event.allowed} allowed: {event.action}"
                self._say(ts, f"{visible(event.play)}  {paint(words, 'failed', color=self._color)}")
            case Signalled():
                self._say(ts, f"signal {visible(event.signal)}: {visible(event.action)}")
            case Warned():
                of = f"{visible(event.host)}: " if event.host else ""
                self._say(ts, f"warning: {of}{visible(event.message)}{_hint(event.hint)}")
            case HostLost():
                self._add(ts, f"{event.cause}: {visible(event.reason)}{_hint(event.hint)}", event.host, where="lost")
            case _:
                pass

    def _place(self, play: str, wave: int) -> str:
        of = self._of_waves.get(play)
        return f"{visible(play)}  wave {wave}" + (f"/{of}" if of else "")

    def _name(self, play: str, step: str) -> str:
        return self._names.get((play, step)) or visible(step)

    def _at(self, ts: float) -> str:
        return clock(ts, self._zone)

    def _say(self, ts: float, text: str) -> None:
        self._news[("once", len(self._news))] = _News(ts, text)

    def _add(
        self, ts: float, text: str, host: str, *, where: str, took: float | None = None, detail: tuple[str, ...] = ()
    ) -> "_News":
        news = self._news.setdefault((where, text, detail), _News(ts, f"{where}  {text}", detail))
        news.hosts.append(host)
        if took is not None:
            news.took.append(took)
        return news

    def _lines(self, news: "_News") -> Iterator[str]:
        yield "  ".join([self._at(news.ts), news.text, *([hosts(news.hosts)] if news.hosts else []), *news.how_long()])
        for line in (*news.detail, *news.output):
            yield f"    {line}"


class _News:
    """Equal news of some hosts, with the time, and the output files, of the first."""

    __slots__ = ("detail", "hosts", "output", "text", "took", "ts")

    def __init__(self, ts: float, text: str, detail: tuple[str, ...] = ()) -> None:
        self.ts = ts
        self.text = text
        self.detail = detail
        self.hosts: list[str] = []
        self.output: list[str] = []
        self.took: list[float] = []

    def how_long(self) -> list[str]:
        """The time it took, of several the longest."""
        if not self.took:
            return []
        longest = duration(max(self.took))
        return [longest if longest == duration(min(self.took)) else f"up to {longest}"]


def _hint(hint: str) -> str:
    return f" (hint: {visible(hint)})" if hint else ""


def _last_said(progress: Progress, play: str, names: dict[str, float]) -> str:
    """The last line heard of the host that is in the step the longest, of those that said anything."""
    for name in names:
        host = progress.host(play, name)
        if host is not None and host.last:
            return f"  {visible(name)} | {visible(host.last)}"
    return ""
