"""The parts of the summary that say what went wrong, what did not happen, and what took long."""

from collections.abc import Iterable, Iterator

from runner.model.account import Denial, FailureGroup, OpenQuestion, Summary
from runner.reporting.durations import duration
from runner.reporting.escape import visible
from runner.reporting.wording import Names, count, hosts, paint, settled, step_name

TAIL = 10
"""Lines of output shown with a failure."""


class Parts:
    """The lines of each part of one summary. ``names`` gives steps' names by play and id."""

    def __init__(self, summary: Summary, names: Names, *, color: bool) -> None:
        self._summary = summary
        self._names = names
        self._color = color

    def titled(self) -> Iterator[tuple[str, Iterable[str]]]:
        """Each part with its title, the worst first; one without lines is not shown."""
        told = self._summary
        yield "failures", self._failures(told.failures)
        yield "gate failures", self._gates()
        yield "rollback failures", self._failures(told.rollback_failures)
        yield "rescued failures", self._failures(told.rescued)
        yield "ignored failures", self._failures(told.ignored)
        yield "denied", self._denied()
        yield "not finished", self._unfinished()
        kept = ", kept for a resume" if any(words.startswith("runner resume ") for words in told.go_on) else ""
        yield f"handlers that did not run{kept}", self._handlers()
        yield "slowest steps", self._slowest_steps()
        yield "slowest hosts", self._slowest_hosts()
        yield "settled", self._settled()
        if told.flags.paused and not told.flags.interrupted:
            yield "waiting for a person", self._questions()
        yield "to decide, as nobody knows how they ended", self._unknown()

    def _failures(self, groups: tuple[FailureGroup, ...]) -> Iterator[str]:
        for group in groups:
            yield from self._failure(group)

    def _failure(self, group: FailureGroup) -> Iterator[str]:
        on = f" on {visible(group.delegate)}" if group.delegate else ""
        what = f"{self._step(group.play, group.step, group.section)}{on}  " if group.step else ""
        where = f" ({visible(group.src)})" if group.src else ""
        reason = f": {visible(group.reason)}" if group.reason else ""
        status = paint(group.status, group.status, color=self._color)
        yield f"{hosts(group.hosts)}  {what}{status}{reason}{where}"
        several = len(group.hosts) > 1 and (group.tail or group.output)
        if several:
            yield f"    of {visible(group.hosts[0])}:"
        yield from (f"    | {visible(line)}" for line in group.tail.splitlines()[-TAIL:])
        folder = f"{visible(self._summary.folder)}/" if self._summary.folder else ""
        yield from (f"    {visible(stream)}: {folder}{visible(path)}" for stream, path in group.output.items())

    def _gates(self) -> Iterator[str]:
        for group in (group for play in self._summary.plays for group in play.gates):
            where = f" ({visible(group.src)})" if group.src else ""
            reason = f": {visible(group.reason)}" if group.reason else ""
            verdict = paint(group.verdict, "gate_failed", color=self._color)
            yield f"{hosts(group.hosts)}  {visible(group.check)}  {verdict}{reason}{where}"

    def _denied(self) -> Iterator[str]:
        for no in self._summary.denied:
            yield f"{self._asked(no)}  by {visible(no.by)} ({visible(no.how)})"

    def _questions(self) -> Iterator[str]:
        for asked in self._summary.questions:
            yield f"{self._asked(asked)}  {visible(asked.question)}"

    def _asked(self, about: OpenQuestion | Denial) -> str:
        step = f"  {self._step(about.play, about.step)}" if about.step else ""
        of = f"  {visible(about.host)}" if about.host else ""
        return f"{visible(about.play)}  wave {about.wave}{step}{of}"

    def _settled(self) -> Iterator[str]:
        for group in self._summary.settled:
            step = self._step(group.play, group.step, group.section)
            yield f"{hosts(group.hosts)}  {step}  {settled(group)}"

    def _unknown(self) -> Iterator[str]:
        for group in self._summary.unknown:
            on = f" on {visible(group.delegate)}" if group.delegate else ""
            began = f"  began {visible(group.began[:19])}Z" if group.began else ""
            step = self._step(group.play, group.step, group.section)
            yield f"{hosts(group.hosts)}  {step}{on}{began}"
            yield from (f"    {visible(command)}" for command in group.commands)
            if len(group.hosts) > 1 and group.commands:
                yield f"    likewise for {count(len(group.hosts) - 1, 'other host')}: {hosts(group.hosts[1:])}"

    def _handlers(self) -> Iterator[str]:
        for group in self._summary.handlers:
            handler = self._step(group.play, group.handler, "handlers")
            yield f"{hosts(group.hosts)}  {handler}: {visible(group.reason)}"

    def _unfinished(self) -> Iterator[str]:
        for group in self._summary.unfinished:
            reason = f": {visible(group.reason)}" if group.reason else ""
            status = paint(group.status, group.status, color=self._color)
            yield f"{hosts(group.hosts)}  {status} in play {visible(group.play)}{reason}"

    def _slowest_steps(self) -> Iterator[str]:
        for slow in self._summary.slowest_steps:
            over = count(slow.count, "host" if slow.hosts == slow.count else "end")
            mean = f", {duration(slow.mean)} on average over {over}" if slow.count > 1 else ""
            yield f"{duration(slow.longest)}  {self._step(slow.play, slow.step)}  {visible(slow.host)}{mean}"

    def _slowest_hosts(self) -> Iterator[str]:
        for slow in self._summary.slowest_hosts:
            yield f"{duration(slow.duration)}  {visible(slow.host)}"

    def _step(self, play: str, step: str, section: str = "") -> str:
        return step_name(self._names, play, step, section)
