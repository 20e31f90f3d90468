"""The locks of a run on its hosts, where ``lock: hosts`` asks for them: all of them or none, before the first step.

All hosts are asked at once, so that it costs one round trip however many there are. Of two runs that meet so, each may
have got what the other wants: the one with the lower id then waits a moment for the other to give up. Which of the two
waits is the same on every host, so one of them gets all. A run that has got all its hosts says so on each of them,
which is a second round trip before that host's first step, and is not waited for; nor is one that has had its locks for
long.

A host that can't be reached has failed and is in nobody's way; but it takes no part in the run any more, for it has no
lock.

**Signs of life** go out every 30 seconds, beside the steps and over connections that are open anyway. They inform.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from runner.engine.context import Run
from runner.engine.lock_talk import PATIENCE, ask_for, each, give_back, show_life
from runner.engine.lock_words import advice, named, reasons
from runner.engine.stop import Deadline, Level
from runner.errors import ConnectError, JournalError, LockError, RunnerError
from runner.host_lock import UNNAMED, Answer, Claim
from runner.model.events import LockReleased, LockTaken, Warned
from runner.model.inventory import CONTROLLER, Host
from runner.model.past import PlayPast
from runner.model.plan import PlannedPlay
from runner.model.remaining import is_play_over

MEETING = 10.0
"""Seconds in which two runs that start together settle who gets the locks; by the host's clock, and by ours."""

NAMING = 2.0
"""Seconds that the maker of a lock has to say who it is."""

PAUSE = 0.1
"""Seconds between two looks meanwhile."""


@asynccontextmanager
async def host_locks(
    run: Run, unreachable: Mapping[str, str] | None = None, *, touched: bool = False
) -> AsyncIterator[None]:
    """Inside the block the run has its hosts; or it has its fatal error, and was told to stop.

    ``unreachable`` are hosts that are known to be, with the reason. With ``touched`` they are those that earlier
    processes have let to work, instead of those that still may have to.
    """
    if run.claim is None:
        yield
        return
    names = _touched(run) if touched else _wanted(run)
    locks = _HostLocks(run, run.claim)
    try:
        await locks.take([run.plan.hosts[name] for name in names if name != CONTROLLER], unreachable or {})
        yield
    finally:
        await locks.release()


@dataclass(slots=True)
class _HostLocks:
    """``asked`` are hosts that may have our lock, ``refused`` those that somebody else has.

    ``found`` are those that had ours already: under another name of theirs, or from an earlier process of the run.
    """

    run: Run
    claim: Claim
    asked: dict[str, Host] = field(default_factory=dict)
    found: set[str] = field(default_factory=set)
    refused: dict[str, Answer] = field(default_factory=dict)
    is_taken: bool = False
    begun: float = 0.0
    life: asyncio.Task[None] | None = None

    async def take(self, hosts: Iterable[Host], unreachable: Mapping[str, str]) -> None:
        """Take all, or give back what was taken and stop the run."""
        for name, reason in unreachable.items():
            self._bar(name, *reason.split(": ", 1))
        waiting = [host for host in hosts if host.name not in unreachable]
        if self._keeps:
            waiting = await self._reached(waiting)
        self.begun = asyncio.get_running_loop().time()
        while waiting and self._goes_on:
            self.refused = {}
            await each(waiting, self._take)
            waiting = [host for host in waiting if host.name in self.refused]
            if not self._may_settle:
                self._give_up(waiting)
            elif waiting:
                await self.run.stop.sleep(PAUSE)
        if self.asked and self._goes_on:
            await self._have()

    async def release(self) -> None:
        """Give all back; what can't be is told, with the command for it."""
        run = self.run
        asked, self.asked = self.asked, {}
        if not asked:
            return
        if self.life is not None:
            self.life.cancel()
            await asyncio.wait([self.life], timeout=PATIENCE)
        answers = await give_back(run.sessions, asked.values(), self.claim)
        states = {name: answer.state for name, answer in answers.items()}
        is_shared = bool(self.found) or not self.is_taken  # under another name it may have been given back already
        robbed = [] if is_shared else [name for name in asked if states.get(name) == "gone"]
        given = [name for name in asked if states.get(name) in {"released", "gone"} and name not in robbed]
        if self.is_taken:
            run.users.subtract(list(asked) if self._keeps else ())
            run.recorder.emit(LockReleased(scope="hosts", id=self.claim.id, hosts=tuple(given)))
        if robbed:
            self._warn(f"somebody else released the lock of {named(robbed)} during the run")
        if left := [name for name in asked if name not in given and name not in robbed]:
            hint = f"release them: {self.claim.release}{self.claim.id}"
            self._warn(f"the lock of {named(left)} could not be given back", hint)

    @property
    def _goes_on(self) -> bool:
        """Whether nobody has told the run to stop."""
        return self.run.stop.level < Level.STOP

    @property
    def _keeps(self) -> bool:
        """Whether connections stay open until locks are given back, so that this takes one round trip."""
        return self.run.max_open is None or len(self.run.plan.hosts) <= self.run.max_open

    async def _reached(self, hosts: list[Host]) -> list[Host]:
        """Those whose shell could be opened: all before the first lock, so that runs that meet know it soon."""
        reached: set[str] = set()

        async def work(host: Host) -> None:
            if self._goes_on:
                with self._barring(host):
                    async with Deadline(self.run.stop):
                        await (await self.run.sessions.get(host)).prepare(None)
                    reached.add(host.name)

        await each(hosts, work)
        return [host for host in hosts if host.name in reached]

    async def _take(self, host: Host) -> None:
        """Ask for one, unless it is clear that we shall not get all."""
        if not (self._goes_on and self._may_settle):
            return
        with self._barring(host):
            if not self._keeps:
                async with Deadline(self.run.stop):
                    await self.run.sessions.get(host)
            self.asked[host.name] = host
            answer = await ask_for(self.run.sessions, host, self.claim, self.run.stop)
            if answer.state in {"held", "cannot"}:
                self.refused[host.name] = answer
                del self.asked[host.name]
            elif answer.state == "mine":
                self.found.add(host.name)
        if not self._keeps:
            await self.run.sessions.close(host.name)

    @contextmanager
    def _barring(self, host: Host) -> Iterator[None]:
        """A host that can't be reached inside the block, or does not answer there, takes no part in the run."""
        try:
            yield
        except (RunnerError, TimeoutError) as error:
            cause = error.cause if isinstance(error, ConnectError) else "closed_midway"
            self._bar(host.name, cause, getattr(error, "message", "it did not answer when it was to be locked"))

    def _bar(self, name: str, cause: str, message: str = "") -> None:
        words = f"{message or cause}; it has no lock, and so no part in this run"
        self.run.sessions.bar(name, ConnectError(cause, words))

    @property
    def _may_settle(self) -> bool:
        """Whether all who have hosts of ours may give up yet, or may say who they are."""
        waited = asyncio.get_running_loop().time() - self.begun
        return all(self._may_yield(answer, waited) for answer in self.refused.values())

    def _may_yield(self, answer: Answer, waited: float) -> bool:
        owner = answer.owner
        if answer.state == "cannot":
            return False
        if owner is None or owner.id == UNNAMED:
            return waited < NAMING
        is_new = owner.age is not None and owner.age < MEETING and not owner.is_settled
        return is_new and self.claim.id < owner.id and waited < MEETING

    async def _have(self) -> None:
        """All are ours."""
        run, self.is_taken = self.run, True
        run.users.update(list(self.asked) if self._keeps else ())
        try:
            await run.recorder.store(LockTaken(scope="hosts", id=self.claim.id, hosts=tuple(self.asked)))
        except JournalError as error:
            run.fatal = run.fatal or error
            run.stop.raise_to(Level.STOP, error.message)
            return
        self.life = asyncio.create_task(show_life(run.sessions, list(self.asked.values()), self.claim))

    def _give_up(self, waiting: Iterable[Host]) -> None:
        """Somebody else has one of them: run nothing, so that what is ours is given back at once."""
        refused = {host.name: self.refused[host.name] for host in waiting}
        self.run.stop.raise_to(Level.STOP, "another run has locked hosts of this one")
        self.run.fatal = self.run.fatal or LockError(reasons(refused), hint=advice(refused.values(), self.claim))

    def _warn(self, message: str, hint: str = "") -> None:
        self.run.recorder.emit(Warned(message=message, hint=hint))


def _wanted(run: Run) -> Iterable[str]:
    """The hosts of the run and the delegates that are known, but for those of plays that are over."""
    plays = [play for play in run.plan.plays if not is_play_over(play, _past(run, play))]
    return dict.fromkeys(name for play in plays for name in (*play.hosts, *play.delegates))


def _touched(run: Run) -> Iterable[str]:
    """The hosts that were let to work, and the delegates of their plays."""
    names: dict[str, None] = {}
    for play in run.plan.plays:
        if started := [name for name, host in _past(run, play).hosts.items() if host.is_started]:
            names.update(dict.fromkeys((*started, *play.delegates)))
    return names


def _past(run: Run, play: PlannedPlay) -> PlayPast:
    return (run.past.plays.get(play.id) if run.past else None) or PlayPast()
