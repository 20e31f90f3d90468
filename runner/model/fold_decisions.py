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
            _asked(found, event)
        case GatePassed():
            found.passed, found.is_over = (*found.passed, *event.hosts), True
            wave.again.update(event.hosts)
        case GateFailed():
            found.failed = (*found.failed, event)
            wave.again.update(event.hosts)


def _asked(gate: GateProgress, event: GateChecked) -> None:
    before = gate.answers.get((event.check, event.host))
    gate.met += _is_met(event) - (before is not None and _is_met(before))
    gate.number = max(gate.number, event.number)
    gate.answers[event.check, event.host] = event
    if event.verdict != "healthy":
        gate.last = event


def _is_met(answer: GateChecked) -> bool:
    return answer.verdict == "healthy" and answer.successes >= answer.of


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
    if isinstance(event, ApprovalDenied) and event.how not in {"timeout", "stop"}:
        state.denied.append(event)


def rollback(state: RunState, event: RollbackStarted | RollbackEnded, ts: float) -> None:
    """Hosts of a play are rolled back, or have been."""
    play = play_of(state, event, event.play)
    going = play.rollback if play.rollback and play.rollback.is_going else None
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


def note_wait(state: RunState, ts: float) -> None:
    """Keep count of the time in which a run does nothing but wait for a person, or bake."""
    waits = not state.busy and (bool(state.questions) or any(play.bake for play in state.plays.values()))
    if waits == (state.waiting_since is not None):
        return
    if state.waiting_since is not None:
        state.waited += ts - state.waiting_since
    state.waiting_since = ts if waits else None
