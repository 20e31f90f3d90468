"""Words for what decides how a run goes on: waves, budgets, gates, bakes, questions to a person, rollback, signals."""

from dataclasses import dataclass

from runner.model.events import (
    ApprovalDenied,
    ApprovalGranted,
    ApprovalWaiting,
    Baking,
    BudgetExceeded,
    Decision,
    Event,
    GateChecked,
    GateFailed,
    GatePassed,
    RollbackEnded,
    RollbackStarted,
    RunStarted,
    Signalled,
    Warned,
    WaveEnded,
    WaveStarted,
)
from runner.model.go_on import approve_command
from runner.reporting.durations import duration
from runner.reporting.escape import visible
from runner.reporting.wording import Names, count, counts, hosts, paint, settled, step_name

_MEANS = {
    "stop": "stop: nothing new starts, what runs is waited for; once more ends it",
    "kill": "kill: what runs is ended on the hosts; always steps run, for a minute at most",
    "exit": "exit: out at once",
}
"""What follows from a signal, by its action."""


@dataclass(frozen=True, slots=True)
class Told:
    """One piece of news: a line, and lines that explain it."""

    text: str
    detail: tuple[str, ...] = ()


class Decisions:
    """Gives the words for such events, in order; of others it takes what they need. ``run`` is the run's id."""

    def __init__(self, names: Names, run: str, *, color: bool = False) -> None:
        self._names = names
        self._run = run
        self._color = color
        self._argv: tuple[str, ...] = ()
        self._of_waves: dict[str, int] = {}
        self._asked: dict[tuple[str, int], dict[tuple[str, str], int]] = {}

    @property
    def answer(self) -> str:
        """What to type, at another terminal, to answer a question; nothing where the run does not wait for that."""
        return visible(approve_command(self._argv, self._run)) if self._run else ""

    def place(self, play: str, wave: int) -> str:
        """Where something happens: ``web  wave 1/3``."""
        of = self._of_waves.get(play)
        return f"{visible(play)}  wave {wave}" + (f"/{of}" if of else "")

    def words(self, event: Event) -> Told | None:
        """What to say of an event, None for those that are told elsewhere."""
        match event:
            case WaveStarted() | WaveEnded():
                return self._wave(event)
            case GateChecked() | GatePassed() | GateFailed():
                return self._gate(event)
            case ApprovalWaiting() | ApprovalGranted() | ApprovalDenied():
                return self._question(event)
            case RollbackStarted() | RollbackEnded():
                return self._rollback(event)
            case _:
                return self._other(event)

    def _wave(self, event: WaveStarted | WaveEnded) -> Told:
        if isinstance(event, WaveStarted):
            self._of_waves[event.play] = event.of
            return Told(f"{self.place(event.play, event.wave)}  started  {hosts(event.hosts)}")
        self._asked.pop((event.play, event.wave), None)
        status, numbers = self._paint(event.status, event.status), counts(event.counts, color=self._color)
        return Told(f"{self.place(event.play, event.wave)}  ended  {status}  {numbers}  {duration(event.duration)}")

    def _other(self, event: Event) -> Told | None:
        match event:
            case Decision():
                step = step_name(self._names, event.play, event.step, event.section)
                words = settled(event)
                return Told(f"{self.place(event.play, event.wave)}  {visible(event.host)}  {step}  {words}")
            case BudgetExceeded():
                last = ", the last of a gate," if event.by_gate else ""
                many = f"{count(event.failures, 'failure')}{last} {'is' if event.failures == 1 else 'are'}"
                words = f"{many} more than the {event.allowed} allowed: {event.action}"
                return Told(f"{visible(event.play)}  {self._paint(words, 'failed')}")
            case Baking():
                return Told(f"{self.place(event.play, event.wave)}  bake: {duration(event.duration)} before the next")
            case Signalled():
                return Told(f"signal {visible(event.signal)}: {_MEANS.get(event.action) or visible(event.action)}")
            case Warned():
                of = f"{visible(event.host)}: " if event.host else ""
                return Told(f"warning: {of}{visible(event.message)}{hinted(event.hint)}")
            case RunStarted():
                self._argv = event.argv
        return None

    def _gate(self, event: GateChecked | GatePassed | GateFailed) -> Told | None:
        place = f"{self.place(event.play, event.wave)}  gate: "
        match event:
            case GateChecked():
                self._asked.setdefault((event.play, event.wave), {})[event.check, event.host] = event.number
                return None
            case GatePassed():
                verdict = f"{self._paint('healthy', 'ok')} on {hosts(event.hosts)}{self._after(event)}"
                return Told(f"{place}{verdict}  {duration(event.duration)}")
            case GateFailed():
                reason = f": {visible(event.reason)}" if event.reason else ""
                verdict = self._paint(event.verdict, "failed")
                words = f"{visible(event.check)} {verdict} on {hosts(event.hosts)}{self._after(event)}{reason}"
                return Told(f"{place}{words}{_source(event.src)}  {duration(event.duration)}")

    def _after(self, event: GatePassed | GateFailed) -> str:
        """How often these hosts were asked, at most."""
        of = {*event.hosts, ""}
        asked = self._asked.get((event.play, event.wave), {})
        only = event.check if isinstance(event, GateFailed) else None
        often = max((n for (check, host), n in asked.items() if host in of and only in {None, check}), default=0)
        return f" after {count(often, 'check')}" if often else ""

    def _question(self, event: ApprovalWaiting | ApprovalGranted | ApprovalDenied) -> Told:
        step = f"{step_name(self._names, event.play, event.step)}  " if event.step else ""
        of = f"{visible(event.host)}  " if event.host else ""
        place = f"{self.place(event.play, event.wave)}  {step}{of}"
        match event:
            case ApprovalWaiting():
                question = self._paint(f"asks: {visible(event.question)}", "paused")
                return Told(place + question, (f"answer with: {self.answer} (--deny says no)",) * bool(self.answer))
            case ApprovalGranted():
                return Told(f"{place}{self._paint('approved', 'ok')}{_by(event)}")
            case ApprovalDenied(how="timeout"):
                return Told(f"{place}{self._paint('no answer in time', 'failed')}")
            case ApprovalDenied():
                return Told(f"{place}{self._paint('denied', 'failed')}{_by(event)}")

    def _rollback(self, event: RollbackStarted | RollbackEnded) -> Told:
        match event:
            case RollbackStarted():
                reason = f": {visible(event.reason)}" if event.reason else ""
                return Told(f"{visible(event.play)}  rollback  started{reason}  {hosts(event.hosts)}")
            case RollbackEnded():
                status, numbers = self._paint(event.status, event.status), counts(event.counts, color=self._color)
                return Told(f"{visible(event.play)}  rollback  ended  {status}  {numbers}  {duration(event.duration)}")

    def _paint(self, text: str, status: str) -> str:
        return paint(text, status, color=self._color)


def hinted(hint: str) -> str:
    """A hint in brackets, if there is one."""
    return f" (hint: {visible(hint)})" if hint else ""


def _source(src: str) -> str:
    return f" ({visible(src)})" if src else ""


def _by(event: ApprovalGranted | ApprovalDenied) -> str:
    return f" by {visible(event.by)} ({visible(event.how)})"
