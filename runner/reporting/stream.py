"""``--output stream``: every line of every host as it comes, ``host | line``, standard error ``host ! line``.

What a step prints that runs on another host for this one stands behind both: ``web1 on lb1 | line``.

A line is shown when its end has come, or the end of its step: lines of several hosts are never mixed. A line of more
than :data:`LONGEST` bytes is shown in pieces of that size, so that output without line ends cannot fill the memory.
"""

import base64
from collections.abc import Callable, Iterator
from datetime import tzinfo
from string import Formatter

from runner.errors import InputError
from runner.location import Problem
from runner.model.events import StepEnded, StepNote, StepOutput, StepRetry, WaveEnded, WaveStarted
from runner.model.plan import Plan, PlannedPlay
from runner.model.state import RunState
from runner.model.summary import Summary
from runner.reporting import Record
from runner.reporting.decisions import Decisions, Told
from runner.reporting.durations import clock
from runner.reporting.escape import visible
from runner.reporting.summary import opening, render
from runner.reporting.wording import Names, step_names

LONGEST = 1024 * 1024
"""Bytes of one line that are kept while its end has not come."""

FIELDS = ("time", "host", "step", "stream", "line")
"""What may stand in braces in a template of ``--line``."""

_MARKS = {"stdout": "|", "stderr": "!"}

_Key = tuple[str, str, str, str, str]  # play, host, step, stream, and the host it runs on where that is another


def check_template(text: str) -> str:
    """The template of ``--line`` as given. Raises InputError for a field that there is not, or braces left open."""
    try:
        fields = [(name, conversion) for _, name, _, conversion in Formatter().parse(text) if name is not None]
        text.format(**dict.fromkeys(FIELDS, ""))
    except (ValueError, KeyError, IndexError, AttributeError, TypeError):
        fields = [("", None)]
    bad = [name for name, conversion in fields if name not in FIELDS or conversion]
    if bad:
        hint = "use " + " ".join(f"{{{field}}}" for field in FIELDS) + ", and {{ }} for braces"
        raise InputError([Problem("E201", f'--line "{text}" cannot be used', hint=hint)])
    return text


class Stream:
    """Lines as they come. ``template`` gives another form than ``host | line``; it must have passed check_template.

    ``say`` takes what is not output of hosts: notes, questions and other decisions, warnings, the summary. It is
    ``write`` where it is None. ``answers`` says that the run waits for answers to its questions.
    ``zone`` is that of the times, None the machine's own. ``before`` is what earlier processes of the run have done.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        say: Callable[[str], None] | None = None,
        template: str | None = None,
        color: bool = False,
        answers: bool = True,
        zone: tzinfo | None = None,
        before: RunState | None = None,
    ) -> None:
        self._before = before
        self._write = write
        self._answers = answers
        self._say = say or write
        self._template = template
        self._color = color
        self._zone = zone
        self._width = 0
        self._names: Names = {}
        self._partial: dict[_Key, bytearray] = {}
        self._last = 0.0
        self._decisions = Decisions({}, "", color=color)

    def begin(self, plan: Plan, run: str, folder: str) -> None:  # noqa: ARG002 - the view's contract
        """Make room for the longest name of a host, and of a host and another for it where steps are delegated."""
        self._names = step_names(plan)
        self._decisions = Decisions(self._names, run if self._answers else "", color=self._color)
        self._width = max((len(name) for play in plan.plays for name in _longest(play)), default=0)
        if self._before is not None and self._before.processes:
            self._say(f"{opening(plan, run, self._before)[0]}\n")

    def see(self, record: Record) -> None:
        """Show the lines that came to their end."""
        event, self._last = record.event, record.ts
        match event:
            case StepOutput():
                self._output(event, record.ts)
            case StepNote():
                self._say(f"{_place(event.host, event.delegate):<{self._width}} : {visible(event.message)}\n")
            case StepEnded() | StepRetry():
                self._rest(event, record.ts)
            case WaveStarted() | WaveEnded():
                self._decisions.words(event)  # so that it knows of how many waves to speak
            case _:
                self._told(self._decisions.words(event))

    def tick(self, now: float) -> None:
        """Nothing: lines are shown as they come."""

    def end(self, summary: Summary) -> None:
        """The lines that never ended, and the summary."""
        for key in list(self._partial):
            self._show_rest(key, self._last)
        self._say(render(summary, self._names, color=self._color))

    def _output(self, event: StepOutput, ts: float) -> None:
        key = (event.play, event.host, event.step, event.stream, event.delegate)
        partial = self._partial.setdefault(key, bytearray())
        partial += _bytes(event)
        *whole, rest = bytes(partial).split(b"\n")
        while len(rest) > LONGEST:
            whole.append(rest[:LONGEST])
            rest = rest[LONGEST:]
        self._show(key, whole, ts)
        partial[:] = rest

    def _told(self, told: Told | None) -> None:
        if told is not None:
            self._say(f"{told.text}\n" + "".join(f"    {line}\n" for line in told.detail))

    def _rest(self, event: StepEnded | StepRetry, ts: float) -> None:
        for stream in _MARKS:
            for delegate in {"", event.delegate}:
                self._show_rest((event.play, event.host, event.step, stream, delegate), ts)

    def _show_rest(self, key: _Key, ts: float) -> None:
        rest = bytes(self._partial.pop(key, b""))
        self._show(key, [rest] if rest else [], ts)

    def _show(self, key: _Key, lines: list[bytes], ts: float) -> None:
        if lines:
            self._write("".join(self._line(key, line, ts) for line in lines))

    def _line(self, key: _Key, raw: bytes, ts: float) -> str:
        play, host, step, stream, delegate = key
        line = visible(raw.removesuffix(b"\r").decode("utf-8", "surrogateescape"))
        if self._template is None:
            return f"{_place(host, delegate):<{self._width}} {_MARKS.get(stream, '|')} {line}\n"
        name = self._names.get((play, step)) or visible(step)
        time = clock(ts, self._zone)
        return self._template.format(time=time, host=visible(host), step=name, stream=stream, line=line) + "\n"


def _place(host: str, delegate: str) -> str:
    return f"{visible(host)} on {visible(delegate)}" if delegate else visible(host)


def _longest(play: PlannedPlay) -> Iterator[str]:
    """What stands before a line at the longest."""
    host = max(map(visible, play.hosts), key=len, default="")
    yield host
    yield from (_place(host, delegate) for delegate in play.delegates)


def _bytes(event: StepOutput) -> bytes:
    if event.encoding == "base64":
        return base64.b64decode(event.text)
    return event.text.encode("utf-8", "surrogateescape")
