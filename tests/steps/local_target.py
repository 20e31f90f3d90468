"""A whole Target on this machine: real ``/bin/sh``, real files; the clock alone is made up."""
# ruff: noqa: ASYNC221, ASYNC240 - it blocks, as one test has one target

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from runner.errors import LostError, RenderError, StepError
from runner.location import Location
from runner.model.decision import Answer
from runner.model.outcome import Captured, Outcome
from runner.model.template import Template
from runner.step import StepKind, typed
from runner.transport import CommandResult, Sink

YES = Answer(yes=True, by="ada", how="terminal")


@dataclass
class LocalTarget:
    """``root`` is the host's disk and the step's working directory, ``folder`` and ``project`` are the controller's.

    ``calls`` counts round trips; ``on_sleep`` is called with the time after each sleep; ``lose_after`` is how many
    bytes of an upload arrive before the connection goes away.
    """

    root: Path
    folder: Path
    host: str = "web01"
    project: Path = Path()
    read_only: bool = False
    ok_codes: tuple[int | str, ...] = (0,)
    shell: str = "/bin/sh"
    env: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    stdin: bytes = b""
    time: float = 0.0
    calls: int = 0
    said: list[str] = field(default_factory=list)
    assigned: dict[str, Any] = field(default_factory=dict)
    argvs: list[tuple[str, ...]] = field(default_factory=list)
    persons: list[tuple[str, bool]] = field(default_factory=list)
    answer: Answer = YES
    pings: int = 0
    lose_after: int | None = None
    on_sleep: Callable[[float], None] = lambda _: None

    def __post_init__(self) -> None:
        if self.project == Path():
            self.project = self.folder

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
        del noted
        self.calls += 1
        argv = (self.shell, "-c", command, "sh", *args) if isinstance(command, str) else command
        self.argvs.append(argv)
        given = stdin.read_bytes() if isinstance(stdin, Path) else stdin
        if given is None:
            given = b"" if quiet else self.stdin
        try:
            done = subprocess.run(
                [os.fsencode(word) for word in argv],
                input=given,
                capture_output=True,
                cwd=self.root,
                env={**os.environ, **self.env},
                check=False,
                timeout=20,
            )
        except FileNotFoundError:
            return CommandResult(127, stderr=Captured(b"not found\n", size=10))
        except PermissionError:
            return CommandResult(126)
        if sink:
            sink("stdout", done.stdout)
        name = signal.Signals(-done.returncode).name.removeprefix("SIG") if done.returncode < 0 else None
        rc = 128 - done.returncode if done.returncode < 0 else done.returncode
        out = b"" if sink else done.stdout
        return CommandResult(
            rc, name, Captured(out, size=len(done.stdout)), Captured(done.stderr, size=len(done.stderr))
        )

    async def put(self, source: bytes | Path, dest: str) -> None:
        self.calls += 1
        data = source.read_bytes() if isinstance(source, Path) else source
        try:
            descriptor = os.open(dest, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data[: self.lose_after])
        except OSError as error:
            if Path(dest).exists():
                Path(dest).unlink()
            raise StepError(f'cannot write "{dest}": {error.strerror}') from None
        if self.lose_after is not None:
            raise LostError("the connection went away")

    async def get(self, path: str, sink: Callable[[bytes], None]) -> None:
        self.calls += 1
        try:
            sink(Path(path).read_bytes())
        except OSError as error:
            raise StepError(f'cannot read "{path}": {error.strerror}') from None

    async def ping(self) -> None:
        self.pings += 1

    async def render_file(self, path: Path) -> str:
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
        try:
            return environment.from_string(path.read_text()).render(self.variables)
        except jinja2.UndefinedError as error:
            raise RenderError(str(error)) from None

    def evaluate(self, condition: object) -> bool:
        if isinstance(condition, bool):
            return condition
        assert isinstance(condition, Template)
        return bool(jinja2.Environment().compile_expression(condition.source)(**self.variables))

    def assign(self, values: Mapping[str, Any]) -> None:
        self.assigned.update(values)

    def say(self, text: str) -> None:
        self.said.append(text)

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        assert self.time < 1000, "it waits for ever"
        self.on_sleep(self.time)

    def now(self) -> float:
        return self.time

    async def in_thread(self, work: Callable[[], Any]) -> Any:
        return work()

    async def ask(self, text: str, *, is_approval: bool) -> Answer:
        self.persons.append((text, is_approval))
        return self.answer


def do(kind: StepKind[Any], value: Any, target: LocalTarget) -> Outcome:
    """Run a kind with its value as it stands in YAML, no templates in it, as loading and the engine would."""
    params = dict(kind.spell_out(value))
    for key in kind.conditions:
        params[key] = as_conditions(params[key])
    complaints = list(kind.check(params))
    assert not complaints, complaints
    return asyncio.run(kind.run(typed(kind, params), target))


def as_conditions(value: Any) -> Any:
    """Texts as the bare expressions that loading makes of them."""
    if isinstance(value, list):
        return [as_conditions(part) for part in value]
    return Template(value, Location("play.yaml", 1), bare=True) if isinstance(value, str) else value


def few_tools(folder: Path, names: str) -> str:
    """A PATH of one new folder that has these programs alone."""
    folder.mkdir()
    for name in names.split():
        where = sys.executable if name == "python3" else shutil.which(name)
        assert where, name
        (folder / name).symlink_to(where)
    return str(folder)


def complaints_of(kind: StepKind[Any], value: Any) -> list[str]:
    """The codes that a kind's own check gives."""
    return [complaint.code for complaint in kind.check(kind.spell_out(value))]


class Watching(LocalTarget):
    """One whose controller knows what is done beside its loop."""

    beside = False

    async def in_thread(self, work: Callable[[], Any]) -> Any:
        self.beside = True
        try:
            return work()
        finally:
            self.beside = False
