"""One play: its waves one after another, and what each must pass before the next: budget, gate, bake and a person.

What is done again after its waves, rollback and steps that run once at the end, is in ``rollback`` and ``late``.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from runner.engine.budget import Budget
from runner.engine.context import Run
from runner.engine.crew import Crew, onces_of
from runner.engine.decisions import Question, decided
from runner.engine.gates import run_gate
from runner.engine.host import HostRun
from runner.engine.late import late
from runner.engine.local import WaveRun
from runner.engine.meetings import Once
from runner.engine.places import Limits
from runner.engine.rollback import roll_back
from runner.engine.stop import Level, Stop
from runner.engine.turn import Turn
from runner.hostlist import fold
from runner.model.budget import allowed
from runner.model.events import Baking, BudgetChanged, BudgetExceeded, HostEnded, WaveEnded, WaveStarted
from runner.model.outcome import HostStatus
from runner.model.plan import PlannedPlay, Wave

_LEVELS = {"drain": Level.DRAIN, "stop": Level.STOP, "kill": Level.KILL, "rollback": Level.STOP}
EXCLUDED = "the play's condition is false"


@dataclass(slots=True)
class PlayRun:
    """A play on its way. ``statuses`` are the ends of its hosts, ``hosts`` those that were let to work.

    ``barred`` are hosts that ended badly in a play that this one needs, with the reason; ``unreachable`` those that
    preflight could not connect to. ``is_ended`` where budget, gate or a person has ended it before its time.
    """

    run: Run
    play: PlannedPlay
    barred: Mapping[str, str]
    unreachable: Mapping[str, str] = field(default_factory=dict)
    statuses: dict[str, HostStatus] = field(default_factory=dict)
    hosts: dict[str, HostRun] = field(default_factory=dict)
    excluded: set[str] = field(default_factory=set)
    is_ended: bool = False
    stop: Stop = field(init=False)
    _budget: Budget = field(init=False)
    _onces: dict[str, Once] = field(init=False)
    _crew: Crew | None = None
    _asking: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.stop = Stop(self.run.stop)
        self._budget = Budget(self.play.budget)
        self._onces = onces_of(self.play.steps)

    @property
    def has_failed(self) -> bool:
        """Whether budget, gate or approval ended it, or no host of it is left well."""
        counted = [status for name, status in self.statuses.items() if name not in self.excluded]
        return self.is_ended or (bool(counted) and not any(status.is_well for status in counted))

    @property
    def limits(self) -> Limits:
        """How many of its hosts may be at work at once."""
        return Limits(self.play.concurrency, self.play.group_of, self.play.strategy.per_group_limit)

    async def go(self) -> None:
        """Run all waves, or as far as budget, gates, people and the run allow; then what has to follow in any case."""
        if self.play.strategy.failure_scope == "run":
            await self._meet(self.play.waves)
        for wave in self.play.waves:
            if self.stop.level >= Level.DRAIN:
                self.skip(wave.hosts, wave.index, self.stop.reason)
            else:
                await self._wave(wave)
                await self._between(wave)
        await self._answered()
        is_back = self.is_ended and self.play.strategy.on_exceed == "rollback" and self._budget.exceeded
        if is_back and self.run.stop.level < Level.STOP:
            await roll_back(self, self.stop.reason)
        await late(self, "run", self.play.hosts)

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
            self._budget = Budget(allowed(self.play.strategy, len(wave.hosts)))
            await self._meet([wave])
        for name in wave.hosts:
            if name in self.barred:
                self.skip([name], wave.index, self.barred[name])
        hosts = [self._host(wave, name) for name in wave.hosts if name not in self.statuses]
        await self._work(hosts)
        self._leave_out(hosts, wave)
        await late(self, "wave", wave.hosts)
        await self._gate(hosts, wave)
        await self._let_go(hosts)
        self._wave_ended(wave, begun)

    def _host(self, wave: Wave, name: str) -> HostRun:
        return HostRun(Turn(self.run, self.play, wave.index, self.run.plan.hosts[name], self.stop))

    async def _work(self, hosts: list[HostRun]) -> None:
        names = [host.name for host in hosts]
        self._crew = Crew(self.play, names, limits=self.limits, stop=self.stop, onces=self._onces)
        await WaveRun(hosts, self._crew, self._ended).go()
        await self._answered()

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
            self.spend(host.turn.wave, host.name)
        if not self._is_wanted_later:
            await self._close(host.name)

    @property
    def _is_wanted_later(self) -> bool:
        """Whether hosts may have to be reached again when they have ended: by the gate, or by what comes last."""
        nodes = [*self.play.always, *self.play.handlers]
        return bool(self.play.strategy.gate or self.play.rollback) or any(node.once for node in nodes)

    async def _let_go(self, hosts: Sequence[HostRun]) -> None:
        """Close connections of a wave, unless rollback may want them again and open files allow to keep them."""
        most = self.run.max_open
        if self._is_wanted_later and (most is None or len(self.run.plan.hosts) <= most):
            return
        for host in hosts:
            await self._close(host.name)

    async def _close(self, host: str) -> None:
        """Close a host's connection where no other play wants it, and nobody delegates to it."""
        if self.run.users[host] <= 1:
            await self.run.sessions.close(host)

    def _wave_ended(self, wave: Wave, begun: float) -> None:
        statuses = [self.statuses[name] for name in wave.hosts]
        is_well = all(self.statuses[name].is_well or name in self.excluded for name in wave.hosts)
        self.run.recorder.emit(
            WaveEnded(
                play=self.play.id,
                wave=wave.index,
                status="ok" if is_well else "failed",
                counts=dict(Counter(map(str, statuses))),
                duration=round(asyncio.get_running_loop().time() - begun, 6),
            )
        )

    # budget

    async def _meet(self, waves: Iterable[Wave]) -> None:
        """Hold what preflight found against the budget."""
        for wave in waves:
            for name in wave.hosts:
                if name in self.unreachable and name not in self.barred and name not in self.statuses:
                    self._never_started(name, wave.index, HostStatus.UNREACHABLE, self.unreachable[name])
                    self.spend(wave.index, name)
            for name in self.play.delegates:
                if name in self.unreachable and name not in self.play.hosts:
                    self.spend(wave.index, name)
        await self._answered()

    def _never_started(self, name: str, wave: int, status: HostStatus, reason: str) -> None:
        self.statuses[name] = status
        self.run.recorder.emit(HostEnded(play=self.play.id, wave=wave, host=name, status=str(status), reason=reason))

    def spend(self, wave: int, host: str, *, by_gate: bool = False) -> None:
        """Count a host that ended badly, and do as the play says where there are too many."""
        budget, action = self._budget, self.play.strategy.on_exceed
        if not budget.spend(host):
            return
        emit = self.run.recorder.emit
        emit(BudgetChanged(play=self.play.id, wave=wave, host=host, failures=budget.spent, allowed=budget.allowed))
        if budget.allowed is None or not budget.exceeded or self.is_ended or self._asking is not None:
            return
        emit(
            BudgetExceeded(
                play=self.play.id,
                wave=wave,
                failures=budget.spent,
                allowed=budget.allowed,
                action=action,
                by_gate=by_gate,
            )
        )
        reason = f"the failure budget is exceeded: {budget.spent} failed, {budget.allowed} allowed"
        if action == "pause":
            self._pause(wave, reason)
        else:
            self._finish(_LEVELS[action], reason)

    def _finish(self, level: Level, reason: str) -> None:
        """End the play before its time."""
        self.is_ended = True
        self.stop.raise_to(level, reason)

    def _pause(self, wave: int, reason: str) -> None:
        """Let nobody begin until a person has decided; those at work go on meanwhile."""
        if self._crew is not None:
            self._crew.places.hold()
        self._asking = asyncio.create_task(self._ask(wave, reason))

    async def _ask(self, wave: int, reason: str) -> None:
        words = f"{reason}. Go on with play {self.play.name}?"
        answer = await decided(self.run, self._question(wave, "budget", words), stop=self.stop)
        self._asking = None
        if not answer.yes:
            self._finish(Level.DRAIN if answer.yes is None else Level.STOP, self.stop.reason or reason)
            return
        self._budget.allowed = self._budget.spent  # a further failure asks again
        if self._crew is not None:
            self._crew.places.go_on()

    def _question(self, wave: int, about: str, text: str) -> Question:
        return Question(play=self.play.id, wave=wave, about=about, text=text, is_approval=about == "wave")

    async def _answered(self) -> None:
        """Wait until no person is being asked."""
        while self._asking is not None:
            await self._asking

    # between waves

    async def _gate(self, hosts: Sequence[HostRun], wave: Wave) -> None:
        """Ask the wave's health of the hosts that are still well."""
        well = {host.name: host for host in hosts if host.started and self.statuses[host.name].is_well}
        if not self.play.strategy.gate or not well or self.stop.level >= Level.DRAIN:
            return
        verdict = await run_gate([host.turn for host in well.values()], self.play.strategy.gate, stop=self.stop)
        for name, reason in verdict.failed.items():
            self.settle(well[name], HostStatus.GATE_FAILED, reason)
            self.spend(wave.index, name, by_gate=True)
        if verdict.paused:
            self._finish(Level.DRAIN, f"waiting for a person: the gate of wave {wave.index} is inconclusive")
        await self._answered()

    async def _between(self, wave: Wave) -> None:
        """Bake, then ask a person, where the play says so and another wave follows."""
        strategy = self.play.strategy
        if wave.index == len(self.play.waves) or self.stop.level >= Level.DRAIN:
            return
        if strategy.bake:
            self.run.recorder.emit(Baking(play=self.play.id, wave=wave.index, duration=strategy.bake))
            await self.stop.sleep(strategy.bake)
        if strategy.asks_after(wave.index) and self.stop.level < Level.DRAIN:
            await self._approve(wave)

    async def _approve(self, wave: Wave) -> None:
        following = self.play.waves[wave.index]
        words = (
            f"wave {wave.index} of {len(self.play.waves)} of play {self.play.name} is done. "
            f"Go on with wave {following.index}: {fold(following.hosts)}?"
        )
        answer = await decided(self.run, self._question(wave.index, "wave", words), stop=self.stop)
        if answer.yes is None and self.stop.level < Level.STOP:
            self._finish(Level.DRAIN, f"waiting for approval after wave {wave.index}")
        elif answer.yes is False:
            self._finish(Level.STOP, f"approval denied after wave {wave.index} by {answer.by}")
