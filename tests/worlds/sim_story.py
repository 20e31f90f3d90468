"""One story of a simulation: a run whose controller dies, again and again, and is gone on with, until it is over.

Everything follows from a seed: playbook, what fails, when the controller dies, what hosts and disk make of it.
"""

import asyncio
import json
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from scenario import STARTED
from sim_disk import Disk, SimWriter
from sim_hosts import Doing, Luck, World
from sim_playbooks import DELEGATE, Case, case_of

from runner.app.ending import Ending
from runner.app.plans import plan_ready
from runner.app.recorder import Recorder
from runner.cli.exit_codes import of_ending
from runner.clock import VirtualLoop
from runner.engine.context import Run
from runner.engine.limits import Connecting
from runner.engine.output import OutputStore
from runner.engine.run import run_plan, shared_ids
from runner.engine.sessions import Sessions
from runner.engine.stop import Stop
from runner.errors import InputError, RunnerError
from runner.journal import Journal, encode
from runner.journal.checking import Chain
from runner.loading.project import Loaded, load
from runner.model.changed import changed
from runner.model.decision import Answer, Question
from runner.model.events import Decision, Event, PlanReady, RunEnded
from runner.model.past import Past, StepPast
from runner.model.plan import Plan
from runner.model.progress import Progress
from runner.model.record_key import record_key
from runner.model.summary import Summary, as_data, of, with_exit
from runner.planning.compile import compile_plan
from runner.planning.settings import PlanSettings
from runner.redaction import Redactor
from runner.steps import kinds
from runner.transport import TransportContext

WORLDS = 20
"""Stories told of one playbook: making a plan costs more than a short run."""

REFUSED = {"E420", "E421"}
"""What may be wrong with a random playbook: hosts would wait without end, or for themselves."""

MOST_PROCESSES = 25
KINDS = kinds()
LUCKS = (
    Luck(),
    Luck(),
    Luck(lost=0.1, dropped=0.03, late=0.1),
    Luck(lost=0.15, dropped=0.05, late=0.2, wiped=0.3, refused=0.05),
    Luck(lost=0.15, dropped=0.05, late=0.1, wiped=0.2, reboot=0.2, survives=0.3, refused=0.05, blind=0.1),
)


@dataclass(frozen=True)
class Planned:
    """A case with its plan."""

    case: Case
    plan: Plan
    loaded: Loaded


@lru_cache(maxsize=4)
def planned(number: int, folder: Path) -> Planned:
    """The playbook of that number: the first of its random ones that can be planned."""
    for attempt in count():
        case = case_of(Random(f"playbook {number} {attempt}"))
        names = ", ".join(f"{name}: {{}}" for name in (*case.hosts, DELEGATE))
        (folder / "hosts.yaml").write_text(f"connection: local\nhosts: {{{names}}}\n")
        (folder / "site.yaml").write_text(json.dumps(case.playbook))
        try:
            loaded = load(folder / "site.yaml", inventories=[str(folder / "hosts.yaml")], cwd=folder)
            plan = compile_plan(
                loaded.playbook, loaded.inventory, settings=PlanSettings(seed=7), templates=loaded.templates
            )
        except InputError as refused:
            codes = {problem.code for problem in refused.problems if problem.severity == "error"}
            if not codes <= REFUSED:
                raise
            continue
        return Planned(case, plan, loaded)
    raise AssertionError


class Quiet(OutputStore):
    """Keeps no files."""

    def open(self, host: str, name: str, *, is_rest: bool = False) -> int:  # noqa: ARG002 - as the store has it
        """There is no disk for them."""
        raise OSError(f"no disk for {host}: {name}")


@dataclass
class Process:
    """How one controller ended: ``died`` when it was ended from outside, else with that exit status and summary.

    ``steps`` is how many moments it had at which it could have died.
    """

    died: bool
    error: BaseException | None = None
    exit: int = 0
    summary: Summary | None = None
    faults: list[str] = field(default_factory=list)
    steps: int = 0


@dataclass
class Story:
    """All of it. ``records`` are the journal's at the end, each with its time; ``processes`` in order."""

    seed: int
    planned: Planned
    world: World
    disk: Disk
    chance: Random
    folder: Path
    processes: list[Process] = field(default_factory=list)
    records: list[tuple[Event, float]] = field(default_factory=list)
    past: Past = field(default_factory=Past)
    progress: Progress = field(default_factory=Progress)
    chain: Chain = field(default_factory=lambda: Chain("events.jsonl", b"r1"))

    @property
    def last(self) -> Process:
        """The controller that came to the run's end."""
        return self.processes[-1]


def tell(seed: int, folder: Path, *, deaths: int | None = None, luck: Luck | None = None) -> Story:
    """Tell the story of a seed; without deaths and with good luck it is the uninterrupted run."""
    chance = Random(f"story {seed}")
    found = planned(seed // WORLDS, folder)
    luck = chance.choice(LUCKS) if luck is None else luck
    world = World(f"world {seed}", luck)
    world.outcome = _outcomes(found.case, seed // WORLDS, world)
    story = Story(seed, found, world, Disk(), chance, folder)
    left = chance.choice((0, 1, 1, 1, 2, 3)) if deaths is None else deaths
    expected = uninterrupted(seed, folder).last.steps if left else 0
    for _ in range(MOST_PROCESSES):
        story.processes.append(_process(story, folder, chance.randint(1, expected) if left else 0))
        left -= left > 0
        _read_back(story)
        if story.last.died:
            _pass_time(story)
        elif not _decide(story):
            return story
    raise AssertionError(f"it does not come to its end in {MOST_PROCESSES} processes")


def uninterrupted(seed: int, folder: Path) -> Story:
    """The run of a seed's playbook that nobody stops, on hosts that are always there."""
    return _calm(seed // WORLDS, folder)


@lru_cache(maxsize=4)
def _calm(number: int, folder: Path) -> Story:
    return tell(number * WORLDS, folder, deaths=0, luck=Luck())


def _outcomes(case: Case, number: int, world: World) -> Any:
    def outcome(place: str, text: str, run: int) -> tuple[int, float]:
        words = text.split()
        if words[0] == "healthy":
            return 0, 0.1
        if words[0] == "verify":
            return _verified(world, words[1:]), 0.0
        chance = Random(f"{number} {place} {text.split(' v', maxsplit=1)[0]}")
        duration = chance.choice((0.0, 0.0, 0.3, 1.0, 1.0, 4.0))
        fails = case.failing.get((words[0], words[1]), "")
        return int(fails == "always" or (fails == "once" and run == 1)), duration

    return outcome


def _verified(world: World, words: list[str]) -> int:
    """What ``verify`` finds on the host: 0 for done, 1 for not done, 2 while it still runs."""
    found = [one for one in world.doings if one.text.split()[: len(words)] == words]
    if any(one.is_well and one.over <= world.now() for one in found):
        return 0
    return 2 if any(one.over > world.now() for one in found) else 1


def _process(story: Story, folder: Path, dies_at: int) -> Process:
    """One controller, from its start to its end or death."""
    world, is_first = story.world, not story.records
    process, loop_time = world.process, 0.0
    ended = Process(died=False)
    steps = 0

    def is_alive() -> bool:
        return world.process == process

    async def main() -> None:
        nonlocal loop_time
        task = asyncio.current_task()
        assert task
        loop = asyncio.get_running_loop()

        def step() -> None:
            nonlocal steps, loop_time
            steps += 1
            ended.steps = steps
            if steps == dies_at and is_alive():
                ended.died, loop_time = True, loop.time()
                story.disk.crash(story.chance, power=story.chance.random() < 0.5)
                world.end_process(world.now())
                loop.call_soon(task.cancel)

        world.step = step
        try:
            await _controller(story, folder, ended, is_alive, is_first=is_first)
        finally:
            if not ended.died:
                loop_time = loop.time()

    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(main())
    except (Exception, asyncio.CancelledError) as error:
        if not ended.died:
            raise
        del error
    world.step = lambda: None
    world.base += loop_time
    if not ended.died:
        world.end_process(world.base)
    return ended


async def _controller(story: Story, folder: Path, ended: Process, is_alive: Any, *, is_first: bool) -> None:
    world, plan = story.world, story.planned.plan
    journal = Journal(
        SimWriter(story.disk, story.chance, is_alive, world.step),  # type: ignore[arg-type]
        run="r1",
        path="events.jsonl",
        wall=world.now,
        seq=story.chain.seq,
        previous=story.chain.digits.decode(),
        seals=story.disk.seals,
    )
    recorder = Recorder(journal, story.progress, [], redactor=Redactor(()), log_output=False, wants_output=False)
    recorder.emit(STARTED if is_first else changed(STARTED, resume=True))
    if not any(isinstance(event, PlanReady) for event, _ in story.records):
        recorder.emit(plan_ready(plan))
    await journal.stored()
    warned: list[str] = []
    context = TransportContext(
        find=plan.hosts.get,
        limit=Connecting(plan.connecting).limit,
        ask=lambda prompt: prompt,
        secret=lambda text: text,
        warn=warned.append,
        folder=folder,
        home=folder,
        environ={},
    )
    async with world.kind().start(context) as transport:
        run = Run(
            id="r1",
            plan=plan,
            recorder=recorder,
            templates=story.planned.loaded.templates,
            sessions=Sessions({"local": transport}, recorder),
            kinds=KINDS,
            output=Quiet(folder, Redactor(())),
            stop=Stop(),
            project=folder,
            seed=7,
            salt=b"salt",
            ask=_yes,
            report=repr,
            shared_ids=shared_ids(plan.plays),
            past=None if is_first else story.past,
        )
        await run_plan(run)
    if not is_alive():
        return
    ended.faults = [*run.bugs, *recorder.faults, *warned]
    summary = of(story.progress, run="r1", folder="")
    status, word = of_ending(Ending(summary, None, bool(run.bugs), None), "any")
    ended.summary, ended.exit = with_exit(summary, status, word), status
    recorder.emit(RunEnded(status=ended.summary.status, exit=status, summary=as_data(ended.summary)))
    journal.close()


async def _yes(question: Question) -> Answer:
    del question
    await asyncio.sleep(1)
    return Answer(yes=True, by="ada", how="terminal")


def _read_back(story: Story) -> None:
    """What the next process knows: the journal, and nothing else."""
    story.records, story.past, story.progress = [], Past(), Progress()
    found, story.chain = story.disk.recover()
    for seq, moment, event in found:
        story.records.append((event, moment))
        story.past.apply(event, seq)
        try:
            story.progress.apply(event, moment)
        except RunnerError as error:
            story.processes[-1].faults.append(error.message)


def _pass_time(story: Story) -> None:
    """Nobody is there for a while, and hosts go on, or go away."""
    world, chance = story.world, story.chance
    world.base += chance.choice((0.0, 0.5, 3.0, 60.0, 4000.0))
    world.settle(world.base)
    for place in (*story.planned.case.hosts, DELEGATE):
        if world.happens("wiped", world.luck.wiped / 4):
            world.wipe(place, world.base)
        elif world.happens("reboot", world.luck.reboot / 4):
            world.reboot(place, world.base)


def _decide(story: Story) -> bool:
    """Settle what is held, as somebody would who has looked on the hosts; whether there was anything."""
    world = story.world
    world.base += 100.0  # whoever looks takes his time, and lets what runs end
    world.settle(world.base)
    found = list(open_steps(story.past))
    if not found:
        return False
    previous, seq = story.chain.digits.decode(), story.chain.seq
    for play, wave, host, step, item, past in found:
        what = _truth(story, play, host, step, item, past)
        event = Decision(
            play=play,
            wave=wave,
            host=host,
            step=step,
            section=past.section,
            item=item,
            attempt=past.attempt,
            what=what,
            by="ada",
            how="resolve",
        )
        line, previous = encode(event, seq=seq, ts=world.base, run="r1", previous=previous)
        story.disk.written += line
        seq += 1
    _read_back(story)
    return True


def open_steps(past: Past) -> Any:
    """Steps, and items of loops, whose end nobody knows: play, wave, host, step, item, and what is known."""
    for play, of_play in past.plays.items():
        for host, of_host in of_play.hosts.items():
            for step, one in of_host.steps.items():
                if one.items:
                    for item, part in one.items.items():
                        if part.is_open:
                            yield play, of_host.wave, host, step, item, part
                elif one.is_open:
                    yield play, of_host.wave, host, step, None, one


def doing_of(story: Story, play: str, host: str, step: str, item: int | None, past: StepPast) -> Doing | None:
    """What really ran of an attempt that the journal knows."""
    key = record_key(play, host, step, past.section, item, past.attempt)
    return story.world.by_key(past.delegate or host, key)


def _truth(story: Story, play: str, host: str, step: str, item: int | None, past: StepPast) -> str:
    doing = doing_of(story, play, host, step, item, past)
    if doing is None or not doing.is_whole:
        return "rerun"
    return "ok" if doing.is_well else "failed"
