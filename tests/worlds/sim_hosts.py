"""Hosts of a simulation that have a truth of their own: what really ran there, whether or not anybody heard of it.

A command goes on when its connection, or the whole controller, goes away; a request may still be under way then, or be
lost; a host's record may be wiped, or the host be started anew. What a session tells the engine is only what it heard;
what happened is in ``doings``, and stays there over any number of controllers.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from runner.errors import ConnectError, LostError
from runner.model.inventory import Become, Host
from runner.model.outcome import NOTHING, Captured
from runner.transport import Agreed, Command, CommandResult, Recalled, Transport, TransportContext, TransportKind
from runner.transports.fake import text_of
from runner.transports.options import FAKE_SCHEMA

NEVER = float("inf")
INSTANT = 1e-6
"""Seconds that are none: a journal's times are no finer."""

SLACK = 0.5
"""Seconds beyond its timeout that the host itself gives a command nobody waits for."""


@dataclass(slots=True)
class Doing:
    """One command that ran, or still runs, on a host. Times are seconds of the world.

    It ends by itself at ``ends`` with ``rc``, unless it was ``stopped`` before: ``by`` is ``kill`` (ours), ``loss`` (of
    the connection, as it was told), ``timeout`` (the host's own) or ``reboot``.
    """

    number: int
    place: str
    text: str
    key: str
    begun: float
    ends: float
    rc: int
    on_loss: str
    limit: float | None
    link: "Link"
    stopped: float = NEVER
    by: str = ""

    @property
    def over(self) -> float:
        """When it was over."""
        return min(self.ends, self.stopped)

    @property
    def is_whole(self) -> bool:
        """Whether it came to its own end."""
        return self.ends <= self.stopped

    @property
    def is_well(self) -> bool:
        """Whether it came to a good end."""
        return self.is_whole and self.rc == 0

    @property
    def stdout(self) -> bytes:
        """What it prints: a word that no other run of it prints."""
        return b"v%d" % self.number

    def stop(self, at: float, by: str) -> None:
        """It is ended from outside, if it was not over."""
        if at < self.over - INSTANT:
            self.stopped, self.by = at, by


@dataclass(frozen=True, slots=True)
class Draw:
    """What one sending of a command comes to.

    The request arrives after ``late`` seconds (NEVER: it is lost on the way) and takes ``duration`` seconds to end with
    ``rc``. The connection is lost ``lost`` seconds after the sending; ``wipes`` and ``reboots`` are what becomes of the
    host at that moment. ``survives`` a kill.
    """

    duration: float = 0.0
    rc: int = 0
    late: float = 0.0
    lost: float = NEVER
    wipes: bool = False
    reboots: bool = False
    survives: bool = False


@dataclass(frozen=True, slots=True)
class Luck:
    """How a world treats its hosts. Chances are between 0 and 1, of each command, connect or look at a record."""

    lost: float = 0.0
    dropped: float = 0.0
    late: float = 0.0
    wiped: float = 0.0
    reboot: float = 0.0
    survives: float = 0.0
    refused: float = 0.0
    blind: float = 0.0


@dataclass(slots=True)
class Link:
    """One connection; ``gone`` once it is lost or closed."""

    place: str
    gone: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Request:
    """A command on its way to a host: it begins there when it ``arrives``, unless its name was claimed meanwhile."""

    place: str
    command: Command
    draw: Draw
    link: Link
    arrives: float
    doing: Doing | None = None


class World:
    """All hosts, for as long as a story lasts. ``outcome`` gives rc and duration by place, text and number of the run.

    ``process`` counts controllers: what an older one still wants does nothing any more. ``step`` is called at each
    moment at which something happens, so that a story can end the controller there.
    """

    def __init__(self, seed: str, luck: Luck) -> None:
        self.luck = luck
        self.outcome: Callable[[str, str, int], tuple[int, float]] = lambda *_: (0, 0.0)
        self.doings: list[Doing] = []
        self.base = 0.0
        self.process = 0
        self.step: Callable[[], None] = lambda: None
        self._chance = Random(seed)
        self._runs: Counter[tuple[str, str]] = Counter()
        self._flying: list[Request] = []
        self._by_key: dict[tuple[str, str], Doing] = {}
        self._sent: dict[tuple[str, str], float] = {}
        self._claimed: set[tuple[str, str]] = set()
        self._wiped: dict[str, float] = {}
        self._links: set[int] = set()
        self._open: list[Link] = []
        self.hits: Counter[str] = Counter()

    def now(self) -> float:
        """Seconds since the world began."""
        return self.base + asyncio.get_running_loop().time()

    def happens(self, what: str, chance: float) -> bool:
        """Whether a chance comes true; such are counted."""
        if chance and self._chance.random() < chance:
            self.hits[what] += 1
            return True
        return False

    def drawn(self, place: str, command: Command) -> Draw:
        """What becomes of a command that is sent now."""
        text = text_of(command)
        self._runs[place, text] += 1
        rc, duration = self.outcome(place, text, self._runs[place, text])
        luck, chance = self.luck, self._chance
        late = chance.uniform(0.1, 2) if self.happens("late", luck.late) else 0.0
        if self.happens("dropped", luck.dropped):
            return Draw(duration, rc, NEVER, chance.uniform(0, 3))
        if not self.happens("lost", luck.lost):
            return Draw(duration, rc, late, survives=self.happens("survives", luck.survives))
        lost = chance.choice((0.0, late, late + duration, late + duration * chance.random(), chance.uniform(0, 3)))
        reboots = self.happens("reboot", luck.reboot)
        return Draw(duration, rc, late, lost, wipes=not reboots and self.happens("wiped", luck.wiped), reboots=reboots)

    def send(self, link: Link, command: Command, draw: Draw) -> Request:
        """A request is written to the connection."""
        request = Request(link.place, command, draw, link, self.now() + draw.late)
        self._flying.append(request)
        self._sent[link.place, command.keeping.key] = self.now()
        self.settle(self.now())
        return request

    def settle(self, now: float) -> None:
        """Let happen on the hosts what was due by now."""
        for request in [one for one in self._flying if one.arrives <= now]:
            self._flying.remove(request)
            self._arrive(request)
        for doing in self.doings:
            if doing.limit is not None and doing.begun + doing.limit + SLACK <= now:
                doing.stop(doing.begun + doing.limit + SLACK, "timeout")

    def _arrive(self, request: Request) -> None:
        command, draw, place = request.command, request.draw, request.place
        name = (place, command.keeping.key)
        if command.keeping.key and (name in self._claimed or name in self._by_key):
            return
        if request.link.gone.is_set() and command.keeping.on_loss == "kill":
            return
        doing = Doing(
            len(self.doings) + 1,
            place,
            text_of(command),
            command.keeping.key,
            request.arrives,
            request.arrives + draw.duration,
            draw.rc,
            command.keeping.on_loss,
            command.keeping.timeout,
            request.link,
        )
        request.doing = doing
        self.doings.append(doing)
        if doing.key:
            self._by_key[name] = doing

    def lose(self, link: Link, now: float) -> None:
        """A connection is gone."""
        self.settle(now)
        link.gone.set()
        if link in self._open:
            self._open.remove(link)
        for doing in self.doings:
            if doing.link is link and doing.on_loss == "kill":
                doing.stop(now, "loss")

    def wipe(self, place: str, now: float) -> None:
        """What the host has noted is gone; what is still under way to it finds nobody who would begin it."""
        self.settle(now)
        self._flying = [one for one in self._flying if one.place != place]
        self._wiped[place] = now

    def reboot(self, place: str, now: float) -> None:
        """The host starts anew: what ran there is gone, and so are its notes and connections."""
        self.wipe(place, now)
        for doing in self.doings:
            if doing.place == place:
                doing.stop(now, "reboot")
        for link in [one for one in self._open if one.place == place]:
            self.lose(link, now)

    def end_process(self, now: float) -> None:
        """The controller is gone, and with it all connections."""
        self.settle(now)
        self.process += 1
        for link in tuple(self._open):
            self.lose(link, now)

    def recall(self, place: str, key: str) -> Recalled:
        """What the host's record says of a command; one that never began never will."""
        now = self.now()
        self.settle(now)
        if self._sent.get((place, key), NEVER) <= self._wiped.get(place, -1.0):
            return Recalled("none", reason="the record is gone")
        doing = self._by_key.get((place, key))
        if doing is None:
            self._claimed.add((place, key))
            return Recalled("never")
        if doing.over > now:
            return Recalled("running", group=doing.number)
        if doing.by in {"timeout", "loss"}:
            return Recalled("gone", ended=True)
        return Recalled("done", result_of(doing))

    def by_key(self, place: str, key: str) -> Doing | None:
        """The truth of a command, for whoever looks on the host."""
        return self._by_key.get((place, key))

    def may_arrive(self, key: str) -> bool:
        """Whether a request of that name is still under way."""
        return any(one.command.keeping.key == key and one.arrives < NEVER for one in self._flying)

    def open_link(self, place: str) -> Link:
        """A new connection to a host."""
        link = Link(place)
        self._open.append(link)
        return link

    def kind(self) -> TransportKind:
        """These hosts as a transport."""
        return TransportKind("world", FAKE_SCHEMA, self._start)

    @contextlib.asynccontextmanager
    async def _start(self, context: TransportContext) -> AsyncIterator[Transport]:
        yield WorldTransport(self, context)


def result_of(doing: Doing) -> CommandResult:
    """The end of a command as the host reports it."""
    if not doing.is_whole:
        return CommandResult(143, "TERM", Captured(doing.stdout, size=len(doing.stdout)), NOTHING)
    return CommandResult(doing.rc, None, Captured(doing.stdout, size=len(doing.stdout)), NOTHING)


class WorldTransport:
    """Connects to hosts, which may refuse."""

    def __init__(self, world: World, context: TransportContext) -> None:
        self._world = world
        self._context = context

    async def prepare(self, hosts: Iterable[Host]) -> None:
        """There is nothing to ask."""

    async def connect(self, host: Host) -> "WorldSession":
        """Open a session."""
        world, process = self._world, self._world.process
        async with self._context.limit(str(host.address)):
            world.step()
            await asyncio.sleep(0.01)
            if world.process != process:
                raise ConnectError("refused", "this controller is gone")
            if world.happens("refused", world.luck.refused):
                raise ConnectError("refused", "nobody listens", temporary=True)
            return WorldSession(world, world.open_link(host.name))


class WorldSession:
    """Commands one after another over one connection; what a dead controller still asks for is not done."""

    def __init__(self, world: World, link: Link) -> None:
        self._world = world
        self._process = world.process
        self._link = link
        self._turn = asyncio.Lock()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it was closed, or its connection lost."""
        return self._closed or self._link.gone.is_set() or self._is_dead

    @property
    def _is_dead(self) -> bool:
        return self._world.process != self._process

    @property
    def agreed(self) -> Agreed:
        """Nothing."""
        return Agreed()

    def is_ready(self, become: Become | None) -> bool:
        """Any user is fine."""
        del become
        return not self.closed

    async def prepare(self, become: Become | None) -> None:
        """Any user is fine."""

    def _check(self) -> None:
        if self.closed:
            raise ConnectError("closed_midway", "the connection is closed", temporary=True)

    async def run(self, command: Command) -> CommandResult:
        """Send it, and tell what is heard of it."""
        world, fate = self._world, command.fate
        async with self._turn:
            command.turn()
            self._check()
            draw = world.drawn(self._link.place, command)
            fate.sent, begun = True, world.now()
            request = world.send(self._link, command, draw)
            world.step()
            try:
                return await self._heard(request, begun)
            except asyncio.CancelledError:
                if not self._is_dead:
                    await self._kill(request)
                raise

    async def _heard(self, request: Request, begun: float) -> CommandResult:
        world, draw = self._world, request.draw
        lost = begun + draw.lost
        for moment in (request.arrives, request.arrives + draw.duration):
            await self._until(min(moment, lost))
            self._check_link(request, moment, lost)
            request.command.fate.group = request.doing.number if request.doing else None
        world.step()
        doing = request.doing
        if doing is None or not doing.is_whole:
            self._break(request)
        assert doing is not None
        if request.command.sink is not None:
            request.command.sink("stdout", doing.stdout)
        return result_of(doing)

    async def _until(self, moment: float) -> None:
        """Wait for a moment, or until the connection is gone."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(loop.time() + max(0.0, moment - self._world.now())):
                await self._link.gone.wait()
        self._world.settle(self._world.now())

    def _check_link(self, request: Request, moment: float, lost: float) -> None:
        if self._link.gone.is_set():
            raise LostError("the connection was lost")
        if lost < moment:
            self._break(request)

    def _break(self, request: Request) -> None:
        """The connection is lost now."""
        world, place, now = self._world, self._link.place, self._world.now()
        if request.draw.wipes:
            world.wipe(place, now)
        if request.draw.reboots:
            world.reboot(place, now)
        world.lose(self._link, now)
        world.step()
        raise LostError("the connection was lost")

    async def _kill(self, request: Request) -> None:
        world, fate = self._world, request.command.fate
        fate.killed = "unknown"
        await asyncio.sleep(max(0.0, request.arrives - world.now()) if request.arrives < NEVER else 5)
        world.settle(world.now())
        if self._is_dead or request.doing is None:
            return
        if request.doing.over <= world.now():
            fate.killed, fate.result = None, result_of(request.doing)
        elif request.draw.survives:
            fate.killed = "no"
        else:
            request.doing.stop(world.now(), "kill")
            fate.killed = "yes"
        world.step()

    async def recall(self, key: str, become: Become | None) -> Recalled:
        """Read the record."""
        del become
        async with self._turn:
            self._check()
            await asyncio.sleep(0.01)
            self._check()
            if self._world.happens("blind", self._world.luck.blind):
                self._world.lose(self._link, self._world.now())
                raise LostError("the connection was lost while the record was read")
            self._world.step()
            return self._world.recall(self._link.place, key)

    async def end(self, group: int, become: Become | None) -> str:
        """End what an earlier session has started."""
        del become
        self._check()
        await asyncio.sleep(0.01)
        world, now = self._world, self._world.now()
        world.settle(now)
        doing = world.doings[group - 1]
        if self._is_dead or doing.over <= now:
            return "unknown"
        doing.stop(now, "kill")
        return "yes"

    def beside(self) -> "WorldSession":
        """Another over the same connection."""
        return WorldSession(self._world, self._link)

    async def close(self) -> None:
        """Close it."""
        self._closed = True
