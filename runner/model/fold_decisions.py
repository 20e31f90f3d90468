"""The fold of what decides how a play goes on: budget, handlers, gates, waits, questions to a person, rollback."""

from runner.model.events import (
    ApprovalDenied,
    ApprovalGranted,
    ApprovalWaiting,
    Baking,
    BudgetChanged,
    BudgetExceeded,
    GateChecked,
    GateFailed,
    GatePassed,
    HandlerNotified,
    RollbackEnded,
    RollbackStarted,
)
from runner.model.fold_hosts import play_of
from runner.model.illegal import illegal
from runner.model.state import GateProgress, Question, QuestionKey, RollbackProgress, RunState


def budget(state: RunState, event: BudgetChanged | BudgetExceeded) -> None:
    """A failure was spent, or was one too many."""
    play = play_of(state, event, event.play)
    play.failures, play.allowed = event.failures, event.allowed
    if isinstance(event, BudgetExceeded):
        play.exceeded, play.by_gate = event.action, event.by_gate


def notified(state: RunState, event: HandlerNotified) -> None:
    """A handler has to run on a host."""
    host = play_of(state, event, event.play).hosts.get(event.host)
    if host is None:
        raise illegal(event, "the host has not been started in this play")
    if event.handler not in host.pending:
        host.pending = (*host.pending, event.handler)


def gate(state: RunState, event: GateChecked | GatePassed | GateFailed, ts: float) -> None:
    """The gate of the open wave was asked, or has its verdict for some hosts."""
    play = play_of(state, event, event.play)
    if play.open_wave != event.wave:
        raise illegal(event, f"wave {event.wave} is not open")
    wave = play.waves[event.wave]
    found = wave.gate = wave.gate or GateProgress(ts)
    match event:
        case GateChecked():
            found.number = max(found.number, event.number)
            found.answers[event.check, event.host] = event
        case GatePassed():
            found.passed, found.is_over = (*found.passed, *event.hosts), True
        case GateFailed():
            found.failed = (*found.failed, event)


def bake(state: RunState, event: Baking, ts: float) -> None:
    """The play waits between two waves."""
    play = play_of(state, event, event.play)
    if play.open_wave is not None:
        raise illegal(event, f"wave {play.open_wave} is open")
    play.bake = (ts, ts + event.duration)


def question(state: RunState, event: ApprovalWaiting | ApprovalGranted | ApprovalDenied, ts: float) -> None:
    """A person is asked, or has answered."""
    play = play_of(state, event, event.play)
    key: QuestionKey = (event.play, event.wave, event.about, event.host, event.step)
    match event:
        case ApprovalWaiting():
            state.questions[key] = Question(event, ts)
            play.bake = None
        case ApprovalGranted() | ApprovalDenied():
            state.questions.pop(key, None)
    if isinstance(event, ApprovalDenied):
        state.denied.append(event)


def rollback(state: RunState, event: RollbackStarted | RollbackEnded, ts: float) -> None:
    """Hosts of a play are rolled back, or have been."""
    play = play_of(state, event, event.play)
    going = play.rollback if play.rollback and not play.rollback.status else None
    match event:
        case RollbackStarted():
            if going is not None:
                raise illegal(event, "the play is being rolled back already")
            play.rollback, play.bake = RollbackProgress(event.reason, event.hosts, ts), None
        case RollbackEnded():
            if going is None:
                raise illegal(event, "no rollback has been started")
            if play.working:
                raise illegal(event, f"{play.working} of its hosts are at work")
            going.status, going.counts, going.duration = event.status, event.counts, event.duration
