"""The host as a step kind sees it: the session, with the step's own keys applied to every command."""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from runner.engine.context import Run
from runner.engine.stop import Deadline
from runner.errors import StepError
from runner.location import Location
from runner.model.decision import Answer
from runner.model.inventory import Become, Host
from runner.model.playbook import Step
from runner.model.template import Template, Value
from runner.remote_files import complaint
from runner.transport import Command, CommandResult, Fate, Keeping, Session, Sink


class Asks(Protocol):
    """Asks a person on behalf of a step."""

    async def __call__(self, text: str, *, is_approval: bool) -> Answer:
        """Wait for the answer."""
        ...


PUT = r"""
umask 077; set -C
if [ -e "$1" ] || [ -L "$1" ]; then echo 'it is there already' >&2; exit 1; fi
{ trap 'rm -f -- "$1"' EXIT; trap 'exit 1' HUP INT TERM; cat; } >"$1" || exit
size=$(wc -c <"$1"); echo "$size"
[ "$size" -ne "$2" ] || trap - EXIT
"""
"""Writes a new file ``$1`` of ``$2`` bytes, and prints its size; less than all of it is removed again.

``set -C`` makes the redirection fail where a regular file has the name (POSIX.1-2017 XCU 2.7.2); a FIFO or a device of
somebody else's would be written to, so it is looked for before. The traps stand behind it: what
is there already is not ours to remove.
"""


@dataclass(slots=True)
class StepTarget:
    """Implements :class:`runner.step.Target` for one attempt.

    ``place`` is the host it runs on, ``owner`` the name of the one it runs for, whose ``kept`` names it may add to.
    ``environment``, ``cwd`` and ``stdin`` are rendered. ``session`` is None for kinds that send nothing. ``hear`` takes
    each chunk of output and ``asks`` asks a person; ``fates`` are those of all commands of the attempt, for what is
    known when it ends badly. ``key`` names the attempt in the host's record.
    """

    run_: Run
    place: Host
    step: Step
    scope: Mapping[str, Any]
    session: Session | None
    become: Become | None
    environment: Mapping[str, str]
    cwd: str | None
    stdin: bytes | None
    hear: Sink | None = None
    note: Callable[[str], None] | None = None
    asks: Asks | None = None
    fates: list[Fate] = field(default_factory=list)
    owner: str = ""
    kept: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    noted: Fate | None = None
    deadline: Deadline | None = None

    @property
    def host(self) -> str:
        """The name of the host that the step is for."""
        return self.owner

    @property
    def folder(self) -> Path:
        """Where relative local paths start: the folder of the file that the step stands in."""
        return Path(self.run_.plan.folder, self.step.folder)

    @property
    def project(self) -> Path:
        """The folder that local files must stay within."""
        return self.run_.project

    @property
    def read_only(self) -> bool:
        """Whether the step says that it changes nothing."""
        return self.step.read_only

    @property
    def ok_codes(self) -> tuple[int | str, ...]:
        """Exit statuses and signals with which a command is fine."""
        return self.step.ok_codes

    async def run(
        self,
        command: tuple[str, ...] | str,
        *,
        args: tuple[str, ...] = (),
        stdin: bytes | Path | None = None,
        sink: Sink | None = None,
        quiet: bool = False,
        noted: bool = False,
    ) -> CommandResult:
        """Run a command of the step; ``quiet`` ones, a kind's own, leave no trace in files and records."""
        fate = Fate()
        self.fates.append(fate)
        if noted:
            self.noted = fate
        if self.deadline is not None:
            self.deadline.pause()  # the host may be busy with another play's step, or another host's that runs there
        fate.result = await self._session.run(
            Command(
                argv=() if isinstance(command, str) else tuple(command),
                script=command if isinstance(command, str) else "",
                args=args,
                env={} if quiet else self.environment,
                cwd=None if quiet else self.cwd,
                stdin=self.stdin if stdin is None and not quiet else stdin,
                become=self.become,
                limit=self.step.output_limit,
                sink=sink or (None if quiet else self.hear),
                keep_stdout=sink is None,
                fate=fate,
                turn=self._goes_on,
                keeping=Keeping(self.key if noted else "", self.step.timeout, self.step.on_disconnect),
            )
        )
        return fate.result

    def _goes_on(self) -> None:
        if self.deadline is not None:
            self.deadline.go_on()

    async def put(self, source: bytes | Path, dest: str) -> None:
        """Write a new private file, and check its size."""
        expected = len(source) if isinstance(source, bytes) else (await asyncio.to_thread(source.stat)).st_size
        result = await self.run(PUT, args=(dest, str(expected)), stdin=source, quiet=True)
        if result.rc != 0:
            raise StepError(f'cannot write "{dest}": {complaint(result)}')
        if result.stdout.text.strip() != str(expected):
            raise StepError(f'"{dest}" has {result.stdout.text.strip():.40} bytes on the host; {expected} were sent')

    async def get(self, path: str, sink: Callable[[bytes], None]) -> None:
        """Hand the bytes of a remote file to ``sink``."""
        result = await self.run(
            'cat -- "$1"',
            args=(path,),
            quiet=True,
            sink=lambda stream, chunk: sink(chunk) if stream == "stdout" else None,
        )
        if result.rc != 0:
            raise StepError(f'cannot read "{path}": {complaint(result)}')

    async def ping(self) -> None:
        """Connect: that has happened when a target with a session exists."""
        _ = self._session

    async def render_file(self, path: Path) -> str:
        """The text of a template file, rendered with the step's names."""
        text = await asyncio.to_thread(path.read_text, encoding="utf-8")
        return self.run_.templates.text(Template(text, Location(str(path), 1)), self.scope)

    def evaluate(self, condition: Value) -> bool:
        """Whether a condition among the params holds."""
        if isinstance(condition, Template | bool):
            return self.run_.templates.condition(condition, self.scope)
        raise StepError(f'a condition is an expression; got "{condition}"')

    def assign(self, values: Mapping[str, Any]) -> None:
        """Give names to values, for this host, to the end of the run."""
        self.kept.update(values)

    def say(self, text: str) -> None:
        """Tell people and the log something while the step goes on."""
        if self.note is not None:
            self.note(text)

    async def sleep(self, seconds: float) -> None:
        """Wait, on the run's clock."""
        await asyncio.sleep(seconds)

    def now(self) -> float:
        """Seconds on the run's monotonic clock."""
        return asyncio.get_running_loop().time()

    async def in_thread(self, work: Callable[[], Any]) -> Any:
        """Run blocking work beside the loop, in a thread that may be left behind when nobody waits for it any more.

        Why not the loop's own pool: its threads are waited for when the loop ends, however long their work hangs.
        """
        done: Future[Any] = Future()
        done.set_running_or_notify_cancel()  # from here on whoever waits can give up, and the thread's end still fits
        context = contextvars.copy_context()

        def body() -> None:
            try:
                done.set_result(context.run(work))
            except BaseException as error:  # noqa: BLE001 - handed on to whoever waits
                done.set_exception(error)

        threading.Thread(target=body, name="beside-the-loop", daemon=True).start()
        return await asyncio.wrap_future(done)

    async def ask(self, text: str, *, is_approval: bool) -> Answer:
        """Wait for what a person says."""
        if self.asks is None:
            raise StepError(f'"{self.step.kind}" has nobody to ask here')
        return await self.asks(text, is_approval=is_approval)

    @property
    def _session(self) -> Session:
        if self.session is None:
            raise StepError(f'"{self.step.kind}" tried to reach the host without saying so')
        return self.session
