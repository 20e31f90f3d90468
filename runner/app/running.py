"""A run on its way: its loop and its end. One that begins and one that goes on differ in their parts alone."""

import asyncio
import json
import os
import sys
import threading
import time
import traceback
from contextlib import AsyncExitStack, suppress

from runner import file_system, transports
from runner.app import finding, requests
from runner.app.earlier import BACK
from runner.app.ending import Ending, ExitOf
from runner.app.journals import Kept
from runner.app.locking import claim_of
from runner.app.loop import Handlers, ignore_signals, leave, quiet_collector, run_loop
from runner.app.pace import Pace
from runner.app.parts import Parts
from runner.app.plans import plan_ready
from runner.app.provenance import run_started, user
from runner.app.recorder import Recorder
from runner.app.views import wants_output
from runner.crashpoints import crash_point
from runner.engine.context import Run
from runner.engine.limits import Connecting
from runner.engine.output import OutputStore
from runner.engine.run import roll_back_plan, run_plan, shared_ids
from runner.engine.sessions import Sessions
from runner.engine.signals import Interrupts
from runner.engine.stop import Level, Stop
from runner.errors import RunnerError
from runner.home import home_folder
from runner.journal import Journal
from runner.model.ascii_json import ascii_json
from runner.model.awaited import awaited
from runner.model.changed import changed
from runner.model.decision import Answer, Question
from runner.model.events import Event, LockReleased, LockTaken, Progressed, RunEnded, Signalled, Warned
from runner.model.outcome import HostStatus
from runner.model.secret_text import revealed
from runner.model.summary import Summary, as_data, of, with_exit
from runner.reporting.escape import tame, visible
from runner.steps import kinds
from runner.transport import Transport, TransportContext

TICK = 0.25
"""Seconds between redraws: four frames a second."""

SOON = 0.3
"""Seconds that the third Ctrl-C waits for a disk, and for a terminal."""

TICKS_A_RECORD = 4
"""A ``progress`` record at most once a second."""


def carry_out(parts: Parts, kept: Kept, exit_of: ExitOf) -> int:
    """Run it to its end; gives the exit status. The journal is closed then."""
    journal, policy = kept.journal, parts.settings.exit_policy
    running = _Running(parts, kept)
    try:
        with quiet_collector():
            fatal, bugs = running.run_loop()
        ignore_signals()
        fatal = fatal or _failure(journal)
        ending = Ending(running.summary(), running.interrupts.exit, bool(bugs), fatal)
        status, word = exit_of(ending, policy)
        running.end(with_exit(ending.summary, status, word), status)
    finally:
        ignore_signals()
        kept.close()
    if fatal is None and (fatal := _failure(journal)) is not None:
        status, _ = exit_of(Ending(ending.summary, ending.interrupted, ending.has_bug, fatal), policy)
    running.explain(fatal)
    return status


def _failure(journal: Journal) -> RunnerError | None:
    """Why the journal could not be written, if it could not."""
    try:
        journal.check()
    except RunnerError as error:
        return error
    return None


class _Running:
    """One run on its way: the parts that change."""

    def __init__(self, parts: Parts, kept: Kept) -> None:
        self._parts = parts
        self._kept = kept
        self._journal = kept.journal
        self._progress = parts.progress
        self._stop = Stop()
        self._early: list[Event] | None = [Warned(message=text) for text in parts.warnings]
        if unsafe := file_system.doubt(parts.folder.path, file_system.mounts()):
            self._early.append(Warned(message=unsafe, hint="keep runs on a local disk: --runs-dir, or XDG_STATE_HOME"))
        settings = parts.settings
        self.interrupts = Interrupts(self._stop, nobody=settings.batch or not parts.screen.has_input)
        self._recorder = Recorder(
            kept.journal,
            self._progress,
            parts.people.views,
            redactor=parts.people.redactor,
            log_output=settings.log_output or settings.output == "json",
            wants_output=wants_output(settings, parts.screen),
        )

    def run_loop(self) -> tuple[RunnerError | None, list[str]]:
        """Run it all; a fault of runner's own is reported and ends the run with a summary all the same."""
        try:
            fatal, bugs = run_loop(self.main(), self._handlers())
        except KeyboardInterrupt:
            # Only who is asked for a passphrase, before anything is contacted, is interrupted so.
            if self.interrupts.exit is None:
                self._interrupted()
            self._announce()
            return None, []
        except RunnerError as error:
            self._announce()  # an end needs its beginning, or nobody can go on from the journal
            return error, []
        except Exception as error:  # noqa: BLE001 - the last place that knows of the run
            self._announce()
            return None, [self._report(error)]
        return fatal, [*bugs, *self._recorder.faults]

    def explain(self, fatal: RunnerError | None) -> None:
        """Say on standard error what ended the run, and which view failed."""
        words = [f"error: {fatal.message}"] if fatal else []
        words += [f"hint: {fatal.hint}"] if fatal and fatal.hint else []
        words += self._kept.lost()
        words += [f"warning: a view failed and was left out: {name}" for name in self._recorder.dropped]
        words += [f"warning: a fault in runner: {fault}" for fault in self._recorder.faults]
        with suppress(OSError, ValueError):
            self._say("".join(f"{visible(self._parts.people.redactor.text(word))}\n" for word in words))

    async def main(self) -> tuple[RunnerError | None, list[str]]:
        """Run the plan; gives the error that ended it, if one did, and the files of faults in runner."""
        async with AsyncExitStack() as stack:
            started = await self._start(stack)
            await self._begin()
            ticking = asyncio.ensure_future(self._tick())
            try:
                return await self._run(started)
            finally:
                ticking.cancel()

    async def _start(self, stack: AsyncExitStack) -> dict[str, Transport]:
        """Start the transports that the plan needs, and let them ask what only a person knows."""
        hosts = self._parts.planned.plan.hosts.values()
        context = self._transport_context()
        started: dict[str, Transport] = {}
        for name in sorted({host.connection for host in hosts}):
            started[name] = await stack.enter_async_context(transports.load(name).start(context))
            await started[name].prepare([host for host in hosts if host.connection == name])
        return started

    def _handlers(self) -> Handlers:
        return {
            "SIGINT": self._interrupted,
            "SIGTERM": lambda: self._terminated("SIGTERM"),
            "SIGHUP": lambda: self._terminated("SIGHUP"),
            "SIGUSR1": lambda: self._tell(Signalled(signal="SIGUSR1", action="status")),
        }

    async def _begin(self) -> None:
        self._announce()
        await self._journal.stored()

    def _announce(self) -> None:
        """The first records, once: who runs what, what will run, and what came before them."""
        if self._early is None:
            return
        parts = self._parts
        plan = parts.planned.plan
        self._recorder.begin(plan, parts.folder.id, str(parts.folder.path))
        self._recorder.emit(run_started(plan, parts.marks, argv=parts.settings.argv, seed=parts.planned.seed))
        if self._progress.plan is None:
            self._recorder.emit(plan_ready(plan))
        for event in parts.first:
            self._recorder.emit(event)
        self._recorder.emit(LockTaken(scope="controller", id=parts.lock))
        for problem in parts.planned.loaded.warnings:
            place = f"{problem.location}: " if problem.location else ""
            self._recorder.emit(Warned(message=f"{place}{problem.message} [{problem.code}]", hint=problem.hint))
        early, self._early = self._early, None
        for event in early:
            self._recorder.emit(event)
        if parts.people.redactor.has_short:
            self._recorder.emit(Warned(message="a secret has fewer than 4 characters; masking it hides ordinary text"))

    async def _run(self, started: dict[str, Transport]) -> tuple[RunnerError | None, list[str]]:
        run = self._engine_run(Sessions(started, self._recorder))
        try:
            if self._parts.marks.mode == BACK:
                await roll_back_plan(run, f"{user()} asked for it")
            else:
                await run_plan(run)
        except RunnerError as error:
            return error, run.bugs
        return None, run.bugs

    def _engine_run(self, sessions: Sessions) -> Run:
        parts = self._parts
        plan = parts.planned.plan
        return Run(
            id=parts.folder.id,
            plan=plan,
            recorder=self._recorder,
            templates=parts.planned.loaded.templates,
            sessions=sessions,
            kinds=kinds(),
            output=OutputStore(parts.folder.path, parts.people.redactor),
            stop=self._stop,
            project=parts.planned.project,
            seed=parts.planned.seed,
            salt=parts.marks.salt,
            ask=self._ask,
            report=self._report,
            secrets=parts.people.values,
            shared_ids=shared_ids(plan.plays),
            max_open=parts.planned.max_open,
            past=parts.past,
            claim=claim_of(parts.settings, parts.marks.token, parts.folder.id) if plan.lock == "hosts" else None,
            where=finding.commands(parts.folder).where,
        )

    async def _ask(self, question: Question) -> Answer:
        folder = self._parts.folder
        place = (question.play, question.wave, question.about, question.host, question.step)
        before = self._parts.past.open.pop(place, None) if self._parts.past else None
        if before is not None and (said := requests.found(folder, before)) is not None:
            return said  # to an earlier process, which asked the same and was gone by then
        shown = changed(question, text=visible(self._parts.people.redactor.text(question.text)))
        number = self._journal.seq - 1  # of the record that says what is asked
        return await self._parts.people.person.decide(shown, lambda: requests.found(folder, number))

    def _transport_context(self) -> TransportContext:
        parts = self._parts
        return TransportContext(
            find=parts.planned.plan.hosts.get,
            limit=Connecting(parts.planned.plan.connecting).limit,
            ask=parts.people.person.ask,
            secret=lambda text: revealed(parts.people.values.get(text, text)),
            warn=lambda text: self._tell(Warned(message=text)),
            folder=parts.folder.path,
            home=home_folder(),
            environ=os.environ,
            connect_timeout=parts.connect_timeout,
            token=parts.marks.token,
            is_resumed=parts.past is not None,
            awaited=awaited(parts.past) if parts.past is not None else frozenset(),
            stored=self._journal.stored,
        )

    def _tell(self, event: Event) -> None:
        """Record what does not wait for the first records; if it comes before them, it follows them."""
        if self._early is None:
            self._recorder.emit(event)
        else:
            self._early.append(event)

    def summary(self) -> Summary:
        """What it came to so far."""
        return of(self._progress, run=self._parts.folder.id, folder=str(self._parts.folder.path))

    def end(self, summary: Summary, status: int) -> None:
        """Say how it ended: in the journal, in files, on the screen. A full disk costs the files alone."""
        data, folder = as_data(summary), self._parts.folder
        crash_point("before_run_ended")
        self._recorder.emit(LockReleased(scope="controller", id=self._parts.lock))
        self._recorder.emit(RunEnded(status=summary.status, exit=status, summary=data))
        with suppress(RunnerError):
            folder.write("summary.json", ascii_json(json.dumps(data, indent=2).encode()) + b"\n")
            folder.remove(f"hosts/{name}" for name in HostStatus if name not in summary.hosts)
            for name, hosts in summary.hosts.items():
                folder.write(f"hosts/{name}", "".join(f"{host}\n" for host in hosts).encode())
        self._recorder.end(summary)

    async def _tick(self) -> None:
        """Let the views redraw, and record progress."""
        last = (0, 0)
        pace = Pace()
        while True:
            for _ in range(TICKS_A_RECORD):
                await pace.sleep(TICK)
                self._recorder.tick(time.time())
                if (problem := _failure(self._journal)) is not None:
                    self._stop.raise_to(Level.STOP, problem.message)
            now = (self._progress.active, self._progress.stands)
            stalled = pace.stalled()
            if now != last or stalled:
                last = now
                self._recorder.emit(Progressed(active=now[0], done=now[1], total=self._progress.total, stalled=stalled))

    def _interrupted(self) -> None:
        action = self.interrupts.interrupt()
        self._tell(Signalled(signal="SIGINT", action=action))
        if action == "exit":
            self._leave()

    def _leave(self) -> None:
        """Out at once, whatever hangs: a disk, a terminal. What the journal lacks then, going on finds out."""
        self._announce()
        closing = threading.Thread(target=self._kept.close, daemon=True)
        closing.start()
        closing.join(SOON)
        self.explain(_failure(self._journal))
        with suppress(OSError):
            self._say(f"out at once; to go on: {visible(finding.command('resume', self._parts.folder))}\n")
        self._parts.screen.outlets.drain(most=SOON)
        leave(self.interrupts.exit or 1)

    def _say(self, text: str) -> None:
        self._parts.screen.outlets.to(sys.stderr)(text)

    def _terminated(self, name: str) -> None:
        self._tell(Signalled(signal=name, action=self.interrupts.terminate()))

    def _report(self, error: BaseException) -> str:
        """Keep a fault's trace in the run folder, without the values of variables."""
        name = f"fault-{self._journal.seq}.txt"
        trace = self._parts.people.redactor.text("".join(traceback.format_exception(error)))
        with suppress(RunnerError):
            self._parts.folder.write(name, tame(trace).encode())
        return str(self._parts.folder.path / name)
