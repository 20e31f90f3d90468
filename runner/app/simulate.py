"""A simulation: the real plan and the real engine, on hosts that are not there and a clock that is not waited for.

Nothing is contacted, fetched or written: the transport is the fake one, secrets have names alone, and events go nowhere
but into what is told of them.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from runner.app.ending import Ending, ExitOf
from runner.app.loop import quiet_collector
from runner.app.plans import Planned, make_plan, plan_ready
from runner.app.settings import Settings
from runner.clock import run_virtual
from runner.engine.context import Run
from runner.engine.limits import Connecting
from runner.engine.output import OutputStore
from runner.engine.run import run_plan, shared_ids
from runner.engine.sessions import Sessions
from runner.engine.stop import Stop
from runner.errors import ConnectError, RunnerError
from runner.model.decision import Answer, Question
from runner.model.events import EVENT_SCHEMA, RunStarted
from runner.model.faults import Faults, Wanted
from runner.model.plan import Plan
from runner.model.secret_text import SecretText
from runner.model.simulation import SimulatedHost, Simulation
from runner.model.summary import of, with_exit
from runner.model.template import Unknown
from runner.planning.faults import faults_of
from runner.redaction import Redactor
from runner.simulation.answers import AnsweredTemplates
from runner.simulation.gates import with_marks
from runner.simulation.kinds import SimulatedKinds
from runner.simulation.lasting import shorter
from runner.simulation.recorder import Recorder
from runner.simulation.world import World
from runner.steps import kinds
from runner.transport import Transport, TransportContext
from runner.transports.fake import Fake

NOWHERE = Path("/dev/null")
"""The folder of a run that writes nothing."""

RUN_ID = "simulation"


def simulate(settings: Settings, wanted: Wanted, exit_of: ExitOf) -> tuple[Planned, Simulation]:
    """Plan and simulate. Raises InputError for what is wrong with files, options and faults."""
    seed = wanted.seed if settings.seed is None else settings.seed
    planned = make_plan(replace(settings, seed=seed), hash_files=False)
    faults = faults_of(wanted, planned.plan)
    recorder, duration = _run(planned, faults)
    summary = of(recorder.progress)
    exit_status, word = exit_of(Ending(summary, None, has_bug=False, fatal=None), settings.exit_policy)
    return planned, Simulation(
        playbook=planned.plan.playbook,
        name=planned.plan.name,
        seed=planned.seed,
        faults=asked(wanted),
        status=word,
        exit=exit_status,
        duration=round(duration, 6),
        timeline=recorder.story.timeline(),
        hosts=tuple(_hosts(planned, recorder)),
        summary=with_exit(summary, exit_status, word),
    )


def _run(planned: Planned, faults: Faults) -> tuple[Recorder, float]:
    """What was recorded, and the seconds it took. What goes wrong here is no input's fault but runner's own."""
    try:
        with quiet_collector():
            return run_virtual(_story(planned, faults))
    except RunnerError as error:
        raise RuntimeError(error.message) from error


def _hosts(planned: Planned, recorder: Recorder) -> Iterator[SimulatedHost]:
    """What became of each host, in the order of the plan."""
    for play in planned.plan.plays:
        for wave in play.waves:
            for name in wave.hosts:
                if (host := recorder.story.hosts.get((play.id, name))) is not None:
                    yield host


def asked(wanted: Wanted) -> tuple[str, ...]:
    """What was asked for, as options."""
    words = [f"--{fault.kind} {fault.text}" for fault in wanted.faults]
    words += [f"--chance {wanted.chance * 100:g}%"] if wanted.chance else []
    return (*words, *(["--deny"] if wanted.deny else []))


async def _story(planned: Planned, faults: Faults) -> tuple[Recorder, float]:
    """The whole run; gives what was recorded, and the seconds it took."""
    recorder, world = Recorder(), World(faults, planned.seed, shorter(planned.plan))
    plan = with_marks(planned.plan)
    recorder.emit(_run_started(planned))
    recorder.emit(plan_ready(plan))
    async with AsyncExitStack() as stack:
        fake = Fake(world.script, world.connecting)
        transport = await stack.enter_async_context(fake.kind().start(_context(planned)))
        run = _engine_run(planned, plan, world=world, recorder=recorder, transport=transport)
        await run_plan(run)
    for fault in recorder.faults:
        raise fault
    return recorder, asyncio.get_running_loop().time()


def _engine_run(planned: Planned, plan: Plan, *, world: World, recorder: Recorder, transport: Transport) -> Run:
    by_connection = dict.fromkeys((host.connection for host in plan.hosts.values()), transport)
    return Run(
        id=RUN_ID,
        plan=plan,
        recorder=recorder,
        templates=AnsweredTemplates(planned.loaded.templates, plan),
        sessions=Sessions(by_connection, recorder),
        kinds=SimulatedKinds(kinds(), world),
        output=OutputStore(NOWHERE, Redactor(())),
        stop=Stop(),
        project=planned.project,
        seed=planned.seed,
        salt=b"",
        ask=lambda question: _answer(question, deny=world.faults.deny),
        report=_report,
        secrets={name: SecretText(Unknown(f"<secrets.{name}>")) for name in plan.secrets},
        shared_ids=shared_ids(plan.plays),
    )


async def _answer(question: Question, *, deny: bool) -> Answer:
    """Everything is granted, or denied where that was asked for; but the pause of a step always goes on."""
    is_pause = question.about == "step" and not question.is_approval
    return Answer(yes=is_pause or not deny, by=RUN_ID, how="option")


def _report(error: BaseException) -> str:
    """A fault in runner ends a simulation at once: no host has to be looked after."""
    raise error


def _run_started(planned: Planned) -> RunStarted:
    plan = planned.plan
    return RunStarted(
        schema=EVENT_SCHEMA,
        tool="",
        mode="simulate",
        playbook=plan.playbook,
        name=plan.name,
        user="",
        controller="",
        pid=0,
        seed=planned.seed,
    )


def _context(planned: Planned) -> TransportContext:
    return TransportContext(
        find=planned.plan.hosts.get,
        limit=Connecting(planned.plan.connecting).limit,
        ask=_nobody,
        secret=str,
        warn=lambda _: None,
        folder=NOWHERE,
        home=NOWHERE,
        environ={},
    )


def _nobody(prompt: str) -> str:
    raise ConnectError("auth", f'nobody is asked "{prompt}" in a simulation')
