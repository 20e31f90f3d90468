"""Random streams from a shell that knows the nonce: never an error, and never an end that was not told."""

import asyncio
import random
import re

from runner.errors import LostError
from runner.shell import HostRecords
from runner.shell.channel import Channel
from runner.shell.shells import Shells
from runner.transport import Command

PARTS = [
    b"NONCE e 1 0\n",
    b"NONCE e 1 0\n",
    b"NONCE e 1 1\n",
    b"NONCE e 2 0\n",
    b"NONCE e 1 600\n",
    b"NONCE b 1 4711\n",
    b"NONCE b 1 0\n",
    b"NONCE b 9 1\n",
    b"NONCE h setsid /usr/bin/setsid 1\n",
    b"NONCE h none - 0\n",
    b"NONCE h jobs - 1 /tmp/x 3 7\n",
    b"NONCE",
    b"NONCE ",
    b" e 1 0\n",
    b"\n",
    b"\x1b[2J\xff\x00",
    b"output\n",
    b"0" * 900,
]


class Nobody:
    """A pipe that leads nowhere."""

    def write(self, data: bytes) -> None:
        """Take it."""

    def write_eof(self) -> None:
        """Take it."""


async def told(seed: int) -> tuple[str, dict[str, bytes]]:
    """What comes of a random stream, and what was said on each stream after the step was sent."""
    draw = random.Random(seed)
    channel = Channel()
    channel.pipe = Nobody()  # type: ignore[assignment]
    nonce = channel._nonce.encode()
    for stream in ("stdout", "stderr"):
        channel.data(stream, nonce + b" h setsid /usr/bin/setsid 1\n")
    step = channel.send(Command(script="true", limit=1000))
    said = {"stdout": b"", "stderr": b""}
    for _ in range(draw.randrange(1, 40)):
        data = b"".join(draw.choices(PARTS, k=draw.randrange(1, 4))).replace(b"NONCE", nonce)
        if draw.random() < 0.2:
            at = draw.randrange(len(data))
            data = data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]
        stream = draw.choice(("stdout", "stderr"))
        if channel.gone is None:
            said[stream] += data
        while data:
            cut = draw.randrange(1, len(data) + 1)
            channel.data(stream, data[:cut])
            data = data[cut:]
    channel.ended("over")
    try:
        result = await channel.result(step)
    except LostError as error:
        return error.message, said
    return f"rc {result.rc}", {name: text.replace(nonce, b"NONCE") for name, text in said.items()}


def test_no_stream_makes_an_end_that_was_not_told() -> None:
    """An end is the first valid frame of this step on each stream, the same on both."""

    async def work() -> list[tuple[str, dict[str, bytes]]]:
        return [await told(seed) for seed in range(1500)]

    found = asyncio.run(work())

    ends = [(outcome, said) for outcome, said in found if outcome.startswith("rc ")]
    assert 50 < len(ends) < 1450
    for outcome, said in ends:
        for text in said.values():
            first = re.search(rb"NONCE e 0*1 (\d{1,11})\n", text)
            assert first, (outcome, said)
            assert outcome == f"rc {int(first[1])}"


def test_a_shell_that_is_gone_when_it_is_to_be_left_is_no_fault() -> None:
    """A host that hangs up just before the record of a resumed run is looked for there: the run ends as it would."""
    records = HostRecords("web1", ".runner-token-abcd1234", lambda _: None, is_resumed=True, has_gone_on=True)
    shells = Shells(lambda *_: None, 1, lambda _: None, 1, records)  # type: ignore[arg-type,return-value]

    async def work() -> None:
        channel = Channel()
        channel.ended("gone")
        await shells._find_old(channel)

    asyncio.run(work())
