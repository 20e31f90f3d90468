"""The transport ``fake``: hosts that answer from a script, on whatever clock the event loop has.

It runs nothing and opens nothing; on a virtual loop hours pass at once. A test, or a simulation, says what each
command on each host comes to, and reads afterwards what was sent where and when::

    fake = Fake(answers({("web*", "systemctl restart *"): Answer(duration=3), ("web2", "*"): Answer(rc=1)}))
    kind = fake.kind()

It keeps the promises of ``transport``: commands of a session one after another, ``fate`` set as a real one sets it,
an end only when the script says that the host reported one.
"""

import asyncio
import contextlib
import shlex
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from runner.errors import ConnectError, LostError, RunnerError
from runner.model.inventory import Become, Host
from runner.model.outcome import NOTHING, Captured
from runner.shell import Capture
from runner.transport import Agreed, Command, CommandResult, Recalled, Transport, TransportContext, TransportKind
from runner.transports.options import FAKE_SCHEMA


@dataclass(frozen=True, slots=True)
class Answer:
    """What one command comes to.

    It ends after ``duration`` seconds with ``rc`` and ``signal``. ``stdout`` and ``stderr`` are there at once.
    ``lost`` is why the connection went away at that time, instead of an end. ``error`` is raised before anything is
    sent. ``killed`` is what ending the group came to where the command was cancelled, after ``kill_takes`` seconds;
    None where its own end came first.
    """

    rc: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    signal: str | None = None
    duration: float = 0.0
    lost: str = ""
    error: RunnerError | None = None
    killed: str | None = "yes"
    kill_takes: float = 0.0


@dataclass(frozen=True, slots=True)
class Connection:
    """What one attempt to connect comes to: after ``duration`` seconds a session, or ``error``."""

    duration: float = 0.0
    error: ConnectError | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A command that reached a host, ``time`` seconds after the loop's zero. ``text`` is what answers match."""

    host: str
    text: str
    time: float
    command: Command


Script = Callable[[Sent], Answer]
Connecting = Callable[[Host, int], Connection]
"""Gets the host and the number of the attempt, from 1."""


def answers(table: Mapping[tuple[str, str], Answer | Sequence[Answer]]) -> Script:
    """A script from globs for the host and the command's text; the first that fits wins.

    A list gives its answers one after another, to each host by itself, the last one for good. What fits nothing is
    fine and silent.
    """
    given: dict[tuple[str, str, str], int] = {}

    def script(sent: Sent) -> Answer:
        for (host, text), found in table.items():
            if fnmatchcase(sent.host, host) and fnmatchcase(sent.text, text):
                if isinstance(found, Answer):
                    return found
                turn = given[sent.host, host, text] = given.get((sent.host, host, text), 0) + 1
                return found[min(turn, len(found)) - 1]
        return Answer()

    return script


def text_of(command: Command) -> str:
    """The command as one line of text: the script as it is, or the arguments with sh's quoting where needed."""
    return shlex.join(command.argv) if command.argv else command.script


@dataclass(slots=True)
class Fake:
    """Scripted hosts, and a record of what was asked of them.

    ``sent`` are the commands in order, ``connects`` and ``closes`` the (time, host) of each connection, refused ones
    too, and of each orderly close. ``ended`` are process groups of earlier sessions that were ended. ``recall`` gives
    what a host's record says of a command, by host and key.
    """

    script: Script = field(default=lambda _: Answer())
    connecting: Connecting = field(default=lambda _, __: Connection())
    sent: list[Sent] = field(default_factory=list)
    connects: list[tuple[float, str]] = field(default_factory=list)
    closes: list[tuple[float, str]] = field(default_factory=list)
    ended: list[tuple[str, int]] = field(default_factory=list)
    recall: Callable[[str, str], Recalled] = field(default=lambda _host, _key: Recalled("none"))

    def kind(self, name: str = "fake") -> TransportKind:
        """These hosts as a transport."""
        return TransportKind(name, FAKE_SCHEMA, self._start)

    @contextlib.asynccontextmanager
    async def _start(self, context: TransportContext) -> AsyncIterator[Transport]:
        yield _FakeTransport(self, context)


class _FakeTransport:
    def __init__(self, fake: Fake, context: TransportContext) -> None:
        self._fake = fake
        self._context = context
        self._attempts: dict[str, int] = {}

    async def prepare(self, hosts: Iterable[Host]) -> None:
        """There is nothing to ask."""

    async def connect(self, host: Host) -> "_FakeSession":
        """Connect as the script says, inside a place among the connecting ones."""
        async with self._context.limit(str(host.address)):
            attempt = self._attempts[host.name] = self._attempts.get(host.name, 0) + 1
            self._fake.connects.append((asyncio.get_running_loop().time(), host.name))
            connection = self._fake.connecting(host, attempt)
            await asyncio.sleep(connection.duration)
            if connection.error is not None:
                raise connection.error
            return _FakeSession(self._fake, host.name)


class _FakeSession:
    def __init__(self, fake: Fake, host: str, *, is_main: bool = True) -> None:
        self._fake = fake
        self._is_main = is_main
        self._host = host
        self._turn = asyncio.Lock()
        self._group = 1000
        self.closed = False
        self.agreed = Agreed()

    def is_ready(self, become: Become | None) -> bool:
        """Any user is fine."""
        del become
        return not self.closed

    async def prepare(self, become: Become | None) -> None:
        """Any user is fine."""

    async def recall(self, key: str, become: Become | None) -> Recalled:
        """What the host's record says, as scripted."""
        del become
        return self._fake.recall(self._host, key)

    async def end(self, group: int, become: Become | None) -> str:
        """It is gone."""
        del become
        self._fake.ended.append((self._host, group))
        return "yes"

    async def run(self, command: Command) -> CommandResult:
        """Do as the script says."""
        async with self._turn:
            command.turn()
            if self.closed:
                raise ConnectError("closed_midway", "the session is closed", temporary=True)
            sent = Sent(self._host, text_of(command), asyncio.get_running_loop().time(), command)
            answer = self._fake.script(sent)
            if answer.error is not None:
                raise answer.error
            self._fake.sent.append(sent)
            return await self._play(command, answer)

    async def _play(self, command: Command, answer: Answer) -> CommandResult:
        fate = command.fate
        self._group += 1
        fate.sent, fate.group = True, self._group
        out = err = NOTHING
        try:
            out = _pass_on(command, "stdout", answer.stdout) if answer.stdout else NOTHING
            err = _pass_on(command, "stderr", answer.stderr) if answer.stderr else NOTHING
            await asyncio.sleep(answer.duration)
        except BaseException:
            fate.killed = "unknown"  # stays so when it is cancelled again
            await asyncio.sleep(answer.kill_takes)
            fate.killed = answer.killed
            if answer.killed is None:
                fate.result = CommandResult(answer.rc, answer.signal, out, err)
            raise
        if answer.lost:
            self.closed = True
            raise LostError(answer.lost)
        return CommandResult(answer.rc, answer.signal, out, err)

    def beside(self) -> "_FakeSession":
        """Another that answers at the same time."""
        return _FakeSession(self._fake, self._host, is_main=False)

    async def close(self) -> None:
        """Close it."""
        if not self.closed and self._is_main:
            self._fake.closes.append((asyncio.get_running_loop().time(), self._host))
        self.closed = True


def _pass_on(command: Command, stream: str, data: bytes) -> Captured:
    capture = Capture(command.limit)
    if stream == "stderr" or command.keep_stdout:
        capture.add(data)
    else:
        capture.size += len(data)
    if command.sink is not None:
        command.sink(stream, data)
    return capture.captured
