"""One session a host: shared by all who ask, and opened again where it was lost."""

import asyncio
from types import SimpleNamespace
from typing import Any

from runner.engine.sessions import Sessions
from runner.location import Location
from runner.model.inventory import Host
from runner.transport import Agreed

WEB = Host(name="web01", index=1, address="10.0.0.1", location=Location("hosts.yaml", 1), connection="fake")


class FakeSession:
    """A session that can be lost, and remembers that it was closed."""

    def __init__(self) -> None:
        self.closed = False
        self.closings = 0
        self.agreed = Agreed()

    async def close(self) -> None:
        self.closings += 1


class Reach:
    """A transport that counts, and whose sessions can be lost."""

    def __init__(self) -> None:
        self.sessions: list[Any] = []

    async def connect(self, _: Host) -> Any:
        await asyncio.sleep(0)
        self.sessions.append(FakeSession())
        return self.sessions[-1]


def test_all_who_ask_at_once_share_one_connection() -> None:
    """Ten tasks that need a host open one connection."""
    reach = Reach()
    sessions = Sessions({"fake": reach}, SimpleNamespace(emit=lambda _: None))  # type: ignore[dict-item]

    async def story() -> list[Any]:
        return await asyncio.gather(*(sessions.get(WEB) for _ in range(10)))

    found = asyncio.run(story())

    assert len(reach.sessions) == 1
    assert all(session is found[0] for session in found)


def test_a_session_that_was_lost_is_opened_again() -> None:
    """What went away between two steps is not used for the next."""
    reach = Reach()
    events: list[Any] = []
    sessions = Sessions({"fake": reach}, SimpleNamespace(emit=events.append))  # type: ignore[dict-item]

    async def story() -> bool:
        first = await sessions.get(WEB)
        first.closed = True  # type: ignore[misc]
        return await sessions.get(WEB) is not first

    assert asyncio.run(story())
    assert [event.attempt for event in events if hasattr(event, "attempt")] == [1, 2]


def test_what_is_left_of_a_lost_session_is_closed_first() -> None:
    """Its connection and its other shells do not stay open: they are gone before the next connection is tried."""
    reach = Reach()
    before: list[int] = []

    async def connect(host: Host) -> Any:
        before.extend(session.closings for session in reach.sessions)
        return await Reach.connect(reach, host)

    fake = SimpleNamespace(connect=connect)
    sessions = Sessions({"fake": fake}, SimpleNamespace(emit=lambda _: None))  # type: ignore[dict-item]

    async def story() -> None:
        first = await sessions.get(WEB)
        first.closed = True  # type: ignore[misc]
        await sessions.get(WEB)
        await sessions.close_all()

    asyncio.run(story())

    assert before == [1]
    assert [session.closings for session in reach.sessions] == [1, 1]
