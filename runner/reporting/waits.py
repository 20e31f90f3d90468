"""What is waited for: steps at work, connections, gates, bakes, people and rollback, each for how long."""

from collections.abc import Iterator

from runner.model.events import GateChecked
from runner.model.phases import RUNNING
from runner.model.progress import Progress
from runner.model.state import GateProgress, PlayProgress, Question, WaveProgress
from runner.reporting.durations import duration
from runner.reporting.escape import visible
from runner.reporting.wording import Names, hosts, step_name

AT_WORK = 5
"""Steps named when it is said what is waited for."""


def waits(progress: Progress, names: Names, now: float, *, answer: str = "", each: bool = False) -> Iterator[str]:
    """A line for each. ``answer`` is what to type to answer a question; ``each`` leaves out no step and no host."""
    steps = list(progress.at_work.items())
    shown = steps if each else steps[:AT_WORK]
    for key, began in shown:
        yield from _hosts(progress, names, key, began, now) if each else [_step(progress, names, key, began, now)]
    if len(steps) > len(shown):
        yield f"and {len(steps) - len(shown)} more steps"
    for play in progress.plays.values():
        yield from _play(play, now)
    for question in progress.questions.values():
        if is_being_asked(progress, question):
            words = f"  (answer with: {answer})" if answer else ""
            yield f"{asking(question, now)}{words}"
    if progress.connecting:
        yield f"connecting to {hosts(sorted(progress.connecting))}"


def _hosts(
    progress: Progress, names: Names, key: tuple[str, str], began: dict[str, float], now: float
) -> Iterator[str]:
    """The same of a step on each of its hosts: what they said last and for how long they have been at it differ."""
    for name, since in began.items():
        yield _step(progress, names, key, {name: since}, now)


def _step(progress: Progress, names: Names, key: tuple[str, str], began: dict[str, float], now: float) -> str:
    since = duration(now - next(iter(began.values())))
    line = f"{visible(key[0])}  waiting for {step_name(names, *key)}  {hosts(began)}  {since}"
    return line + _last_said(progress, key[0], began)


def _last_said(progress: Progress, play: str, names: dict[str, float]) -> str:
    """The last line heard of the host that is in the step the longest, of those that said anything."""
    for name in names:
        host = progress.host(play, name)
        if host is not None and host.last:
            return f"  {visible(name)} | {visible(host.last)}"
    return ""


def _play(play: PlayProgress, now: float) -> Iterator[str]:
    wave = gated(play)
    if wave is not None:
        yield from (f"{visible(play.id)}  {line}" for line in _gate(wave, now))
    if play.bake is not None and now < play.bake[1]:
        yield f"{visible(play.id)}  baking after wave {max(play.waves)}  {duration(play.bake[1] - now)} left"
    back = play.rollback
    if back is not None and back.is_going:
        done = rolled_back(play)
        yield f"{visible(play.id)}  rolling back  {done} of {len(back.hosts)} hosts done  {duration(now - back.since)}"


def _gate(wave: WaveProgress, now: float) -> Iterator[str]:
    """The checks that are not met, with their hosts."""
    gate = wave.gate
    if gate is None:
        yield f"waiting for the gate of wave {wave.index}  {duration(now - wave.idle)}"
        return
    since = duration(now - gate.since)
    unmet: dict[str, list[str]] = {}
    for (check, host), answer in gate.answers.items():
        if answer.verdict != "healthy" or answer.successes < answer.of:
            unmet.setdefault(check, []).append(host)
    for check, names in unmet.items():
        where = hosts(name for name in names if name) or f"wave {wave.index}"
        yield f"waiting for the gate: {visible(check)}  {where}  {since}{_last_answer(gate, check)}"
    if not unmet:
        yield f"waiting for the gate: all checks are met so far  {since}"


def _last_answer(gate: GateProgress, check: str) -> str:
    return f"  {answered(gate.last)}" if gate.last is not None and gate.last.check == check else ""


def answered(answer: GateChecked) -> str:
    """What came of a check: ``web03 | unhealthy: status 503``."""
    reason = f": {visible(answer.reason)}" if answer.reason else ""
    return f"{visible(answer.host or answer.check)} | {visible(answer.verdict)}{reason}"


def asking(question: Question, now: float) -> str:
    """Who is asked what, for how long."""
    asked = question.asked
    of = f"  {visible(asked.host)}" if asked.host else ""
    return (
        f"{visible(asked.play)}  waiting for a person{of}  {duration(now - question.since)}: {visible(asked.question)}"
    )


def gated(play: PlayProgress) -> WaveProgress | None:
    """The open wave of a play, where nothing is left of it but its gate."""
    wave = play.waves.get(play.open_wave or 0)
    if wave is None or wave.working or wave.ended < len(wave.hosts) or not wave.idle:
        return None
    return None if wave.gate is not None and wave.gate.is_over else wave


def rolled_back(play: PlayProgress) -> int:
    """How many hosts the rollback is done with."""
    return play.counts["rolled_back"] + play.counts["rollback_failed"]


def is_being_asked(progress: Progress, question: Question) -> bool:
    """Whether a question without an answer still wants one: a stop may have come before it."""
    asked, play = question.asked, progress.plays[question.asked.play]
    is_back = play.rollback is not None and not play.rollback.is_cut
    if is_back or any(signal.action != "status" for signal in progress.signals):
        return False
    host = play.hosts.get(asked.host)
    return not asked.step or (host is not None and host.phase == RUNNING and host.step == asked.step)
