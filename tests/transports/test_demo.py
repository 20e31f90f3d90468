"""The demo fleet: hosts inside the process that behave as real ones do."""

import asyncio

import pytest
from ssh_support import context, host

from runner.errors import ConnectError
from runner.transport import Command
from runner.transports import demo


def on_demo(folder, work):
    """Run some work on a demo transport, for as long as it is there."""

    async def inner():
        async with demo.start(context(folder)) as transport:
            return await work(transport)

    return asyncio.run(inner())


def test_each_host_has_a_home_of_its_own(tmp_path):
    """A file written on one host is not on another; HOME, the user and the folder are the host's own."""

    async def work(transport):
        one, two = [await transport.connect(host(name)) for name in ("web1", "web2")]
        await one.run(Command(script="echo hi > file"))
        results = [
            await session.run(Command(script='ls; [ "$PWD" = "$HOME" ]; echo $?; echo $USER')) for session in (one, two)
        ]
        for session in (one, two):
            await session.close()
        return [result.stdout.text.split() for result in results]

    assert on_demo(tmp_path, work) == [["file", "0", "web1"], ["0", "web2"]]


def test_streams_status_and_input(tmp_path):
    """Both streams, a status, a signal and megabytes of input and output go through."""

    async def work(transport):
        session = await transport.connect(host("web1"))
        results = [
            await session.run(Command(script="echo out; echo err >&2; exit 3")),
            await session.run(Command(script="kill -TERM $$")),
            await session.run(Command(script="cat", stdin=b"x" * 3_000_000, limit=4_000_000)),
        ]
        await session.close()
        return results

    plain, killed, bulk = on_demo(tmp_path, work)

    assert (plain.rc, plain.stdout.data, plain.stderr.data) == (3, b"out\n", b"err\n")
    assert killed.signal == "TERM"
    assert bulk.stdout.size == 3_000_000


def test_cancelled_step_is_ended(tmp_path):
    """A step that is given up is really gone from the host."""

    async def work(transport):
        session = await transport.connect(host("web1"))
        started = asyncio.Event()
        command = Command(script="echo $$; sleep 60", sink=lambda *_: started.set())
        task = asyncio.create_task(session.run(command))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await session.close()
        return command.fate.killed

    assert on_demo(tmp_path, work) == "yes"


def test_what_is_about_to_end_is_not_killed(tmp_path):
    """A command that needs a moment more when the run is over comes to its end: killing it then confuses asyncio."""
    marker = tmp_path / "marker"

    async def work(transport):
        session = await transport.connect(host("web1"))
        started = asyncio.Event()
        script = f"echo begun; sleep 0.1; echo done > '{marker}'"
        task = asyncio.create_task(session.run(Command(script=script, sink=lambda *_: started.set())))
        task.add_done_callback(lambda done: done.exception())
        await started.wait()

    on_demo(tmp_path, work)

    assert marker.read_text() == "done\n"


def test_nothing_is_left_behind(tmp_path):
    """After the run the homes and keys are gone."""

    async def work(transport):
        session = await transport.connect(host("web1"))
        await session.run(Command(script="echo hi > file"))
        await session.close()
        return len(list(tmp_path.iterdir()))

    assert on_demo(tmp_path, work) == 1
    assert list(tmp_path.iterdir()) == []


def test_server_lets_in_nobody_else(tmp_path):
    """The server is for this run's fleet alone: another key, or a user that is no host, is refused."""

    async def work(transport):
        inner, options = transport._inner, transport._options
        with pytest.raises(ConnectError) as caught:
            await inner.connect(host("web9", "127.0.0.1", **options, user="web9"))
        return caught.value

    assert on_demo(tmp_path, work).cause == "auth"


def test_thirty_hosts_at_once(tmp_path):
    """A fleet is opened at once and answers."""

    async def work(transport):
        async def one(number):
            session = await transport.connect(host(f"web{number}"))
            result = await session.run(Command(argv=("echo", str(number))))
            await session.close()
            return result.stdout.text

        return await asyncio.gather(*(one(number) for number in range(30)))

    assert on_demo(tmp_path, work) == [str(number) for number in range(30)]


def test_step_still_running_at_the_end(tmp_path):
    """A run that ends while a shell still runs closes all the same, and warns of nothing."""

    async def work(transport):
        session = await transport.connect(host("web1"))
        await session.run(Command(script="sleep 0.2 & echo on"))
        return session

    assert on_demo(tmp_path, work).closed
