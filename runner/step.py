"""The contract of a step kind: one value a file, in ``runner/steps/``.

A kind sees a :class:`Target` and nothing else: not the plan, the transport's library, the clock or events.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from runner.errors import StepError
from runner.model.decision import Answer
from runner.model.outcome import Outcome
from runner.model.playbook import Retry
from runner.model.template import Value
from runner.transport import CommandResult, Sink

P = TypeVar("P")


class Target(Protocol):
    """The host a step runs on, with the step's ``become``, ``env``, ``cwd`` and limits already applied."""

    @property
    def host(self) -> str:
        """The host's name."""
        ...

    @property
    def folder(self) -> Path:
        """Where relative local paths start."""
        ...

    @property
    def project(self) -> Path:
        """The folder that local files must stay within."""
        ...

    @property
    def read_only(self) -> bool:
        """Whether the step says that it changes nothing."""
        ...

    @property
    def ok_codes(self) -> tuple[int | str, ...]:
        """Exit statuses, and signal names without SIG, with which a command is fine."""
        ...

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
        """Run an argument list, or sh text with ``args`` as ``$1``…, and wait for its end.

        The step's own ``stdin:`` is used where ``stdin`` is None and ``quiet`` is False. ``quiet`` is for a kind's own
        probing and finishing: the command gets neither the step's ``cwd``, ``env`` nor ``stdin``, and its output is in
        no output file and no record. ``sink`` takes standard output in place of memory. ``noted`` is for the one
        command of a kind that has ``heard``: the host notes its end, for whoever asks after a loss. Raises
        ConnectError or LostError.
        """
        ...

    async def put(self, source: bytes | Path, dest: str) -> None:
        """Write a new private file (mode 0600) at ``dest``, which must not exist yet, and check its size.

        Raises StepError with the host's words when it can't be written; a partial file is removed.
        """
        ...

    async def get(self, path: str, sink: Callable[[bytes], None]) -> None:
        """Hand the bytes of a file on the host to ``sink``, in order. Raises StepError when it can't be read."""
        ...

    async def ping(self) -> None:
        """Connect, if that has not happened, and run nothing."""
        ...

    async def render_file(self, path: Path) -> str:
        """The text of a template file from the project, rendered with the step's variables."""
        ...

    def evaluate(self, condition: Value) -> bool:
        """Whether a condition among the params holds."""
        ...

    def assign(self, values: Mapping[str, Any]) -> None:
        """Give names to values, for this host, to the end of the run (``set``)."""
        ...

    def say(self, text: str) -> None:
        """Tell people and the log something now, while the step goes on."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait, on the run's clock."""
        ...

    def now(self) -> float:
        """Seconds on the run's monotonic clock."""
        ...

    async def in_thread(self, work: Callable[[], Any]) -> Any:
        """Run blocking work of the controller's without holding up other hosts."""
        ...

    async def ask(self, text: str, *, is_approval: bool) -> Answer:
        """Wait for what a person says: to a pause, which ``--yes`` lets go on, or to what only they may approve."""
        ...


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a kind finds wrong in params as they are written, before any host is contacted.

    ``path`` leads from the kind's value to the place: ``("dest",)``.
    """

    code: str
    message: str
    path: tuple[str | int, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class StepKind(Generic[P]):
    """A step kind.

    ``schema`` is the JSON Schema of what stands after the kind's key; it refuses unknown keys. ``spell_out`` turns a
    short form (``command: uptime``) into the mapping that ``params`` is made from. ``check`` finds what a schema can't
    say in params that may still hold Templates. ``conditions`` names the params that are bare expressions. ``on_host``
    says, from params, whether the kind sends anything to the host (``set`` and ``log`` never do, so they open no
    connection); ``only_connects`` that it opens one and runs nothing there. ``retry`` is the kind's own retry policy
    where a step names none. ``idempotent`` kinds change nothing when run twice, nor do those that ``only_reads`` says
    of their params. ``heard`` makes the outcome from the result of the kind's one ``noted`` command: so that an end
    that only the host's record tells counts as if it had been heard.
    ``timeout`` is the kind's own default in seconds, None for none, -1 for the language's.
    ``answers`` names what the kind adds to a registered result. ``local_files`` names the params that are paths, or
    lists of paths, of files of the project, so that a missing one is found before any host is contacted.
    ``documentation`` is the module's docstring.
    """

    name: str
    summary: str
    schema: Mapping[str, Any]
    params: type[P]
    run: Callable[[P, Target], Awaitable[Outcome]]
    spell_out: Callable[[Value], Value] = lambda value: value
    check: Callable[[Mapping[str, Value]], Iterable[Complaint]] = lambda _: ()
    conditions: tuple[str, ...] = ()
    on_host: Callable[[Mapping[str, Value]], bool] = lambda _: True
    only_connects: bool = False
    retry: Retry | None = None
    idempotent: bool = False
    only_reads: Callable[[Mapping[str, Value]], bool] = lambda _: False
    heard: Callable[[CommandResult, Target], Outcome] | None = None
    timeout: float | None = -1.0
    answers: tuple[str, ...] = ()
    local_files: tuple[str, ...] = ()
    documentation: str = ""


def typed(kind: StepKind[P], params: Mapping[str, Any]) -> P:
    """Rendered params as the kind's own type. Raises StepError where a rendered value has the wrong type."""
    try:
        return msgspec.convert(params, kind.params)
    except msgspec.ValidationError as error:
        raise StepError(f"{kind.name}: {_in_words(str(error))}") from None


_MISFIT = re.compile(r"Expected `(.+?)`, got `(.+?)`(?: - at `\$\.?(.*)`)?")
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
    "array": "a list",
    "object": "a mapping",
}


def _in_words(message: str) -> str:
    """What msgspec says of a value, in the words of the language."""
    found = _MISFIT.fullmatch(message)
    if found is None:
        return message
    wanted, given, place = found.groups()
    known = [_WORDS.get(word, word) for word in wanted.split(" | ") if word != "null"]
    return f"{f'{place}: ' if place else ''}got {_WORDS.get(given, given)}, expected {' or '.join(known)}"
