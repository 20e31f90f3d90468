"""The fold of what becomes of hosts and waves: who is at work, who has ended, and how; the last end stands."""

from runner.model.ends import end_at
from runner.model.events import Event, HostEnded, HostStarted, WaveEnded, WaveStarted
from runner.model.fold_resumes import is_again, settled, take_back, take_up, taken_up
from runner.model.illegal import illegal
from runner.model.outcome import HostStatus
from runner.model.phases import BAD, IDLE, MOVES, host_end, host_start
from runner.model.state import BAD_ENDS, Failure, HostProgress, PlayProgress, RunState, WaveProgress, merged_status


def play_of(state: RunState, event: Event, play: str) -> PlayProgress:
    """The play of that id. Raises IllegalEventError where none was planned."""
    try:
        return state.plays[play]
    except KeyError:
        raise illegal(event, f'no play "{play}" was planned') from None


def host_started(state: RunState, event: HostStarted) -> None:
    """A host is let to work: its own turn in an open wave, or what comes when it has ended."""
    play = play_of(state, event, event.play)
    host = play.hosts.get(event.host) or HostProgress(process=state.processes)
    following = _move(host, event, host_start(event, again=is_again(state, host)))
    if not event.section and play.open_wave != event.wave:
        raise illegal(event, f"wave {event.wave} is not open")
    if event.section == "rollback" and (play.rollback is None or not play.rollback.is_going):
        raise illegal(event, "no rollback has been started")
    if is_again(state, host):
        take_up(state, play, host, event)
    host.wave = host.wave if event.section else event.wave
    host.phase, host.section, host.failures = following, event.section, 0
    if event.section == "rollback":
        host.pending = ()  # what its steps notified is taken back with what they did
    play.hosts[event.host] = host
    _at_work(state, play, host, event.host)


def _at_work(state: RunState, play: PlayProgress, host: HostProgress, name: str) -> None:
    play.working += 1
    play.again += bool(host.section)
    if host.wave in play.waves:
        play.waves[host.wave].working += 1
    state.busy[name] = state.busy.get(name, 0) + 1


def host_ended(state: RunState, event: HostEnded, ts: float) -> None:
    """A host's turn is over, or its status is another one now: the old one is taken back."""
    play = play_of(state, event, event.play)
    host = play.hosts.get(event.host) or HostProgress(event.wave, process=state.processes)
    following = _move(host, event, host_end(event, host.phase, again=is_again(state, host)))
    if host.phase == IDLE:
        _out_of_work(state, play, host, event.host, ts)
    if is_again(state, host):
        settled(state, play, host, event)
    _keep_reason(state, host, event, ts)
    if host.status:
        take_back(play, host)
    elif host.over < play.of_steps:
        _drop(state, play, host)
    play.hosts[event.host] = host
    _count(state, play, host, event)
    host.phase, host.status, host.reason = following, event.status, event.reason
    host.micros = round(event.duration * 1e6)


def _out_of_work(state: RunState, play: PlayProgress, host: HostProgress, name: str, ts: float) -> None:
    play.working -= 1
    play.again -= bool(host.section)
    wave = play.waves.get(host.wave)
    if wave is not None:
        wave.working -= 1
        wave.idle = ts
    plays = state.busy.pop(name) - 1
    if plays:
        state.busy[name] = plays


def _keep_reason(state: RunState, host: HostProgress, event: HostEnded, ts: float) -> None:
    """What went wrong outside any step is a failure of its own; a gate's is kept with the gate."""
    is_bad = event.status in BAD or event.status == HostStatus.ROLLBACK_FAILED
    if is_bad and not host.failures and event.status != host.status:
        section = "rollback" if event.status == HostStatus.ROLLBACK_FAILED else host.section
        failure = Failure(event.play, event.wave, event.host, "", event.status, event.reason, ts, section=section)
        state.failures.append(failure)
        host.failures = 1


def _drop(state: RunState, play: PlayProgress, host: HostProgress) -> None:
    """Steps are left that this host will never run."""
    host.dropped = play.of_steps - host.over
    state.dropped += host.dropped
    play.early += 1
    for stats in play.steps.values():
        stats.gone += not end_at(host.ends, stats.index)


def _count(state: RunState, play: PlayProgress, host: HostProgress, event: HostEnded) -> None:
    play.counts[event.status] += 1
    wave = play.waves.get(host.wave)
    if wave is not None:
        wave.ended += not host.status
        if wave.status:
            wave.counts[event.status] += 1
    state.status_of[event.host] = _merged(state, host, event)


def _merged(state: RunState, host: HostProgress, event: HostEnded) -> str:
    """The host's status over all plays, in the order of the plan whichever ended first.

    That order only tells of two ends, both bad, which came first; so a thousand plays are seldom looked through.
    """
    before = state.status_of.get(event.host)
    if before is None or (not host.status and not (before in BAD_ENDS and event.status in BAD_ENDS)):
        return merged_status(before, event.status)
    merged: str | None = None
    for play in state.plays.values():
        other = play.hosts.get(event.host)
        status = event.status if play.id == event.play else other.status if other else ""
        merged = merged_status(merged, status) if status else merged
    return merged or event.status


def _move(host: HostProgress, event: HostStarted | HostEnded, name: str) -> str:
    following = MOVES.get((host.phase, name))
    if following is None:
        raise illegal(event, f"it cannot follow in phase {host.phase}")
    return following


def wave_started(state: RunState, event: WaveStarted, ts: float) -> None:
    """A wave begins: the play has no other one open."""
    play = play_of(state, event, event.play)
    before = play.waves.get(event.wave)
    if play.open_wave is not None or (before is not None and before.process == state.processes):
        raise illegal(event, f"wave {play.open_wave or event.wave} was started before")
    play.of_waves, play.open_wave, play.bake = event.of, event.wave, None
    known = (play.hosts.get(name) for name in event.hosts)
    ended = sum(1 for host in known if host is not None and host.status)  # preflight could not reach them
    wave = play.waves[event.wave] = WaveProgress(event.wave, event.hosts, ts, ended=ended, process=state.processes)
    if before is not None:
        taken_up(wave, before)


def wave_ended(state: RunState, event: WaveEnded) -> None:
    """Every host of it has ended, and its gate is over."""
    play = play_of(state, event, event.play)
    if play.open_wave != event.wave:
        raise illegal(event, f"wave {event.wave} is not open")
    wave = play.waves[event.wave]
    if wave.working:
        raise illegal(event, f"{wave.working} of its hosts are at work")
    play.open_wave = None
    wave.status, wave.duration = event.status, wave.before + event.duration
    wave.counts.update(event.counts)
    if wave.gate is not None:
        wave.gate.answers, wave.gate.is_over = {}, True
