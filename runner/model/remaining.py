"""What is left of a plan when some of it has been done: the decisions of a resume. Pure.

What ended well stands. A step that failed runs again, unless a block, or the step itself, took care of the failure. A
step that was started and whose end nobody heard has to be settled first, and counts as left.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from runner.model.outcome import HostStatus, Status
from runner.model.past import HostPast, Past, PlayPast, StepPast
from runner.model.plan import Plan, PlannedPlay, Wave
from runner.model.playbook import Block, Node, Step, leaves

EXCLUDED = "the play's condition is false"
"""Why a host that the play's ``when`` kept out did not run."""

Came = Literal["well", "bad"] | None
"""What came of a node: None where something of it is left to do."""

Steps = Mapping[str, StepPast]

_ENDS_HOST = frozenset({Status.UNREACHABLE, Status.UNKNOWN, Status.CANCELLED})
"""Ends that no rescue makes good: the host was lost, or everything stopped."""


class Left(msgspec.Struct, frozen=True):
    """Steps that are left on a host of a wave, by id, in order. ``wave`` counts from 1.

    ``section`` is ``rollback``, and ``always`` behind it, where the play goes back; else empty.
    """

    play: str
    wave: int
    host: str
    steps: tuple[str, ...]
    section: str = ""


def came(node: Node, past: Steps) -> Came:
    """What came of a node on a host, as far as its own steps tell: a failure that was taken care of is settled."""
    if isinstance(node, Step):
        return _step_came(node, past.get(node.id))
    if is_passed_over(node, past):
        return "well"
    found = _all(node.steps, past)
    if found == "bad" and node.rescue and _is_rescued(node, past):
        found = _all(node.rescue, past)
    if found is None or any(came(one, past) != "well" for one in node.always):
        return None
    return "well" if found == "well" or node.on_failure == "ignore" else "bad"


def is_passed_over(block: Block, past: Steps) -> bool:
    """Whether its condition was false: each of its steps was skipped, and nothing of it ever began."""
    found = [past.get(step.id) for step in leaves([block])]
    skipped = all(one is not None and one.is_well and one.status == Status.SKIPPED for one in found)
    return skipped and not has_begun(block, past)


def has_begun(node: Node, past: Steps) -> bool:
    """Whether a step of it was ever tried."""
    return any(step.id in past and past[step.id].has_acted for step in leaves([node], everything=True))


def goes_again(node: Node, past: Steps) -> bool:
    """Whether something of it that ended well runs again all the same: not behind an ``always`` that took it back."""
    if isinstance(node, Step):
        return node.on_resume == "again" and node.id in past and past[node.id].is_well and past[node.id].has_acted
    if node.always and came(node, past) is not None:
        return False
    return any(goes_again(one, past) for one in (*node.steps, *node.rescue))


def _step_came(step: Step, past: StepPast | None) -> Came:
    if past is None or past.is_open or not past.status:
        return None
    if past.is_well:
        return "well"
    if not past.is_taken or past.status in _ENDS_HOST:
        return None
    return "well" if past.ignored and step.on_failure == "ignore" else "bad"


def _all(nodes: Iterable[Node], past: Steps) -> Came:
    """What came of nodes that run one after another until one goes badly."""
    for node in nodes:
        if (found := came(node, past)) != "well":
            return found
    return "well"


def _is_rescued(block: Block, past: Steps) -> bool:
    return any(step.id in past and past[step.id].rescued for step in leaves(block.steps, everything=True))


# hosts, waves, plays


def pending(play: PlannedPlay, host: HostPast) -> tuple[str, ...]:
    """The handlers that are to run on a host, also those whose notice died with the process."""
    steps = leaves((node for section in play.sections for node in section), everything=True) if host.fresh else ()
    lost = (handler for step in steps if step.id == host.fresh for handler in step.notify)
    return tuple(dict.fromkeys((*host.pending, *lost)))


def is_over(host: HostPast | None) -> bool:
    """Whether a host's turn in a play is over for good: it ended well, is back, or was never meant."""
    if host is None:
        return False
    if host.status in {HostStatus.OK, HostStatus.CHANGED, HostStatus.GATE_FAILED, HostStatus.ROLLED_BACK}:
        return True
    return host.status == HostStatus.NOT_RUN and host.reason == EXCLUDED


def is_wave_over(play: PlannedPlay, wave: Wave, past: PlayPast) -> bool:
    """Whether nothing of a wave is left: every host is over, and those that are well have passed its gate."""
    found = past.waves.get(wave.index)
    if found is None or not found.is_over:
        return False
    hosts = [(name, past.hosts.get(name)) for name in wave.hosts]
    if not all(is_over(host) for _, host in hosts):
        return False
    if not play.strategy.gate:
        return True
    return all(host is None or not host.is_started or name in found.passed for name, host in hosts)


def is_back_due(play: PlannedPlay, past: PlayPast) -> bool:
    """Whether the play goes back, or was to: then nothing of it goes forward any more.

    A budget that was exceeded before any host began leaves nothing to take back, and the play to be done.
    """
    if past.rollback in {"started", HostStatus.ROLLBACK_FAILED}:
        return True
    is_wanted = past.exceeded == "rollback" and play.strategy.on_exceed == "rollback" and not past.rollback
    return is_wanted and any(host.is_started for host in past.hosts.values())


def is_play_over(play: PlannedPlay, past: PlayPast | None) -> bool:
    """Whether nothing of a play is left, what comes last included."""
    if past is None:
        return False
    if past.rollback == HostStatus.ROLLED_BACK:
        return True
    if is_back_due(play, past) or not all(is_wave_over(play, wave, past) for wave in play.waves):
        return False
    return not any(_late_left(play, past))


def _late_left(play: PlannedPlay, past: PlayPast) -> Iterator[bool]:
    """For each node that comes last, whether it is still to come."""
    hosts = [host for host in past.hosts.values() if host.is_started]
    for node in play.handlers:
        yield node.once is not None and any(node.id in host.pending for host in hosts)
    for node in play.always:
        if node.once == "run" and hosts:
            yield not any(_is_settled(node, host.steps) for host in hosts)


def _is_settled(node: Node, past: Steps) -> bool:
    return all(step.id in past and past[step.id].is_well for step in leaves([node]))


def left(plan: Plan, past: Past) -> tuple[Left, ...]:
    """What is left of the plays' steps, in the order of the plan: what ``resume`` will do if nothing goes wrong.

    ``always`` and handlers, which come on top, are not among it, nor steps that run again by ``on_resume``.
    """
    found: list[Left] = []
    for play in plan.plays:
        mine = past.plays.get(play.id) or PlayPast()
        if is_play_over(play, mine) or is_back_due(play, mine):
            continue
        for wave in play.waves:
            for name in wave.hosts:
                host = mine.hosts.get(name)
                steps = () if is_over(host) else tuple(steps_left(play.steps, host.steps if host else {}))
                if steps:
                    found.append(Left(play.id, wave.index, name, steps))
    return tuple(found)


def steps_left(nodes: Iterable[Node], past: Steps) -> Iterator[str]:
    """The ids of steps that are left on a host, but those that only a failure would lead to."""
    for node in nodes:
        if came(node, past) is not None:
            continue
        if isinstance(node, Step):
            yield node.id
        else:
            yield from steps_left(node.steps, past)
