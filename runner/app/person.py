"""The person at the terminal: asked for what only they know, before anything starts, and for a word to go on."""

import asyncio
import getpass
import signal
import sys
import threading
from collections.abc import Callable

from runner.errors import ConnectError, StepError


class Person:
    """Asks on the controlling terminal. ``is_there`` is False under ``--batch`` and where there is no terminal."""

    def __init__(self, *, is_there: bool, yes: bool, say: Callable[[str], None]) -> None:
        self.is_there = is_there
        self._yes = yes
        self._say = say
        self._answers: dict[str, str] = {}
        self._turn: asyncio.Lock | None = None
        self._asking = threading.Lock()

    def ask(self, prompt: str) -> str:
        """What the person types, unseen; equal prompts are asked once, and one at a time.

        Raises ConnectError where nobody is there, or nothing is typed.
        """
        with self._asking:
            if prompt not in self._answers:
                if not self.is_there:
                    raise ConnectError("auth", f'nobody is there to answer "{prompt.strip()}"')
                try:
                    self._answers[prompt] = _typed(prompt)
                except EOFError:
                    raise ConnectError("auth", f'nothing was typed for "{prompt.strip()}"') from None
            return self._answers[prompt]

    def ask_secret(self, prompt: str) -> str:
        """As ``ask``, for a secret of a playbook. Raises ValueError where nobody is there."""
        if not self.is_there:
            raise ValueError("it has to be typed, and standard input is no terminal")
        try:
            return self.ask(prompt if prompt.endswith(" ") else f"{prompt}: ")
        except ConnectError as error:
            raise ValueError(error.message) from None

    async def wait(self, message: str) -> None:
        """Return when the person presses Enter. Raises StepError where nobody is there and ``--yes`` was not given."""
        if self._yes:
            return
        if not self.is_there:
            raise StepError("nobody is there to say go on", hint="give --yes to let pauses go on by themselves")
        self._turn = self._turn or asyncio.Lock()
        async with self._turn:
            self._say(f"{message} (press Enter to go on)\n")
            await _enter()


def _typed(prompt: str) -> str:
    """What is typed, unseen. Ctrl-C is a KeyboardInterrupt here, whatever it means to a run."""
    if threading.current_thread() is not threading.main_thread():
        return getpass.getpass(prompt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return getpass.getpass(prompt)
    finally:
        signal.signal(signal.SIGINT, before)


async def _enter() -> None:
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    loop.add_reader(sys.stdin, came.set)
    try:
        await came.wait()
        if not sys.stdin.readline():
            raise StepError("standard input ended; nobody said to go on")
    finally:
        loop.remove_reader(sys.stdin)
