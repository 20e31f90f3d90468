"""Step kinds for a run in which no host answers: of the same names and flags, they take their time and end as told.

What needs no host is done for real: values are set, conditions asked, notes said. All else ends well, and has changed
what its kind is there to change. It is sent to the fake host like any command, so an unreachable host, a lost
connection, a timeout and a kill come about in the way they always do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from runner.durations import seconds
from runner.errors import LostError, StepError
from runner.model.outcome import Outcome, Status, failed, ok
from runner.model.template import Unknown, Value
from runner.simulation.gates import unmarked
from runner.simulation.world import REASON, Verdict, World
from runner.step import StepKind, Target, typed
from runner.transports.fake import Answer
from runner.web import READING

COMMANDS = frozenset({"command", "shell", "script"})
"""Kinds that end with an exit status."""

READERS = frozenset({"ping", "wait_for", "facts", "tcp"})
"""Kinds that never change anything."""

CONTROL = frozenset({"assert", "set", "log", "pause", "approve"})
"""Kinds that need no host at all: they are run for real."""


class SimulatedKinds(Mapping[str, StepKind[Any]]):
    """The step kinds of a simulation, made from the real ones when they are asked for."""

    def __init__(self, real: Mapping[str, StepKind[Any]], world: World) -> None:
        self._real = real
        self._world = world
        self._made: dict[str, StepKind[Any]] = {}

    def __getitem__(self, name: str) -> StepKind[Any]:
        if name not in self._made:
            real = self._real[name]
            self._made[name] = replace(real, params=Any, run=partial(_run, real, self._world))
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._real)

    def __len__(self) -> int:
        return len(self._real)


async def _run(kind: StepKind[Any], world: World, params: Mapping[str, Any], target: Target) -> Outcome:
    """One try of a step. Raises StepError, ConnectError and LostError as the real kind does."""
    params, looked = unmarked(params)
    _check(kind, params)
    verdict = world.verdict(target.host) if looked is None else world.gate(looked, target.host)
    takes = _takes(kind, params, world.takes(looked)) if verdict.takes is None else verdict.takes
    if kind.on_host(params):
        return await _on_host(kind, world, params, target, verdict=verdict, takes=takes)
    await target.sleep(takes)
    if verdict.end == "lost":
        raise LostError(REASON)
    if verdict.end == "fail" or (verdict.end == "unreachable" and kind.name not in CONTROL):
        return failed(REASON)  # this machine does not reach the host either
    if kind.name in CONTROL and "duration" not in params:
        return await kind.run(typed(kind, params), target)
    return ok(changed=_changes(kind, params, target))


def _check(kind: StepKind[Any], params: Mapping[str, Any]) -> None:
    """Raises StepError for a value of the wrong type, as in a run; text for what nobody knows fits everywhere."""
    try:
        typed(kind, params)
    except StepError:
        if not _has_unknown(params):
            raise


async def _on_host(
    kind: StepKind[Any], world: World, params: Mapping[str, Any], target: Target, *, verdict: Verdict, takes: float
) -> Outcome:
    answer = Answer(rc=1 if verdict.end == "fail" else 0, duration=takes, lost=REASON if verdict.end == "lost" else "")
    result = await target.run(world.command(answer), quiet=True)
    rc = result.rc if kind.name in COMMANDS else None
    if result.rc:
        return Outcome(Status.FAILED, rc=rc, message=REASON if rc is None else f"exit status {rc} ({REASON})")
    return Outcome(Status.CHANGED if _changes(kind, params, target) else Status.OK, rc=rc)


def _takes(kind: StepKind[Any], params: Mapping[str, Any], usual: float) -> float:
    """Seconds: a pause as long as it says, everything else as usual."""
    duration = params.get("duration") if kind.name == "pause" else None
    if duration is None or isinstance(duration, Unknown):
        return usual
    try:
        return seconds(duration)
    except ValueError as error:
        raise StepError(str(error)) from None


def _changes(kind: StepKind[Any], params: Mapping[str, Any], target: Target) -> bool:
    """Whether a step of the kind has changed something where it ended well."""
    if kind.name == "http":
        return str(params.get("method", "GET")) not in READING and not target.read_only
    return kind.name not in READERS | CONTROL and not target.read_only


def _has_unknown(value: Value) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_unknown, value.values()))
    return isinstance(value, Unknown) or (isinstance(value, list | tuple) and any(map(_has_unknown, value)))
