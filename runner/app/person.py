"""The person at the terminal: asked for what only they know, before anything starts, and for a word to go on."""

import asyncio
import getpass
import os
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from runner.errors import ConnectError
from runner.model.decision import Answer, Question
from runner.reporting.escape import visible

POLL = 0.25
"""Seconds between two looks for an answer from elsewhere."""


class Person:
    """Asks on the controlling terminal. ``is_there`` is False under ``--batch`` and where there is no terminal."""

    def __init__(self, *, is_there: bool, yes: bool, user: str, say: Callable[[str], None]) -> None:
        self.is_there = is_there
        self._user = user
        self._yes = yes
        self._say = say
        self._answers: dict[str, str] = {}
        self._asking = threading.Lock()

    def ask(self, prompt: str) -> str:
        """What the person types, unseen; equal prompts are asked once, and one at a time.

        Raises ConnectError where nobody is there, or nothing is typed.
        """
        prompt = visible(prompt)
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

    async def decide(self, question: Question, elsewhere: Callable[[], Answer | None]) -> Answer:
        """What the person says, here or elsewhere, which is looked at four times a second; no answer: nobody is here.

        What was said elsewhere before it is asked here is heard without anybody here.

        Enter goes on behind a step's pause; every other question wants a y or an n, and Enter alone is a no.
        """
        if (said := elsewhere()) is not None:
            return said
        if self._yes and not question.is_approval:
            return Answer(yes=True, by=self._user, how="option")
        if not self.is_there:
            return Answer(None)
        is_pause = question.about == "step" and not question.is_approval
        where = ", ".join(word for word in (question.play, f"wave {question.wave}", question.host) if word)
        prompt = f"{visible(where)}: {visible(question.text)} " + ("(press Enter to go on)\n" if is_pause else "[y/N] ")
        with _lines() as lines:
            self._say(prompt)
            while True:
                if (said := elsewhere()) is not None:
                    self._say(f"\n{'approved' if said.yes else 'denied'} by {visible(said.by)}\n")
                    return said
                try:
                    async with asyncio.timeout(POLL):
                        line = await lines.get()
                except TimeoutError:
                    continue
                yes = _meant(line, is_pause=is_pause)
                if line == "" or yes is not None:
                    return Answer(yes, by=self._user, how="terminal") if line else Answer(None)
                self._say(f'"{visible(line.strip())}" is neither y nor n [y/N] ')


def _meant(line: str, *, is_pause: bool) -> bool | None:
    """What a line says: yes, no, or neither."""
    if is_pause:
        return True
    return {"y": True, "yes": True, "": False, "n": False, "no": False}.get(line.strip().lower())


@contextmanager
def _lines() -> Iterator[asyncio.Queue[str]]:
    """Lines as they are typed from now on; an empty one, without its end, is the end of standard input."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()
    descriptor = sys.stdin.fileno()

    def read() -> None:
        try:
            data = os.read(descriptor, 4096)
        except OSError:
            data = b""
        if not data:
            loop.remove_reader(descriptor)
        lines.put_nowait(data.decode(errors="replace"))

    with suppress(termios.error):
        termios.tcflush(descriptor, termios.TCIFLUSH)  # what was typed before the question answers nothing
    loop.add_reader(descriptor, read)
    try:
        yield lines
    finally:
        loop.remove_reader(descriptor)


def _typed(prompt: str) -> str:
    """What is typed, unseen. Ctrl-C is a KeyboardInterrupt here, whatever it means to a run."""
    if threading.current_thread() is not threading.main_thread():
        return getpass.getpass(prompt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return getpass.getpass(prompt)
    finally:
        signal.signal(signal.SIGINT, before)
