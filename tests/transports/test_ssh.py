"""The ssh transport against a real OpenSSH server: commands, channels, lost connections, limits in time."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time

import pytest
from ssh_support import Heard, context, host

from runner.errors import ConnectError, LostError
from runner.transport import Command
from runner.transports import ssh, ssh_dial, ssh_options
from runner.transports.ssh_options import settings_of

pytestmark = pytest.mark.sshd


def refusal(work):
    """The ConnectError that some work ends with."""
    with pytest.raises(ConnectError) as caught:
        asyncio.run(work)
    return caught.value


async def connected(folder, one, *others, **more):
    """Connect to a host and close again."""
    async with ssh.start(context(folder, one, *others, **more)) as transport:
        session = await transport.connect(one)
        await session.close()
        assert session.closed


@contextlib.contextmanager
def full_listener():
    """A port that takes no connection, and does not refuse one either: its queue is full. As a lost packet looks."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        yield server.getsockname()[1]


@contextlib.contextmanager
def mute_listener(greeting=b"", *, hang_up=False):
    """A port where somebody accepts, says one thing, and then nothing, or hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as accepted:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    one, _ = server.accept()
                    one.sendall(greeting)
                    if hang_up:
                        one.close()
                    else:
                        accepted.callback(one.close)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def test_many_commands_are_one_login(sshd, tmp_path):
    """Ten steps on a host are one connection, one login and one shell."""
    before = sshd.authentications(), sshd.connections()

    async def work():
        async with ssh.start(context(tmp_path)) as transport:
            session = await transport.connect(host("web1", "127.0.0.2", **sshd.options()))
            results = [await session.run(Command(argv=("echo", str(i)))) for i in range(10)]
            await session.close()
            return results

    results = asyncio.run(work())

    assert [result.stdout.text for result in results] == [str(i) for i in range(10)]
    assert (sshd.authentications() - before[0], sshd.connections() - before[1]) == (1, 1)


def test_bytes_that_are_no_text_come_through(sshd, tmp_path):
    """Output that is not UTF-8 is kept byte by byte, and the status with it."""

    async def work():
        async with ssh.start(context(tmp_path)) as transport:
            session = await transport.connect(host("web1", "127.0.0.2", **sshd.options()))
            result = await session.run(Command(script=r"printf '\377\376\000x'; exit 7"))
            await session.close()
            return result

    result = asyncio.run(work())

    assert result.stdout.data == b"\xff\xfe\x00x"
    assert result.rc == 7


def test_connection_lost_in_mid_command_is_unknown(sshd_with, tmp_path):
    """When the server dies under a running command, nobody claims to know how it ended."""
    server = sshd_with()

    async def work():
        async with ssh.start(context(tmp_path)) as transport:
            session = await transport.connect(host("web1", "127.0.0.2", **server.options()))
            started = asyncio.Event()
            command = Command(script="echo on; sleep 60", sink=lambda *_: started.set())
            task = asyncio.create_task(session.run(command))
            await started.wait()
            await asyncio.to_thread(server.stop)
            with pytest.raises(LostError) as caught:
                await task
            assert session.closed
            await session.close()
            return caught.value

    assert "onnection" in str(asyncio.run(work()))


def test_silent_server_is_noticed_by_keepalive(sshd_with, tmp_path):
    """A server that is stopped, and says nothing more, is given up after the unanswered signs of life."""
    server = sshd_with()
    one = host("web1", "127.0.0.2", **server.options(keepalive={"interval": "100ms", "count": 2}))

    async def work():
        async with ssh.start(context(tmp_path)) as transport:
            session = await transport.connect(one)
            started = asyncio.Event()
            command = Command(script="echo on; sleep 60", sink=lambda *_: started.set())
            task = asyncio.create_task(session.run(command))
            await started.wait()
            for pid in server.sessions():
                os.kill(pid, signal.SIGSTOP)
            with pytest.raises(LostError) as caught:
                await asyncio.wait_for(task, 10)
            await session.close()
            return caught.value

    assert "keepalive" in str(asyncio.run(work()))


def test_channels_beyond_the_hosts_limit_wait(sshd_with, tmp_path):
    """A host that bears two sessions gets no third; five pipes all get their turn."""
    server = sshd_with("MaxSessions 2")
    most = 0

    async def one(connection, number):
        nonlocal most
        heard = Heard()
        pipe = await connection.open(f"echo {number}", heard)
        most = max(most, connection._channels._open)
        await heard.over.wait()
        await pipe.close()
        return heard.streams["stdout"], heard.reasons

    async def work():
        async with ssh.start(context(tmp_path)) as transport:
            connection = await transport.open(host("web1", "127.0.0.2", **server.options()))
            results = await asyncio.gather(*(one(connection, number) for number in range(5)))
            await connection.close()
            return results

    results = asyncio.run(work())

    assert results == [(f"{number}\n".encode(), [""]) for number in range(5)]
    assert most <= 8


def test_a_pipe_that_never_gets_a_place_says_so(sshd_with, tmp_path):
    """Where all sessions that the host bears stay in use, waiting for one ends, with the word MaxSessions."""
    server = sshd_with("MaxSessions 1")
    one = host("web1", "127.0.0.2", **server.options(connect_timeout="500ms"))

    async def work():
        async with ssh.start(context(tmp_path)) as transport:
            connection = await transport.open(one)
            pipe = await connection.open("cat", Heard())
            try:
                await connection.open("true", Heard())
            finally:
                await pipe.close()
                await connection.close()

    error = refusal(work())

    assert error.cause == "timeout"
    assert "MaxSessions" in error.hint


def test_end_of_a_pipe_is_told_once_with_its_reason(sshd, tmp_path):
    """A shell that ends badly, or is killed, or is closed by us: each end is told once, in words."""
    ends = {"exit 3": "", "exit 0": ""}

    async def work():
        async with ssh.start(context(tmp_path)) as transport:
            connection = await transport.open(host("web1", "127.0.0.2", **sshd.options()))
            heard = {}
            for command in [*ends, "kill -KILL $$"]:
                heard[command] = Heard()
                pipe = await connection.open(command, heard[command])
                await heard[command].over.wait()
                pipe.write(b"dropped")
                pipe.write_eof()
                await pipe.close()
            heard["cat"] = Heard()
            pipe = await connection.open("cat", heard["cat"])
            await pipe.close()
            await connection.close()
            return {command: one.reasons for command, one in heard.items()}

    reasons = asyncio.run(work())

    assert {command: reasons[command] for command in ends} == {command: [words] for command, words in ends.items()}
    assert reasons["kill -KILL $$"] == ["the shell on the host was killed by KILL"]
    assert len(reasons["cat"]) == 1


def test_forced_command_is_no_shell(sshd_with, tmp_path):
    """A host that runs something else than what was asked is refused, with what it said."""
    server = sshd_with("ForceCommand echo go away")

    async def work():
        async with ssh.start(context(tmp_path)) as transport:
            session = await transport.connect(host("web1", "127.0.0.2", **server.options()))
            try:
                await session.run(Command(argv=("true",)))
            finally:
                await session.close()

    assert "go away" in str(refusal(work()))


def test_refused_names_the_address(tmp_path):
    """A closed port is told apart from a silent one, with address and port; time may mend it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        error = refusal(connected(tmp_path, host("web1", "127.0.0.1", port=port)))

    assert (error.cause, error.temporary) == ("refused", True)
    assert f"127.0.0.1 port {port}: connection refused" in error.message


def test_connect_attempts_try_again(tmp_path, monkeypatch):
    """connect_attempts counts tries in all, with a pause between them."""
    monkeypatch.setattr(ssh, "FIRST_RETRY", 0.01)
    tries = []

    @contextlib.asynccontextmanager
    async def counted(address):
        tries.append(address)
        yield

    one = host("web1", "127.0.0.1", port=9, connect_attempts=3)

    assert refusal(connected(tmp_path, one, limit=counted)).cause == "refused"
    assert tries == ["127.0.0.1"] * 3


def test_unknown_names_are_not_tried_again(tmp_path):
    """A name that does not exist is said with the name, and no second try is made of it."""
    error = refusal(connected(tmp_path, host("web1", "web1.invalid", connect_attempts=3)))

    assert (error.cause, error.temporary) == ("dns", False)
    assert 'cannot resolve "web1.invalid"' in error.message
    assert error.hint == "check the address at inventory.yaml:1:1"


def test_slow_resolver_has_a_deadline(tmp_path, monkeypatch):
    """A resolver that does not answer is given up at the login's limit, and holds up nothing else."""
    release = threading.Event()
    monkeypatch.setattr(ssh_dial.socket, "getaddrinfo", lambda *_, **__: release.wait(10) and [])

    start = time.monotonic()
    error = refusal(connected(tmp_path, host("web1", "slow.example", connect_timeout=0.2)))
    release.set()

    assert (error.cause, error.temporary) == ("dns", True)
    assert time.monotonic() - start < 5


def test_every_address_is_tried(sshd, tmp_path, monkeypatch):
    """Of a name's addresses the first that answers is taken; when none does, all are named."""
    monkeypatch.setattr(
        ssh_dial, "addresses", lambda *_: [(socket.AF_INET, "127.0.0.99"), (socket.AF_INET, "127.0.0.3")]
    )
    known = tmp_path / "kh"
    known.write_text(f"[web1]:{sshd.port} {sshd.host_key}\n[web1]:9 {sshd.host_key}\n")

    asyncio.run(connected(tmp_path, host("web1", **sshd.options(known_hosts=str(known)))))
    error = refusal(connected(tmp_path, host("web1", **sshd.options(port=9, known_hosts=str(known)))))

    assert "(127.0.0.99)" in error.message
    assert "(127.0.0.3)" in error.message


def test_black_hole_is_given_up(tmp_path, monkeypatch):
    """An address that swallows packets fails at the TCP limit, not at the kernel's two minutes."""
    monkeypatch.setattr(ssh_dial, "TCP_TIMEOUT", 0.2)
    with full_listener() as port:
        start = time.monotonic()
        error = refusal(connected(tmp_path, host("web1", "127.0.0.1", port=port)))

    assert (error.cause, error.temporary) == ("timeout", True)
    assert "no answer within 0.2 s" in error.message
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("greeting", "reached"), [(b"", "greeting"), (b"hello there\r\n", "greeting"), (b"SSH-2.0-x\r\n", "key exchange")]
)
def test_timeout_says_how_far_it_came(greeting, reached, tmp_path):
    """A server that stops answering in the middle of a login is given up, and the message says where."""
    with mute_listener(greeting) as port:
        error = refusal(connected(tmp_path, host("web1", "127.0.0.1", port=port, connect_timeout=0.3)))

    assert error.cause == "timeout"
    assert f"(reached: {reached})" in error.message


def test_timers_start_inside_the_limit(sshd, tmp_path):
    """A host that has to wait for its place among the connecting ones does not time out meanwhile."""

    @contextlib.asynccontextmanager
    async def late(_):
        await asyncio.sleep(0.4)
        yield

    asyncio.run(connected(tmp_path, host("web1", "127.0.0.2", **sshd.options(connect_timeout=0.3)), limit=late))


def test_something_that_is_no_ssh_server(tmp_path):
    """Endless text before a version, or another protocol, is a matter of protocol, not of time."""
    with mute_listener(b"x" * 20000) as port:
        error = refusal(connected(tmp_path, host("web1", "127.0.0.1", port=port, connect_timeout=5)))

    assert error.cause == "protocol"


def test_crowded_server_is_asked_again(sshd_with, tmp_path):
    """A server that drops logins when many come at once lets all in in the end, though connect_attempts is 1."""
    server = sshd_with("MaxStartups 3:100:3")
    hosts = [host(f"web{i}", f"127.0.0.{i}", **server.options()) for i in range(1, 13)]

    async def work():
        async with ssh.start(context(tmp_path)) as transport:
            sessions = await asyncio.gather(*(transport.connect(one) for one in hosts))
            await asyncio.gather(*(session.close() for session in sessions))

    asyncio.run(work())

    assert server.authentications() == 12
    assert server.drops() > 0


def test_banned_address_is_named(tmp_path):
    """A server that locks out our address says so in clear text and hangs up; it is not asked again."""
    with mute_listener(b"Not allowed at this time\r\n", hang_up=True) as port:
        error = refusal(connected(tmp_path, host("web1", "127.0.0.1", port=port, connect_attempts=3)))

    assert (error.cause, error.temporary) == ("closed_midway", False)
    assert "refuses this address for a while" in error.message


def test_server_that_always_hangs_up(tmp_path):
    """A server that hangs up before it says who it is, every time, is given up within the login's limit."""
    with mute_listener(hang_up=True) as port:
        error = refusal(connected(tmp_path, host("web1", "127.0.0.1", port=port, connect_timeout=0.5)))

    assert (error.cause, error.temporary) == ("closed_midway", True)
    assert "too many unauthenticated sessions?" in error.message


def test_no_common_algorithm_names_what_was_offered(sshd_with, tmp_path):
    """Where both sides have nothing in common the message names both lists, always, and the hint the way out."""
    server = sshd_with("Ciphers aes128-ctr", "MACs hmac-sha2-256")
    one = host("web1", "127.0.0.2", **server.options())
    allowed = host("web1", "127.0.0.2", **server.options(algorithms={"macs": ["+hmac-sha2-256"]}))

    async def work():
        async with ssh.start(context(tmp_path)) as transport:
            # many at once: the host hangs up at the same moment as it sends its list
            return await asyncio.gather(*(transport.connect(one) for _ in range(30)), return_exceptions=True)

    errors = asyncio.run(work())
    asyncio.run(connected(tmp_path, allowed))

    assert {error.cause for error in errors} == {"kex"}
    assert "hmac-sha2-256-etm@openssh.com" in errors[0].message
    assert errors[0].message.endswith("received hmac-sha2-256")
    assert "algorithms" in errors[0].hint


def test_misspelt_algorithm_is_refused(tmp_path):
    """An algorithm that does not exist is an error, not a shorter list."""
    error = refusal(connected(tmp_path, host("web1", "127.0.0.1", algorithms={"kex": ["curve25518"]})))

    assert '"curve25518" is not known here' in error.message


def test_nothing_is_left_to_the_library():
    """Every option that the library would look up by itself, or that weakens a login, is set."""
    options = ssh_options.prepare(settings_of({"user": "u", "keepalive": "5s"}, None, ""))

    names = {name.decode() for name in (*options.kex_algs, *options.encryption_algs, *options.mac_algs)}
    assert not [name for name in names if "sha1" in name or "group14" in name or "cbc" in name or "md5" in name]
    assert b"ssh-rsa" not in options.signature_algs
    assert options.compression_algs == [b"none"]
    assert options.known_hosts is not None
    assert options.config.get("Host") is None
    assert (options.agent_path, options.agent_forward_path, options.x11_forwarding) == (None, None, False)
    assert (options.gss_host, options.gss_kex, options.gss_auth, options.host_based_auth) == (None, False, False, False)
    assert (options.password_auth, options.kbdint_auth, options.encoding) == (False, False, None)
    assert (options.keepalive_interval, options.keepalive_count_max) == (5, 3)


def test_settings_have_safe_defaults():
    """What an inventory leaves open has a limit: 30 s for a login, signs of life, strict host keys, one try."""
    settings = settings_of({}, None, "")

    assert (settings.connect_timeout, settings.connect_attempts, settings.policy) == (30, 1, "strict")
    assert (settings.keepalive, settings.keepalive_count, settings.port) == (15, 3, 22)
    assert settings_of({"connect_timeout": "1m"}, 5.0, "").connect_timeout == 5


def test_old_library_is_refused():
    """A library below the floor is not used."""
    with pytest.raises(ConnectError, match="too old"):
        ssh.check_version("2.23.9")


def test_library_keeps_off_the_terminal(sshd, tmp_path, capfd):
    """Nothing of the library's own log reaches the terminal, in good logins and bad ones."""
    asyncio.run(connected(tmp_path, host("web1", "127.0.0.2", **sshd.options())))
    refusal(connected(tmp_path, host("web1", "127.0.0.2", **sshd.options(user="nobody-here"))))

    assert capfd.readouterr() == ("", "")


def test_cancelled_connect_leaves_nothing_open(tmp_path):
    """A connect that is cancelled in mid-login closes its socket; warnings are errors in this suite."""

    async def work(port):
        task = asyncio.create_task(connected(tmp_path, host("web1", "127.0.0.1", port=port)))
        await asyncio.sleep(0.1)  # anywhere inside the login will do
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with mute_listener() as port:
        asyncio.run(work(port))


def test_many_sessions_close_quickly(sshd, tmp_path):
    """Twenty sessions close together in well under the second that one may take."""

    async def work():
        async with ssh.start(context(tmp_path)) as transport:
            hosts = [host(f"web{i}", f"127.0.0.{i % 16 + 1}", **sshd.options()) for i in range(20)]
            sessions = await asyncio.gather(*(transport.connect(one) for one in hosts))
            start = time.monotonic()
            await asyncio.gather(*(session.close() for session in sessions))
            return time.monotonic() - start

    assert asyncio.run(work()) < 1
