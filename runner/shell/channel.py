"""One persistent sh on the host, behind one pipe: its hello, and one step at a time."""

import asyncio
import secrets
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from runner.crashpoints import crash_point
from runner.errors import ConnectError, LostError
from runner.framing import Begin, End, Hello, Splitter, bootstrap, closing_text, step_text
from runner.host_record import Guard, RecordName
from runner.model.outcome import NOTHING, Captured
from runner.shell.capture import Capture
from runner.shell.pipes import NotOpen, Pipe
from runner.transport import GRACE, Command, CommandResult

PREAMBLE_LIMIT = 64 * 1024
"""Bytes kept of what each stream says before the hello."""

STREAMS = ("stdout", "stderr")

HIGHEST_STATUS = 511
"""No shell says more: 8 bits, and ksh93 has 256 and the number where a signal killed a command."""


@dataclass(slots=True)
class Step:
    """A step that has been sent. ``ends`` are the streams whose end frame has come; ``done`` is set by the last.

    ``rc`` is what they say.
    """

    index: int
    command: Command
    done: "asyncio.Future[int]"
    listening: set[str]
    begun: bool = False
    captures: dict[str, Capture] = field(default_factory=dict)
    ends: set[str] = field(default_factory=set)
    rc: int = 0

    @property
    def ended(self) -> bool:
        """Whether the end has come on both streams."""
        return len(self.ends) == len(STREAMS)

    def output(self, stream: str, chunk: bytes) -> None:
        """Keep a chunk, unless its stream has ended or not begun: then it is a stray of an earlier step's child."""
        if stream not in self.listening:
            return
        command = self.command
        capture = self.captures.get(stream) or self.captures.setdefault(stream, Capture(command.limit))
        if stream == "stderr" or command.keep_stdout:
            capture.add(chunk)
        else:
            capture.size += len(chunk)
        if command.sink is not None:
            self._pass_on(command.sink, stream, chunk)

    def captured(self, stream: str) -> Captured:
        """What is kept of a stream."""
        capture = self.captures.get(stream)
        return capture.captured if capture else NOTHING

    def _pass_on(self, sink: Callable[[str, bytes], None], stream: str, chunk: bytes) -> None:
        try:
            sink(stream, chunk)
        except Exception as error:  # noqa: BLE001 - a sink's own error is the waiting task's, not the event loop's
            self.listening.clear()
            self.fail(error)

    @property
    def result(self) -> CommandResult:
        """Its end, once that has come."""
        return CommandResult(self.rc, signal_name(self.rc), self.captured("stdout"), self.captured("stderr"))

    def fail(self, error: Exception) -> None:
        """Give the task that waits an error in place of an end."""
        if not self.done.done():
            self.done.set_exception(error)

    def end(self, stream: str, rc: int) -> None:
        """The end frame on one of the streams."""
        self.ends.add(stream)
        self.rc = rc
        self.listening.discard(stream)
        if self.ended and not self.done.done():
            self.done.set_result(rc)


class Channel:
    """A shell on the host: the :class:`~runner.shell.pipes.Receiver` of its ``pipe``.

    It is made first and given its pipe once that is open. ``record`` names the record that the shell shall keep, None
    for none; ``grace`` is the seconds between TERM and KILL for a group that it ends. ``hello`` is what the shell can
    do, once it is ``ready``. ``preamble`` is what each stream said before the hello; ``gone`` is why the pipe ended,
    None while it is open. ``open_key`` is of the last command that is noted, while its end has not been heard;
    ``on_gone`` is called when the pipe has ended. ``user`` is whom it runs as, None for the login user.
    """

    def __init__(self, record: RecordName | None = None, grace: float = GRACE) -> None:
        self._nonce = secrets.token_hex(16)
        self._record = record
        self._grace = grace
        self._splitters = {stream: Splitter(self._nonce) for stream in STREAMS}
        self._greeted: set[str] = set()
        self._news = asyncio.Event()
        self._waiting = 0
        self._index = 0
        self.preamble = dict.fromkeys(STREAMS, b"")
        self.hello = Hello("none")
        self.pipe: Pipe = NotOpen()
        self.is_eager = False
        self.has_greeted = False
        self.gone: str | None = None
        self.step: Step | None = None
        self.open_key = ""
        self.user: str | None = None
        self.on_gone: Callable[[], None] = _nothing

    @property
    def ready(self) -> bool:
        """Whether the hello has come on both streams, and the shell is still there."""
        return len(self._greeted) == len(STREAMS) and self.gone is None

    def greet(self) -> None:
        """Write the bootstrap, which the hello answers."""
        self.has_greeted = True
        self.pipe.write(bootstrap(self._nonce, self._record, self._grace))

    def opened(self, pipe: Pipe) -> None:
        """Greet at once, where nothing else has to be said first."""
        if self.is_eager:
            self.pipe = pipe
            self.greet()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something that bytes from the host can change holds."""
        self._waiting += 1
        try:
            while not holds():
                await self._news.wait()
        finally:
            self._waiting -= 1

    def data(self, stream: str, chunk: bytes) -> None:
        """Take a chunk of output; nothing that comes after the end of the pipe."""
        for record in self._splitters[stream].feed(chunk):
            if self.gone is not None:
                return
            match record:
                case bytes():
                    self._output(stream, record)
                case End(index, rc):
                    self._end(stream, index, rc)
                case Begin(index, group):
                    self._begin(index, group)
                case Hello():
                    self._greet(stream, record)
        if self._waiting:
            self._tell()

    def ended(self, reason: str) -> None:
        """The pipe has ended."""
        if self.gone is not None:
            return
        for stream in STREAMS:
            self._output(stream, self._splitters[stream].rest())
        self.gone = reason
        if self.step is not None:
            self.step.fail(LostError(reason or "the shell on the host ended while the step ran"))
        self.on_gone()
        self._tell()

    def _tell(self) -> None:
        self._news.set()  # wakes those who wait now
        self._news.clear()

    def _output(self, stream: str, chunk: bytes) -> None:
        if stream not in self._greeted:
            self.preamble[stream] = (self.preamble[stream] + chunk)[:PREAMBLE_LIMIT]
        elif self.step is not None and chunk:
            self.step.output(stream, chunk)

    def _greet(self, stream: str, hello: Hello) -> None:
        """The first hello counts, and the same one on the other stream."""
        if not self._greeted:
            self.hello = hello
        if hello == self.hello:
            self._greeted.add(stream)

    def _begin(self, index: int, group: int | None) -> None:
        step = self.step
        if step is None or step.index != index or step.begun:
            return
        step.begun = True
        step.command.fate.group = group
        if "stdout" not in step.ends:
            step.listening.add("stdout")

    def _end(self, stream: str, index: int, rc: int) -> None:
        """The first end on a stream counts. One that can't be ends the shell for us: the step's own is unknown."""
        step = self.step
        if step is None or step.index != index or stream in step.ends:
            return
        if rc > HIGHEST_STATUS:
            self.ended(f"the host told an exit status of {rc}, which there is not")
        elif step.ends and rc != step.rc:
            self.ended(f"the host told two ends of the step: exit status {step.rc}, and {rc}")
        else:
            step.end(stream, rc)
            if step.ended:
                self.open_key = ""

    def send(self, command: Command, *, stdin: bytes = b"", piped: bool = False, follows: int | None = None) -> Step:
        """Write a step; raises StepError before anything is written, ConnectError where the shell is gone.

        ``piped`` is as ``step_text`` has it, ``follows`` as Guard has it.
        """
        self._index += 1
        argv = command.argv or ("/bin/sh", "-c", command.script, "sh", *command.args)
        guard = _guard(command, follows) if self.hello.record else None
        text = step_text(
            self._index,
            argv,
            self.hello,
            env=command.env,
            cwd=command.cwd,
            stdin=stdin,
            piped=piped,
            guard=guard,
        )
        if self.gone is not None:
            raise ConnectError("closed_midway", self.gone or "the shell on the host has ended", temporary=True)
        # Under job control the main shell writes the begin frame, and a quick child may be there before it.
        early = {"stderr", "stdout"} if self.hello.mode == "jobs" else {"stderr"}
        step = Step(self._index, command, asyncio.get_running_loop().create_future(), early)
        self.step = step
        self.open_key = guard.key if guard else ""
        command.fate.sent = True
        self.pipe.write(text)
        crash_point("after_send")
        return step

    async def result(self, step: Step) -> CommandResult:
        """Wait for the end of a step. Raises LostError, or what its sink raised."""
        await step.done
        self.step = None
        return step.result

    @property
    def is_idle(self) -> bool:
        """Whether the shell waits for the next text."""
        return self.ready and not self.open_key and (self.step is None or self.step.ended)

    def all_sent(self) -> None:
        """Say that the bytes that were to follow a step's text are over."""
        self.pipe.write(self._nonce.encode() + b"\n")

    async def farewell(self, paths: tuple[str, ...], seconds: float) -> bool:
        """End the shell in order, and have it remove its record and those files; whether that was seen in time."""
        self.pipe.write(closing_text(paths))
        try:
            async with asyncio.timeout(seconds):
                await self.until(lambda: self.gone is not None)
        except TimeoutError:
            return False
        return not self.gone

    async def close(self) -> None:
        """Close the pipe; never raises."""
        await self.pipe.close()


def _nothing() -> None:
    """Nobody wants to know."""


def _guard(command: Command, follows: int | None) -> Guard | None:
    keeping = command.keeping
    return Guard(keeping.key, keeping.timeout, keeping.on_loss[0], follows) if keeping.key else None


def signal_name(rc: int) -> str | None:
    """The signal that a shell's exit status stands for, without SIG: ``KILL`` for 137, None for 1 or 255."""
    if rc <= 128:
        return None
    try:
        return signal.Signals(rc - 128).name.removeprefix("SIG")
    except ValueError:
        return None
