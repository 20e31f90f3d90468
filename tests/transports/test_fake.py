"""The scripted transport: exact times, and a record of all that was asked."""

import asyncio

import pytest
from transport_ways import context_in, host_named

from runner.clock import run_virtual
from runner.errors import ConnectError, LostError, StepError
from runner.transport import Command
from runner.transports.fake import Answer, Connection, Fake, answers, text_of


def tell(fake, story, tmp_path, host="web1"):
    """Run a story with a session on virtual time."""

    async def main():
        async with fake.kind().start(context_in(tmp_path)) as transport:
            session = await transport.connect(host_named(host))
            try:
                return await story(session)
            finally:
                await session.close()

    return run_virtual(main())


def now():
    return asyncio.get_running_loop().time()


def test_answers_are_found_by_globs_in_order(tmp_path):
    """The first pattern that fits host and command answers; nothing that fits is fine and silent."""
    table = {("web1", "systemctl *"): Answer(rc=1), ("web*", "*"): Answer(stdout=b"any")}

    async def story(session):
        first = await session.run(Command(argv=("systemctl", "restart", "a b")))
        return first.rc, (await session.run(Command(script="uptime"))).stdout.data

    fake = Fake(answers(table))

    assert tell(fake, story, tmp_path) == (1, b"any")
    assert tell(fake, story, tmp_path, host="db1") == (0, b"")
    assert [(sent.host, sent.text) for sent in fake.sent] == [
        ("web1", "systemctl restart 'a b'"),
        ("web1", "uptime"),
        ("db1", "systemctl restart 'a b'"),
        ("db1", "uptime"),
    ]


def test_answers_in_turn(tmp_path):
    """A list answers one attempt after another, for each host by itself; the last goes on for good."""
    fake = Fake(answers({("*", "*"): [Answer(rc=1), Answer(rc=0)]}))

    async def story(session):
        return [(await session.run(Command(script="x"))).rc for _ in range(3)]

    assert tell(fake, story, tmp_path) == [1, 0, 0]
    assert tell(fake, story, tmp_path, host="web2") == [1, 0, 0]


def test_commands_take_their_time(tmp_path):
    """Durations pass on the virtual clock, and the record has the time of each command."""
    fake = Fake(answers({("*", "slow"): Answer(duration=3600)}))

    async def story(session):
        await session.run(Command(script="slow"))
        await session.run(Command(script="next"))
        return now()

    assert tell(fake, story, tmp_path) == 3600
    assert [sent.time for sent in fake.sent] == [0, 3600]
    assert (fake.connects, fake.closes) == ([(0, "web1")], [(3600, "web1")])


def test_connecting_fails_as_scripted(tmp_path):
    """A connect error is raised after its time; the next attempt has its own answer."""
    refused = ConnectError("refused", "connection refused", temporary=True)
    fake = Fake(connecting=lambda _, attempt: Connection(2, refused if attempt == 1 else None))

    async def main():
        async with fake.kind("other").start(context_in(tmp_path)) as transport:
            with pytest.raises(ConnectError):
                await transport.connect(host_named())
            await transport.connect(host_named())
            return now()

    assert run_virtual(main()) == 4
    assert [time for time, _ in fake.connects] == [0, 2]


def test_lost_connection_comes_after_its_time(tmp_path):
    """A command whose connection goes away was sent, and has no end; a new session is needed."""
    fake = Fake(answers({("*", "*"): Answer(duration=5, lost="keepalive failed")}))
    command = Command(script="x")

    async def story(session):
        with pytest.raises(LostError, match="keepalive failed"):
            await session.run(command)
        assert session.closed
        with pytest.raises(ConnectError):
            await session.run(command)
        return now()

    assert tell(fake, story, tmp_path) == 5
    assert fake.closes == []


def test_error_before_sending_sends_nothing(tmp_path):
    """An error that comes before the request leaves no trace on the host."""
    fake = Fake(answers({("*", "*"): Answer(error=StepError("sudo password rejected"))}))
    command = Command(script="x")

    async def story(session):
        with pytest.raises(StepError):
            await session.run(command)

    tell(fake, story, tmp_path)
    assert fake.sent == []
    assert not command.fate.sent


@pytest.mark.parametrize("killed", ["yes", "no", "unknown"])
def test_cancelled_command_is_killed_as_scripted(tmp_path, killed):
    """A timeout ends the command after the time that the kill takes, and the fate says what came of it."""
    fake = Fake(answers({("*", "*"): Answer(duration=100, killed=killed, kill_takes=10)}))
    command = Command(script="x")

    async def story(session):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(7):
                await session.run(command)
        return now()

    assert tell(fake, story, tmp_path) == 17
    assert command.fate.killed == killed


def test_cancelled_twice_is_unknown(tmp_path):
    """A second cancellation does not wait for the kill."""
    fake = Fake(answers({("*", "*"): Answer(duration=100, kill_takes=10)}))
    command = Command(script="x")

    async def story(session):
        task = asyncio.create_task(session.run(command))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        return now()

    assert tell(fake, story, tmp_path) == 2
    assert command.fate.killed == "unknown"


def test_text_is_what_a_person_would_type():
    """Arguments are quoted where needed; a script is itself."""
    assert text_of(Command(argv=("echo", "a b"))) == "echo 'a b'"
    assert text_of(Command(script="a\nb")) == "a\nb"
