"""One play: its waves one after another, the budget that can end it, and who never came to run.

What stands between waves is in ``between``, what follows the last one in ``rollback`` and ``late``.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from runner.engine.between import before_next, hold_against_gate
from runner.engine.budget import Budget
from runner.engine.context import Run
from runner.engine.crew import Crew, onces_of
from runner.engine.host import HostRun
from runner.engine.late import late
from runner.engine.local import WaveRun
from runner.engine.meetings import Once
from runner.engine.places import Limits
from runner.engine.recalling import again_in, begun_by, onces_past
from runner.engine.rollback import roll_back
from runner.engine.spending import Spending
from runner.engine.stop import Level, Stop
from runner.engine.turn import Turn
from runner.model.budget import allowed
from runner.model.events import HostEnded, WaveEnded, WaveStarted
from runner.model.outcome import HostStatus
from runner.model.past import HostPast, PlayPast
from runner.model.plan import PlannedPlay, Wave
from runner.model.remaining import EXCLUDED, is_back_due, is_over, is_play_over, is_wave_over


@dataclass(slots=True)
class PlayRun:
    """A play on its way. ``statuses`` are the ends of its hosts, ``hosts`` those that were let to work.

    ``barred`` are hosts that ended badly in a play that this one needs, with the reason; ``unreachable`` those that
    preflight could not connect to. ``excluded`` are those that the play's condition kept out. ``past`` is what earlier
    processes of the run have left of the play.
    """

    run: Run
    play: PlannedPlay
    barred: Mapping[str, str]
    unreachable: Mapping[str, str] = field(default_factory=dict)
    statuses: dict[str, HostStatus] = field(default_factory=dict)
    hosts: dict[str, HostRun] = field(default_factory=dict)
    excluded: set[str] = field(default_factory=set)
    stop: Stop = field(init=False)
    spending: Spending = field(init=False)
    past: PlayPast = field(init=False)
    _onces: dict[str, Once] = field(init=False)
    _lates: set[str | None] = field(init=False)
    _is_back: bool = False

    def __post_init__(self) -> None:
        self.stop = Stop(self.run.stop)
        self.spending = Spending(self.run, self.play, self.stop, Budget(self.play.budget))
        self.past = (self.run.past.plays.get(self.play.id) if self.run.past else None) or PlayPast()
        self._onces = {**onces_of(self.play.steps), **onces_past(self.play, self.past, self.play.hosts, "run")}
        self._lates = {node.once for node in (*self.play.handlers, *self.play.always)}

    @property
    def has_failed(self) -> bool:
        """Whether budget, gate or approval ended it, or no host of it is left well."""
        counted = [status for name, status in self.statuses.items() if name not in self.excluded]
        return self.spending.is_ended or (bool(counted) and not any(status.is_well for status in counted))

    @property
    def limits(self) -> Limits:
        """How many of its hosts may be at work at once."""
        return Limits(self.play.concurrency, self.play.group_of, self.play.strategy.per_group_limit)

    async def go(self) -> None:
        """Run all waves, or as far as budget, gates, people and the run allow; then what has to follow in any case."""
        self.restore()
        if is_play_over(self.play, self.past):
            self.spending.is_ended = self.past.rollback == HostStatus.ROLLED_BACK
        elif is_back_due(self.play, self.past):
            await self._go_back(self.past.rollback_reason or "the failure budget was exceeded")
        else:
            await self._go_on()

    async def _go_on(self) -> None:
        if self.play.strategy.failure_scope == "run":
            await self._meet(self.play.waves)
        for wave in self.play.waves:
            if self.stop.level >= Level.DRAIN:
                self.skip(wave.hosts, wave.index, self.stop.reason)
            elif not is_wave_over(self.play, wave, self.past):
                await self._wave(wave)
                await before_next(self, wave)
            elif not self._has_begun(wave.index + 1):
                await before_next(self, wave)
        await self._back()
        await late(self, "run", self.play.hosts)
        await self.spending.answered()
        await self._back()

    async def go_back(self, reason: str) -> None:
        """Roll back what earlier processes of the run have done, and nothing else."""
        if self.play.rollback and self.past.rollback != HostStatus.ROLLED_BACK:
            self.restore(everything=True)
            await self._go_back(reason)

    async def _go_back(self, reason: str) -> None:
        """Nothing goes forward any more."""
        self.spending.is_ended = self._is_back = True
        self.stop.raise_to(Level.STOP, reason)
        for wave in self.play.waves:
            self.skip(wave.hosts, wave.index, reason)
        await roll_back(self, reason)
        await late(self, "run", self.play.hosts)

    def restore(self, *, everything: bool = False) -> None:
        """Take over the hosts that are done with, as earlier processes of the run have left them.

        ``everything``: all that were ever let to work.
        """
        is_back = everything or is_back_due(self.play, self.past)
        for wave in self.play.waves:
            for name in wave.hosts:
                past = self.past.hosts.get(name)
                if past is not None and (is_over(past) or (is_back and past.is_started)):
                    self._take_over(wave, name, past)

    def _take_over(self, wave: Wave, name: str, past: HostPast) -> None:
        if not past.is_started:
            self.excluded.add(name)
            self.statuses[name] = HostStatus.NOT_RUN
            return
        host = self.hosts[name] = self._host(wave, name)
        host.stand(past)
        self.statuses[name] = host.standing

    def _has_begun(self, wave: int) -> bool:
        """Whether an earlier process has got as far as this wave."""
        return any(host.wave == wave and host.is_started for host in self.past.hosts.values())

    async def _back(self) -> None:
        """Roll back, once, where the budget is exceeded and the play says so."""
        is_wanted = self.play.strategy.on_exceed == "rollback" and self.spending.is_exceeded and not self._is_back
        if is_wanted and self.run.stop.level < Level.STOP:
            self._is_back = True
            await roll_back(self, self.stop.reason)

    def skip(self, hosts: Iterable[str], wave: int, reason: str) -> None:
        """Record hosts that never start. Those that have ended already, unreachable, are left alone."""
        for name in hosts:
            if name not in self.statuses:
                self._never_started(name, wave, HostStatus.NOT_RUN, reason)

    def settle(self, host: HostRun, status: HostStatus, reason: str) -> None:
        """End a host again, otherwise than its steps did."""
        host.settle(status, reason)
        self.statuses[host.name] = host.end()

    # waves

    async def _wave(self, wave: Wave) -> None:
        begun = asyncio.get_running_loop().time()
        self.run.recorder.emit(
            WaveStarted(play=self.play.id, wave=wave.index, of=len(self.play.waves), hosts=wave.hosts)
        )
        if self.play.strategy.failure_scope == "wave":
            self.spending.budget = Budget(allowed(self.play.strategy, len(wave.hosts)))
            await self._meet([wave])
        for name in wave.hosts:
            if name in self.barred:
                self.skip([name], wave.index, self.barred[name])
        hosts = [self._host(wave, name) for name in wave.hosts if name not in self.statuses]
        ungated = self._ungated(wave)
        await self._work(hosts, wave)
        self._leave_out(hosts, wave)
        await late(self, "wave", wave.hosts)
        await self.spending.answered()
        is_answered = await hold_against_gate(self, [*ungated, *hosts], wave)
        await self._let_go(hosts)
        self._wave_ended(wave, begun, is_answered=is_answered)

    def _host(self, wave: Wave, name: str) -> HostRun:
        host = HostRun(Turn(self.run, self.play, wave.index, self.run.plan.hosts[name], self.stop))
        if (past := self.past.hosts.get(name)) is not None:
            host.remember(past)
        return host

    def _ungated(self, wave: Wave) -> list[HostRun]:
        """Hosts of a wave that an earlier process has brought as far as its gate."""
        passed = self.past.waves[wave.index].passed if wave.index in self.past.waves else ()
        return [self.hosts[name] for name in wave.hosts if name in self.hosts and name not in passed]

    async def _work(self, hosts: list[HostRun], wave: Wave) -> None:
        names, past = [host.name for host in hosts], self.past
        crew = Crew(
            self.play,
            names,
            limits=self.limits,
            stop=self.stop,
            onces={**self._onces, **onces_past(self.play, past, wave.hosts, "wave")},
            begun=begun_by(self.play, past, wave.hosts),
            again=again_in(self.play) if past.hosts else (),
        )
        self.spending.places = crew.places
        await WaveRun(hosts, crew, self._ended).go()
        await self.spending.answered()

    def _leave_out(self, hosts: Sequence[HostRun], wave: Wave) -> None:
        """Record the hosts that never came to work."""
        for host in hosts:
            if host.is_excluded:
                self.excluded.add(host.name)
                self.skip([host.name], wave.index, EXCLUDED)
        self.skip([host.name for host in hosts if not host.started], wave.index, self.stop.reason)
        self.hosts.update({host.name: host for host in hosts if host.started})

    async def _ended(self, host: HostRun) -> None:
        """A host has ended: count it before another is let in, and close its connection where nobody needs it."""
        status = self.statuses[host.name] = host.end()
        if status.counts:
            self.spending.spend(host.turn.wave, host.name)
        if not self._is_wanted_later:
            await self._close(host.name)

    @property
    def _is_wanted_later(self) -> bool:
        """Whether hosts may have to be reached again when they have ended: by the gate, or by what comes last."""
        return bool(self.play.strategy.gate) or "wave" in self._lates or self._is_wanted_last

    @property
    def _is_wanted_last(self) -> bool:
        """Whether that may be when all waves are over."""
        return "run" in self._lates or self.play.strategy.on_exceed == "rollback"

    async def _let_go(self, hosts: Sequence[HostRun]) -> None:
        """Close connections of a wave, unless its hosts may be wanted again and open files allow to keep them."""
        most = self.run.max_open
        if self._is_wanted_last and (most is None or len(self.run.plan.hosts) <= most):
            return
        for host in hosts:
            await self._close(host.name)

    async def _close(self, host: str) -> None:
        """Close a host's connection where no other play wants it, and nobody delegates to it."""
        if self.run.users[host] <= 1:
            await self.run.sessions.close(host)

    def _wave_ended(self, wave: Wave, begun: float, *, is_answered: bool) -> None:
        statuses = [self.statuses[name] for name in wave.hosts]
        is_well = is_answered and all(self.statuses[name].is_well or name in self.excluded for name in wave.hosts)
        self.run.recorder.emit(
            WaveEnded(
                play=self.play.id,
                wave=wave.index,
                status="ok" if is_well else "failed",
                counts=dict(Counter(map(str, statuses))),
                duration=round(asyncio.get_running_loop().time() - begun, 6),
            )
        )

    async def _meet(self, waves: Iterable[Wave]) -> None:
        """Hold what preflight found against the budget."""
        for wave in waves:
            for name in wave.hosts:
                if name in self.unreachable and name not in self.barred and name not in self.statuses:
                    self._never_started(name, wave.index, HostStatus.UNREACHABLE, self.unreachable[name])
                    self.spending.spend(wave.index, name)
            for name in self.play.delegates:
                if name in self.unreachable and name not in self.play.hosts:
                    self.spending.spend(wave.index, name)
        await self.spending.answered()

    def _never_started(self, name: str, wave: int, status: HostStatus, reason: str) -> None:
        self.statuses[name] = status
        past = self.past.hosts.get(name)
        if past is not None and not past.is_started and (past.status, past.reason) == (str(status), reason):
            return  # so it stands in the journal
        self.run.recorder.emit(HostEnded(play=self.play.id, wave=wave, host=name, status=str(status), reason=reason))
