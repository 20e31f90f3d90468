"""Steps that were begun on a host and that may still run there: waited for before the way back.

Else a step would change its host behind the back of its own rollback. Whatever comes of it, the rollback follows: it is
for hosts where nobody knows, too.
"""

import asyncio
from collections.abc import Iterator
from itertools import count

from runner.engine.attempt import become_of
from runner.engine.settling import LOOK, longest_wait
from runner.engine.stop import Deadline, Stop
from runner.engine.turn import Attempt, Turn
from runner.errors import ConnectError, LostError, RenderError, StepError
from runner.model.events import Warned
from runner.model.past import HostPast
from runner.model.playbook import leaves
from runner.model.record_key import record_key
from runner.transport import Recalled


async def waited_out(turn: Turn, past: HostPast | None, stop: Stop) -> None:
    """Wait until nothing of what was begun runs any more, as far as the host can tell; a kill ends it, or time does.

    That is what this process has lost sight of, and what earlier ones have, in the ``past``.
    """
    for attempt in (*(_begun(turn, past) if past is not None else ()), *turn.unheard):
        try:
            await _waited_out(turn, attempt, stop)
        except (ConnectError, LostError, RenderError, StepError, TimeoutError):
            return  # nothing can be asked; what takes it back will say so, or do without


def _begun(turn: Turn, past: HostPast) -> Iterator[Attempt]:
    for section in turn.play.sections:
        for step in leaves(section, everything=True):
            found = past.steps.get(step.id)
            if found is None or not found.is_open or found.is_local:
                continue
            for item, one in found.items.items() or ((None, found),):
                if one.is_open:
                    yield step, item, one.attempt, one.delegate


async def _waited_out(turn: Turn, attempt: Attempt, stop: Stop) -> None:
    step, item, number, delegate = attempt
    place = turn.run.plan.hosts.get(delegate) if delegate else turn.host
    if place is None:
        return
    become = become_of(turn, step, turn.scope(step.frame), place)
    key = record_key(turn.play.id, turn.host.name, step.id, step.section, item, number)
    session = await turn.run.sessions.get(place)
    found = Recalled("none")
    try:
        async with Deadline(stop, limit=longest_wait(step)):
            for looks in count():
                found = await session.recall(key, become)
                if found.state != "running":
                    return
                if not looks:
                    where = f" (process group {found.group})" if found.group else ""
                    text = f'step "{step.id}" still runs on the host{where}; waiting for it before it is taken back'
                    turn.run.recorder.emit(Warned(message=text, host=turn.host.name))
                await asyncio.sleep(LOOK)
    except TimeoutError:
        if found.group is not None:
            await session.end(found.group, become)
