"""Opening a shell as another user, through sudo.

Without a password first (``sudo -n``), then with it. **Why a mark before the hello:** sudo says nothing when it takes
a password, and when it does not, it reads the next line of its input as the next try. So nothing is written after the
password until the shell that sudo starts has said a random word, and a rejected password costs exactly one failed
login. Why no terminal: it would merge the two streams and alter the output.
"""

import asyncio
import re
import secrets
from collections.abc import Callable

from runner.errors import StepError
from runner.shell.channel import Channel
from runner.shell.opening import lost, shown, started
from runner.shell.pipes import OpenPipe

_SUDO = "exec env LC_ALL=C sudo -H"  # its words are compared in English; our shell sets a locale of its own
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.@+-]*\Z")

_REJECTED = "sudo password rejected"
_ONCE = "it was tried once and is not tried again in this run"
_NEEDED = "sudo asks for a password and none is given"
_REFUSALS = (
    (
        r"sudo\W*: (command )?not found|unknown command\W+sudo|sudo\W*: no such file",
        "sudo is not installed on the host",
        "",
    ),
    (
        r"must have a tty",
        "sudo on the host wants a terminal (requiretty)",
        'runner takes no terminal: put "Defaults !requiretty" into the host\'s sudoers',
    ),
    (
        r"not in the sudoers file|not allowed to (run|execute)|may not run sudo",
        'sudo does not let the login user run /bin/sh as "{user}"',
        "the host's sudoers decides; see sudo -l there",
    ),
    (r"unknown user", 'the host has no user "{user}"', ""),
    (
        r"incorrect password|try again|authentication fail|no password was provided",
        _REJECTED,
        _ONCE,
    ),
    (
        r"password is required|terminal is required|no tty present|askpass",
        _NEEDED,
        "name a secret: become: {{user: {user}, password: NAME}}, or allow it with NOPASSWD in sudoers",
    ),
)
"""Words of sudo, what they mean, and what to do about it."""


class _FinalError(StepError):
    """A refusal that no password mends."""


async def open_sudo_shell(
    open_pipe: OpenPipe, user: str, password: str | None, seconds: float, make: Callable[[], Channel] = Channel
) -> Channel:
    """A shell of that user, which has answered within ``seconds``.

    Raises StepError where sudo refuses, ConnectError where the connection is lost; nothing ran then.
    """
    if not _USER.match(user):
        raise StepError(f'"{user}" is no name of a user', hint="letters, digits and _ . @ + -")
    if password is not None and ("\n" in password or "\0" in password):
        raise StepError("a sudo password cannot hold a line end")
    try:
        async with asyncio.timeout(seconds):
            return await _open(open_pipe, user, password, make)
    except TimeoutError:
        raise StepError(f"sudo gave no shell within {seconds:g} s") from None


async def _open(open_pipe: OpenPipe, user: str, password: str | None, make: Callable[[], Channel]) -> Channel:
    try:
        async with started(open_pipe, f"{_SUDO} -n -u {user} -- /bin/sh", make()) as channel:
            return await _answered(channel, user)
    except _FinalError:
        raise
    except StepError:
        if password is None:
            raise
    prompt, mark = f"runner-{secrets.token_hex(8)}:", f"runner-{secrets.token_hex(8)}"
    line = f"{_SUDO} -S -k -p {prompt} -u {user} -- /bin/sh -c 'echo {mark}; exec /bin/sh'"
    async with started(open_pipe, line, make()) as channel:
        await _let_in(channel, user, prompt.encode(), mark.encode() + b"\n", password)
        return await _answered(channel, user)


async def _answered(channel: Channel, user: str) -> Channel:
    channel.greet()
    await channel.until(lambda: channel.ready or channel.gone is not None)
    if not channel.ready:
        raise lost(channel) or _refusal(channel, user)
    return channel


async def _let_in(channel: Channel, user: str, prompt: bytes, mark: bytes, password: str) -> None:
    """Answer the prompt, once, and wait for the mark. A lecture before the prompt does not matter."""

    def asked() -> int:
        return channel.preamble["stderr"].count(prompt)

    def settled() -> bool:
        return mark in channel.preamble["stdout"] or channel.gone is not None

    await channel.until(lambda: asked() > 0 or settled())
    if not settled():
        channel.pipe.write(password.encode("utf-8", "surrogateescape") + b"\n")
        await channel.until(lambda: asked() > 1 or settled())
    if channel.gone is not None:
        raise lost(channel) or _refusal(channel, user)
    if asked() > 1:
        raise _FinalError(_REJECTED, hint=_ONCE)


def _refusal(channel: Channel, user: str) -> StepError:
    """What sudo's words mean."""
    said = channel.preamble["stderr"] + channel.preamble["stdout"]
    text = said.decode("utf-8", "replace")
    for pattern, message, hint in _REFUSALS:
        if re.search(pattern, text, re.IGNORECASE):
            kind = StepError if message == _NEEDED else _FinalError
            return kind(message.format(user=user), hint=hint.format(user=user))
    return StepError(f"sudo failed: {shown(said)}")
