"""The fold of a run that several processes wrote: what a later one takes up, and what of an earlier one then stands.

When a process begins, nothing is at work, open or asked any more. A host that it takes up counts by its new end: how
it ended, what it had failed at and its bad ends are taken back, while what ended well, or was ignored or rescued,
stands and counts once, though it be done again. Whatever is not taken up stays as it was.
"""

from runner.model.changed import changed
from runner.model.ends import CODES, STATUSES, end_at, wants_another, with_end
from runner.model.events import Decision, HostEnded, HostStarted, PlanReady, RunStarted, StepEnded
from runner.model.illegal import illegal
from runner.model.outcome import HostStatus, Status
from runner.model.phases import CUT, DELAYED, ENDED, LOOPING, RUNNING
from runner.model.remaining import EXCLUDED
from runner.model.state import HostProgress, PlayProgress, RunState, StepStats, WaveProgress, merged_status

_COUNTED = frozenset(status for status in HostStatus if status.counts)
_BACK = frozenset({HostStatus.ROLLED_BACK, HostStatus.ROLLBACK_FAILED})
_KEPT = frozenset({HostStatus.OK, HostStatus.CHANGED, HostStatus.ROLLED_BACK})
_WELL = frozenset({"ok", "changed", "skipped"})
_SETTLES = {"ok": "ok", "failed": "failed", "skip": "skipped"}
"""What a decision makes of a step; ``rerun`` leaves it as it is until it has run again."""


def resumed(state: RunState, event: RunStarted, ts: float) -> None:
    """Another process goes on with the run."""
    if state.run is None or not event.resume:
        raise illegal(event, "the run has already started" if state.run else "no run has been started before")
    state.ended, state.latest, state.processes = None, event, state.processes + 1
    if state.waiting_since is not None:
        state.waited += state.now - state.waiting_since
        state.waiting_since = None
    state.away += max(ts - state.now, 0.0)
    state.began_at = max(ts, state.now)
    asked = {(key[0], key[3]) for key in state.questions if key[3]}
    for play in state.plays.values():
        _cut(state, play, asked)
    for hosts in state.at_work.values():
        hosts.clear()
    for past in (state.busy, state.at_work, state.connecting, state.lost, state.questions, state.denied, state.signals):
        past.clear()
    state.failures = [failure for failure in state.failures if not failure.is_past]
    state.failed_before = {}
    for failure in state.failures:
        state.failed_before.setdefault((failure.play, failure.host), []).append(failure)
    state.kept = kept(state)
    _mark_stale(state)


def kept(state: RunState) -> int:
    """Steps that nobody waits for any more: they ended well, or badly and that was taken care of."""
    bad = sum(state.steps[status] for status in set(STATUSES) - _WELL)
    taken = sum(1 for one in state.failures if one.step and not one.section and (one.ignored or one.rescued))
    return state.done - bad + taken


def _cut(state: RunState, play: PlayProgress, asked: set[tuple[str, str]]) -> None:
    """Close all that is open in a play; a host at work keeps the step whose end nobody heard."""
    for name, host in play.hosts.items():
        if host.phase not in {CUT, ENDED}:
            host.begun = (*(host.begun or ()), host.step) if host.step else host.begun or ()
            host.since = state.at_work.get((play.id, host.step), {}).get(name, 0.0)
            if host.phase != RUNNING or (play.id, name) in asked:
                host.step = ""
            host.phase, host.item_end, host.last = CUT, None, ""
    for wave in play.waves.values():
        wave.working = 0
    if play.open_wave is not None:
        wave = play.waves[play.open_wave]
        wave.before += state.now - wave.started
    if play.rollback is not None and play.rollback.is_going:
        play.rollback.is_cut = True
    play.working = play.again = 0
    play.open_wave = play.bake = None
    play.exceeded, play.by_gate = "", False


def planned_anew(state: RunState, event: PlanReady) -> None:
    """The steps are others than an earlier process knew; those that ended and are there no more are counted in."""
    sizes = {play["id"]: play["steps"] for play in event.plays}
    if sizes.keys() != state.plays.keys():
        raise illegal(event, "its plays are not those of the run")
    state.plan, state.total = event, event.total
    for name, play in state.plays.items():
        play.of_steps = sizes[name]


def _mark_stale(state: RunState) -> None:
    """Find what hosts may do again: until they do, it is neither done nor gone."""
    state.stale = state.stale_done = 0
    for play in state.plays.values():
        play.stale = 0
        for stats in play.steps.values():
            stats.stale = 0
        is_back = play.rollback is not None and play.rollback.status == HostStatus.ROLLED_BACK
        for host in play.hosts.values():
            host.is_stale = not is_back and host.status not in _KEPT and host.reason != EXCLUDED
            if host.is_stale:
                _count_stale(state, play, host, 1)


def _count_stale(state: RunState, play: PlayProgress, host: HostProgress, sign: int) -> None:
    """Add to what hosts may do again what this one may, or take that away."""
    state.stale += sign * host.dropped
    play.stale += sign * bool(host.dropped)
    for stats in play.steps.values():
        code = end_at(host.ends, stats.index)
        if wants_another(code):
            state.stale += sign
            state.stale_done += sign
        if wants_another(code) or (host.dropped and not code):
            stats.stale += sign


def _fresh(state: RunState, play: PlayProgress, host: HostProgress) -> None:
    """It was taken up, or told anew: what it may do is no longer a guess."""
    if host.is_stale:
        _count_stale(state, play, host, -1)
        host.is_stale = False


def is_again(state: RunState, host: HostProgress) -> bool:
    """Whether an earlier process knew the host, and this one has not had it yet."""
    return host.process != state.processes


def take_up(state: RunState, play: PlayProgress, host: HostProgress, event: HostStarted) -> None:
    """A host that an earlier process knew is let to work again; for a section alone its own steps stay as they are."""
    _fresh(state, play, host)
    host.process, host.step, host.rerun = state.processes, "", ()
    begun = host.begun or ()
    if not event.section:
        _reopen(state, play, host, event.host)
        begun += _ends_taken_back(state, play, host)
    host.begun, host.known = begun, host.ends


def _reopen(state: RunState, play: PlayProgress, host: HostProgress, name: str) -> None:
    """Take back how it ended, and what it failed at."""
    wave = play.waves.get(host.wave)
    if wave is not None:
        wave.again.add(name)
    for failure in state.failed_before.get((play.id, name), ()):
        host.since = failure.began if failure.counts and failure.status == Status.UNKNOWN else host.since
        failure.is_past = failure.is_past or failure.counts
    _remote_again(state, name)
    if not host.status:
        return
    take_back(play, host)
    if wave is not None:
        wave.ended -= 1
    if host.status in _COUNTED:
        play.failures = max(play.failures - 1, 0)
    if host.status in _BACK:
        play.rollback = None
    host.status = host.reason = ""
    _status_taken_back(state, name)
    if host.dropped:
        _picked_up(state, play, host)


def _status_taken_back(state: RunState, name: str) -> None:
    """The host's status over the plays in which it has ended, in the order of the plan."""
    merged: str | None = None
    for play in state.plays.values():
        other = play.hosts.get(name)
        if other is not None and other.status:
            merged = merged_status(merged, other.status)
    if merged is None:
        state.status_of.pop(name, None)
    else:
        state.status_of[name] = merged


def _picked_up(state: RunState, play: PlayProgress, host: HostProgress) -> None:
    """Steps that it had left may run after all."""
    state.dropped -= host.dropped
    host.dropped = 0
    play.early -= 1
    for stats in play.steps.values():
        stats.gone -= not end_at(host.ends, stats.index)


def _ends_taken_back(state: RunState, play: PlayProgress, host: HostProgress) -> tuple[str, ...]:
    """Forget the ends that are not to keep; gives the ids of their steps."""
    found = []
    for name, stats in play.steps.items():
        code = end_at(host.ends, stats.index)
        if wants_another(code):
            found.append(name)
            host.ends = with_end(host.ends, stats.index, 0)
            host.over -= 1
            stats.gone -= 1
            state.steps[STATUSES[code]] -= 1
            state.done -= 1
    return tuple(found)


def _remote_again(state: RunState, name: str) -> None:
    """The exit status with which a host first failed, of the failures that still stand."""
    state.remote.pop(name, None)
    for failure in (one for play in state.plays for one in state.failed_before.get((play, name), ())):
        if failure.counts and failure.step and failure.section != "rollback":
            state.remote.setdefault(name, failure.rc or 0)


def take_back(play: PlayProgress, host: HostProgress) -> None:
    """Count the host's status no more: it gets another one."""
    wave = play.waves.get(host.wave)
    for counts in (play.counts, wave.counts if wave and wave.status else None):
        if counts is not None:
            counts[host.status] -= 1


def settled(state: RunState, play: PlayProgress, host: HostProgress, event: HostEnded) -> None:
    """A host that an earlier process knew ends otherwise, without having been let to work again."""
    _fresh(state, play, host)
    host.process = state.processes
    host.begun, host.known = host.begun or (), host.ends
    wave = play.waves.get(host.wave)
    if wave is not None and event.status != HostStatus.GATE_FAILED:
        wave.again.add(event.host)
    if event.status != host.status:
        host.failures = 0  # what is wrong now is another thing


def taken_up(wave: WaveProgress, before: WaveProgress) -> None:
    """A wave is started again: what its gate has found, and how long it was open, goes with it."""
    wave.before = before.before if not before.status else before.duration
    stands = [changed(one, hosts=tuple(name for name in one.hosts if name not in before.again)) for one in before.unmet]
    wave.unmet = (*stands, *(before.gate.failed if before.gate else ()))


def decided(state: RunState, event: Decision) -> None:
    """Somebody says what became of a step whose end nobody heard; one that is at work gets its own end."""
    play = state.plays.get(event.play)
    host = play.hosts.get(event.host) if play else None
    if play is None or host is None:
        raise illegal(event, "the host has not been started in this play")
    state.decisions.append(event)
    if event.item is None and not event.section:
        host.begun = (*(host.begun or ()), event.step)
    if host.phase in {CUT, ENDED} and (event.what == "rerun" or event.item is not None):
        host.rerun = (*host.rerun, event.step)  # it goes on with it; what is decided of an item is not of its loop
    if event.item is not None or event.section or host.phase in {RUNNING, DELAYED, LOOPING}:
        return
    if event.what in _SETTLES:
        settle(state, play, host, event, CODES[_SETTLES[event.what]])
        host.known = host.ends
        host.step = host.step if host.step != event.step else ""


def settle(state: RunState, play: PlayProgress, host: HostProgress, event: StepEnded | Decision, code: int) -> None:
    """Give a step an end that it may have had before, or be given when its host is over: it counts once, as it is now.

    ``code`` is that of the new end.
    """
    was_stale = host.is_stale
    _fresh(state, play, host)
    stats = play.steps.get(event.step)
    if stats is None:
        stats = play.steps[event.step] = StepStats(len(play.steps), gone=play.early, stale=play.stale)
    _give_end(state, host, stats, event, code)
    if was_stale:
        host.is_stale = True
        _count_stale(state, play, host, 1)


def _give_end(state: RunState, host: HostProgress, stats: StepStats, event: StepEnded | Decision, code: int) -> None:
    before = end_at(host.ends, stats.index)
    host.ends = with_end(host.ends, stats.index, code)
    host.known = with_end(host.known, stats.index, 0)
    state.steps[STATUSES[code]] += 1
    if before:
        state.steps[STATUSES[before]] -= 1
        if STATUSES[before] not in _WELL:
            _failure_taken_back(state, host, event)
        return
    host.over += 1
    state.done += 1
    if host.dropped:
        host.dropped -= 1
        state.dropped -= 1
    else:
        stats.gone += 1


def _failure_taken_back(state: RunState, host: HostProgress, event: StepEnded | Decision) -> None:
    """The last failure at that step no longer counts."""
    for failure in reversed(state.failures):
        if (failure.host, failure.step, failure.play) == (event.host, event.step, event.play) and not failure.is_past:
            host.failures = max(host.failures - failure.counts, 0)
            failure.is_past = True
            _remote_again(state, event.host)
            break
