"""A run whose records are lost in part, told again so that it can be gone on with: what is certain, and what may be.

The part before the first loss stands as it is. What is certain of the rest is told behind it by a process of its own,
host by host in the order of the plan: how steps ended, in what wave, what was notified, approved and decided. Whatever
may have begun in a loss (:mod:`runner.model.exposed`) is ``unknown``, and so is what was at work at the end.

**Why rather too many.** A step that is taken for one that never began runs twice. One that is unknown is held until
something, or somebody, says what became of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from runner.model.certain import BACK, Certain, Fact, Gap, Key, OfHost, gather
from runner.model.events import (
    ApprovalGranted,
    ApprovalWaiting,
    Event,
    GateFailed,
    GatePassed,
    HostEnded,
    HostStarted,
    PlanReady,
    RollbackEnded,
    RollbackStarted,
    RunStarted,
    StepEnded,
    StepIntent,
    WaveEnded,
    WaveStarted,
)
from runner.model.exposed import exposed
from runner.model.illegal import IllegalEventError
from runner.model.outcome import HostStatus, Status
from runner.model.past import HostPast, Past, PlayPast, StepPast
from runner.model.phases import UNSENT
from runner.model.plan import Plan, PlannedPlay, Wave
from runner.model.playbook import leaves
from runner.model.progress import Progress

REASON = "its records may be among those that are lost"


class Retold(msgspec.Struct):
    """``events`` go behind the good part. ``doubtful`` are play, step and host of what is unknown then.

    ``unfit`` counts what is certain and could not be told, as it follows from nothing.
    """

    events: list[Event] = []
    doubtful: list[tuple[str, str, str]] = []
    unfit: int = 0


def retell(
    plan: Plan,
    before: Iterable[tuple[float, Event]],
    after: Sequence[Event | Gap],
    *,
    ready: PlanReady,
    start: RunStarted,
) -> Retold:
    """Tell a run again from its first loss on, which ``after`` begins with.

    ``ready`` is what the run says of its plan, ``start`` begins the process that tells.
    """
    teller = _Teller(gather(after))
    for ts, event in before:
        teller.know(event, ts)
    return teller.tell_all(plan, ready, start)


class _Teller:
    def __init__(self, certain: Certain) -> None:
        self._certain = certain
        self._told = Retold()
        self._progress = Progress()
        self.past = Past()
        self.lost = certain.lost
        self._ts = 0.0

    def know(self, event: Event, ts: float) -> None:
        """Take in an event of the good part."""
        self._progress.apply(event, ts)
        self.past.apply(event, 0)
        self._ts = ts

    def tell_all(self, plan: Plan, ready: PlanReady, start: RunStarted) -> Retold:
        """Tell everything behind the good part."""
        if self._progress.plan is None:
            self.tell(ready)
        # Who is at work is known now; to the process that tells, nobody is.
        hosts = {play.id: self._hosts(play) for play in plan.plays}
        self.tell(start)
        for play in plan.plays:
            for wave in play.waves:
                if any(name in hosts[play.id] for name in wave.hosts) or (play.id, wave.index) in self._certain.waves:
                    self._wave(play, wave, hosts[play.id])
            self._rollback(play)
        for decision in self._certain.decisions:
            self.tell(decision)
        self._told.doubtful = [
            (play, step, host)
            for play, of_play in self.past.plays.items()
            for host, of_host in of_play.hosts.items()
            if of_host.status not in {HostStatus.OK, HostStatus.CHANGED}
            for step, past in of_host.steps.items()
            if past.is_open or any(item.is_open for item in past.items.values())
        ]
        return self._told

    def _hosts(self, play: PlannedPlay) -> dict[str, list[Key]]:
        past = self.past.plays.get(play.id)
        return dict(exposed(play, self._progress.plays[play.id], past.hosts if past else {}, self._certain))

    def tell(self, event: Event) -> None:
        try:
            self._progress.apply(event, self._ts)
        except IllegalEventError:
            self._told.unfit += 1
            return
        self.past.apply(event, 0)
        self._told.events.append(event)

    def _wave(self, play: PlannedPlay, wave: Wave, hosts: dict[str, list[Key]]) -> None:
        self.tell(WaveStarted(play=play.id, wave=wave.index, of=len(play.waves), hosts=wave.hosts))
        for name in wave.hosts:
            if name in hosts:
                self._host(play, wave.index, name, hosts[name])
        said = self._certain.waves.get((play.id, wave.index), [])
        for event in said:
            if isinstance(event, GatePassed | GateFailed):
                self.tell(event)
        ended = WaveEnded(play=play.id, wave=wave.index, status="failed", counts={}, duration=0.0)
        self.tell(next((event for event in reversed(said) if isinstance(event, WaveEnded)), ended))
        for event in said:
            if isinstance(event, ApprovalGranted):
                self._approved(event)

    def _approved(self, event: ApprovalGranted) -> None:
        self.tell(
            ApprovalWaiting(
                play=event.play, wave=event.wave, about=event.about, host=event.host, step=event.step, question=""
            )
        )
        self.tell(event)

    def _host(self, play: PlannedPlay, wave: int, name: str, unheard: list[Key]) -> None:
        later = self._certain.hosts.get((play.id, name)) or OfHost()
        if later.ended is not None and later.ended.status == HostStatus.NOT_RUN:
            self.tell(later.ended)
            return
        self.tell(HostStarted(play=play.id, wave=wave, host=name))
        for event in later.notified:
            self.tell(event)
        turn = _Turn(self, play, wave, name, unheard)
        turn.tell(later.facts)
        status = HostStatus.UNKNOWN if turn.is_unsure else HostStatus.CANCELLED
        ended = HostEnded(play=play.id, wave=wave, host=name, status=status, reason=REASON)
        self.tell(later.ended or ended)

    def _rollback(self, play: PlannedPlay) -> None:
        """What is certain of a rollback. Where one had begun, its next steps on each host may have, too."""
        said = self._certain.rollbacks.get(play.id, [])
        past = self.past.plays.get(play.id) or PlayPast()
        back = any(later.back for (name, _), later in self._certain.hosts.items() if name == play.id)
        if not (said or back or past.rollback == "started"):
            return
        touched = tuple(name for name in reversed(play.hosts) if name in past.hosts and past.hosts[name].is_started)
        begun = RollbackStarted(play=play.id, reason=REASON, hosts=past.rollback_hosts or touched)
        begun = next((event for event in said if isinstance(event, RollbackStarted)), begun)
        self.tell(begun)
        for name in begun.hosts:
            self._back(play, name, self._certain.hosts.get((play.id, name)) or OfHost())
        for event in said:
            if isinstance(event, RollbackEnded):
                self.tell(event)

    def _back(self, play: PlannedPlay, name: str, later: OfHost) -> None:
        host = self.past.host(play.id, name) or HostPast()
        if host.status in BACK and not later.back:
            return
        known = {step for step, _ in later.back} | {
            step for step, past in host.steps.items() if past.section == "rollback"
        }
        steps = [step.id for step in leaves(play.rollback) if step.id not in known]
        is_sure = later.back_ended is not None or (bool(later.back) and later.gap == self._certain.gaps)
        unheard = [(step, None) for step in steps[: 0 if is_sure else self._certain.lost]]
        self.tell(HostStarted(play=play.id, wave=host.wave, host=name, section="rollback"))
        turn = _Turn(self, play, host.wave, name, unheard)
        turn.tell(later.back)
        status = HostStatus.UNKNOWN if turn.is_unsure else HostStatus.CANCELLED
        self.tell(later.back_ended or HostEnded(play=play.id, wave=host.wave, host=name, status=status, reason=REASON))


class _Turn:
    """A host's turn, told step by step. ``is_unsure`` where something of it is unknown."""

    def __init__(self, teller: _Teller, play: PlannedPlay, wave: int, name: str, unheard: Iterable[Key]) -> None:
        self._tell = teller.tell
        self._teller = teller
        self._place: dict[str, Any] = {"play": play.id, "wave": wave, "host": name}
        nodes = (node for section in play.sections for node in section)
        self._steps = {step.id: step for step in leaves(nodes, everything=True)}
        self._unheard: dict[str, list[int | None]] = {}
        for step, item in unheard:
            self._unheard.setdefault(step, []).append(item)
        self._loop = ""
        self.is_unsure = False

    def tell(self, facts: Mapping[Key, Fact]) -> None:
        """What is certain of its steps, each followed by what of its items is not; then what else may have begun."""
        for (step, item), fact in facts.items():
            if step != self._loop:
                self._leave()
            if fact.ended is None:
                self._unknown(step, item, fact.intent)
                continue
            if fact.intent is not None:
                self._tell(fact.intent)
            elif fact.ended.status not in UNSENT and not (item is None and self._loop):
                self._tell(self._intent(step, item, fact.ended))
            self._tell(fact.ended)
            self._loop = step if item is not None else ""
        while self._unheard or self._loop:
            self._leave()
            for step in list(self._unheard)[:1]:
                self._rest(step)

    def _leave(self) -> None:
        """A loop that is not at its end has none that is certain."""
        if self._loop:
            self._rest(self._loop)
            self._tell(
                StepEnded(
                    **self._at(self._loop, None), kind=self._kind(self._loop), status=Status.UNKNOWN, reason=REASON
                )
            )
        self._loop = ""

    def _rest(self, step: str) -> None:
        for item in self._unheard.pop(step, ()):
            self._unknown(step, item, None)

    def _unknown(self, step: str, item: int | None, intent: StepIntent | None) -> None:
        """It may have begun, and more often than is known."""
        self._tell(self._intent(step, item, intent, guess=max(1, self._teller.lost)))
        self._tell(StepEnded(**self._at(step, item), kind=self._kind(step), status=Status.UNKNOWN, reason=REASON))
        self._loop = step if item is not None else ""
        self.is_unsure = True

    def _intent(
        self, step: str, item: int | None, known: StepIntent | StepEnded | None, *, guess: int = 0
    ) -> StepIntent:
        """A start that is not on record, or not for certain the last; ``guess`` are the records it may be one of."""
        place = self._at(step, item)
        past = self._teller.past.step(place["play"], place["host"], step, item) or StepPast()
        attempt = max((known.attempt or 1) if known else 0, past.attempt)
        if guess or not known:
            attempt += 1 + guess // 2  # beyond any that may have begun: its record on the host is not that of another
        if known is not None:
            place |= {"section": known.section, "delegate": known.delegate, "src": known.src}
        return StepIntent(**place, attempt=attempt, kind=self._kind(step), is_guess=bool(guess))

    def _at(self, step: str, item: int | None) -> dict[str, Any]:
        section = self._steps[step].section if step in self._steps else ""
        return {**self._place, "step": step, "item": item, "section": section}

    def _kind(self, step: str) -> str:
        return self._steps[step].kind if step in self._steps else ""
