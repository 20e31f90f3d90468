"""Events told as lines, in order: what ``plain`` writes, and what scrolls by above the live view.

Equal news of several hosts that come between two calls of :meth:`Chronicle.told` are one line with the hosts folded,
as far as each host's own news, and what concerns all, stay in their order.
"""

from collections.abc import Container, Iterator
from datetime import tzinfo

from runner.model.events import (
    Decision,
    Event,
    HostEnded,
    HostLost,
    HostStarted,
    StepEnded,
    StepEvent,
    StepNote,
    StepRetry,
)
from runner.model.phases import BAD
from runner.model.progress import Progress
from runner.reporting.decisions import Decisions, hinted
from runner.reporting.durations import clock, duration
from runner.reporting.escape import visible
from runner.reporting.waits import waits
from runner.reporting.wording import Names, hosts, paint, settled, step_name

TAIL = 10
"""Lines of output shown with a failure."""

AS_PLANNED = frozenset({"ok", "changed", "not_run", "rolled_back"})
"""Ends of a host that the brief form leaves out: counts tell them."""


class Chronicle:
    """Keeps what happened until it is told. ``brief`` leaves out what went as planned on single hosts.

    ``talk`` are the steps whose notes are all that they are for: these are told in any case, their good ends in none.
    ``zone`` is that of the times, None the machine's own.
    """

    def __init__(
        self,
        names: Names,
        folder: str,
        *,
        run: str = "",
        talk: Container[tuple[str, str]] = (),
        color: bool = False,
        brief: bool = False,
        zone: tzinfo | None = None,
    ) -> None:
        self._names = names
        self._folder = visible(folder)
        self._talk = talk
        self._color = color
        self._brief = brief
        self._zone = zone
        self._news: list[_News] = []
        self._latest: dict[tuple[object, ...], _News] = {}
        self._heard: dict[str, int] = {}
        self._said = 0
        self._decisions = Decisions(names, run, color=color)

    def see(self, event: Event, ts: float) -> None:
        """Take an event of the time ``ts`` (epoch seconds)."""
        match event:
            case StepEnded(item=None):
                self._step_ended(event, ts)
            case StepRetry():
                self._add(ts, self._retry(event), event.host, where=self._place(event))
            case StepNote() if not self._brief or (event.play, event.step) in self._talk:
                self._add(ts, visible(event.message), event.host, where=self._place(event))
            case HostStarted() if not self._brief:
                again = f" again: {visible(event.section)}" if event.section else ""
                self._add(ts, f"host started{again}", event.host, where=self._place(event))
            case HostEnded():
                self._host_ended(event, ts)
            case Decision():
                words = settled(event)
                self._add(ts, f"{self._name(event)}  {words}", event.host, where=self._place(event))
            case HostLost():
                text = f"{event.cause}: {visible(event.reason)}{hinted(event.hint)}"
                self._add(ts, text, event.host, where="lost")
            case _:
                self._decided(event, ts)

    def told(self) -> list[str]:
        """The lines since the last call, and forget them."""
        lines = [line for news in self._news for line in self._lines(news)]
        self._news.clear()
        self._latest.clear()
        self._heard.clear()
        self._said = 0
        return lines

    def waiting(self, progress: Progress, now: float, *, each: bool = False) -> list[str]:
        """What is waited for, by whom (``each`` by itself), for how long, and the last that was heard of it."""
        lines = waits(progress, self._names, now, answer=self._decisions.answer, each=each)
        return [f"{self._at(now)}  {line}" for line in lines]

    def _step_ended(self, event: StepEnded, ts: float) -> None:
        failed = event.status in BAD
        if (self._brief and not failed) or (event.status == "ok" and (event.play, event.step) in self._talk):
            return
        name = self._name(event)
        late = " (heard late)" if event.late and event.status != "unknown" else ""
        text = f"{name}  {paint(event.status, event.status, color=self._color)}{_taken(event)}{late}"
        reason = visible(event.reason)
        detail = tuple(self._detail(event)) if failed else ()
        text += f": {reason}" if reason else ""
        news = self._add(ts, text, event.host, where=self._place(event), took=event.duration, detail=detail)
        if failed and not news.output:
            news.output = [f"{visible(kind)}: {self._folder}/{visible(path)}" for kind, path in event.output.items()]

    def _detail(self, event: StepEnded) -> Iterator[str]:
        if event.rc is not None and f"exit status {event.rc}" not in event.reason:
            yield f"exit status {event.rc}" + (f", signal {visible(event.signal)}" if event.signal else "")
        for line in event.tail.splitlines()[-TAIL:]:
            yield "| " + visible(line)

    def _retry(self, event: StepRetry) -> str:
        again = f"attempt {event.attempt} {event.status}: {visible(event.reason)}; again in {duration(event.delay)}"
        return f"{self._name(event)}  {again}"

    def _host_ended(self, event: HostEnded, ts: float) -> None:
        if self._brief and event.status in AS_PLANNED:
            return
        reason = f": {visible(event.reason)}" if event.reason else ""
        text = "host ended  " + paint(event.status, event.status, color=self._color) + reason
        is_untried = event.status == "not_run" or (event.status == "unreachable" and not event.duration)
        took = None if is_untried else event.duration
        self._add(ts, text, event.host, where=self._place(event), took=took)

    def _decided(self, event: Event, ts: float) -> None:
        told = self._decisions.words(event)
        if told is not None:
            self._say(ts, told.text, told.detail)

    def _place(self, event: StepEvent | HostStarted | HostEnded) -> str:
        return self._decisions.place(event.play, event.wave)

    def _name(self, event: StepEvent) -> str:
        """The step's name, and the host it ran on where that is another one."""
        on = f" on {visible(event.delegate)}" if event.delegate else ""
        return step_name(self._names, event.play, event.step, event.section) + on

    def _at(self, ts: float) -> str:
        return clock(ts, self._zone)

    def _say(self, ts: float, text: str, detail: tuple[str, ...]) -> None:
        self._news.append(_News(len(self._news), ts, text, detail))
        self._said = len(self._news)

    def _add(
        self, ts: float, text: str, host: str, *, where: str, took: float | None = None, detail: tuple[str, ...] = ()
    ) -> "_News":
        """Add a host to equal news, unless something was heard since that comes before it for this host."""
        news = self._latest.get((where, text, detail))
        if news is None or news.number < max(self._said, self._heard.get(host, 0)):
            news = _News(len(self._news), ts, f"{where}  {text}", detail)
            self._news.append(news)
            self._latest[where, text, detail] = news
        self._heard[host] = news.number
        news.hosts.append(host)
        if took is not None:
            news.took.append(took)
        return news

    def _lines(self, news: "_News") -> Iterator[str]:
        yield "  ".join([self._at(news.ts), news.text, *([hosts(news.hosts)] if news.hosts else []), *news.how_long()])
        for line in (*news.detail, *news.output):
            yield f"    {line}"


class _News:
    """Equal news of some hosts, with the time, and the output files, of the first. ``number`` is their place."""

    __slots__ = ("detail", "hosts", "number", "output", "text", "took", "ts")

    def __init__(self, number: int, ts: float, text: str, detail: tuple[str, ...] = ()) -> None:
        self.number = number
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


def _taken(event: StepEnded) -> str:
    """What became of a failure that stops nothing."""
    return " (ignored)" if event.ignored else " (rescued)" if event.rescued else ""
