"""Text on its way to people and pipes: whoever reads slowly, or not at all, holds nobody up."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.app.outlet import Outlet, Outlets


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe, to read from and to write to."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def read(descriptor: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += os.read(descriptor, size - len(data))
    return data


def test_nobody_waits_for_a_reader(pipe: tuple[int, int]) -> None:
    """What is written is kept, and comes in order when somebody reads at last."""
    outlet = Outlet(pipe[1])
    lines = [b"%07d\n" % number for number in range(100_000)]

    for line in lines:
        outlet.write(line)
    was_read = outlet.drain(patience=0.05)
    data = read(pipe[0], 8 * len(lines))

    assert not was_read
    assert data == b"".join(lines)
    assert outlet.drain()
    assert outlet.lost == 0


def test_beyond_the_limit_lines_are_left_out_and_counted(pipe: tuple[int, int]) -> None:
    """What came before stays whole, and once there is room again lines pass."""
    outlet = Outlet(pipe[1], limit=1 << 20)
    outlet.write(b"a" * (1 << 20))

    outlet.write(b"b" * (1 << 19) + b"\none\ntwo\n")
    outlet.write(b"no end" + b"b" * (1 << 19))
    first = read(pipe[0], 1 << 20)
    assert outlet.drain()
    outlet.write(b"three\n")

    assert first == b"a" * (1 << 20)
    assert outlet.lost == 4
    assert read(pipe[0], 6) == b"three\n"


def test_a_reader_that_has_gone_is_told_to_the_next_who_writes() -> None:
    """Nobody waits for it any more."""
    reading, writing = os.pipe()
    outlet = Outlet(writing)
    os.close(reading)

    outlet.write(b"lost\n")
    drained = outlet.drain()

    assert drained
    with pytest.raises(BrokenPipeError):
        outlet.write(b"more\n")
    os.close(writing)


def test_a_full_disk_is_no_reader_that_has_gone() -> None:
    """It is worth a word, so it comes as what it is."""
    full = os.open("/dev/full", os.O_WRONLY)
    outlet = Outlet(full)
    outlet.write(b"lost\n")
    outlet.drain()

    with pytest.raises(OSError, match="No space left"):
        outlet.write(b"more\n")
    os.close(full)


def test_a_descriptor_that_others_made_non_blocking_is_waited_for(pipe: tuple[int, int]) -> None:
    """Terminals and pipes are shared with programs that do so; nothing is lost."""
    os.set_blocking(pipe[1], False)
    outlet = Outlet(pipe[1])
    data = b"".join(b"%07d\n" % number for number in range(50_000))

    outlet.write(data)
    outlet.drain(patience=0.05)

    assert read(pipe[0], len(data)) == data


def test_a_wait_for_readers_has_an_end(pipe: tuple[int, int]) -> None:
    """It ends with the time given, though something is read all along."""
    outlet = Outlet(pipe[1])
    outlet.write(b"a" * (1 << 20))
    began = time.monotonic()

    assert not outlet.drain(most=0.1)
    assert time.monotonic() - began < 5


def test_a_stream_that_nobody_else_keeps_stays_open(tmp_path: Path) -> None:
    """Its descriptor would be given to the next file that is opened, and the text go there."""
    write = (outlets := Outlets()).to((tmp_path / "log").open("w", encoding="utf-8"))

    with (tmp_path / "journal").open("wb"):
        write("a line\n")
        assert outlets.drain()

    assert (tmp_path / "log").read_text() == "a line\n"
    assert (tmp_path / "journal").read_bytes() == b""
    outlets._streams.pop().close()


def test_streams_that_end_in_the_same_place_keep_their_order(pipe: tuple[int, int]) -> None:
    """As standard output and standard error on one terminal do."""
    outlets = Outlets()
    with os.fdopen(os.dup(pipe[1]), "w") as out, os.fdopen(os.dup(pipe[1]), "w", encoding="ascii") as err:
        for number in range(1000):
            outlets.to(out)(f"{number:04} out\n")
            outlets.to(err)(f"{number:04} \u2713\n")

        lines = read(pipe[0], 1000 * (9 + 12)).decode().splitlines()
        assert outlets.drain()

    assert lines == [f"{number:04} {word}" for number in range(1000) for word in ("out", "\\u2713")]
