"""One look of a gate's check: its kind is run as a step's is, but without a record before, for a look changes nothing.

Whatever keeps the look from being made is inconclusive: it says nothing about what was to be looked at.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from runner.engine.attempt import place_of, ready, turn_at
from runner.engine.health import Health
from runner.engine.judging import judge, placed, reported, said_of
from runner.engine.target import StepTarget
from runner.engine.turn import Turn
from runner.errors import ConnectError, LostError, RenderError, StepError
from runner.model.changed import changed
from runner.model.inventory import CONTROLLER
from runner.model.outcome import Outcome, Status
from runner.model.playbook import Check, Step
from runner.step import typed

_NO_ANSWER = {Status.UNREACHABLE, Status.UNKNOWN, Status.CANCELLED}

HIDDEN = "the check could not be made; why is hidden, as it is sensitive"


@dataclass(frozen=True, slots=True)
class Look:
    """One answer. ``is_final`` where it is inconclusive and no waiting can change that.

    ``waited`` are the seconds until it was its turn on the host that it was made from.
    """

    health: Health
    reason: str = ""
    is_final: bool = False
    waited: float = 0.0


async def look(turn: Turn, check: Check, *, number: int, limit: float) -> Look:
    """Look once, for at most ``limit`` seconds from its turn on. ``number`` counts the looks, from 1."""
    making = _Making(turn, _placed(turn, check), limit)
    seen = await _seen(turn, making, number)
    return replace(seen, waited=making.waited)


async def _seen(turn: Turn, making: "_Making", number: int) -> Look:
    step = making.step
    try:
        outcome = await making.outcome()
        outcome = judge(turn, step, outcome, scope=making.names, attempt=number)
    except TimeoutError:
        return making.too_late()
    except (ConnectError, LostError, StepError, RenderError) as error:
        return _not_made(step, placed(error), is_final=not error.temporary and not isinstance(error, LostError))
    except Exception as error:  # noqa: BLE001 - a fault in one look must not end the others
        file = reported(turn, step, error)
        return Look(Health.INCONCLUSIVE, f"a fault in runner: {type(error).__name__}; see {file}", is_final=True)
    if outcome.status.is_well:
        return Look(Health.HEALTHY)
    if outcome.status in _NO_ANSWER:
        return _not_made(step, outcome.message, is_final=not outcome.temporary)
    return Look(Health.UNHEALTHY, said_of(step, outcome))


class _Making:
    """One look on its way: what is known of it where its time is over."""

    def __init__(self, turn: Turn, step: Step, limit: float) -> None:
        self._turn = turn
        self._limit = limit
        self._is_made = False
        self.step = step
        self.names: Mapping[str, Any] = {}
        self.waited = 0.0

    async def outcome(self) -> Outcome:
        """What the kind answers, within its own limit. Raises what keeps it from answering."""
        turn, step = self._turn, self.step
        self.names = turn.scope(step.frame)
        place = place_of(turn, step, self.names)
        came = asyncio.get_running_loop().time()
        async with turn_at(turn, step, place) as beside, asyncio.timeout(self._limit):
            self.waited = asyncio.get_running_loop().time() - came
            params, target = await ready(turn, step, self.names, place=place, beside=beside)
            self._is_made = True
            try:
                return await self._answer(params, target)
            except LostError as error:
                turn.run.sessions.lost(place.name, error.message)
                raise

    async def _answer(self, params: Mapping[str, Any], target: StepTarget) -> Outcome:
        kind = self._turn.run.kinds[self.step.kind]
        own = self.step.timeout if kind.timeout == -1 else kind.timeout
        begun = target.now()
        try:
            async with asyncio.timeout(own):
                outcome = await kind.run(typed(kind, params), target)
        except TimeoutError:
            return Outcome(Status.TIMED_OUT, message=f"it took longer than {own or 0:g}s")
        return outcome.timed(target.now() - begun)

    def too_late(self) -> Look:
        """The time was over before it answered, or before it could ask."""
        if self._is_made:
            return Look(Health.UNHEALTHY, f"it took longer than the {self._limit:g}s that were left")
        return Look(Health.INCONCLUSIVE, f"it could not be asked within the {self._limit:g}s that were left")


def _not_made(step: Step, reason: str, *, is_final: bool) -> Look:
    return Look(Health.INCONCLUSIVE, HIDDEN if step.sensitive else reason, is_final)


def _placed(turn: Turn, check: Check) -> Step:
    """The check's step, made to run where ``from`` says.

    A kind that this machine can ask itself is told so, in place of a command here. A port is the wave's host's then,
    for this machine's own says nothing about it.
    """
    step = check.step
    if check.source == "host":
        return step
    params = dict(step.params)
    if step.kind == "tcp":
        params.setdefault("host", str(turn.host.address))
    if check.source == CONTROLLER and _can_ask_here(step):
        if step.kind == "wait_for" and "port" in params:
            params.setdefault("address", str(turn.host.address))
        return changed(step, params={**params, "from_": CONTROLLER})
    return changed(step, params=params, delegate_to=check.source)


def _can_ask_here(step: Step) -> bool:
    """Whether the kind has a way to ask from this machine without a command."""
    if step.kind == "wait_for":
        return "port" in step.params or "http" in step.params
    return step.kind in {"http", "tcp"}
