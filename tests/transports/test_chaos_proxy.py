"""The relay that breaks connections does what tests trust it to do, seen on a server that sends back what it gets."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from chaos_proxy import Chaos


@contextlib.contextmanager
def echo() -> Iterator[int]:
    """The port of a server that echoes, and says ``bye`` at the end of its input."""
    with socket.create_server(("0.0.0.0", 0)) as server:

        def serve(one: socket.socket) -> None:
            with one, contextlib.suppress(OSError):
                while data := one.recv(65536):
                    one.sendall(data)
                one.sendall(b"bye")

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


@pytest.fixture
def chaos() -> Iterator[Chaos]:
    """The relay before that server."""
    with echo() as port, Chaos(port, hosts=2) as relay:
        yield relay


@pytest.fixture
def link(chaos: Chaos) -> Iterator[socket.socket]:
    """A connection through the relay that has sent and got ``hello``."""
    with socket.create_connection(("127.0.0.1", chaos.port), timeout=5) as one:
        one.sendall(b"hello")
        assert heard(one, 5) == b"hello"
        yield one


def heard(one: socket.socket, size: int) -> bytes:
    """So many bytes, or what comes until the end."""
    data = b""
    while len(data) < size and (part := one.recv(size - len(data))):
        data += part
    return data


def connect_and_hear(port: int) -> bytes:
    """What a new connection hears."""
    with socket.socket() as one:
        one.settimeout(5)
        one.connect(("127.0.0.1", port))
        return one.recv(1)


def is_silent(one: socket.socket) -> bool:
    """Whether nothing comes for a moment."""
    one.settimeout(0.2)
    try:
        return one.recv(1) is None
    except TimeoutError:
        return True
    finally:
        one.settimeout(5)


def test_bytes_pass_both_ways(chaos: Chaos, link: socket.socket) -> None:
    """A megabyte comes back whole, and is counted."""
    sending = threading.Thread(target=link.sendall, args=(b"x" * 1_000_000,))
    sending.start()

    assert heard(link, 1_000_000) == b"x" * 1_000_000
    sending.join()
    assert chaos.passed("up") == chaos.passed("down") == 1_000_005
    assert chaos.links() == 1


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_pause_holds_back_and_loses_nothing(chaos: Chaos, link: socket.socket, direction: str) -> None:
    """One way is silent until it is let go on."""
    chaos.pause(direction)
    link.sendall(b"more")
    assert is_silent(link)

    chaos.resume()

    assert heard(link, 4) == b"more"


def test_a_reset_is_a_reset(chaos: Chaos, link: socket.socket) -> None:
    """Both ends see the connection broken, not ended."""
    chaos.reset()

    with pytest.raises(ConnectionResetError):
        link.recv(1)


def test_a_close_is_an_end(chaos: Chaos, link: socket.socket) -> None:
    """The client sees an end in order."""
    chaos.close()

    assert link.recv(1) == b""


def test_a_half_closed_link_goes_on_the_other_way(chaos: Chaos, link: socket.socket) -> None:
    """The server is told that nothing more comes, and its last words arrive."""
    chaos.half_close("up")

    assert heard(link, 4) == b"bye"


@pytest.mark.parametrize(("how", "then"), [("rst", "reset"), ("fin", "end"), ("freeze", "silence")])
def test_a_cut_is_at_the_byte(chaos: Chaos, link: socket.socket, how: str, then: str) -> None:
    """Exactly so many bytes pass; the next connection is whole again."""
    chaos.cut(3, "down", how)
    link.sendall(b"abcdef")

    assert heard(link, 3) == b"abc"
    if then == "silence":
        assert is_silent(link)
    elif then == "end":
        assert link.recv(1) == b""
    else:
        with pytest.raises(ConnectionResetError):
            link.recv(1)
    with socket.create_connection(("127.0.0.2", chaos.port), timeout=5) as other:
        other.sendall(b"abcdef")
        assert heard(other, 6) == b"abcdef"


def test_who_is_refused_hears_nothing(chaos: Chaos, link: socket.socket) -> None:
    """New connections are reset, those that are open stay."""
    chaos.refuse()

    with pytest.raises(ConnectionResetError):
        connect_and_hear(chaos.port)
    link.sendall(b"still")
    assert heard(link, 5) == b"still"


def test_a_slow_way_takes_its_time(chaos: Chaos, link: socket.socket) -> None:
    """A delay holds each chunk up; a rate as long as its bytes take."""
    chaos.slow("down", delay=0.05, rate=1000)
    before = time.monotonic()
    link.sendall(b"x" * 100)

    assert heard(link, 100) == b"x" * 100
    assert time.monotonic() - before >= 0.15


def test_it_ends_by_itself() -> None:
    """A relay that a test forgot closes all that it holds."""
    with echo() as port, Chaos(port, hosts=1, life=0.2) as relay:
        with socket.create_connection(("127.0.0.1", relay.port), timeout=5) as one:
            assert one.recv(1) == b""
        relay._thread.join(5)
        assert not relay._thread.is_alive()
