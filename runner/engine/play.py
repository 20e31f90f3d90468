"""One play: its waves one after another, the budget that can end it, and who never came to run."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from runner.engine.budget import Budget
from runner.engine.context import Run
from runner.engine.host import HostRun
from runner.engine.local import Limits, WaveRun
from runner.engine.stop import Level, Stop
from runner.engine.turn import Turn
from runner.model.budget import allowed
from runner.model.events import BudgetChanged, BudgetExceeded, HostEnded, WaveEnded, WaveStarted
from runner.model.outcome import HostStatus
from runner.model.plan import PlannedPlay, Wave

_LEVELS = {"drain": Level.DRAIN, "stop": Level.STOP, "kill": Level.KILL}


@dataclass(slots=True)
class PlayRun:
    """A play on its way. ``statuses`` are the ends of its hosts; ``keep`` are hosts that later plays need open.

    ``barred`` are hosts that ended badly in an earlier play, with the reason.
    """

    run: Run
    play: PlannedPlay
    barred: Mapping[str, str]
    keep: frozenset[str]
    statuses: dict[str, HostStatus] = field(default_factory=dict)
    exceeded: bool = False
    _stop: Stop = field(init=False)
    _budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        self._stop = Stop(self.run.stop)
        self._budget = Budget(self.play.budget)

    @property
    def has_failed(self) -> bool:
        """Whether its budget ended it, or no host of it is left well."""
        return self.exceeded or not any(status.is_well for status in self.statuses.values())

    async def go(self) -> None:
        """Run all waves, or as far as the budget and the run allow."""
        for wave in self.play.waves:
            if self._stop.level >= Level.DRAIN:
                self.skip(wave.hosts, wave.index, self._stop.reason)
            else:
                await self._wave(wave)

    def skip(self, hosts: Iterable[str], wave: int, reason: str) -> None:
        """Record hosts that never start."""
        for name in hosts:
            self.statuses[name] = HostStatus.NOT_RUN
            self.run.recorder.emit(
                HostEnded(play=self.play.id, wave=wave, host=name, status=str(HostStatus.NOT_RUN), reason=reason)
            )

    async def _wave(self, wave: Wave) -> None:
        begun = asyncio.get_running_loop().time()
        self.run.recorder.emit(
            WaveStarted(play=self.play.id, wave=wave.index, of=len(self.play.waves), hosts=wave.hosts)
        )
        if self.play.strategy.failure_scope == "wave":
            self._budget = Budget(allowed(self.play.strategy, len(wave.hosts)))
        for name in wave.hosts:
            if name in self.barred:
                self.skip([name], wave.index, self.barred[name])
        hosts = [self._host(wave, name) for name in wave.hosts if name not in self.barred]
        await self._work(hosts)
        self.skip([host.name for host in hosts if not host.started], wave.index, self._stop.reason)
        counts = Counter(str(self.statuses[name]) for name in wave.hosts)
        self.run.recorder.emit(
            WaveEnded(
                play=self.play.id,
                wave=wave.index,
                status="ok" if all(self.statuses[name].is_well for name in wave.hosts) else "failed",
                counts=dict(counts),
                duration=round(asyncio.get_running_loop().time() - begun, 6),
            )
        )

    def _host(self, wave: Wave, name: str) -> HostRun:
        return HostRun(Turn(self.run, self.play, wave.index, self.run.plan.hosts[name], self._stop))

    async def _work(self, hosts: list[HostRun]) -> None:
        strategy = self.play.strategy
        limits = Limits(self.play.concurrency, self.play.group_of, strategy.per_group_limit)
        wave = WaveRun(hosts, limits=limits, stop=self._stop, ended=self._ended)
        if strategy.sync == "lockstep":
            await wave.lockstep(self.play.counted)
        else:
            await wave.independent()

    async def _ended(self, host: HostRun) -> None:
        """A host has ended: count it before another is let in, and close its connection where nobody needs it."""
        status = self.statuses[host.name] = host.end()
        if status.counts:
            self._spend(host.turn.wave, host.name)
        if host.name not in self.keep:
            await self.run.sessions.close(host.name)

    def _spend(self, wave: int, host: str) -> None:
        budget, action = self._budget, self.play.strategy.on_exceed
        if not budget.spend(host):
            return
        emit = self.run.recorder.emit
        emit(BudgetChanged(play=self.play.id, wave=wave, host=host, failures=budget.spent, allowed=budget.allowed))
        if budget.allowed is None or not budget.exceeded or self.exceeded:
            return
        self.exceeded = True
        emit(BudgetExceeded(play=self.play.id, wave=wave, failures=budget.spent, allowed=budget.allowed, action=action))
        reason = f"the failure budget is exceeded: {budget.spent} failed, {budget.allowed} allowed"
        self._stop.raise_to(_LEVELS[action], reason)
