"""Whether runner itself keeps up: how late the loop is for what it was asked to wake up for."""

import asyncio

NOTICEABLE = 0.25
"""Seconds of standing still that are told: a connection's signs of life, and everybody's deadlines, wait that long."""


class Pace:
    """Sleeps, and notes the longest time by which it was woken too late."""

    def __init__(self) -> None:
        self._late = 0.0

    async def sleep(self, seconds: float) -> None:
        """Wait; what is longer than asked for is the loop's doing: it was busy, or the machine or process stopped."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        await asyncio.sleep(seconds)
        self._late = max(self._late, loop.time() - due)

    def stalled(self) -> float:
        """The longest such time in seconds since this was last asked, 0 where it is not worth a word."""
        late, self._late = self._late, 0.0
        return round(late, 3) if late > NOTICEABLE else 0.0
