"""A loop that stands still is noticed, by whoever asks afterwards."""

import asyncio
import time

from runner.app.pace import Pace


async def slept(*, blocked: float) -> tuple[float, float]:
    """What is told of a nap in which somebody holds the loop for this long, and what is told next."""
    pace = Pace()
    nap = asyncio.ensure_future(pace.sleep(0.01))
    await asyncio.sleep(0)
    time.sleep(blocked)  # noqa: ASYNC251 - that is the fault
    await nap
    return pace.stalled(), pace.stalled()


def test_a_loop_that_is_held_up_is_told_once() -> None:
    """Whoever holds the loop for longer than a quarter of a second is found out, and told of once."""
    stalled, after = asyncio.run(slept(blocked=0.5))
    assert stalled > 0.25
    assert after == 0.0
