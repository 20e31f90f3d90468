"""What is certain of a run behind a loss of records: gathered by host, wave and play, whatever came between."""

from collections.abc import Sequence

import msgspec

from runner.model.events import (
    ApprovalGranted,
    Decision,
    Event,
    GateFailed,
    GatePassed,
    HandlerNotified,
    HostEnded,
    HostStarted,
    RollbackEnded,
    RollbackStarted,
    StepEnded,
    StepIntent,
    WaveEnded,
    WaveStarted,
)
from runner.model.outcome import HostStatus

BACK = frozenset({HostStatus.ROLLED_BACK, HostStatus.ROLLBACK_FAILED})

Key = tuple[str, int | None]
"""A step, or an item of its loop."""


class Gap(msgspec.Struct, frozen=True):
    """At most so many records are missing here."""

    count: int


class Fact(msgspec.Struct):
    """What is certain of a step: its last start, and its end where that came later."""

    intent: StepIntent | None = None
    ended: StepEnded | None = None


class OfHost(msgspec.Struct):
    """What is certain of a host in a play.

    ``facts`` are those of its steps, the latest last, ``back`` those of its rollback, with the ends of either. ``gap``
    counts the losses before it was last heard of, ``start`` those before it was let to work, or is -1.
    """

    facts: dict[Key, Fact] = {}
    back: dict[Key, Fact] = {}
    notified: list[HandlerNotified] = []
    ended: HostEnded | None = None
    back_ended: HostEnded | None = None
    gap: int = 0
    start: int = -1


class Certain(msgspec.Struct):
    """All of it. ``lost`` counts the records that are missing, ``gaps`` how often some are.

    ``waves`` has what gates, people and ends say of waves, ``reach`` the last wave of each play that is heard of.
    """

    hosts: dict[tuple[str, str], OfHost] = {}
    waves: dict[tuple[str, int], list[GatePassed | GateFailed | ApprovalGranted | WaveEnded]] = {}
    rollbacks: dict[str, list[RollbackStarted | RollbackEnded]] = {}
    decisions: list[Decision] = []
    reach: dict[str, int] = {}
    lost: int = 0
    gaps: int = 0


def gather(after: Sequence[Event | Gap]) -> Certain:
    """Gather what is certain, and how much is not."""
    found = Certain()
    for event in after:
        match event:
            case Gap():
                found.lost += event.count
                found.gaps += 1
            case StepIntent() | StepEnded():
                _step(_host(found, event.play, event.host, event.wave), event)
            case HandlerNotified():
                _host(found, event.play, event.host, event.wave).notified.append(event)
            case HostStarted() | HostEnded():
                _turn(_host(found, event.play, event.host, event.wave), event)
            case Decision():
                found.decisions.append(event)
            case GatePassed() | GateFailed() | ApprovalGranted() | WaveEnded():
                found.waves.setdefault((event.play, event.wave), []).append(event)
                _reached(found, event.play, event.wave)
            case WaveStarted():
                _reached(found, event.play, event.wave)
            case RollbackStarted() | RollbackEnded():
                found.rollbacks.setdefault(event.play, []).append(event)
            case _:
                pass
    return found


def _host(found: Certain, play: str, host: str, wave: int) -> OfHost:
    _reached(found, play, wave)
    known = found.hosts.get((play, host)) or found.hosts.setdefault((play, host), OfHost())
    known.gap = found.gaps
    return known


def _reached(found: Certain, play: str, wave: int) -> None:
    found.reach[play] = max(wave, found.reach.get(play, 0))


def _turn(host: OfHost, event: HostStarted | HostEnded) -> None:
    if isinstance(event, HostStarted):
        if not event.section:
            host.ended, host.start = None, host.gap
    elif event.status in BACK:
        host.back_ended = event
    else:
        host.ended = event


def _step(host: OfHost, event: StepIntent | StepEnded) -> None:
    facts = host.back if event.section == "rollback" else host.facts
    key = (event.step, event.item)
    fact = facts.pop(key, None) or Fact()
    facts[key] = fact  # behind all others
    if isinstance(event, StepIntent):
        fact.intent, fact.ended = event, None
    else:
        fact.ended = event
