"""Shells that lie: the protocol between runner and the shell on a host, broken in every field, at every time."""

import asyncio
from collections.abc import Callable

from cases import Case
from logins import ESCAPES, again
from peers import Shell, Story
from sessions import in_step, plays, truly

NASTY = ("\x1b]52;c;AAAA\x07\x9b2J\x00\r\u202e" + ESCAPES).encode() + b"\xff\xfe\x80"
HELLO = "h setsid /usr/bin/setsid 1"


def hello(*texts: str, streams: tuple[str, ...] = ("out", "err")) -> Story:
    """Says a hello of its own making, and then tells the end of the first step, if one comes."""

    async def story(shell: Shell) -> None:
        await shell.started()
        await shell.bootstrapped()
        for text in texts:
            for stream in streams:
                getattr(shell, stream)(text.encode("utf-8", "surrogateescape").replace(b"NONCE", shell.nonce))
        await shell.asked()
        shell.out(shell.frame("b 1 4711"))
        shell.told(0)

    return story


def says(*texts: str | bytes, streams: tuple[str, ...] = ("out", "err")) -> Callable[[Shell], None]:
    """Says that on its streams."""

    def act(shell: Shell) -> None:
        for text in texts:
            data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
            for stream in streams:
                getattr(shell, stream)(data.replace(b"NONCE", shell.nonce))

    return act


def in_pieces(text: str) -> Story:
    """Plays it all a byte at a time."""

    async def story(shell: Shell) -> None:
        await shell.started()
        await shell.bootstrapped()
        for part in (f"NONCE {HELLO}\n", text):
            data = part.encode().replace(b"NONCE", shell.nonce)
            for at in range(len(data)):
                shell.both(data[at : at + 1])
                await asyncio.sleep(0)
            if part is not text:
                await shell.asked()

    return story


def noise(*streams: str) -> Story:
    """Prints without end, and says no hello."""

    async def story(shell: Shell) -> None:
        await shell.started()
        again(lambda _: says(b"motd " * 1000, streams=streams)(shell), every=0.02)(shell.peer)

    return story


def first_says(data: bytes) -> Story:
    """Prints before the hello, and is a good shell then."""

    async def story(shell: Shell) -> None:
        await shell.started()
        for at in range(0, len(data), 30_000):
            shell.both(data[at : at + 30_000])
            await asyncio.sleep(0)
        await shell.bootstrapped()
        shell.hello()
        await shell.asked()
        shell.out(shell.frame("b 1 4711"))
        shell.told(0)

    return story


async def echo(shell: Shell) -> None:
    """Sends back what it is sent, as a terminal would."""
    await shell.started()
    at = 0
    while True:
        await shell.until(lambda: len(shell.heard) > at)  # noqa: B023 - awaited at once
        shell.both(shell.heard[at:])
        at = len(shell.heard)


async def before(shell: Shell) -> None:
    """Tells the end of a step before it is sent."""
    await shell.greeted()
    shell.out(shell.frame("b 1 4711"))
    shell.told(0)


def ends(*texts: str) -> Callable[[Shell], None]:
    """Frames on both streams."""
    return says(*(f"NONCE {text}\n" for text in texts))


def late(name: str, *acts: Callable[[Shell], None]) -> Case:
    """What is no end: the step goes on until its time is up."""
    return plays(name, in_step(*acts), "late", hangs=True)


HELLOS = [
    plays("no hello", hello(""), "protocol", "no shell answered", hangs=True),
    *(
        plays(f"no hello, but {name}", hello(text), "protocol", "no shell answered", hangs=True)
        for name, text in {
            "one of another nonce": "0" * 32 + f" {HELLO}\n",
            "half of it": "NONCE h setsid",
            "one of another version": "NONCE h2 setsid /usr/bin/setsid 1\n",
            "one with an unknown word": "NONCE h warp /usr/bin/setsid 1\n",
            "one with a field more": f"NONCE {HELLO} - 0 1 2\n",
            "one with a field less": "NONCE h setsid /usr/bin/setsid\n",
            "one with escapes": "NONCE h setsid /usr/bin/\x1b[31msetsid 1\n",
            "one with a quote in it": "NONCE h setsid /usr/bin/setsid';reboot;' 1\n",
            "one with a path of 4 kB": "NONCE h setsid /" + "x" * 4096 + " 1\n",
            "one with a NUL": "NONCE h setsid /usr/bin/set\0sid 1\n",
            "one that is no text": "NONCE h setsid /usr/bin/\udcffsetsid 1\n",
            "one with a line end of Windows": f"NONCE {HELLO}\r\n",
            "one with a relative record": f"NONCE {HELLO} ../../etc/passwd 3 1\n",
            "one with a record of quotes": f"NONCE {HELLO} /tmp/'$(reboot)' 3 1\n",
            "the text that asks for it": "$_rn h $_rm $_rs $_rf\n",
            "escapes": ESCAPES * 100,
        }.items()
    ),
    plays("a hello on standard output alone", hello(f"NONCE {HELLO}\n", streams=("out",)), "protocol", ".", hangs=True),
    plays("a hello on standard error alone", hello(f"NONCE {HELLO}\n", streams=("err",)), "protocol", ".", hangs=True),
    plays("two hellos", hello(f"NONCE {HELLO}\n", f"NONCE {HELLO}\n"), "rc 0"),
    plays("two hellos that differ", hello(f"NONCE {HELLO}\n", "NONCE h none - 0\n"), "rc 0"),
    plays(
        "a record in a hello nobody asked for", hello(f"NONCE {HELLO} /etc/passwd 3 1\n"), "protocol|rc 0", hangs=True
    ),
    plays("noise before the hello, a megabyte of it", first_says(NASTY * 20_000), "rc 0"),
    plays("noise on standard output for ever", noise("out"), "protocol", "no shell answered", hangs=True),
    plays("noise on standard error for ever", noise("err"), "protocol", "no shell answered", hangs=True),
    plays("noise on both for ever", noise("out", "err"), "protocol", "no shell answered", hangs=True),
    plays("a terminal that echoes", echo, "protocol", "no shell answered", hangs=True),
    plays("a hello in single bytes", in_pieces("NONCE b 1 4711\nNONCE e 1 0\n"), "rc 0"),
]

FRAMES = [
    late("an end of another nonce", says("0" * 32 + " e 1 0\n")),
    late("an end of a step before", ends("e 0 0")),
    late("an end of a step to come", ends("e 2 0")),
    late("an end of step 99999999999", ends("e 99999999999 0")),
    late("an end of step -1", ends("e -1 0")),
    late("an end with status -1", ends("e 1 -1")),
    late("an end with status abc", ends("e 1 abc")),
    late("an end with no status", ends("e 1 ")),
    late("an end with a status of digits that are none", ends("e 1 \u0660")),
    late("an end with a status of a million digits", ends("e 1 " + "0" * 30_000)),
    late("an end with two statuses", ends("e 1 0 0")),
    late("an end with a line end of Windows", ends("e 1 0\r")),
    late("an end with a NUL", ends("e 1 0\0")),
    late("an end in capitals", ends("E 1 0")),
    late("an end without a line end", says("NONCE e 1 0")),
    late("an end that never ends", says("NONCE e 1 " + "0" * 2000)),
    late("an end on standard output alone", says("NONCE e 1 0\n", streams=("out",))),
    late("an end on standard error alone", says("NONCE e 1 0\n", streams=("err",))),
    late("a nonce a thousand times", says("NONCE" * 900)),
    late("a nonce before every letter", says("".join(f"NONCE{letter}" for letter in "e 1 0\n" * 50))),
    late("an end inside another", ends("e NONCE e 1")),
    plays("an end before its step", before, "late", hangs=True),
    plays("an end with status 99999999999", in_step(ends("e 1 99999999999")), "lost", "99999999999"),
    plays("an end with status 512", in_step(ends("e 1 512")), "lost", "512"),
    plays(
        "two ends that contradict each other",
        in_step(says("NONCE e 1 1\n", streams=("out",)), says("NONCE e 1 0\n", streams=("err",))),
        "lost",
        "two",
    ),
    plays(
        "two ends on one stream",
        in_step(says("NONCE e 1 3\nNONCE e 1 0\n", streams=("out",)), says("NONCE e 1 3\n", streams=("err",))),
        "rc 3",
    ),
    plays("an end, and then another", in_step(ends("e 1 3", "e 1 0")), "rc 3"),
    plays(
        "an end with status 1, then a close and status 0",
        in_step(ends("e 1 1"), lambda s: s.status(0), lambda s: s.close()),
        "rc 1",
    ),
    plays("a second beginning", truly(ends("b 1 1"), ends("b 1 99999999999")), "rc 0"),
    plays("a beginning of group -1", truly(ends("b 1 -1")), "rc 0"),
    plays("a hello in the middle", truly(ends(HELLO, "h none - 0")), "rc 0"),
    plays(
        "a step's output that looks like an end", truly(says("e 1 0\n0123456789abcdef0123456789abcdef e 1 0\n")), "rc 0"
    ),
    plays("output of escapes, NUL and bad text", truly(says(NASTY * 50)), "rc 0", "x1b|e"),
    plays("output of line ends alone", truly(says(b"\n" * 30_000)), "rc 0"),
    plays("output of carriage returns alone", truly(says(b"\r" * 30_000)), "rc 0"),
    plays("one line of 3 MB", truly(*[says(b"x" * 30_000)] * 50), "rc 0"),
    plays("a record of the run in its output", truly(says('\n{"event":"run.ended","status":"ok"}\n')), "rc 0"),
    plays("all of it in single bytes", in_pieces("NONCE b 1 4711\nout\x1b[2J\nNONCE e 1 7\n"), "rc 7"),
]
