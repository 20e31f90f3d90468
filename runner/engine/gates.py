"""The gate of a wave: its checks one after another, each asked of all hosts at once until it has its verdict.

Why one check after another: each has a deadline of its own, and what the second says means little where the first is
not met.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from runner.engine.decisions import Question, decided
from runner.engine.health import Health, after, begun, delayed
from runner.engine.looking import Look, look
from runner.engine.stop import Level, Stop, Stopped, until
from runner.engine.turn import Turn
from runner.hostlist import fold
from runner.model.events import GateChecked, GateFailed, GatePassed
from runner.model.playbook import Check


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What came of a gate. ``failed`` gives the reason for each host that it holds back.

    ``paused`` where only a person could say, and nobody is there; ``denied`` where a person said no; ``stopped`` where
    a stop came first. Hosts that are not ``failed`` have passed only where neither of paused and stopped is so.
    """

    failed: Mapping[str, str] = field(default_factory=dict)
    paused: bool = False
    denied: bool = False
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """The verdict of one check on one host, unless it is healthy."""

    check: Check
    verdict: Health
    reason: str


async def run_gate(turns: Sequence[Turn], checks: tuple[Check, ...], *, stop: Stop) -> GateVerdict:
    """Ask every check of the hosts of a wave, in order. A stop of level STOP ends it at once."""
    if not turns:
        return GateVerdict()
    gate = _Gate(turns, stop)
    try:
        async with until(stop, Level.STOP):
            await gate.ask(checks)
    except Stopped:
        gate.is_stopped = True
    return gate.verdict()


class _Gate:
    """One gate on its way."""

    def __init__(self, turns: Sequence[Turn], stop: Stop) -> None:
        self._turns = {turn.host.name: turn for turn in turns}
        self._first = turns[0]
        self._run = turns[0].run
        self._stop = stop
        self._failed: dict[str, _Found] = {}
        self._slots = asyncio.Semaphore(max(1, turns[0].play.concurrency))
        self._begun = asyncio.get_running_loop().time()
        self._is_paused = False
        self._is_denied = False
        self.is_stopped = False

    @property
    def _well(self) -> list[Turn]:
        return [turn for name, turn in self._turns.items() if name not in self._failed]

    async def ask(self, checks: Iterable[Check]) -> None:
        """All checks, until one stays undecided or no host is left well."""
        for check in checks:
            if self._well and not self._is_paused:
                await self._check(check)

    async def _check(self, check: Check) -> None:
        turns = self._well
        if check.each == "wave":
            found = await self._watch(turns[0], check)
            results = dict.fromkeys((turn.host.name for turn in turns), found)
        else:
            tasks = {}
            async with asyncio.TaskGroup() as group:
                for turn in turns:
                    tasks[turn.host.name] = group.create_task(self._watch(turn, check))
            results = {name: task.result() for name, task in tasks.items()}
        bad = {name: found for name, found in results.items() if found is not None}
        unsure = {name: found for name, found in bad.items() if found.verdict is Health.INCONCLUSIVE}
        if unsure and check.on_inconclusive == "pause":
            await self._decide(check, unsure)
            bad = {name: found for name, found in bad.items() if name not in unsure}
        self._failed.update(bad)

    async def _watch(self, turn: Turn, check: Check) -> _Found | None:
        """Look until there is a verdict; None where it is healthy."""
        loop = asyncio.get_running_loop()
        watch, last = None, Look(Health.INCONCLUSIVE, "it was never asked")
        for number in count(1):
            came = loop.time()
            async with self._slots:
                watch = delayed(watch, loop.time() - came) if watch else begun(check, loop.time())
                limit = watch.limit(loop.time())
                if limit <= 0:
                    break
                last = await look(turn, check, number=number, limit=limit)
                watch = delayed(watch, last.waited)
            now = loop.time()
            following = after(watch, last.health, now, is_final=last.is_final)
            watch = following.watch
            if self._stop.level < Level.STOP:
                self._say(turn, check, last, number, successes=min(watch.in_row, check.successes))
            await asyncio.sleep(max(0.0, following.at - now))
            if following.verdict is Health.HEALTHY:
                return None
            if following.verdict is not None:
                break
        if last.health is not Health.HEALTHY:
            return _Found(check, last.health, last.reason)
        done = 0 if watch is None else watch.in_row
        words = f"{done} of {check.successes} successes in a row within {check.deadline:g}s"
        return _Found(check, Health.UNHEALTHY, words)

    def _say(self, turn: Turn, check: Check, seen: Look, number: int, *, successes: int) -> None:
        self._run.recorder.emit(
            GateChecked(
                play=turn.play.id,
                wave=turn.wave,
                check=check.step.id,
                verdict=str(seen.health),
                host="" if check.each == "wave" else turn.host.name,
                src=turn.source(check.step),
                number=number,
                successes=successes,
                of=check.successes,
                reason=seen.reason,
            )
        )

    async def _decide(self, check: Check, unsure: Mapping[str, _Found]) -> None:
        """Let a person say what an inconclusive check means: the hosts have passed it, or not."""
        reasons = _together(found.reason for found in unsure.values())
        question = Question(
            play=self._first.play.id,
            wave=self._first.wave,
            about="gate",
            text=f"the gate is inconclusive: {check.step.id} on {fold(unsure)}: {reasons}. Take it for passed?",
            step=check.step.id,
            is_approval=False,
        )
        answer = await decided(self._run, question, stop=self._stop)
        if answer.yes is None:
            self._is_paused = True
        elif not answer.yes:
            self._is_denied = True
            for name, found in unsure.items():
                self._failed[name] = _Found(check, found.verdict, f"{found.reason}; denied by {answer.by}")

    def verdict(self) -> GateVerdict:
        """Record what came of it."""
        first, emit = self._first, self._run.recorder.emit
        duration = round(asyncio.get_running_loop().time() - self._begun, 6)
        for (check, verdict), founds in self._failures().items():
            emit(
                GateFailed(
                    play=first.play.id,
                    wave=first.wave,
                    hosts=tuple(founds),
                    check=check,
                    verdict=str(verdict),
                    reason=_together(found.reason for found in founds.values()),
                    src=first.source(next(iter(founds.values())).check.step),
                    duration=duration,
                )
            )
        passed = tuple(turn.host.name for turn in self._well)
        is_over = not self._is_paused and not self.is_stopped
        if passed and is_over:
            emit(GatePassed(play=first.play.id, wave=first.wave, hosts=passed, duration=duration))
        failed = {name: f"{found.check.step.id}: {found.reason}" for name, found in self._failed.items()}
        return GateVerdict(
            failed, self._is_paused and not self.is_stopped, denied=self._is_denied, stopped=self.is_stopped
        )

    def _failures(self) -> dict[tuple[str, Health], dict[str, _Found]]:
        """The hosts that failed, by check and verdict."""
        groups: defaultdict[tuple[str, Health], dict[str, _Found]] = defaultdict(dict)
        for name in self._turns:
            if (found := self._failed.get(name)) is not None:
                groups[found.check.step.id, found.verdict][name] = found
        return groups


def _together(reasons: Iterable[str]) -> str:
    """The reason where all have the same, else the first and how many others there are."""
    different = list(dict.fromkeys(reasons))
    others = len(different) - 1
    return different[0] + (f" (and {others} other{'s' if others > 1 else ''})" if others else "")
