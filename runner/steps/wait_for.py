"""Wait until something is so: a port answers, a path exists, a command ends well, an address answers.

Exactly one of these:

- ``port``: a TCP port, of ``address`` (default: 127.0.0.1).
- ``path``: an absolute path on the host.
- ``command``: a list of words, or text that is split into one, as the step kind ``command`` has it.
- ``http``: an address that must answer with ``status`` (a number or a list; 200).

And:

- ``state``: ``present`` (default), or ``absent``: wait until it is not so.
- ``from``: ``host`` (default) or ``controller``, for ``port`` and ``http``; the controller needs an ``address``.
- ``interval``: between two looks (1s). ``tick``: how often to say that it still waits (10s).

It says each change of what it sees once. It fails at the step's ``timeout``, which is 5m unless the step names one.
The result has ``waited``, in seconds.

```yaml
- wait_for: {path: /srv/app/app.log, interval: 2s}
```
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from runner.durations import seconds
from runner.errors import StepError
from runner.fragments import DURATION, FILLED, WORDS, choice, mapping, or_template
from runner.model.outcome import Outcome, ok
from runner.model.template import Value
from runner.ports import try_from_here, try_from_host
from runner.remote_files import absolute, check_paths
from runner.running import Words, argv_of, check_words, ending, exists, in_words, shown
from runner.step import Complaint, StepKind, Target
from runner.web import ask, request, statuses, unmet

LOOK_LIMIT = 10.0
"""Seconds that one look at a port or address may take."""

SUBJECTS = ("port", "path", "command", "http")


@dataclass(frozen=True, slots=True)
class Params:
    """What to wait for, and how. ``from_`` is ``from`` in YAML; durations in seconds or as text."""

    port: int | None = None
    address: str | None = None
    path: str | None = None
    command: Words | None = None
    http: str | None = None
    status: int | tuple[int, ...] = 200
    state: Literal["present", "absent"] = "present"
    from_: Literal["host", "controller"] = "host"
    interval: float | str = 1.0
    tick: float | str = 10.0


STATUS: Mapping[str, Any] = or_template({"type": "integer", "minimum": 100, "maximum": 599})
SCHEMA: Mapping[str, Any] = {
    **mapping(
        {
            "port": or_template({"type": "integer", "minimum": 1, "maximum": 65535}),
            "address": FILLED,
            "path": FILLED,
            "command": {"anyOf": [FILLED, WORDS]},
            "http": FILLED,
            "status": {"anyOf": [STATUS, {"type": "array", "items": STATUS, "minItems": 1}]},
            "state": choice("present", "absent"),
            "from": choice("host", "controller"),
            "interval": DURATION,
            "tick": DURATION,
        }
    ),
    "oneOf": [{"required": [subject]} for subject in SUBJECTS],
    "examples": ["{port: 80}"],
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look has found: whether it is so, and what is seen, in words."""

    present: bool
    text: str


Look = Callable[[], Awaitable[Seen]]


def spell_out(value: Value) -> Value:
    """The same, with the words of ``command`` split, and ``from``, a word of Python, under another name."""
    params = {"from_" if key == "from" else key: part for key, part in value.items()}
    return {key: in_words(part) if key == "command" else part for key, part in params.items()}


def check(params: Mapping[str, Value]) -> Iterator[Complaint]:
    """Complains of a path or command that is none, and of keys that do not go together."""
    yield from check_paths(params, ("path",))
    yield from check_words(params, ("command",))
    belongs = {"address": ("port",), "status": ("http",), "from_": ("port", "http")}
    for key, subjects in belongs.items():
        if key in params and not any(subject in params for subject in subjects):
            word = key.rstrip("_")
            yield Complaint("E401", f"{word} means something with {' or '.join(subjects)} only", (word,))
    if params.get("from_") == "controller" and "port" in params and "address" not in params:
        yield Complaint("E402", "from the controller a port needs an address", (), 'address: "{{ host.address }}"')


def on_host(params: Mapping[str, Value]) -> bool:
    """Whether anything is sent to the host: not where the controller looks."""
    return params.get("from_") != "controller"


def subject_of(params: Params) -> str:
    """What is waited for, as a message shows it."""
    if params.port is not None:
        return f"port {params.port}" + (f" of {params.address}" if params.address else "")
    if params.path is not None:
        return f'"{params.path}"'
    return f'"{params.http}"' if params.http is not None else shown(argv_of(params.command or ()))


def look_of(params: Params, target: Target) -> Look:
    """The way to look at it once. Raises StepError for what can't be looked at."""
    if params.port is not None:
        return port_from_host(params, target) if params.from_ == "host" else port_from_here(params, target)
    if params.path is not None:
        return path_on_host(absolute(params.path, "path"), target)
    if params.http is not None:
        return answer_of(params, target)
    argv = argv_of(params.command or ())
    if not argv:
        raise StepError("there is nothing to wait for")
    return command_on_host(argv, target)


def port_from_host(params: Params, target: Target) -> Look:
    """Whether the host can connect to a port."""

    async def look() -> Seen:
        tried = await try_from_host(target, params.address or "127.0.0.1", params.port or 0, limit=LOOK_LIMIT)
        return Seen(tried.is_open, "open" if tried.is_open else "closed")

    return look


def port_from_here(params: Params, target: Target) -> Look:
    """Whether this machine can connect to a port."""
    address = params.address
    if not address:
        raise StepError("from the controller a port needs an address")

    async def look() -> Seen:
        tried = await try_from_here(target, address, params.port or 0, limit=LOOK_LIMIT)
        return Seen(tried.is_open, "open" if tried.is_open else f"closed ({tried.reason})")

    return look


def path_on_host(path: str, target: Target) -> Look:
    """Whether something is at a path."""

    async def look() -> Seen:
        result = await target.run(exists(path), stdin=b"", quiet=True)
        return Seen(result.rc == 0, "there" if result.rc == 0 else "not there")

    return look


def command_on_host(argv: tuple[str, ...], target: Target) -> Look:
    """Whether a command ends well."""

    async def look() -> Seen:
        result = await target.run(argv, stdin=b"")
        fine = result.rc in target.ok_codes or result.signal in target.ok_codes
        return Seen(fine, "ended well" if fine else ending(result, argv[0]))

    return look


def answer_of(params: Params, target: Target) -> Look:
    """Whether an address gives a wanted answer."""
    wanted = request(params.http or "", limit=LOOK_LIMIT)

    async def look() -> Seen:
        answer = await ask(target, wanted, from_host=params.from_ == "host")
        text = f"answered {answer.status}" if answer.status else f"no answer: {answer.reason}"
        return Seen(not unmet(answer, wanted, statuses(params.status)), text)

    return look


async def run(params: Params, target: Target) -> Outcome:
    """Look until it is as wanted; the step's timeout ends it otherwise."""
    interval, tick = duration_of(params.interval), duration_of(params.tick)
    look, subject = look_of(params, target), subject_of(params)
    begun = target.now()
    last, next_tick = None, begun + tick
    while True:
        seen = await look()
        if last is not None and seen.text != last.text:
            target.say(f"{subject}: {seen.text}")
        last = seen
        if seen.present is (params.state == "present"):
            return ok(message=f"{subject}: {seen.text}", data={"waited": round(target.now() - begun, 3)})
        next_look = target.now() + interval
        while (left := next_look - target.now()) > 0:
            await target.sleep(min(left, max(next_tick - target.now(), 0)) or left)
            if target.now() >= next_tick:
                target.say(f"still waiting for {subject}, {round(target.now() - begun)}s: {seen.text}")
                next_tick += tick


def duration_of(value: float | str) -> float:
    """Seconds, at least a hundredth: looking without a pause would be an attack. Raises StepError for no duration."""
    try:
        return max(seconds(value), 0.01)
    except ValueError as error:
        raise StepError(str(error)) from None


STEP = StepKind(
    name="wait_for",
    summary="wait until a port, a path, a command or an address is as wanted",
    schema=SCHEMA,
    params=Params,
    run=run,
    spell_out=spell_out,
    check=check,
    on_host=on_host,
    idempotent=True,
    timeout=300.0,
    answers=("waited",),
    documentation=__doc__,
)
