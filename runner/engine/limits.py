"""Limits that are apart from each other: connections being opened, and hosts at work."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

TOTAL = 32
"""Connections being opened at once in all; the SSH server's own default drops more (sshd_config: MaxStartups)."""

PER_ADDRESS = 8
"""Connections being opened at once to one address."""


class Connecting:
    """Places among the connections being opened. Counts the most that were ever open at once, for tests."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._total = asyncio.Semaphore(limits.get("total", TOTAL))
        size = limits.get("per_address", PER_ADDRESS)
        self._addresses: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(size))

    @asynccontextmanager
    async def limit(self, address: str) -> AsyncIterator[None]:
        """A place for one connection to ``address``; waits, without any timer running, until one is free."""
        # The address comes first: a hundred hosts behind one slow address must not hold every place in all.
        async with self._addresses[address], self._total:
            yield
