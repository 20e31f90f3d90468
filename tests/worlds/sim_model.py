"""What must hold of every story, read off what really ran on the hosts and what the journal says of it.

Each promise is a function that fails where it is broken. The truth is the world's; nothing here asks the engine.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from sim_hosts import INSTANT, Doing
from sim_playbooks import DELEGATE, Flags
from sim_story import Story, open_steps, uninterrupted

from runner.model.events import (
    Decision,
    HandlerNotified,
    HostEnded,
    HostStarted,
    StepEnded,
    StepIntent,
    WaveStarted,
)
from runner.model.past import StepPast
from runner.model.progress import Progress
from runner.model.record_key import record_key
from runner.model.summary import as_data, of

WELL = {"ok", "changed"}


@dataclass(frozen=True)
class Unit:
    """One step, or one item of its loop, for one host: what may run once. The step's id and the words behind it."""

    step: str
    host: str
    item: str = ""


def unit_of(doing: Doing, flags: Flags) -> Unit:
    """What a command that ran was meant for."""
    words = doing.text.split()
    return Unit(words[0], words[1], words[2] if flags.looped else "")


def units(story: Story) -> dict[Unit, list[Doing]]:
    """Every run of a step's own command, by what it was meant for, in the order of their beginning."""
    found: dict[Unit, list[Doing]] = defaultdict(list)
    steps = story.planned.case.steps
    for doing in sorted(story.world.doings, key=lambda one: (one.begun, one.number)):
        flags = steps.get(doing.text.split()[0])
        if flags is not None:
            found[unit_of(doing, flags)].append(doing)
    return found


def reruns(story: Story) -> Counter[Unit]:
    """How often it was decided that a step runs again though its end is not known: not by the host's record."""
    found: Counter[Unit] = Counter()
    for event, _ in story.records:
        if isinstance(event, Decision) and event.what == "rerun" and event.how != "record":
            found[Unit(event.step, event.host, str(event.item or ""))] += 1
    return found


# the promises


def nothing_is_amiss(story: Story) -> None:
    """No fault of runner itself in any process, and every process but the dead came to an end."""
    for process in story.processes:
        assert process.faults == []


def what_ended_well_does_not_run_again(story: Story) -> None:
    """Nor does what may still run; what was cut off in the middle runs again only where that was decided."""
    decided = reruns(story)
    steps = story.planned.case.steps
    for unit, found in units(story).items():
        flags = steps[unit.step]
        if flags.section in {"always", "handlers", "rollback", "rescue"}:
            continue
        unsafe = 0
        for before, after in pairwise(found):
            was_over = before.over <= after.begun + INSTANT
            is_safe = was_over and not before.is_well and before.by in {"", "kill", "timeout"}
            assert is_safe or decided[unit], (unit, before, after)
            assert is_safe or flags.repeatable or (was_over and not before.is_well), (before, after)
            unsafe += not is_safe
        assert unsafe <= decided[unit], (unit, found)


def what_runs_once_ended_well_once(story: Story) -> None:
    """On one host of all."""
    steps = story.planned.case.steps
    well: Counter[tuple[str, str, int]] = Counter()
    waves = {
        (play.id, name): wave.index for play in story.planned.plan.plays for wave in play.waves for name in wave.hosts
    }
    for unit, found in units(story).items():
        flags = steps[unit.step]
        if flags.once and not flags.section and not flags.repeatable:
            wave = waves[flags.play, unit.host] if flags.once == "wave" else 0
            well[unit.step, unit.item, wave] += sum(one.is_well for one in found)
    assert all(number <= 1 for number in well.values()), well


def tries(story: Story) -> Iterator[tuple[str, str, str, int | None, StepPast]]:
    """Every step and item that the journal knows: play, host, step, item, and what it says."""
    for play, of_play in story.past.plays.items():
        for host, of_host in of_play.hosts.items():
            for step, past in of_host.steps.items():
                if past.items:
                    for item, part in past.items.items():
                        yield play, host, step, item, part
                else:
                    yield play, host, step, None, past


def what_is_told_is_true(story: Story) -> None:
    """A step told as done came to a good end on the host, one told as failed to a bad one, by itself or by us."""
    steps = story.planned.case.steps
    by_unit = units(story)
    for play, host, step, item, past in tries(story):
        if step not in steps or past.is_open or past.is_local:
            continue
        key = record_key(play, host, step, past.section, item, past.attempt)
        doing = story.world.by_key(past.delegate or host, key)
        if past.decided == "ok":
            assert any(one.is_well for one in by_unit[Unit(step, host, str(item or ""))]), (host, step, past)
        elif past.status in WELL:
            assert past.attempt, (host, step, past)
            assert doing is not None, (host, step, item, past)
            assert doing.is_well, (host, step, item, past, doing)
        elif past.status == "failed" and past.rc is not None and not past.decided:
            assert doing is not None, (host, step, item, past)
            assert not doing.is_well, (host, step, item, past, doing)
            assert past.rc == (doing.rc if doing.is_whole else 143)


def registered_values_are_those_of_the_run_that_counts(story: Story) -> None:
    """What a step was given from another one's result is what that one really printed, for that host, before."""
    steps = story.planned.case.steps
    by_unit = units(story)
    by_value = {one.stdout.decode(): one for one in story.world.doings}
    for unit, found in tuple(by_unit.items()):
        flags = steps[unit.step]
        if not flags.uses or flags.uses.endswith("v"):
            continue
        for doing in found:
            value = doing.text.split()[-1]
            source = by_value.get(value)
            name = "s" + flags.uses[1:]
            if source is None:  # there is none: it did not run for this host, or what it printed was never heard
                before = [one for one in by_unit[Unit(name, unit.host)] if one.is_well and one.over < doing.begun]
                assert not before or settled(story, name), (doing, before)
                continue
            assert source.text.split()[0] == name, (doing, source)
            assert source.over <= doing.begun + INSTANT
            assert source.text.split()[1] == unit.host or steps[name].once, (doing, source)


def handlers_are_not_forgotten(story: Story) -> None:
    """On a host that is well each handler has run since it was last notified, whoever died meanwhile."""
    if story.last.exit != 0:
        return
    by_unit = units(story)
    steps = story.planned.case.steps
    for event, moment in story.records:
        if isinstance(event, HandlerNotified):
            hosts = story.planned.case.hosts if steps[event.handler].once else (event.host,)
            found = [one for host in hosts for one in by_unit[Unit(event.handler, host)]]
            assert any(one.is_well and one.over >= moment - 1e-5 for one in found) or settled(story, event.handler), (
                event
            )


def handlers_run_once_a_notice(story: Story) -> None:
    """On each host, or in all, a handler comes to a good end at most as often as it was notified."""
    notices: Counter[tuple[str, str]] = Counter()
    runs: Counter[tuple[str, str]] = Counter()
    steps = story.planned.case.steps
    for event, _ in story.records:
        if isinstance(event, HandlerNotified):
            notices[event.handler, "" if steps[event.handler].once else event.host] += 1
    for unit, found in units(story).items():
        if steps[unit.step].section == "handlers":
            runs[unit.step, "" if steps[unit.step].once else unit.host] += sum(one.is_well for one in found)
    assert all(number <= notices[name] for name, number in runs.items()), (runs, notices)


def settled(story: Story, step: str) -> bool:
    """Whether a person said of a step that it was done."""
    return any(isinstance(event, Decision) and event.step == step for event, _ in story.records)


def the_summary_is_that_of_the_records(story: Story) -> None:
    """Folding the journal anew gives what the last process told; unknown steps and exit status 6 come together."""
    progress = Progress()
    for event, moment in story.records:
        progress.apply(event, moment)
    told = story.last.summary
    assert told is not None
    again = as_data(of(progress, run="r1", folder=""))
    assert again["hosts"] == as_data(told)["hosts"]
    assert (story.last.exit == 6) == bool(list(open_steps(story.past)))


def a_run_that_went_well_has_done_everything(story: Story) -> None:
    """Exit status 0: every step without a condition came to a good end for each host, or once where it says so."""
    if story.last.exit != 0:
        return
    by_unit = units(story)
    decided = {(event.host, event.step) for event, _ in story.records if isinstance(event, Decision)}
    for play in story.planned.plan.plays:
        for node in play.steps:
            flags = story.planned.case.steps.get(node.id)
            is_plain = flags is not None and node.when is None and not flags.looped and node.on_failure == "stop"
            if not is_plain or flags is None:
                continue
            done = {host: any(one.is_well for one in by_unit[Unit(node.id, host)]) for host in play.hosts}
            done |= {host: True for host in play.hosts if (host, node.id) in decided}
            assert any(done.values()) if flags.once else all(done.values()), (node.id, done)


def without_faults_it_ends_as_if_nobody_had_died(story: Story) -> None:
    """Where only the controller died: the same hosts well, each step done as often as in the run nobody stopped."""
    if sum(story.world.hits.values()) or not story.planned.case.is_tame:
        return
    calm = uninterrupted(story.seed, story.folder)
    if calm.last.exit != 0:
        return
    assert story.last.exit == 0
    assert statuses(story) == statuses(calm)
    mine, theirs = done(story), done(calm)
    assert mine == theirs


def statuses(story: Story) -> dict[tuple[str, str], str]:
    """How each host ended in each play."""
    return {(play, host): one.status for play, past in story.past.plays.items() for host, one in past.hosts.items()}


def done(story: Story) -> Counter[tuple[str, ...]]:
    """How often each step ended well; of what runs once, on whatever host. Without what a resume does again."""
    found: Counter[tuple[str, ...]] = Counter()
    for unit, doings in units(story).items():
        flags = story.planned.case.steps[unit.step]
        if flags.section in {"always", "handlers"} or flags.repeatable:
            continue
        host = "" if flags.once else unit.host
        found[unit.step, host, unit.item] += sum(one.is_well for one in doings)
    return found


def waves_come_one_after_another(story: Story) -> None:
    """A host of a later wave begins nothing before all of the wave before have ended, over all processes."""
    at: dict[tuple[str, int], int] = {}
    ended: dict[tuple[str, str], str] = {}
    for event, _ in story.records:
        if isinstance(event, HostEnded):
            ended[event.play, event.host] = event.status
        elif isinstance(event, HostStarted) and not event.section:
            ended.pop((event.play, event.host), None)
        elif isinstance(event, WaveStarted):
            play = next(one for one in story.planned.plan.plays if one.id == event.play)
            before = [name for wave in play.waves if wave.index < event.wave for name in wave.hosts]
            assert all((event.play, name) in ended for name in before), event
            at[event.play, event.wave] = 1


def every_intent_has_its_end_or_is_settled(story: Story) -> None:
    """When the run is over no step is left between its start and its end."""
    if story.last.exit not in {0, 1}:
        return
    open_: dict[tuple[str, str, str, int | None], StepIntent] = {}
    for event, _ in story.records:
        match event:
            case StepIntent():
                open_[event.play, event.host, event.step, event.item] = event
            case StepEnded() | Decision():
                open_.pop((event.play, event.host, event.step, event.item), None)
                open_.pop((event.play, event.host, event.step, None), None) if event.item is None else None
    assert not open_, open_


PROMISES = (
    nothing_is_amiss,
    what_ended_well_does_not_run_again,
    what_runs_once_ended_well_once,
    what_is_told_is_true,
    registered_values_are_those_of_the_run_that_counts,
    handlers_are_not_forgotten,
    handlers_run_once_a_notice,
    the_summary_is_that_of_the_records,
    a_run_that_went_well_has_done_everything,
    without_faults_it_ends_as_if_nobody_had_died,
    waves_come_one_after_another,
    every_intent_has_its_end_or_is_settled,
)

__all__ = ["DELEGATE", "PROMISES"]
