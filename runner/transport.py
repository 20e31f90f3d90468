"""The contract between the engine and whatever reaches a host.

A transport lives for a whole run and gives one :class:`Session` a host. A session promises:

- each command runs in a process group of its own, with ``/dev/null`` as standard input unless it is given one;
- when the task that waits in ``run`` is cancelled, the remote process group is ended (TERM, ``grace`` seconds, KILL)
  before the cancellation goes on, and ``command.fate.killed`` says whether it is gone: ``yes``, ``no``, ``unknown``;
  one whose end comes first is not killed, and ``command.fate.result`` has that end;
- an exit status is reported only when the host reported it. A connection that is lost after the request was written
  raises :class:`~runner.errors.LostError`; before that, :class:`~runner.errors.ConnectError`;
- output is bytes, kept up to a limit and counted beyond it; ``sink`` sees every chunk as it comes;
- secrets travel on standard input or in the environment, never in an argument list of ours, on either side.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from runner.model.inventory import Become, Host
from runner.model.outcome import NOTHING, Captured

GRACE = 10.0
"""Seconds between TERM and KILL when a process group is ended."""

Sink = Callable[[str, bytes], None]
"""Takes ``"stdout"`` or ``"stderr"`` and a chunk of output, as it comes."""


def _nothing() -> None:
    """Nobody wants to know."""


@dataclass(slots=True)
class Fate:
    """What is known of a command that did not come to its end.

    ``sent`` turns True just before the first byte of the request is written; until then nothing can have happened.
    ``group`` is the remote process group once the host has told it. ``result`` is its end, where that came while it was
    being ended: then nothing was killed. ``survivors`` are processes that had left the group, and were seen to run on.
    """

    sent: bool = False
    group: int | None = None
    killed: str | None = None
    survivors: tuple[int, ...] = ()
    result: "CommandResult | None" = None


@dataclass(frozen=True, slots=True)
class Keeping:
    """What the host does with a command whose connection, or controller, is lost, and under which name it notes it.

    ``key`` (1 to 40 letters and digits, unique in a run) names the command in the host's record; empty for none.
    ``on_loss`` ``finish`` lets it go on, held to ``timeout`` (seconds since its start, None for none) by the shell on
    the host; ``kill`` ends its process group.
    """

    key: str = ""
    timeout: float | None = None
    on_loss: Literal["finish", "kill"] = "finish"


@dataclass(frozen=True, slots=True)
class Command:
    """One command: either ``argv``, run as it is, or ``script``, run by ``/bin/sh -c`` with ``args`` as ``$1``….

    ``stdin`` is the bytes, or the local file, that it reads; None is ``/dev/null``. ``limit`` is how many bytes of the
    head, and of the tail, of each stream are kept. ``keep_stdout`` False leaves standard output to ``sink`` alone, for
    bulk data. ``cwd`` None is the home of the login (or become) user. ``turn`` is called when the session's commands
    before it have ended, and this one's own time begins.
    """

    argv: tuple[str, ...] = ()
    script: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    stdin: bytes | Path | None = None
    become: Become | None = None
    limit: int = 1024 * 1024
    sink: Sink | None = None
    keep_stdout: bool = True
    fate: Fate = field(default_factory=Fate)
    turn: Callable[[], None] = _nothing
    keeping: Keeping = field(default_factory=Keeping)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The end that the host reported. ``signal`` is the name, without SIG, of the signal that killed it, else None.

    ``rc`` is the exit status as a shell gives it: 128 + the number where a signal killed it.
    """

    rc: int
    signal: str | None = None
    stdout: Captured = NOTHING
    stderr: Captured = NOTHING


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the host's record says of a command whose end was not heard.

    ``done``: it ended, with ``result``, whose streams hold what was left of its output (``truncated`` where more may
    have been). ``running``: it goes on as process group ``group``. ``never``: it was not started, and what could still
    have started it is gone. ``gone``: it was started, and is there no more without an end; ``ended`` says that the host
    itself ended its whole group. ``none``: there is no record that can be believed, or the host was started anew.
    """

    state: Literal["done", "running", "never", "gone", "none"]
    result: CommandResult | None = None
    group: int | None = None
    ended: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What is worth a record of what both sides of a connection have agreed on.

    ``strict_kex`` says whether nothing can have been cut out of their first packets (OpenSSH's strict key exchange);
    None where there is no such thing. ``older`` are the algorithms in use that are only used where a host names them.
    """

    strict_kex: bool | None = None
    older: tuple[str, ...] = ()


class Session(Protocol):
    """An open way to one host. Commands of one session run one after another."""

    @property
    def closed(self) -> bool:
        """Whether the connection is gone, so that the next command needs a new session."""
        ...

    @property
    def agreed(self) -> Agreed:
        """What both sides have agreed on."""
        ...

    async def prepare(self, become: Become | None) -> None:
        """Make ready to run commands as that user, so that a refusal is told before anything is sent.

        Raises ConnectError where the host runs something else than a shell, StepError where it refuses the user.
        """
        ...

    def is_ready(self, become: Become | None) -> bool:
        """Whether it is open, and ``prepare`` for that user would find nothing to do."""
        ...

    async def run(self, command: Command) -> CommandResult:
        """Run it and wait for its end, as the module's docstring promises."""
        ...

    async def recall(self, key: str, become: Become | None) -> Recalled:
        """Read the host's record of a command of this run that an earlier session sent, as the user it ran as.

        Nothing that an earlier session still had under way can start it afterwards. Raises ConnectError, LostError, or
        StepError where the user is refused.
        """
        ...

    async def end(self, group: int, become: Become | None) -> str:
        """End a process group that an earlier session has started, as the user it runs as: ``yes`` when it is gone.

        Else ``no`` or ``unknown``, as ``fate.killed`` has it. Raises what ``recall`` does.
        """
        ...

    def beside(self) -> "Session":
        """Another session over the same connection, for commands at the same time; it is closed before this one."""
        ...

    async def close(self) -> None:
        """Close in order; never raises."""
        ...


class Transport(Protocol):
    """One way to reach hosts, for the length of a run."""

    async def prepare(self, hosts: Iterable[Host]) -> None:
        """Ask what only a person knows, before any of these hosts is contacted; what is wrong shows in ``connect``."""
        ...

    async def connect(self, host: Host) -> Session:
        """Open a session, or raise ConnectError with its cause. ``host.address`` and options are already rendered."""
        ...


async def nothing_to_store() -> None:
    """For what keeps no journal."""


@dataclass(frozen=True, slots=True)
class TransportContext:
    """What the composition root hands to a transport when it starts.

    ``find`` gives a host by name, rendered, for jumps. ``limit(address)`` is a place among the connections being
    opened: connect timers start inside it. ``ask(prompt)`` asks the person, unseen, once for equal prompts, or raises
    ConnectError (cause ``auth``) where nobody is there. ``secret(text)`` turns the value of a password key into the
    password: a declared secret's name gives that secret, other text is itself. ``warn`` takes a sentence for people.
    ``folder`` is a private place on the controller for files of the run. ``connect_timeout`` is the command line's,
    in seconds, or None. ``token`` names this run's records on hosts (128 bits, hex); empty for no records.
    ``is_resumed`` says that earlier processes of the run may have left some, and ``awaited`` are the keys of commands
    in them whose ends are not known, None where it may be any. ``stored`` returns when all that was heard of hosts is
    on disk, and raises JournalError where it can't be.
    """

    find: Callable[[str], Host | None]
    limit: Callable[[str], AbstractAsyncContextManager[Any]]
    ask: Callable[[str], str]
    secret: Callable[[str], str]
    warn: Callable[[str], None]
    folder: Path
    home: Path
    environ: Mapping[str, str]
    connect_timeout: float | None = None
    grace: float = GRACE
    token: str = ""
    is_resumed: bool = False
    awaited: frozenset[str] | None = frozenset()
    stored: Callable[[], Awaitable[None]] = nothing_to_store


@dataclass(frozen=True, slots=True)
class TransportKind:
    """A transport as ``transports/__init__`` lists it. ``schema`` is for the keys under ``ssh:`` of its hosts."""

    name: str
    schema: Mapping[str, Any]
    start: Callable[[TransportContext], AbstractAsyncContextManager[Transport]]
