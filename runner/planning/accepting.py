"""What follows where changes are accepted: which steps run again, which hosts are out, and how that is recorded."""

from collections.abc import Iterable, Iterator

from runner.hostlist import fold
from runner.location import Location
from runner.model.events import Decision, HostEnded
from runner.model.outcome import HostStatus
from runner.model.past import HostPast, Past, PlayPast
from runner.model.plan import Plan, PlannedPlay
from runner.model.playbook import Step
from runner.model.remaining import is_over
from runner.planning.finished import Change, all_steps

DROP = "--drop-hosts"


def words(change: Change, hosts: tuple[str, ...]) -> tuple[str, Location | None]:
    """What has changed of a step that ended well, and where it stands now."""
    on = f"on {fold(hosts)}"
    if change.step is None:
        return f'step "{change.old.id}", which ended well {on}, is no longer there', None
    what = f" ({', '.join(change.what)})" if change.what else ""
    return f'step "{change.step.id}" has changed since it ended well {on}{what}', change.step.location


def then(change: Change) -> str:
    """What happens where the change is accepted: only what stands among a play's own steps runs again by itself."""
    if change.step is None:
        return "it stays done"
    if change.step.section == "handlers":
        return "it runs again where it is notified again"
    return "it stays done" if change.step.section else "it runs again there"


def unknown_on(change: Change, hosts: Iterable[str], past: PlayPast) -> list[str]:
    """The hosts on which some items of its loop ended well, and the end of one is not known."""
    return [name for name in hosts if past.hosts[name].steps[change.old.id].is_open]


def forgotten(play: str, host: str, past: HostPast, step: str, *, by: str, reason: str) -> Iterator[Decision]:
    """The records by which a step, and every item of its loop, is to run again on a host."""
    known = past.steps.get(step)
    for item in (*(known.items if known else ()), None):
        yield Decision(
            play=play,
            wave=past.wave,
            host=host,
            step=step,
            item=item,
            what="rerun",
            by=by,
            how="accept",
            reason=reason,
        )


def new_steps(old: PlannedPlay, new: PlannedPlay) -> list[Step]:
    """The steps that a play has now, and had not."""
    known = {step.id for step in all_steps(old)}
    return [step for step in new.counted if step.id not in known]


def done_in(play: PlannedPlay, past: PlayPast | None) -> list[str]:
    """The hosts whose turn is over, and ended well."""
    hosts = past.hosts if past else {}
    return [name for name in play.hosts if name in hosts and hosts[name].status in {HostStatus.OK, HostStatus.CHANGED}]


def left_out(plan: Plan, past: Past, dropped: frozenset[str], *, by: str) -> Iterator[HostEnded]:
    """The records of hosts that are out of the run: they have not run, unless their turn was over."""
    reason = f"left out with {DROP}{f' by {by}' if by else ''}"
    for play in plan.plays:
        for wave in play.waves:
            for name in wave.hosts:
                if name in dropped and not is_over(past.host(play.id, name)):
                    status = HostStatus.NOT_RUN.value
                    yield HostEnded(play=play.id, wave=wave.index, host=name, status=status, reason=reason)
