"""Servers that do not behave, made with the library in this process: refusals, noise, turns that must not get lost."""

import asyncio
import contextlib

import asyncssh
import pytest
from ssh_support import Heard, context, host

from runner.errors import ConnectError
from runner.transports import ssh


class Server(asyncssh.SSHServer):
    """Lets everybody in, and gives them no session."""

    banner = ""
    methods = ("public_key",)

    def connection_made(self, conn):
        if self.banner:
            conn.send_auth_banner(self.banner)

    def begin_auth(self, _):
        return bool(self.banner)

    def public_key_auth_supported(self):
        return True

    def validate_public_key(self, *_):
        return False


class Refusing(asyncssh.SSHServerSession):
    """Opens a channel and runs nothing in it."""

    def exec_requested(self, _):
        return False


class Sessions(Server):
    def session_requested(self):
        return Refusing()


class Cat(asyncssh.SSHServerSession):
    """Says nothing and waits for the end of its input."""

    def connection_made(self, chan):
        self.channel = chan

    def exec_requested(self, _):
        return True

    def eof_received(self):
        self.channel.exit(0)


class Cats(Server):
    def session_requested(self):
        return Cat()


class Banner(Server):
    banner = "your account has expired\n"


@contextlib.asynccontextmanager
async def connecting(folder, factory):
    """A server of that kind, and what connects to it."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=factory, server_host_keys=[key], config=None, encoding=None
    )
    port = server.get_port()
    (folder / "kh").write_text(f"[127.0.0.1]:{port} {key.export_public_key().decode()}")
    user = folder / "user"
    user.touch(mode=0o600)
    user.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    one = host("web1", "127.0.0.1", user="u", port=port, known_hosts=str(folder / "kh"), identity=str(user))
    try:
        async with ssh.start(context(folder)) as transport:
            yield lambda: transport.open(one)
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("factory", [Server, Sessions])
def test_host_without_sessions(factory, tmp_path):
    """A host that lets us in and then runs nothing is an error of the connection, with no end told to anybody."""
    heard = Heard()

    async def work():
        async with connecting(tmp_path, factory) as connect:
            connection = await connect()
            with pytest.raises(ConnectError, match="the host opens no session") as caught:
                await connection.open("true", heard)
            assert connection._channels._open in {0, 1}
            await connection.close()
            assert connection._channels._open == 0
            return caught.value

    assert asyncio.run(work()).cause == "protocol"
    assert heard.reasons == []


def test_turn_of_one_who_left_goes_to_the_next(tmp_path):
    """Waiting for a channel can be given up at any time; whoever waits behind still gets the place."""

    async def work():
        async with connecting(tmp_path, Cats) as connect:
            connection = await connect()
            connection._channels._most = 1
            first = await connection.open("cat", Heard())
            waiting = [asyncio.create_task(connection.open("cat", Heard())) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            await first.close()
            waiting[1].cancel()
            last = await asyncio.wait_for(waiting[2], 5)
            await last.close()
            await connection.close()
            return connection._channels._open

    assert asyncio.run(work()) == 0


def test_open_on_a_closed_connection(tmp_path):
    """A connection that is gone opens nothing, and says so before anything is sent."""

    async def work():
        async with connecting(tmp_path, Cats) as connect:
            connection = await connect()
            await connection.close()
            await connection.open("true", Heard())

    with pytest.raises(ConnectError, match="the connection is closed") as caught:
        asyncio.run(work())
    assert caught.value.cause == "closed_midway"


def test_receiver_hears_of_a_lost_connection_once(tmp_path):
    """All pipes of a connection that is cut off hear the reason, each once; writing to them goes nowhere."""

    async def work():
        async with connecting(tmp_path, Cats) as connect:
            connection = await connect()
            heard = [Heard(), Heard()]
            pipes = [await connection.open("cat", one) for one in heard]
            connection.wire._transport.abort()
            for one, pipe in zip(heard, pipes, strict=True):
                await one.over.wait()
                pipe.write(b"x")
                await pipe.drain()
                await pipe.close()
            assert connection.closed
            assert connection.reason == "Connection lost"
            await connection.close()
            return [one.reasons for one in heard]

    assert asyncio.run(work()) == [["Connection lost"], ["Connection lost"]]


def test_what_the_host_says_in_refusing(tmp_path):
    """The text a host shows before it refuses a login is in the message."""

    async def work():
        async with connecting(tmp_path, Banner) as connect:
            await connect()

    with pytest.raises(ConnectError, match="your account has expired") as caught:
        asyncio.run(work())
    assert caught.value.cause == "auth"


def test_drain_waits_until_the_host_reads(tmp_path):
    """More than the host takes is held back until it reads on, and then all of it arrives."""
    read = []

    class Slow(Cat):
        def session_started(self):
            asyncio.get_running_loop().call_soon(self.channel.pause_reading)
            asyncio.get_running_loop().call_later(0.1, self.channel.resume_reading)

        def data_received(self, data, _):
            read.append(len(data))

    class SlowServer(Server):
        def session_requested(self):
            return Slow()

    async def work():
        async with connecting(tmp_path, SlowServer) as connect:
            connection = await connect()
            heard = Heard()
            pipe = await connection.open("cat", heard)
            for _ in range(8):
                pipe.write(b"x" * 1_000_000)
                await pipe.drain()
            pipe.write_eof()
            await heard.over.wait()
            await connection.close()

    asyncio.run(work())

    assert sum(read) == 8_000_000
