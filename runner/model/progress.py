"""The state of a run, folded over its events: what every view, the summary and the budget look at.

Rules. Each host of a play goes through the phases of ``MOVES`` (:mod:`runner.model.phases`); an event that the table
does not have in that phase is illegal, and so is a step that differs from the one at work, a host that works outside an
open wave, a wave that begins while another of its play is open, and a gap in ``seq``. All that is checked before
anything is changed.

- A step on a host counts once: its ``step.ended`` without an item. A loop has one more for each item before that.
- A step with a section (rescue, always, handlers, rollback) counts in no progress, and may run again on its host.
- What never started (``ok``, ``changed``, ``timed_out`` and ``unknown`` need a start) may only end in ``UNSENT``; a
  loop over nothing is ``ok``.
- The run may end while hosts are at work: runner itself has failed, and what they were doing is unknown. It may end
  with a question that nobody has answered: it is paused.
- A host that never started may only end ``not_run``, or ``unreachable`` where preflight could not reach it.
- A host that has ended may be started again for a section, outside waves too, and then does steps with a section
  alone. Without any work it may still become worse: a gate, or what it had waited for, was bad. Its last end stands.
- Plays may be under way at the same time, each with a wave of its own; a host may be at work in several.
- Another process may go on with the run (``run.started`` with ``resume``), whatever the one before was at. It may plan
  other steps for the same plays and hosts (``plan.ready``), and start again each wave, and each host that it has not
  had yet; what it takes up counts by its new end (:mod:`runner.model.fold_resumes`). The end of what an earlier process
  began may be its first word of that step.
- A ``decision`` may come at any time. It ends a step that no process is at work in; else the step's own end follows.

**Why** a mutable accumulator where the other folds are pure: a run of 10,000 hosts and 20 steps has 400,000 events,
and copying the state of a host for each would cost more than the run. The table keeps it as checkable as a pure fold,
and any legal order of the same events gives the same summary: durations are added as whole microseconds for that.
"""

from dataclasses import dataclass
from typing import Any, assert_never

from runner.model import fold_decisions, fold_hosts, fold_resumes, fold_steps
from runner.model.events import (
    ApprovalDenied,
    ApprovalGranted,
    ApprovalWaiting,
    Baking,
    BudgetChanged,
    BudgetExceeded,
    Decision,
    Event,
    GateChecked,
    GateFailed,
    GatePassed,
    HandlerNotified,
    HostClosed,
    HostConnected,
    HostConnecting,
    HostEnded,
    HostLost,
    HostStarted,
    LockReleased,
    LockTaken,
    PlanReady,
    Progressed,
    RollbackEnded,
    RollbackStarted,
    RunEnded,
    RunStarted,
    Signalled,
    StepEnded,
    StepIntent,
    StepNote,
    StepOutput,
    StepRetry,
    Warned,
    WaveEnded,
    WaveStarted,
)
from runner.model.illegal import IllegalEventError, illegal
from runner.model.state import PlayProgress, RunState

__all__ = ["IllegalEventError", "Progress"]


@dataclass(slots=True)
class Progress(RunState):
    """All that is known of a run so far; :meth:`apply` is the only way to change it."""

    def apply(self, event: Event, ts: float, seq: int | None = None) -> None:
        """Fold one event of the time ``ts`` (epoch seconds) in. Raises IllegalEventError, and is then unchanged."""
        if self.ended is not None and not _may_follow(event):
            raise illegal(event, "the run has ended")
        if seq is not None and seq != self.seq + 1:
            raise illegal(event, f"record {seq} follows record {self.seq}")
        if isinstance(event, StepEnded):  # it and the next are nearly all there are
            fold_steps.ended(self, event, ts)
        elif isinstance(event, StepIntent):
            fold_steps.intent(self, event, ts)
        else:
            self._other(event, ts)
            if isinstance(event, Decision) and event.how == "resolve":
                ts = self.now  # whoever decides between two processes is not at work at the run
        if ts > self.now:  # noqa: PLR1730 - half a million times in a large run, and a call costs more
            self.now = ts
        if seq is not None:
            self.seq = seq

    def _other(self, event: Event, ts: float) -> None:
        match event:
            case StepOutput() | StepNote():
                fold_steps.meanwhile(self, event, ts)
            case StepRetry():
                fold_steps.retry(self, event, ts)
            case HostStarted():
                fold_hosts.host_started(self, event)
                fold_decisions.note_wait(self, ts)
            case HostEnded():
                fold_hosts.host_ended(self, event, ts)
                fold_decisions.note_wait(self, ts)
            case _:
                self._rare(event, ts)
                fold_decisions.note_wait(self, ts)

    def _rare(self, event: Any, ts: float) -> None:
        match event:
            case WaveStarted():
                fold_hosts.wave_started(self, event, ts)
            case WaveEnded():
                fold_hosts.wave_ended(self, event)
            case HostConnecting() | HostConnected() | HostLost() | HostClosed():
                self._connection(event)
            case BudgetChanged() | BudgetExceeded():
                fold_decisions.budget(self, event)
            case HandlerNotified():
                fold_decisions.notified(self, event)
            case GateChecked() | GatePassed() | GateFailed():
                fold_decisions.gate(self, event, ts)
            case _:
                self._seldom(event, ts)

    def _seldom(self, event: Any, ts: float) -> None:
        match event:
            case Baking():
                fold_decisions.bake(self, event, ts)
            case ApprovalWaiting() | ApprovalGranted() | ApprovalDenied():
                fold_decisions.question(self, event, ts)
            case RollbackStarted() | RollbackEnded():
                fold_decisions.rollback(self, event, ts)
            case Signalled():
                self.signals.append(event)
            case Warned():
                self.warnings.append(event)
            case Decision():
                fold_resumes.decided(self, event)
            case Progressed() | LockTaken() | LockReleased():
                pass  # told to those who do not fold
            case RunStarted() | PlanReady() | RunEnded():
                self._once(event, ts)
            case _:
                assert_never(event)

    def _connection(self, event: HostConnecting | HostConnected | HostLost | HostClosed) -> None:
        if isinstance(event, HostConnecting):
            self.connecting.add(event.host)
        else:
            self.connecting.discard(event.host)
        if isinstance(event, HostConnected):
            self.lost.pop(event.host, None)
        if isinstance(event, HostLost):
            self.lost[event.host] = event

    def _once(self, event: RunStarted | PlanReady | RunEnded, ts: float) -> None:
        match event:
            case RunStarted() if self.run is None and not event.resume:
                self.run, self.latest, self.processes = event, event, 1
                self.started_at = self.began_at = ts
            case RunStarted():
                fold_resumes.resumed(self, event, ts)
            case PlanReady():
                self._planned(event)
            case RunEnded():
                self.ended = event

    def _planned(self, event: PlanReady) -> None:
        if self.run is None or (self.plan is not None and self.processes == 1):
            raise illegal(event, "it follows run.started, once")
        if self.plan is not None:
            fold_resumes.planned_anew(self, event)
            return
        self.plan, self.total = event, event.total
        for play in event.plays:
            hosts, steps, waves = (_size(play.get(key)) for key in ("hosts", "steps", "waves"))
            self.plays[play["id"]] = PlayProgress(play["id"], play.get("name", ""), hosts, steps, waves)


def _may_follow(event: Event) -> bool:
    """Whether an event may come when the run has ended: another process goes on with it, or a person decides."""
    return isinstance(event, Decision | LockTaken | LockReleased) or (isinstance(event, RunStarted) and event.resume)


def _size(value: Any) -> int:
    """A number, or how many there are of what is listed."""
    return value if isinstance(value, int) else len(value or ())
