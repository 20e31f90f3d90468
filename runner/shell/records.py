"""The records of one run on its hosts, as this process knows them: which are of shells in use, which may go.

Bookkeeping. A record is needed until the end of the last command in it has been heard, or read there. What may go
is removed by the next shell of the same host and user that ends in order, once the journal has what it tells: were it
gone and that lost, another record could be taken to say that the command never began.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from runner.errors import JournalError
from runner.framing import Hello
from runner.host_record import RecordName, prefix_of
from runner.transport import TransportContext, nothing_to_store

User = str | None
"""A become user; None is the login user."""


class Turn:
    """Many shells may be opened at a time, or records be looked at: for a shell that is not known yet looks old."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._opening = 0
        self._none_opening = asyncio.Event()
        self._none_opening.set()

    @asynccontextmanager
    async def opening(self) -> AsyncIterator[None]:
        """Hold up lookers."""
        async with self._lock:
            self._opening += 1
            self._none_opening.clear()
        try:
            yield
        finally:
            self._opening -= 1
            if not self._opening:
                self._none_opening.set()

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Hold up everybody else."""
        async with self._lock:
            await self._none_opening.wait()
            yield


@dataclass(slots=True)
class HostRecords:
    """The records of one host. ``prefix`` is empty where none are kept.

    ``is_resumed`` says that earlier processes of the run may have left some. ``live`` are the paths of shells in use,
    with their processes. ``open`` are those of shells that are lost, with the key of the command whose end was not
    heard; ``removable`` those that nobody needs, ``held`` those that have to stay, as the journal could not be written.
    ``companions`` are the files that belong to one. ``first`` is the one of each user that is no file while all is
    well. ``has_gone_on`` says that this process has run commands there that are noted. ``awaited`` are the keys of
    commands of earlier processes whose ends are not known, None where it may be any. ``stored`` returns when all that
    was heard is on disk.
    """

    host: str
    prefix: str
    warn: Callable[[str], None]
    is_resumed: bool = False
    live: dict[str, int] = field(default_factory=dict)
    open: dict[str, tuple[User, str]] = field(default_factory=dict)
    removable: dict[User, set[str]] = field(default_factory=lambda: defaultdict(set))
    companions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    first: dict[User, str] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    has_gone_on: bool = False
    turn: Turn = field(default_factory=Turn)
    awaited: frozenset[str] | None = frozenset()
    stored: Callable[[], Awaitable[None]] = nothing_to_store

    def fresh(self, user: User) -> RecordName | None:
        """A name for the record of a new shell, or None where none is kept."""
        if not self.prefix:
            return None
        is_first = user not in self.first and not self.is_resumed
        if is_first:
            self.first[user] = ""
        return RecordName(self.prefix, secrets.token_hex(8), secrets.token_hex(8), is_first)

    def opened(self, name: RecordName | None, user: User, hello: Hello | None) -> None:
        """A shell has said hello, or none came, and so nothing was ever sent to it."""
        if hello is not None and hello.record:
            self.live[hello.record] = hello.pid
            self.first.update({user: hello.record} if name is not None and name.is_first else {})
            return
        if name is not None and hello is not None:
            words = "no record of commands can be kept there (tried $TMPDIR, /tmp, /var/tmp and the home folder)"
            self.warn(f'host "{self.host}": {words}: the end of a step is unknown where the connection is lost')

    def lost(self, path: str, user: User, key: str) -> None:
        """A shell is gone unasked; ``key`` is of a command that it had under way, or empty."""
        self.live.pop(path, None)
        if key:
            self.open[path] = user, key
        elif path:
            self.removable[user].add(path)

    def expected(self, key: str, user: User) -> set[str]:
        """The records where a command of this process must be found, if it was started."""
        return {path for path, known in self.open.items() if known == (user, key)}

    def settled(self, key: str, user: User, path: str) -> None:
        """The end of a command is known; ``path`` is of the record that has it last, if one has."""
        for known in {*self.expected(key, user), *([path] if path else [])}:
            self.open.pop(known, None)
            self.live.pop(known, None)
            self.removable[user].add(known)

    def is_old(self, path: str, keys: set[str]) -> bool:
        """Whether a record is of an earlier process, and nobody will ask what it tells of these commands."""
        return path not in self.open and self.awaited is not None and self.awaited.isdisjoint(keys)

    async def take(self, own: str, user: User) -> set[str] | None:
        """The records that a shell which ends in order may remove beside its own; None where all have to stay.

        That is once the journal has what they tell. Its own goes with it at once where it is no file: of whom there is
        no record at all nothing is believed.
        """
        self.live.pop(own, None)
        others = self.removable.pop(user, set())
        if self.first.get(user) == own and not others:
            return others
        try:
            await self.stored()
        except JournalError:
            self.held.update({own, *others})  # whoever goes on reads them there
            return None
        return others

    def files(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Those records, and what belongs to them."""
        return tuple(sorted(name for path in paths for name in self.companions.get(path, (path,))))

    @property
    def leftovers(self) -> list[str]:
        """Paths that nobody needs and nobody could remove."""
        return sorted(path for paths in self.removable.values() for path in paths)


class RunRecords:
    """The records of the run that a transport is started for, host by host; none are kept without a token."""

    def __init__(self, context: TransportContext) -> None:
        self._context = context
        self._hosts: dict[str, HostRecords] = {}
        self._warned = False

    def of(self, host: str) -> HostRecords:
        """Those of one host."""
        found = self._hosts.get(host)
        if found is None:
            run = self._context
            prefix = prefix_of(run.token, host) if run.token else ""
            found = self._hosts[host] = HostRecords(
                host, prefix, self._warn_once, run.is_resumed, awaited=run.awaited, stored=run.stored
            )
        return found

    def tell_leftovers(self) -> None:
        """Warn of what is left on hosts that could not be reached again."""
        why = "needed by `runner resume`, as the journal could not be written"
        self._tell({name: sorted(records.held) for name, records in self._hosts.items()}, why)
        self._tell({name: records.leftovers for name, records in self._hosts.items()}, "they may be removed")

    def _tell(self, by_host: Mapping[str, list[str]], what: str) -> None:
        left = {name: paths for name, paths in by_host.items() if paths}
        if left:
            name, paths = next(iter(left.items()))
            others = f" and on {len(left) - 1} more hosts" if len(left) > 1 else ""
            self._context.warn(f'records of this run are left on host "{name}"{others}; {what}: {" ".join(paths)}')

    def _warn_once(self, text: str) -> None:
        """One host speaks for all that are like it."""
        if not self._warned:
            self._warned = True
            self._context.warn(f"{text} (so it may be on other hosts)")


def none_kept() -> HostRecords:
    """For a session without records."""
    return HostRecords("", "", lambda _: None)
