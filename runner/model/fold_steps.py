"""The fold of step events: what a host does, how long it took, what failed.

Hundreds of thousands of them come in a run, so each function looks up little and changes little.
"""

from runner.model.ends import CODES, TAKEN, end_at
from runner.model.events import StepEnded, StepEvent, StepIntent, StepNote, StepOutput, StepRetry
from runner.model.fold_resumes import settle
from runner.model.illegal import illegal
from runner.model.outcome import Status
from runner.model.past_steps import LOST
from runner.model.phases import BAD, DELAYED, IDLE, LOOPING, MOVES, RUNNING, UNSENT, step_end
from runner.model.state import Failure, HostProgress, PlayProgress, RunState, StepStats

_HEARD = frozenset({Status.OK, Status.CHANGED, Status.FAILED, Status.TIMED_OUT})
"""Ends that a record on a host can tell."""

_DONE = frozenset({"ok", "changed", "skipped"})


def intent(state: RunState, event: StepIntent, ts: float) -> None:
    """A step, an item or another attempt starts."""
    play, step = state.plays.get(event.play), event.step
    host = play.hosts.get(event.host) if play else None
    stats = play.steps.get(step) if play and not event.section else None
    # Nearly always a host between two steps of its own begins one that others have begun before, and it has not.
    if host is None or stats is None or host.phase != IDLE or host.section or host.ends >> 4 * stats.index & 15:
        _intent(state, event, ts)
        return
    _at_work(state, stats, event, ts)
    host.step, host.attempt, host.phase, host.last, host.part = step, event.attempt or 1, RUNNING, "", ""


def _intent(state: RunState, event: StepIntent, ts: float) -> None:
    play, host = _working(state, event)
    attempt = event.attempt or 1
    following = _move(host, event, "step.intent")
    if host.phase == DELAYED and attempt <= host.attempt:
        raise illegal(event, f"attempt {attempt} follows attempt {host.attempt}")
    _check_may_run(play, host, event)
    _at_work(state, _stats(play, event), event, ts)
    host.step, host.attempt, host.phase, host.last, host.part = event.step, attempt, following, "", event.section


def _at_work(state: RunState, stats: StepStats, event: StepEvent, ts: float) -> None:
    """A host is in a step, since the first of its attempts began."""
    began = stats.began
    if not began:
        state.at_work[event.play, event.step] = began
    began.setdefault(event.host, ts)


def meanwhile(state: RunState, event: StepOutput | StepNote, ts: float) -> None:
    """Something is heard of the step at work."""
    play, host = _working(state, event)
    match event:
        case StepOutput():
            host.phase = _move(host, event, "step.output")
            host.last = (_last_line(event.text) if event.encoding is None else "") or host.last
        case StepNote():
            if host.phase in {IDLE, LOOPING} and _began_before(host, event):
                host.phase, host.step = _move(host, event, "step.note before"), event.step
                host.attempt = event.attempt or 1
                _at_work(state, _stats(play, event), event, ts)
            host.phase = _move(host, event, "step.note")
            host.last = event.message
            state.notes += 1


def retry(state: RunState, event: StepRetry, ts: float) -> None:
    """It is tried again; a host that can't be reached without anything having been sent."""
    play, host = _working(state, event)
    following = _move(host, event, "step.retry unsent" if event.status in UNSENT else "step.retry")
    _check_may_run(play, host, event)
    _at_work(state, _stats(play, event), event, ts)
    host.step, host.attempt, host.phase, host.part = event.step, event.attempt or 1, following, event.section
    state.retries += 1


def ended(state: RunState, event: StepEnded, ts: float) -> None:
    """A step, or an item of its loop, is over."""
    play, step = state.plays.get(event.play), event.step
    host = play.hosts.get(event.host) if play else None
    stats = play.steps.get(step) if play and not event.section else None
    # Nearly always a step that is at work in its host's own turn ends well, and for the first time.
    if (
        host is None
        or stats is None
        or host.phase != RUNNING
        or host.step != step
        or event.status not in _DONE
        or event.item is not None
        or event.late
        or event.output_lost
        or host.section
        or host.ends >> 4 * stats.index & 15
    ):
        _ended(state, event, ts)
        return
    _over(state, stats, event)
    _count(state, host, stats, event.status, CODES[event.status])
    host.step, host.item_end, host.last, host.phase = "", None, "", IDLE


def _ended(state: RunState, event: StepEnded, ts: float) -> None:
    play, host = _working(state, event)
    following = _move(host, event, step_end(event, host.phase, began_before=_began_before(host, event)))
    _check_may_run(play, host, event)
    stats = _stats(play, event)
    state.output_lost += event.output_lost
    if event.late and event.status in _HEARD and not _is_decided(state, event):
        state.recalled.append((event.play, event.host, event.step))
    if event.item is None:
        began = _over(state, stats, event)
        _counted(state, play, host, stats, event)
        if event.status in BAD:
            _failed(state, host, event, ts, began)
        if event.section == "handlers":
            _handler_ended(play, host, event)
        host.step, host.item_end, host.last = "", None, ""
    elif following == LOOPING:
        host.step = event.step
        if event.status in BAD:
            host.item_end = event
    host.phase = following


def _over(state: RunState, stats: StepStats, event: StepEnded) -> float:
    """Nobody is at work in it any more, and it took its time; gives since when, in seconds, 0 where it was not sent."""
    host, micros = event.host, int(event.duration * 1e6 + 0.5)
    began = stats.began.pop(host, 0.0)
    if began and not stats.began:
        del state.at_work[event.play, event.step]
    if event.status != "skipped" and not (event.late and not micros):  # nobody knows how long that one took
        stats.count += 1
        stats.micros += micros
        if micros >= stats.longest:
            stats.slower(micros, host)
    return began


def _count(state: RunState, host: HostProgress, stats: StepStats, status: str, code: int) -> None:
    """The first end of a step on a host."""
    host.ends |= code << 4 * stats.index
    host.over += 1
    stats.gone += 1
    state.steps[status] += 1
    state.done += 1


def _counted(state: RunState, play: PlayProgress, host: HostProgress, stats: StepStats, event: StepEnded) -> None:
    """Any end, of which some count in no progress, and some take the place of another."""
    code = CODES[event.status] + (TAKEN if event.ignored or event.rescued else 0)
    if event.section:
        state.sections[event.section] += 1
    elif host.dropped or end_at(host.ends, stats.index):
        settle(state, play, host, event, code)
    else:
        _count(state, host, stats, event.status, code)


def _failed(state: RunState, host: HostProgress, event: StepEnded, ts: float, began: float) -> None:
    item = host.item_end or event
    failure = Failure(
        event.play,
        event.wave,
        event.host,
        event.step,
        event.status,
        event.reason or item.reason,
        ts,
        began or host.since,
        kind=event.kind,
        src=event.src,
        rc=event.rc if event.rc is not None else item.rc,
        tail=event.tail or item.tail,
        output=event.output or item.output,
        ignored=event.ignored,
        rescued=event.rescued,
        section=host.section if host.section == "rollback" else event.section,
        delegate=event.delegate,
    )
    state.failures.append(failure)
    if failure.counts:
        host.failures += 1
        if failure.section != "rollback":
            state.remote.setdefault(event.host, failure.rc or 0)


def _handler_ended(play: PlayProgress, host: HostProgress, event: StepEnded) -> None:
    """One that runs once comes in a turn of its own, behind the last host: of the wave while that is open, else of all.

    It has run for all of them.
    """
    if event.status == Status.CANCELLED or (event.status == Status.SKIPPED and event.reason == LOST):
        return
    for one in play.hosts.values() if host.section == "handlers" else (host,):
        if event.step in one.pending and (play.open_wave is None or one.wave == host.wave):
            one.pending = tuple(handler for handler in one.pending if handler != event.step)


def _check_may_run(play: PlayProgress, host: HostProgress, event: StepEvent) -> None:
    if event.section or (isinstance(event, StepEnded) and event.late):
        return
    if host.section:
        raise illegal(event, f"the host was started again for its {host.section} steps alone")
    stats = play.steps.get(event.step)
    if host.phase != IDLE or stats is None:
        return
    if end_at(host.ends, stats.index) and not end_at(host.known, stats.index):
        raise illegal(event, "the step has already ended on this host")


def _is_decided(state: RunState, event: StepEnded) -> bool:
    """Whether a late end is what somebody decided, not what the host's record said."""
    last = next((one for one in reversed(state.decisions) if one.host == event.host and one.play == event.play), None)
    return last is not None and (last.step, last.item) == (event.step, event.item) and last.what != "rerun"


def _began_before(host: HostProgress, event: StepEvent) -> bool:
    """Whether an earlier process began this step, and its end was not heard."""
    return host.begun is not None and (bool(event.section) or event.step in host.begun)


def _stats(play: PlayProgress, event: StepEvent) -> StepStats:
    steps = play.others if event.section else play.steps
    stats = steps.get(event.step)
    if stats is None:
        stats = steps[event.step] = StepStats(len(steps))
        if not event.section:
            stats.gone, stats.stale = play.early, play.stale
    return stats


def _working(state: RunState, event: StepEvent) -> tuple[PlayProgress, HostProgress]:
    play = state.plays.get(event.play)
    host = play.hosts.get(event.host) if play else None
    if play is None or host is None:
        raise illegal(event, "the host has not been started in this play")
    if host.step and host.step != event.step:
        raise illegal(event, f'the host is at work in step "{host.step}"')
    return play, host


def _move(host: HostProgress, event: StepEvent, name: str) -> str:
    following = MOVES.get((host.phase, name))
    if following is None:
        raise illegal(event, f"it cannot follow in phase {host.phase}")
    return following


def _last_line(text: str) -> str:
    lines = text[-1000:].splitlines()
    return lines[-1] if lines else ""
