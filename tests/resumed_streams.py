"""Event streams of runs that several processes wrote, made by a small model of its own: nothing here knows the engine.

A :class:`World` says how each step on each host ends, however often it is tried. :func:`events` tells a process that
goes on from what the events before it, as lists of plain facts, say was done.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from events_builder import (
    ended,
    gate_failed,
    gate_passed,
    host_ended,
    host_started,
    intent,
    notified,
    plan_ready,
    play,
    run_ended,
    run_started,
    wave_ended,
    wave_started,
)

from runner.model.events import (
    Decision,
    Event,
    GatePassed,
    HandlerNotified,
    HostEnded,
    HostStarted,
    LockTaken,
    RunEnded,
    RunStarted,
    StepEnded,
    StepIntent,
    WaveEnded,
    WaveStarted,
)

ENDS = ("ok", "changed", "skipped", "ignored", "rescued", "loop", "failed", "unknown", "unreachable", "timed_out")
WEIGHTS = (8, 8, 3, 1, 1, 3, 1, 1, 1, 1)
WELL = {"ok", "changed", "skipped"}


@dataclass
class World:
    """``ends`` maps (host, step) to how it ends; ``again`` are steps that a resume does once more; hosts by wave."""

    waves: list[list[str]]
    steps: list[str]
    ends: dict[tuple[str, str], str]
    again: set[str]
    sick: set[str]
    chance: random.Random


def world(seed: int) -> World:
    chance = random.Random(seed)
    names = [f"a{n}" for n in range(1, chance.randint(2, 6))]
    cut = chance.randint(1, len(names))
    waves = [part for part in (names[:cut], names[cut:]) if part]
    steps = [f"s{n}" for n in range(1, chance.randint(2, 5))]
    ends = {(host, step): chance.choices(ENDS, WEIGHTS)[0] for host in names for step in steps}
    again = {step for step in steps if chance.random() < 0.2}
    sick = {host for host in names if chance.random() < 0.15}
    return World(waves, steps, ends, again, sick, chance)


@dataclass
class Known:
    """What the events so far say: plain facts, found by looking through them."""

    kept: set[tuple[str, str]] = field(default_factory=set)
    tried: dict[tuple[str, str], int] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)
    items: dict[tuple[str, str], int] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    at_work: set[str] = field(default_factory=set)
    pending: set[str] = field(default_factory=set)
    handled: set[str] = field(default_factory=set)
    closed: set[int] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)
    processes: int = 0
    is_planned: bool = False
    is_over: bool = False


def known(before: Sequence[Event]) -> Known:  # noqa: C901, PLR0912 - a table of events
    found = Known()
    for event in before:
        match event:
            case RunStarted():
                found.processes += 1
                found.is_over = False
            case RunEnded():
                found.is_over = True
            case StepIntent():
                found.open[event.host] = event.step
                found.tried[event.host, event.step] = event.attempt or 1
            case StepEnded() if event.item is not None:
                found.items[event.host, event.step] = event.item
            case StepEnded():
                found.open.pop(event.host, None)
                found.items.pop((event.host, event.step), None)
                if event.status in WELL or event.ignored or event.rescued:
                    found.kept.add((event.host, event.step))
                if event.section == "handlers":
                    found.pending.discard(event.host)
                    found.handled.add(event.host)
            case HostStarted():
                found.at_work.add(event.host)
                found.status.pop(event.host, None)
            case HostEnded():
                found.at_work.discard(event.host)
                found.status[event.host] = event.status
            case HandlerNotified():
                found.pending.add(event.host)
            case WaveStarted():
                found.closed.discard(event.wave)
            case WaveEnded():
                found.closed.add(event.wave)
            case GatePassed():
                found.passed.update(event.hosts)
            case _:
                found.is_planned = found.is_planned or type(event).__name__ == "PlanReady"
    return found


def process(world: World, before: Sequence[Event] = ()) -> list[Event]:
    """All that a process says that goes on where ``before`` stops, until the run is over."""
    past = known(before)
    events: list[Event] = [run_started(resume=bool(before))]
    if not past.is_planned:
        size = play(hosts=sum(map(len, world.waves)), steps=len(world.steps), waves=len(world.waves))
        events.append(plan_ready(size))
    events.append(LockTaken(scope="controller"))
    for index, hosts in enumerate(world.waves, 1):
        left = [host for host in hosts if past.status.get(host) not in {"ok", "changed"}]
        if index in past.closed and not left:
            continue
        events += _wave(world, past, index, hosts, left)
    return [*events, run_ended()]


def _wave(world: World, past: Known, index: int, hosts: list[str], left: list[str]) -> list[Event]:
    events: list[Event] = [wave_started(*hosts, wave=index, of=len(world.waves))]
    turns = [_turn(world, past, host, index) for host in left]
    while any(turns):
        events.append(world.chance.choice([turn for turn in turns if turn]).pop(0))
    ends = {host: past.status.get(host, "") for host in hosts} | {
        event.host: event.status for event in events if isinstance(event, HostEnded)
    }
    well = [host for host in hosts if ends[host] in {"ok", "changed"}]
    passed = [host for host in well if host not in world.sick]
    sick = [host for host in well if host in world.sick]
    if sick:
        events += [gate_failed(*sick, wave=index)]
        events += [host_ended(host, "gate_failed", index) for host in sick]
    if passed:
        events.append(gate_passed(*passed, wave=index))
    ends |= dict.fromkeys(sick, "gate_failed")
    counts = {status: list(ends.values()).count(status) for status in set(ends.values())}
    return [*events, wave_ended(index, "failed" if set(counts) - {"ok", "changed"} else "ok", **counts)]


def _turn(world: World, past: Known, host: str, wave: int) -> list[Event]:
    """A host's turn: only what is left of it. Its gate alone is left where all its steps are kept."""
    ends = [world.ends[host, step] for step in world.steps]
    bad = next((end for end in ends if end in {"failed", "unknown", "unreachable", "timed_out"}), None)
    status = {"timed_out": "failed"}.get(bad or "", bad) or ("changed" if {"changed", "loop"} & set(ends) else "ok")
    if past.status.get(host) == "gate_failed" and world.chance.random() < 0.5:
        return [host_ended(host, status, wave)]
    events: list[Event] = [host_started(host, wave)]
    for step in world.steps:
        end = world.ends[host, step]
        if (host, step) not in past.kept or (past.processes and step in world.again):
            events += _step(world, past, host, step, wave)
        if end == bad:
            return [*events, host_ended(host, status, wave)]
    is_notified = any(world.ends[host, step] == "changed" for step in world.steps) and host not in past.handled
    if is_notified and host not in past.pending:
        events.append(notified(host, wave=wave))
    if is_notified or host in past.pending:
        section = {"section": "handlers", "wave": wave}
        events += [intent(host, "restart", **section), ended(host, "changed", "restart", **section)]
    return [*events, host_ended(host, status, wave)]


def _step(world: World, past: Known, host: str, step: str, wave: int) -> list[Event]:
    end, attempt = world.ends[host, step], past.tried.get((host, step), 0) + 1
    is_open = past.open.get(host) == step
    start = intent(host, step, attempt, wave=wave)
    match end:
        case "skipped" | "unreachable":
            return [ended(host, end, step, wave=wave)]
        case "ignored" | "rescued":
            last = ended(host, "failed", step, wave=wave, rc=1, **{end: True})
        case "loop":
            return _loop(past, host, step, wave)
        case _:
            last = ended(host, end, step, wave=wave, rc=int(end != "ok"))
    if not is_open:
        return [start, last]
    place = {"play": "web", "wave": wave, "host": host, "step": step}
    settled = [
        [ended(host, end, step, wave=wave, late=True, rc=last.rc, ignored=last.ignored, rescued=last.rescued)],
        [Decision(**place, what="rerun", by="step", how="idempotent"), start, last],
        [start, last],
        [last],
    ]
    if end in {"ok", "failed"}:
        settled.append([Decision(**place, what=end, by="step", how="verify"), last])
    if end in {"ignored", "rescued"}:
        settled = settled[1:]
    return world.chance.choice(settled)


def _loop(past: Known, host: str, step: str, wave: int) -> list[Event]:
    """Three items; it goes on behind those that have ended."""
    events: list[Event] = []
    first = past.items.get((host, step), 0) + 1
    for item in range(first, 4):
        events += [intent(host, step, wave=wave, item=item), ended(host, "changed", step, wave=wave, item=item)]
    return [*events, ended(host, "changed", step, wave=wave)]
