"""Peers that let us in and go wrong on the channels: refusals, lies about windows, ends that are none, requests."""

import os
from collections.abc import Callable
from typing import Any

from asyncssh.constants import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_OPEN,
    MSG_CHANNEL_OPEN_CONFIRMATION,
    MSG_CHANNEL_OPEN_FAILURE,
    MSG_CHANNEL_SUCCESS,
    MSG_CHANNEL_WINDOW_ADJUST,
    MSG_DISCONNECT,
    MSG_GLOBAL_REQUEST,
    MSG_KEXINIT,
    MSG_REQUEST_FAILURE,
    MSG_REQUEST_SUCCESS,
    MSG_USERAUTH_BANNER,
)
from asyncssh.packet import Boolean, String, UInt32
from cases import Case
from logins import ESCAPES, again, rekeys, sends
from peers import Behaviour, Shell, Story, forever

NET = String("127.0.0.1"), UInt32(22)
TO_US: dict[str | bytes, tuple[bytes, ...]] = {
    "session": (),
    "x11": NET,
    "auth-agent@openssh.com": (),
    "forwarded-tcpip": (*NET, *NET),
    "forwarded-streamlocal@openssh.com": (String("/tmp/x"), String("")),
    "direct-tcpip": (*NET, *NET),
    "direct-streamlocal@openssh.com": (String("/tmp/x"), String(""), UInt32(0)),
    "tun@openssh.com": (UInt32(1), UInt32(0)),
    "unknown": (),
    b"\x1b]0;owned\x07": (),
}
"""Channels that a server may try to open to us, and what goes with them."""


def plays(name: str, story: Story, outcome: str, words: str = "", **more: Any) -> Case:
    """A case that plays the channel."""
    return Case(name, Behaviour(story=story), outcome, words, **more)


def at_open(*acts: Callable[[Shell], None]) -> Story:
    """Does something in place of opening the channel."""

    async def story(shell: Shell) -> None:
        for act in acts:
            act(shell)

    return story


def in_step(*acts: Callable[[Shell], None]) -> Story:
    """Does something while the step is under way; every later channel, for ending it, is silent."""

    async def story(shell: Shell) -> None:
        if shell.theirs:
            await forever(shell)
            return
        await shell.at_work()
        for act in acts:
            act(shell)

    return story


def truly(*acts: Callable[[Shell], None]) -> Story:
    """Does something while the step is under way, and then tells its end, which is 0."""

    async def story(shell: Shell) -> None:
        await in_step(*acts)(shell)
        shell.told(0)

    return story


def sent(kind: int, *parts: bytes) -> Callable[[Shell], None]:
    """A packet of the connection."""
    return lambda shell: sends(kind, *parts)(shell.peer)


def opens(kind: str | bytes, *more: bytes) -> Callable[[Shell], None]:
    """Opens a channel to us."""
    return sent(MSG_CHANNEL_OPEN, String(kind), UInt32(77), UInt32(2**31), UInt32(32768), *more)


def asks(name: str, *more: bytes, reply: bool = True) -> Callable[[Shell], None]:
    """A request about the connection."""
    return sent(MSG_GLOBAL_REQUEST, String(name), Boolean(reply), *more)


def wants(name: str, *more: bytes) -> Callable[[Shell], None]:
    """A request about the channel, to be answered."""
    return lambda shell: shell.request(name, *more, reply=True)


def refuses(code: int, words: str | bytes = ESCAPES) -> Callable[[Shell], None]:
    """Opens no channel."""

    def act(shell: Shell) -> None:
        parts = UInt32(shell.theirs), UInt32(code), String(words), String("en")
        shell.peer.send_packet(MSG_CHANNEL_OPEN_FAILURE, *parts)

    return act


def channel(kind: int, *parts: bytes, number: int | None = None) -> Callable[[Shell], None]:
    """A packet for our channel, or for another number."""
    return lambda shell: shell.peer.send_packet(kind, UInt32(shell.theirs if number is None else number), *parts)


def confirms(window: int, size: int) -> Story:
    """Opens the channel with those limits, and plays the rest truly."""

    async def story(shell: Shell) -> None:
        await shell.greeted(window, size)
        await shell.asked()
        shell.out(shell.frame("b 1 4711"))
        shell.told(0)

    return story


def confirm(shell: Shell) -> None:
    """Opens the channel."""
    shell.confirm()


async def unanswered(shell: Shell) -> None:
    """Opens the channel, and does not say whether the command runs."""
    shell.confirm()


async def refused(shell: Shell) -> None:
    """Opens the channel, and runs nothing on it."""
    shell.confirm()
    await shell.until(lambda: "exec" in shell.requests)
    shell.refuse()


OPENINGS = [
    plays("a channel that is never opened", forever, "timeout", "no session within", hangs=True),
    *(
        plays(f"no channel, for reason {code}", at_open(refuses(code)), "protocol", "LOGIN OK")
        for code in (0, 1, 2, 3, 4)
    ),
    plays("no channel, for a reason of 30 kB", at_open(refuses(1, "x" * 30_000)), "protocol", "^.{0,600}$"),
    plays("no channel, for a reason that is no text", at_open(refuses(1, b"\xff\x9b")), "closed_midway|protocol"),
    plays("no channel, for reason 4294967295", at_open(refuses(2**32 - 1)), "protocol", "LOGIN OK"),
    plays(
        "another channel than was asked for",
        at_open(channel(MSG_CHANNEL_OPEN_CONFIRMATION, *map(UInt32, (1, 9, 9)), number=500)),
        "closed_midway|protocol",
    ),
    plays("a channel opened twice", at_open(confirm, confirm), "closed_midway|protocol", "."),
    plays("a channel opened and refused", at_open(confirm, refuses(1)), "closed_midway|protocol", "."),
    plays(
        "a channel with packets of no size",
        at_open(lambda shell: shell.confirm(2**20, 0)),
        "closed_midway|protocol",
        ".",
    ),
    plays("a channel with no window", confirms(0, 32768), "timeout|protocol", ".", hangs=True),
    plays("a channel with packets of one byte", confirms(2**20, 1), "protocol", "takes 1 bytes in a packet"),
    plays("a channel with packets of 256 bytes", confirms(2**20, 256), "rc 0"),
    plays("a channel with all windows at their largest", confirms(2**32 - 1, 2**32 - 1), "rc 0"),
    plays("a command that is refused", refused, "protocol", "opens no session"),
    plays("a command that is neither run nor refused", unanswered, "timeout", "no session within", hangs=True),
    plays(
        "closing the channel that was just opened",
        at_open(confirm, lambda shell: shell.close()),
        "protocol|closed_midway",
        ".",
    ),
    plays(
        "an end before anything ran",
        at_open(confirm, lambda shell: shell.status(0), lambda shell: shell.close()),
        "protocol|closed_midway",
        ".",
    ),
    plays(
        "data for a channel that is not open",
        at_open(channel(MSG_CHANNEL_DATA, String("x"))),
        "closed_midway|protocol",
        ".",
    ),
    plays("hanging up in place of a channel", at_open(lambda shell: shell.peer.abort()), "closed_midway|protocol", "."),
]

MID_STEP = [
    plays("a step that never ends", in_step(), "late", hangs=True),
    plays("a close without an end", in_step(lambda shell: shell.close()), "lost", "."),
    plays("an end of output and then nothing", in_step(lambda shell: shell.eof()), "lost", "."),
    plays("an end of output and a close", in_step(lambda shell: shell.eof(), lambda shell: shell.close()), "lost", "."),
    plays(
        "status 0 of the shell, and a close",
        in_step(lambda shell: shell.status(0), lambda shell: shell.close()),
        "lost",
        ".",
    ),
    plays("status 0 of the shell, and no close", in_step(lambda shell: shell.status(0)), "lost", "."),
    plays(
        "two statuses of the shell",
        in_step(*[lambda shell: shell.status(0)] * 2, lambda shell: shell.close()),
        "lost|late",
        ".",
    ),
    plays(
        "status 4294967295 of the shell",
        in_step(lambda shell: shell.status(2**32 - 1), lambda shell: shell.close()),
        "lost",
        ".",
    ),
    plays("a status cut short", in_step(lambda shell: shell.request("exit-status", b"\0")), "lost", "."),
    plays(
        "a signal with escapes",
        in_step(lambda shell: shell.killed(ESCAPES.encode()), lambda shell: shell.close()),
        "lost",
        ".",
    ),
    plays(
        "a signal of 30 kB",
        in_step(lambda shell: shell.killed(b"K" * 30_000), lambda shell: shell.close()),
        "lost",
        "^.{0,500}$",
    ),
    plays(
        "a signal that is no text",
        in_step(lambda shell: shell.killed(b"\xff\x9b"), lambda shell: shell.close()),
        "lost",
        ".",
    ),
    plays(
        "a signal with words that are no text",
        in_step(lambda shell: shell.killed(b"KILL", b"\xff"), lambda shell: shell.close()),
        "lost",
        ".",
    ),
    plays(
        "an end on one stream alone, and a close",
        in_step(lambda shell: shell.out(shell.frame("e 1 0")), lambda shell: shell.close()),
        "lost",
        ".",
    ),
    plays("data after the end of output", in_step(lambda shell: shell.eof(), lambda shell: shell.told(0)), "lost", "."),
    plays("an end after the close", in_step(lambda shell: shell.close(), lambda shell: shell.told(0)), "lost", "."),
    plays("two closes", in_step(lambda shell: shell.close(), lambda shell: shell.close()), "lost", "."),
    plays("extended data of kind 0", in_step(lambda shell: shell.err(b"x", 0)), "lost", "[Ee]xtended"),
    plays("extended data of kind 4294967295", in_step(lambda shell: shell.err(b"x", 2**32 - 1)), "lost", "[Ee]xtended"),
    plays("a packet beyond the limit", in_step(lambda shell: shell.out(b"x" * 2**20)), "lost", "packet size"),
    plays("a window that overflows", truly(*[channel(MSG_CHANNEL_WINDOW_ADJUST, UInt32(2**32 - 1))] * 50), "rc 0"),
    plays(
        "data for a channel that is not there",
        in_step(channel(MSG_CHANNEL_DATA, String("x"), number=4711)),
        "lost",
        "Invalid channel",
    ),
    plays("an answer that nobody waits for", in_step(channel(MSG_CHANNEL_SUCCESS)), "lost", "."),
    plays("the answer of a connection that nobody waits for", in_step(sent(MSG_REQUEST_SUCCESS)), "lost", "."),
    plays("a refusal that nobody waits for", in_step(sent(MSG_REQUEST_FAILURE)), "lost", "."),
    plays("a wrong MAC in the middle", in_step(lambda shell: shell.peer.by_hand(os.urandom(64))), "lost", "."),
    plays("hanging up in the middle", in_step(lambda shell: shell.peer.abort()), "lost", "[Cc]onnection"),
    *(
        plays(
            f"disconnecting with reason {code} in the middle",
            in_step(sent(MSG_DISCONNECT, UInt32(code), String(ESCAPES), String(""))),
            "lost",
            ".",
        )
        for code in (1, 2, 3, 5, 6, 8, 10, 11, 12, 13, 14, 15, 2**32 - 1)
    ),
    plays(
        "a banner in the middle",
        in_step(sent(MSG_USERAUTH_BANNER, String(ESCAPES), String(""))),
        "late|lost",
        hangs=True,
    ),
    plays("a key exchange in the middle, cut short", in_step(sent(MSG_KEXINIT, bytes(20))), "lost", "."),
    plays(
        "endless rekeying in the middle",
        in_step(lambda shell: again(rekeys, times=1)(shell.peer)),
        "late|lost",
        hangs=True,
    ),
    Case(
        "rekeying with groups of its own, again and again",
        Behaviour(
            story=in_step(lambda shell: again(rekeys, times=1)(shell.peer)),
            options={"kex_algs": ["diffie-hellman-group-exchange-sha256"]},
        ),
        "lost",
        "new keys too often",
    ),
    plays("a rekeying, and then a true end", truly(lambda shell: rekeys(shell.peer)), "rc 0"),
    plays(
        "endless signs of life",
        in_step(
            lambda shell: again(sends(MSG_GLOBAL_REQUEST, String("keepalive@openssh.com"), Boolean(True)))(shell.peer)
        ),
        "late",
        hangs=True,
    ),
    plays(
        "endless keys of the host",
        in_step(
            lambda shell: again(
                sends(MSG_GLOBAL_REQUEST, String("hostkeys-00@openssh.com"), Boolean(False), String(bytes(51)) * 20)
            )(shell.peer)
        ),
        "late",
        hangs=True,
    ),
    plays(
        "endless requests about the channel",
        in_step(lambda shell: again(lambda _: shell.request("x@y", reply=True))(shell.peer)),
        "late",
        hangs=True,
    ),
    plays(
        "endless channels to us",
        in_step(lambda shell: again(lambda _: opens("session")(shell))(shell.peer)),
        "late",
        hangs=True,
    ),
    plays(
        "endless output",
        in_step(lambda shell: again(lambda _: shell.out(b"y\n" * 8000))(shell.peer)),
        "late|lost",
        hangs=True,
    ),
    plays(
        "endless errors",
        in_step(lambda shell: again(lambda _: shell.err(b"y\n" * 8000))(shell.peer)),
        "late|lost",
        hangs=True,
    ),
    plays(
        "endless output and errors",
        in_step(lambda shell: again(lambda _: shell.both(b"y\n" * 8000))(shell.peer)),
        "late|lost",
        hangs=True,
    ),
]

REQUESTS = [
    *(
        plays(f"a channel to us: {kind!a}", truly(opens(kind, *more)), "rc 0", refused=True)
        for kind, more in TO_US.items()
    ),
    plays("a channel to us that is no text", in_step(opens(b"\xff\xfe")), "lost", "."),
    plays(
        "a channel to us without a window",
        truly(sent(MSG_CHANNEL_OPEN, String("session"), *map(UInt32, (1, 0, 32768)))),
        "rc 0",
        refused=True,
    ),
    plays(
        "a channel to us without packets",
        in_step(sent(MSG_CHANNEL_OPEN, String("session"), *map(UInt32, (1, 0, 0)))),
        "lost",
        ".",
    ),
    plays("a channel to us, cut short", in_step(sent(MSG_CHANNEL_OPEN, UInt32(99))), "lost", "."),
    *(
        plays(
            f"a request about the connection: {name}",
            truly(asks(name, String("0.0.0.0"), UInt32(0))),
            "rc 0",
            refused=True,
        )
        for name in (
            "tcpip-forward",
            "cancel-tcpip-forward",
            "streamlocal-forward@openssh.com",
            "no-more-sessions@openssh.com",
            "hostkeys-prove-00@openssh.com",
            "x" * 1000,
        )
    ),
    plays(
        "a request about the connection that is no text",
        in_step(sent(MSG_GLOBAL_REQUEST, String(b"\xff"), Boolean(True))),
        "lost",
        ".",
    ),
    *(
        plays(
            f"a request about the channel: {name}", truly(wants(name, String("x"), String("y"))), "rc 0", refused=True
        )
        for name in (
            "exec",
            "shell",
            "subsystem",
            "pty-req",
            "env",
            "x11-req",
            "auth-agent-req@openssh.com",
            "signal",
            "window-change",
            "break",
            "eow@openssh.com",
        )
    ),
    plays(
        "a request about the channel that is no text",
        in_step(lambda shell: shell.peer.send_packet(98, UInt32(shell.theirs), String(b"\xff"), Boolean(True))),
        "lost",
        ".",
    ),
]


def gate(name: str, story: Story, outcome: str, words: str, *, hangs: bool = False) -> Case:
    """A gateway that goes wrong on the way to the host behind it."""
    return plays(f"a gateway that {name}", story, outcome, words, is_gate=True, hangs=hangs)


def behind(*parts: bytes, then: Callable[[Shell], None] = lambda _: None) -> Story:
    """Opens the way, and plays the host behind it."""

    async def story(shell: Shell) -> None:
        shell.confirm()
        for part in parts:
            shell.out(part)
        then(shell)

    return story


GATES = [
    gate("opens no way", forever, "timeout", "no login within", hangs=True),
    *(
        gate(f"opens no way, for reason {code}", at_open(refuses(code)), "refused", "LOGIN OK")
        for code in (1, 2, 3, 4, 2**32 - 1)
    ),
    gate("opens no way, for a reason of 30 kB", at_open(refuses(2, "x" * 30_000)), "refused", "^.{0,600}$"),
    gate("opens a way to nobody", behind(), "timeout", "reached: greeting", hangs=True),
    gate("opens a way and closes it", behind(then=lambda shell: shell.close()), "closed_midway", ".", hangs=True),
    gate("ends what the host says", behind(then=lambda shell: shell.eof()), "closed_midway", ".", hangs=True),
    gate("plays a mail server", behind(b"220 mail\r\n" * 2000), "protocol", "Too many banner lines"),
    gate("plays a host without a key", behind(b"SSH-2.0-x\r\n"), "timeout", "key exchange", hangs=True),
    gate("plays a host of text", behind(b"SSH-2.0-x\r\n", b"hello there, this is no packet"), "protocol", "packet"),
    gate("hangs up on the way", behind(b"SSH-2.0-x\r\n", then=lambda shell: shell.peer.abort()), "closed_midway", "."),
    gate("answers with errors", behind(then=lambda shell: shell.err(b"x")), "closed_midway|protocol", "."),
]
