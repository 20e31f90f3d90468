"""A run of the real engine on scripted hosts and a virtual clock: hours pass at once, and every event is kept.

run = scenario(PLAYBOOK, tmp_path, answers({("web02", "*"): Answer(rc=1)}))
assert run.statuses() == {"web01": "ok", "web02": "failed"}
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.app.plans import plan_ready
from runner.clock import VirtualLoop, run_virtual
from runner.engine.context import Run
from runner.engine.limits import Connecting
from runner.engine.output import OutputStore
from runner.engine.run import run_plan, shared_ids
from runner.engine.sessions import Sessions
from runner.engine.stop import Level, Stop
from runner.errors import ConnectError, JournalError
from runner.journal import FIRST_SUM, encode
from runner.loading.project import load
from runner.model.changed import changed
from runner.model.decision import Answer as Said
from runner.model.decision import Question
from runner.model.events import Event, HostEnded, HostStarted, RunStarted, StepEnded, StepIntent, StepRetry, WaveStarted
from runner.model.inventory import Host
from runner.model.past import Past
from runner.model.plan import Plan
from runner.model.progress import Progress
from runner.model.secret_text import SecretText
from runner.model.summary import Summary, of
from runner.planning.compile import compile_plan
from runner.planning.settings import PlanSettings
from runner.redaction import Redactor
from runner.steps import kinds
from runner.transport import TransportContext
from runner.transports.fake import Answer, Connection, Fake, Script

STARTED = RunStarted(
    schema="1.0", tool="0", mode="run", playbook="site.yaml", name="site", user="ada", controller="here", pid=1
)


@dataclass
class Recorder:
    """Keeps every event with its virtual time, checks each as a journal would, and folds it."""

    wants_output: bool = False
    events: list[Event] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)
    fails_at: int | None = None
    warned: list[str] = field(default_factory=list)
    heard: Callable[[Event], None] = lambda _: None

    def emit(self, event: Event) -> None:
        """Record it."""
        now = asyncio.get_running_loop().time()
        line, _ = encode(event, seq=len(self.events), ts=1e9 + now, run="r1", previous=FIRST_SUM)
        self.events.append(event)
        self.times.append(now)
        self.lines.append(line)
        self.progress.apply(event, 1e9 + now)
        self.heard(event)

    async def store(self, event: Event) -> None:
        """Record it; where the disk is full by then, as a journal would."""
        self.emit(event)
        if self.fails_at is not None and len(self.events) >= self.fails_at:
            raise JournalError("cannot write the journal: No space left on device")
        await asyncio.sleep(0)


@dataclass
class Ran:
    """What came of it. ``seconds`` is the virtual time it took."""

    plan: Plan
    recorder: Recorder
    fake: Fake
    run: Run
    summary: Summary
    seconds: float
    error: Exception | None

    def all(self, kind: type[Any], **fields: Any) -> list[Any]:
        """Events of one type whose fields have these values, in order."""
        found = [event for event in self.recorder.events if isinstance(event, kind)]
        return [event for event in found if all(getattr(event, key) == value for key, value in fields.items())]

    def at(self, event: Event) -> float:
        """When it happened."""
        return self.recorder.times[self.recorder.events.index(event)]

    def statuses(self) -> dict[str, str]:
        """How each host ended, the last play it was in counting."""
        return {event.host: event.status for event in self.all(HostEnded)}

    def steps(self, host: str) -> dict[str, str]:
        """How each step ended on a host."""
        return {event.step: event.status for event in self.all(StepEnded, host=host, item=None)}

    def commands(self, host: str = "*") -> list[str]:
        """The texts sent to a host, or to all."""
        return [sent.text for sent in self.fake.sent if host in {"*", sent.host}]


def scenario(
    playbook: str,
    folder: Path,
    script: Script = lambda _: Answer(),
    *,
    fake: Fake | None = None,
    recorder: Recorder | None = None,
    settings: PlanSettings | None = None,
    during: Callable[[Run], Any] | None = None,
    hosts: str = "web[01-09]",
    ask: Callable[[Question], Awaitable[Said]] | None = None,
    work: Callable[[Run], Awaitable[None]] = run_plan,
    drive: Callable[[Coroutine[Any, Any, float]], float] = run_virtual,
    is_sound: bool = True,
    before: Sequence[Event] = (),
    secrets: Mapping[str, str] | None = None,
    redactor: Redactor | None = None,
) -> Ran:
    """Load, plan and run a playbook on hosts that answer by ``script``. ``during`` gets the run when it begins.

    ``ask`` is the person who is asked; by default nobody is there. ``work`` is done in place of the whole plan.
    ``drive`` runs it all: on a virtual clock, unless real threads and sockets take part. A fault of runner itself, such
    as an event that does not fold, fails the test, unless it is about one (``is_sound`` is False). ``before`` are the
    events of earlier processes of the run, which this one goes on with. ``secrets`` are values by name; ``redactor``
    masks output files, and nothing by default.
    """
    listed = ", ".join(f"'{name}': {{}}" for name in hosts.split())
    (folder / "hosts.yaml").write_text(f"connection: local\nhosts: {{{listed}}}\n")
    (folder / "site.yaml").write_text(playbook)
    loaded = load(folder / "site.yaml", inventories=[str(folder / "hosts.yaml")], cwd=folder)
    plan = compile_plan(
        loaded.playbook, loaded.inventory, settings=settings or PlanSettings(seed=7), templates=loaded.templates
    )
    fake = fake or Fake(script)
    recorder = recorder or Recorder()
    past = Past()
    for seq, event in enumerate(before):
        past.apply(event, seq)
        recorder.progress.apply(event, 1e9)
    stop = Stop()
    found: list[Any] = []

    async def story() -> float:
        context = context_of(folder, plan, recorder)
        recorder.emit(STARTED if not before else changed(STARTED, resume=True))
        if not before:
            recorder.emit(plan_ready(plan))
        async with fake.kind().start(context) as transport:
            run = Run(
                id="r1",
                plan=plan,
                recorder=recorder,
                templates=loaded.templates,
                sessions=Sessions({"local": transport}, recorder),
                kinds=kinds(),
                output=OutputStore(folder, redactor or Redactor(())),
                stop=stop,
                project=folder,
                seed=7,
                salt=b"salt",
                ask=ask or nobody,
                report=repr,
                shared_ids=shared_ids(plan.plays),
                past=past if before else None,
                secrets={name: SecretText(value) for name, value in (secrets or {}).items()},
            )
            found.append(run)
            if during is not None:
                during(run)
            try:
                await work(run)
            except Exception as error:  # noqa: BLE001 - the story looks at it
                found.append(error)
        return asyncio.get_running_loop().time()

    (folder / "output").mkdir(exist_ok=True)
    seconds = drive(story())
    error = found[1] if len(found) > 1 else None
    assert not (is_sound and found[0].bugs), found[0].bugs
    return Ran(plan, recorder, fake, found[0], of(recorder.progress, run="r1", folder=str(folder)), seconds, error)


async def nobody(question: Question) -> Said:
    """No person waits at a virtual clock."""
    del question
    return Said(None)


def context_of(folder: Path, plan: Plan, recorder: Recorder) -> TransportContext:
    """What a transport is started with."""
    return TransportContext(
        find=plan.hosts.get,
        limit=Connecting(plan.connecting).limit,
        ask=lambda prompt: prompt,
        secret=lambda text: text,
        warn=recorder.warned.append,
        folder=folder,
        home=folder,
        environ={},
    )


def gone(*names: str, script: Script = lambda _: Answer()) -> Fake:
    """Hosts of which some can't be reached."""

    def connecting(host: Host, _: int) -> Connection:
        return Connection(error=ConnectError("refused", "nobody listens") if host.name in names else None)

    return Fake(script, connecting)


def stopping(*levels: tuple[float, Level]) -> Callable[[Run], None]:
    """What interrupts a run from outside: at these times, to these levels."""

    def during(run: Run) -> None:
        for at, level in levels:
            asyncio.get_running_loop().call_later(at, run.stop.raise_to, level, "interrupted")

    return during


def most_at_once(spans: Iterable[tuple[float, float]]) -> int:
    """How many of these spans of time overlap at most; one that ends when another begins does not."""
    marks = sorted([(end, -1) for _, end in spans] + [(start, 1) for start, _ in spans])
    most = now = 0
    for _, change in marks:
        now += change
        most = max(most, now)
    return most


__all__ = [
    "HostEnded",
    "HostStarted",
    "Ran",
    "Recorder",
    "StepEnded",
    "StepIntent",
    "StepRetry",
    "VirtualLoop",
    "WaveStarted",
    "gone",
    "most_at_once",
    "scenario",
    "stopping",
]
