"""What stands between a wave and the next: its gate, time to bake, and a person who says to go on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.engine.decisions import Question, decided
from runner.engine.gates import run_gate
from runner.engine.host import HostRun
from runner.engine.stop import Level
from runner.hostlist import fold
from runner.model.events import Baking
from runner.model.outcome import HostStatus
from runner.model.past import WavePast
from runner.model.plan import Wave

if TYPE_CHECKING:
    from runner.engine.play import PlayRun


async def hold_against_gate(play: "PlayRun", hosts: Sequence[HostRun], wave: Wave) -> bool:
    """Ask the wave's health of the hosts that are still well; those that are not count against the budget.

    False where the gate came to no answer: nobody was there to decide, or a stop came first.
    """
    checks = play.play.strategy.gate
    well = {host.name: host for host in hosts if host.started and play.statuses[host.name].is_well}
    if not checks or not well or play.stop.level >= Level.DRAIN:
        return True
    verdict = await run_gate([host.turn for host in well.values()], checks, stop=play.stop)
    for name, reason in verdict.failed.items():
        play.settle(well[name], HostStatus.GATE_FAILED, reason)
        play.spending.spend(wave.index, name, by_gate=True)
    if verdict.paused:
        play.spending.finish(Level.DRAIN, f"waiting for a person: the gate of wave {wave.index} is inconclusive")
    await play.spending.answered()
    return not (verdict.paused or verdict.stopped)


async def before_next(play: "PlayRun", wave: Wave) -> None:
    """Bake, then ask a person, where the play says so and another wave follows."""
    strategy = play.play.strategy
    past = play.past.waves.get(wave.index) or WavePast()
    if wave.index == len(play.play.waves) or play.stop.level >= Level.DRAIN:
        return
    if strategy.bake and not past.is_baked:
        play.run.recorder.emit(Baking(play=play.play.id, wave=wave.index, duration=strategy.bake))
        await play.stop.sleep(strategy.bake, Level.DRAIN)  # then no wave follows
    if strategy.asks_after(wave.index) and not past.is_approved and play.stop.level < Level.DRAIN:
        await _approve(play, wave)


async def _approve(play: "PlayRun", wave: Wave) -> None:
    following = play.play.waves[wave.index]
    words = f"go on with wave {following.index} of {len(play.play.waves)}: {fold(following.hosts)}?"
    question = Question(play=play.play.id, wave=wave.index, about="wave", text=words, is_approval=True)
    answer = await decided(play.run, question, stop=play.stop)
    if answer.yes is None and play.stop.level < Level.STOP:
        play.spending.finish(Level.DRAIN, f"waiting for approval after wave {wave.index}")
    elif answer.yes is False:
        play.spending.finish(Level.STOP, f"approval denied after wave {wave.index} by {answer.by}")
