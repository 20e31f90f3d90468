"""The virtual clock: exact, at once, and never hanging."""

import asyncio
import socket
import time

import pytest

from runner.clock import VIRTUAL_START, DeadlockError, VirtualLoop, run_virtual, system_wall


def now() -> float:
    return asyncio.get_running_loop().time()


def test_sleeping_takes_no_time():
    """An hour of sleep is over at once, and the clock shows an hour."""

    async def main():
        await asyncio.sleep(3600)
        return now()

    begun = time.monotonic()
    assert run_virtual(main()) == 3600
    assert time.monotonic() - begun < 5


def test_timers_fire_in_order_at_their_time():
    """Sleepers wake in the order of their times, each exactly then."""
    woken = []

    async def sleeper(seconds):
        await asyncio.sleep(seconds)
        woken.append((seconds, now()))

    async def main():
        async with asyncio.TaskGroup() as group:
            for seconds in (2.5, 0.1, 90_000, 1):
                group.create_task(sleeper(seconds))

    run_virtual(main())

    assert woken == [(0.1, 0.1), (1, 1), (2.5, 2.5), (90_000, 90_000)]


def test_timeout_fires_on_virtual_time():
    """``asyncio.timeout`` is exact on the virtual clock."""

    async def main():
        try:
            async with asyncio.timeout(7):
                await asyncio.Event().wait()
        except TimeoutError:
            return now()

    assert run_virtual(main()) == 7


def test_deadlock_is_an_error_that_names_who_waits():
    """Waiting for what can never happen raises, and does not hang."""

    async def main():
        asyncio.current_task().set_name("the one who waits")
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError, match="the one who waits"):
        run_virtual(main())


def test_thread_work_is_done_in_place():
    """Blocking work runs at once, so that the clock cannot jump over it; its error comes back to who waits."""

    async def main():
        done = await asyncio.to_thread(lambda: 42)
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 / 0)
        return done, now()

    assert run_virtual(main()) == (42, 0)


def test_real_input_comes_before_time_passes():
    """Bytes that are there are read before the clock moves."""

    async def main():
        reader, writer = await asyncio.open_connection(sock=left)
        right.sendall(b"hello\n")
        async with asyncio.timeout(1):
            line = await reader.readline()
        writer.close()
        return line, now()

    left, right = socket.socketpair()
    with right:
        assert run_virtual(main()) == (b"hello\n", 0)


def test_wall_clock_follows():
    """The wall clock of a virtual loop starts at a fixed date and moves with the loop."""

    async def main():
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        await asyncio.sleep(10)
        return loop.wall()

    assert run_virtual(main()) == VIRTUAL_START + 10
    assert abs(system_wall() - time.time()) < 5
