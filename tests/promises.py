"""What the engine promises of every run, whatever the playbook and whatever happens: read off its events.

Each promise is a function that looks at a run and fails where it is broken. What ran when is told by the order of
events, not by their time: on the virtual clock much happens at once.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from random_plans import Case
from scenario import Ran

from runner.engine.stop import Level
from runner.model.events import (
    ApprovalDenied,
    ApprovalGranted,
    ApprovalWaiting,
    BudgetExceeded,
    HandlerNotified,
    HostEnded,
    HostLost,
    HostStarted,
    RollbackEnded,
    RollbackStarted,
    StepEnded,
    StepIntent,
    StepRetry,
    WaveStarted,
)
from runner.model.outcome import HostStatus
from runner.model.plan import PlannedPlay
from runner.model.playbook import Block, Node, Step, leaves, nodes_of

WELL = {"ok", "changed", "skipped"}


@dataclass(frozen=True)
class Life:
    """One run of a step on a host: the numbers of its first and its last event."""

    play: str
    wave: int
    host: str
    step: str
    section: str
    delegate: str
    begin: int
    end: int


def lives(run: Ran, *, tries: bool = False) -> list[Life]:
    """Every run of a step that was begun, in the order of their ends: with all its tries, or each try by itself."""
    open_: dict[tuple[str, str], tuple[int, StepIntent]] = {}
    found = []
    for number, event in enumerate(run.recorder.events):
        if isinstance(event, StepIntent):
            open_.setdefault((event.play, event.host), (number, event))
        is_over = isinstance(event, StepEnded) and (tries or event.item is None)
        is_over = is_over or (tries and isinstance(event, StepRetry))
        if is_over and (event.play, event.host) in open_:
            begin, intent = open_.pop((event.play, event.host))
            life = Life(
                event.play, event.wave, event.host, event.step, event.section, intent.delegate, begin, number
            )  # fmt: skip
            found.append(life)
    return found


def most(found: list[Life], chosen: Callable[[Life], bool], key: Callable[[Life], object]) -> Counter[object]:
    """How many of the chosen overlap at most, by a key."""
    changes = defaultdict(list)
    for life in found:
        if chosen(life):
            changes[life.begin].append((1, key(life)))
            changes[life.end].append((-1, key(life)))
    now: Counter[object] = Counter()
    top: Counter[object] = Counter()
    for number in sorted(changes):
        for change, name in changes[number]:
            now[name] += change
            top[name] = max(top[name], now[name])
    return top


def of(run: Ran, play: PlannedPlay, kind: type) -> Iterator[tuple[int, object]]:
    """The events of one kind in a play, with their numbers."""
    for number, event in enumerate(run.recorder.events):
        if isinstance(event, kind) and event.play == play.id:
            yield number, event


def first(run: Ran, play: PlannedPlay, kind: type, **fields: object) -> int | None:
    """The number of the first such event."""
    for number, event in of(run, play, kind):
        if all(getattr(event, name) == value for name, value in fields.items()):
            return number
    return None


def steps_of(nodes: tuple[Node, ...]) -> dict[str, Step]:
    return {step.id: step for step in leaves(nodes, everything=True)}


def every_step(play: PlannedPlay) -> dict[str, Step]:
    return {name: step for nodes in play.sections for name, step in steps_of(nodes).items()}


def in_any_case(play: PlannedPlay) -> set[str]:
    """The steps that run though the play was stopped: those of ``always``, its own and of blocks."""
    blocks = [node for nodes in play.sections for node in nodes_of(nodes) if isinstance(node, Block)]
    return {name for nodes in (play.always, *(block.always for block in blocks)) for name in steps_of(nodes)}


# the promises


def nothing_is_amiss(run: Ran, _: Case) -> None:
    """No fault of runner itself, and every event folds legally (an illegal one is such a fault)."""
    assert run.error is None
    assert run.run.bugs == []
    assert run.recorder.warned == []


def waves_share_the_hosts_out(run: Ran, _: Case) -> None:
    """Each host is in one wave, and each wave begins once, in order, when the one before has ended."""
    for play in run.plan.plays:
        assert sorted(name for wave in play.waves for name in wave.hosts) == sorted(play.hosts)
        begun = [event.wave for _, event in of(run, play, WaveStarted)]
        assert begun == list(range(1, len(begun) + 1))


def every_host_ends(run: Ran, _: Case) -> None:
    """Each host of a play has a last status; one that did not run did nothing, and one that ended is at rest."""
    for play in run.plan.plays:
        ends: dict[str, list[HostEnded]] = defaultdict(list)
        for _, event in of(run, play, HostEnded):
            ends[event.host].append(event)
        assert set(ends) == set(play.hosts)
        started = Counter(event.host for _, event in of(run, play, HostStarted) if not event.section)
        for host, found in ends.items():
            if found[-1].status == HostStatus.NOT_RUN:
                assert (len(found), started[host]) == (1, 0)
            assert started[host] <= 1
    assert run.recorder.progress.busy == {}
    assert run.recorder.progress.at_work == {}


def progress_adds_up(run: Ran, _: Case) -> None:
    """Steps done and steps that nobody will run any more make the whole."""
    progress = run.recorder.progress
    assert progress.done + progress.dropped == progress.total
    assert progress.left == 0
    assert sum(len(names) for names in run.summary.hosts.values()) == len({h for p in run.plan.plays for h in p.hosts})


def nothing_starts_after_the_budget(run: Ran, _: Case) -> None:
    """But what runs in any case, the way back, and under a drain what hosts at work have to do."""
    for play in run.plan.plays:
        over = next((number for number, event in of(run, play, BudgetExceeded) if event.action != "pause"), None)
        if over is None:
            continue
        action = run.recorder.events[over].action
        anyway = in_any_case(play) | set(steps_of(play.rollback))
        for number, event in of(run, play, HostStarted):
            assert number < over or event.section
        for number, event in of(run, play, StepIntent):
            is_fine = event.step in anyway or (action == "drain" and event.section != "rollback")
            assert number < over or is_fine, event


def nobody_begins_while_a_person_decides(run: Ran, _: Case) -> None:
    """A budget that pauses lets nobody in until the answer; a no, or none, lets nobody in at all."""
    for play in run.plan.plays:
        asked = False
        for _, event in of(run, play, (ApprovalWaiting, ApprovalGranted, ApprovalDenied, BudgetExceeded, HostStarted)):
            match event:
                case BudgetExceeded(action="pause"):
                    asked = True
                case ApprovalGranted(about="budget"):
                    asked = False
                case HostStarted(section=""):
                    assert not asked


def nothing_starts_after_a_stop(run: Ran, case: Case) -> None:
    """From outside: the same, in all plays; nobody is rolled back who was not on the way."""
    times = run.recorder.times
    stopped = min((at for at, _ in case.stops), default=None)
    if stopped is None:
        return
    anyway = {play.id: in_any_case(play) for play in run.plan.plays}
    for number, event in enumerate(run.recorder.events):
        if isinstance(event, StepIntent) and times[number] > stopped:
            assert event.step in anyway[event.play], event
        if isinstance(event, HostStarted) and times[number] > stopped:
            assert event.section, event


def no_more_at_work_than_allowed(run: Ran, case: Case) -> None:
    """``concurrency``, until a kill: those that stood aside then tidy up at once."""
    end = _killed(run, case)
    for play in run.plan.plays:
        top = most(lives(run), lambda life, play=play: life.play == play.id and life.end < end, lambda _: "")
        assert top[""] <= play.concurrency


def no_more_of_a_group_than_allowed(run: Ran, case: Case) -> None:
    """``per_group_limit``: at a step, and where hosts go at their own pace over their whole turn."""
    end = _killed(run, case)
    for play in run.plan.plays:
        limit = play.strategy.per_group_limit
        if limit is None:
            continue

        def group(life: Life, play: PlannedPlay = play) -> str:
            return play.group_of[life.host]

        for name, top in most(
            lives(run), lambda life, play=play: life.play == play.id and life.end < end, group
        ).items():
            assert top <= (limit if isinstance(limit, int) else limit.get(str(name), top))
        if play.strategy.sync == "independent" and isinstance(limit, int):
            assert _most_turns(run, play, end) <= limit


def _most_turns(run: Ran, play: PlannedPlay, end: int) -> int:
    inside: Counter[str] = Counter()
    top = 0
    at_work = set()
    for number, event in of(run, play, (HostStarted, HostEnded)):
        if number >= end:
            break
        if isinstance(event, HostStarted) and not event.section:
            at_work.add(event.host)
            inside[play.group_of[event.host]] += 1
            top = max(top, *inside.values())
        elif event.host in at_work:
            at_work.discard(event.host)
            inside[play.group_of[event.host]] -= 1
    return top


def _killed(run: Ran, case: Case) -> int:
    """The number of the first event behind a kill, from outside or by a budget."""
    numbers = [len(run.recorder.events)]
    for at, level in case.stops:
        if level is Level.KILL:
            numbers += [number for number, time in enumerate(run.recorder.times) if time >= at][:1]
    numbers += [n for n, e in enumerate(run.recorder.events) if isinstance(e, BudgetExceeded) and e.action == "kill"]
    return min(numbers)


def a_throttle_is_kept(run: Ran, _: Case) -> None:
    """Hosts in a step at once."""
    for play in run.plan.plays:
        steps = every_step(play)
        for name, top in most(lives(run), lambda life, play=play: life.play == play.id, lambda life: life.step).items():
            limit = steps[str(name)].throttle
            assert limit is None or top <= limit


def a_delegate_is_asked_by_one_at_a_time(run: Ran, _: Case) -> None:
    """Of all plays, but where a throttle says otherwise; the controller by any number."""
    throttled = {(play.id, name) for play in run.plan.plays for name, step in every_step(play).items() if step.throttle}

    def is_single(life: Life) -> bool:
        return life.delegate not in {"", "controller"} and (life.play, life.step) not in throttled

    for top in most(lives(run, tries=True), is_single, lambda life: life.delegate).values():
        assert top <= 1


def what_runs_once_runs_once(run: Ran, _: Case) -> None:
    """In the run, or in a wave: on one host, and on none before which one stands that got to it and was passed over."""
    for play in run.plan.plays:
        for nodes in play.sections:
            for node in nodes_of(nodes):
                if node.once is not None:
                    _check_once(run, play, node)


def _check_once(run: Ran, play: PlannedPlay, node: Node) -> None:
    inside = set(steps_of((node,)))
    ran: dict[object, set[str]] = defaultdict(set)
    times: Counter[tuple[object, ...]] = Counter()
    for _, event in of(run, play, StepIntent):
        if event.step in inside:
            scope = event.wave if node.once == "wave" else ""
            ran[scope].add(event.host)
            times[scope, event.host, event.step, event.item] += event.attempt == 1
    for hosts in ran.values():
        assert len(hosts) == 1, (node.id, ran)
    assert all(count <= 1 for count in times.values()), (node.id, times)
    if isinstance(node, Step) and not node.section and node.when is None:
        for _, event in of(run, play, StepEnded):
            if event.step == node.id and event.reason.startswith("run once, on "):
                _check_turn(play, event)


def _check_turn(play: PlannedPlay, event: StepEnded) -> None:
    """A host that follows stands behind the one that ran it, if they are in one wave."""
    by = event.reason.removeprefix("run once, on ").split(",")[0]
    wave = next(wave.hosts for wave in play.waves if wave.index == event.wave)
    assert by not in wave or wave.index(by) < wave.index(event.host), event


def handlers_run_once_a_flush(run: Ran, _: Case) -> None:
    """A handler runs on a host where it was notified since it ran last; once in all where it says so."""
    for play in run.plan.plays:
        once = {handler.id for handler in play.handlers if handler.once}
        pending: dict[tuple[str, str], bool] = {}
        for _, event in of(run, play, (HandlerNotified, StepEnded)):
            if isinstance(event, HandlerNotified):
                pending[event.host, event.handler] = True
            elif event.section == "handlers" and event.status not in {"cancelled", "skipped"}:
                assert pending.pop((event.host, event.step), False), event
                if event.step in once:
                    pending = {key: value for key, value in pending.items() if key[1] != event.step}


def needs_are_met(run: Ran, _: Case) -> None:
    """A step runs when all hosts of the wave that take part have ended what it needs, well.

    In a block that runs once no other host takes part.
    """
    for play in run.plan.plays:
        steps = steps_of(play.steps)
        alone = {
            one.id for node in nodes_of(play.steps) if isinstance(node, Block) and node.once for one in leaves([node])
        }
        needy = {
            name: [need for need in step.needs if need in steps]
            for name, step in steps.items()
            if step.needs and name not in alone
        }
        ended: dict[tuple[str, str], StepEnded] = {}
        apart = {event.host for _, event in of(run, play, HostEnded)} - {
            event.host for _, event in of(run, play, HostStarted)
        }
        waves = {wave.index: wave.hosts for wave in play.waves}
        for _, event in of(run, play, (StepIntent, StepEnded)):
            if isinstance(event, StepEnded):
                ended[event.host, event.step] = event
                continue
            for need in needy.get(event.step, ()):
                for host in set(waves[event.wave]) - apart:
                    met = ended.get((host, need))
                    assert met is not None, (event, host)
                    assert met.status in WELL or met.ignored, (event, met)


def lockstep_keeps_step(run: Ran, _: Case) -> None:
    """No host of the wave begins a step while another is at an earlier one."""
    for play in run.plan.plays:
        if play.strategy.sync != "lockstep":
            continue
        place = {step.id: number for number, step in enumerate(leaves(play.steps, everything=True))}
        at: dict[str, int] = {}
        for _, event in of(run, play, (StepIntent, StepEnded)):
            if event.step not in place:
                continue
            if isinstance(event, StepEnded):
                at.pop(event.host, None)
                continue
            at[event.host] = place[event.step]
            assert min(at.values()) == place[event.step], event


def always_runs_in_any_case(run: Ran, case: Case) -> None:
    """Every host that started comes to the first of the play's ``always``, unless its minute was over by then."""
    killed = _killed(run, case)
    end = run.recorder.times[killed] + 60 if killed < len(run.recorder.times) else math.inf
    for play in run.plan.plays:
        node = next((node for node in play.always if node.once is None), None)
        if node is None:
            continue
        wanted = {event.host for _, event in of(run, play, HostStarted) if not event.section}
        late = {event.host for number, event in of(run, play, HostEnded) if run.recorder.times[number] >= end}
        reached = {event.host for _, event in of(run, play, StepEnded) if event.step in steps_of((node,))}
        assert wanted - late <= reached, wanted - late - reached


def rollback_takes_back_what_was_touched(run: Ran, case: Case) -> None:
    """Those hosts and no others, the latest wave first; each is rolled back, or is not and says so."""
    for play in run.plan.plays:
        number = first(run, play, RollbackStarted)
        over = first(run, play, BudgetExceeded, action="rollback")
        touched = _touched(run, play, number)
        if number is None:
            is_stopped = bool(case.stops or run.all(ApprovalDenied, about="step"))  # the whole run, that is
            assert over is None or not touched or is_stopped
            assert "rollback" not in {event.section for _, event in of(run, play, StepIntent)}
            continue
        assert over is not None
        hosts = run.recorder.events[number].hosts
        assert set(hosts) == touched
        wave_of = {name: wave.index for wave in play.waves for name in wave.hosts}
        assert [wave_of[name] for name in hosts] == sorted((wave_of[name] for name in hosts), reverse=True)
        last = {event.host: event.status for _, event in of(run, play, HostEnded)}
        assert {last[name] for name in hosts} <= {"rolled_back", "rollback_failed"}
        assert {event.host for _, event in of(run, play, StepIntent) if event.section == "rollback"} <= set(hosts)
        assert first(run, play, RollbackEnded) is not None


def _touched(run: Ran, play: PlannedPlay, before: int | None) -> set[str]:
    """Hosts on which a step was begun and did not end ok, or failed without that."""
    found = set()
    begun = set()
    for number, event in of(run, play, (StepIntent, StepEnded, StepRetry)):
        if before is not None and number > before:
            break
        if isinstance(event, StepIntent):
            begun.add((event.host, event.step))
            continue
        is_bad = event.status in {"failed", "timed_out", "unknown"} and not event.reason.startswith(NOT_ITS_OWN)
        if isinstance(event, StepRetry):
            found |= {event.host} if is_bad else set()
        elif event.status == "changed" or is_bad or (event.status == "cancelled" and (event.host, event.step) in begun):
            found.add(event.host)
    return found


NOT_ITS_OWN = ("needs ", "run once, on ")
"""Failures that come of what others did."""


def each_host_is_connected_to_once(run: Ran, _: Case) -> None:
    """As long as no connection is lost; and each is closed in the end."""
    if not run.all(HostLost):
        assert max(Counter(host for _, host in run.fake.connects).values(), default=1) == 1
        assert sorted(host for _, host in run.fake.closes) == sorted(host for _, host in run.fake.connects)


def a_kill_has_its_minute(run: Ran, case: Case) -> None:
    """Nothing but what comes once behind all others can take longer."""
    for at, level in case.stops:
        if level is Level.KILL:
            assert run.seconds <= at + 60 * (1 + len(run.all(HostStarted)))


PROMISES = (
    nothing_is_amiss,
    waves_share_the_hosts_out,
    every_host_ends,
    progress_adds_up,
    nothing_starts_after_the_budget,
    nobody_begins_while_a_person_decides,
    nothing_starts_after_a_stop,
    no_more_at_work_than_allowed,
    no_more_of_a_group_than_allowed,
    a_throttle_is_kept,
    a_delegate_is_asked_by_one_at_a_time,
    what_runs_once_runs_once,
    handlers_run_once_a_flush,
    needs_are_met,
    lockstep_keeps_step,
    always_runs_in_any_case,
    rollback_takes_back_what_was_touched,
    each_host_is_connected_to_once,
    a_kill_has_its_minute,
)
