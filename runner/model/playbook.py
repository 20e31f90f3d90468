"""What the author wrote, checked and with defaults filled in."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from runner.location import Location
from runner.model.inventory import Become, Layer
from runner.model.template import Template, Value

Condition = Template | bool
"""``when`` and its like: a bare expression, or true or false as written."""

DEFAULT_TIMEOUT = 1800.0
"""Seconds one attempt of a step may take where it names no timeout (30m)."""

DEFAULT_OUTPUT_LIMIT = 1024 * 1024
"""Bytes of the head, and as many of the tail, of each stream kept in memory and records (1 MiB)."""


class Retry(msgspec.Struct, frozen=True):
    """How often and when to try again. Delays in seconds. ``until`` is asked after a try that was otherwise well."""

    attempts: int = 3
    delay: float = 1.0
    backoff: Literal["constant", "exponential"] = "constant"
    factor: float = 2.0
    max_delay: float = 60.0
    jitter: Literal["none", "full"] = "none"
    on: tuple[str, ...] = ("failed", "timed_out", "unreachable")
    until: Condition | None = None


class Step(msgspec.Struct, frozen=True):
    """One step. ``params`` is the mapping its kind takes, not yet rendered (short forms are already spelt out).

    ``timeout`` and ``idle_timeout`` in seconds, None for none. ``retry`` is None where the step has a single try.
    ``ok_codes`` hold exit statuses and signal names without ``SIG``. ``changed_when`` and ``failed_when`` are None
    where the kind decides. ``become`` is None where the play's or the host's holds; False refuses both.
    ``timeout_is_default`` marks the language's own default, which the command line's ``--timeout`` replaces.
    """

    id: str
    name: Value
    kind: str
    params: Mapping[str, Value]
    location: Location
    when: Condition | None = None
    loop: Value = None
    loop_label: Value = None
    register: str | None = None
    changed_when: Condition | None = None
    failed_when: Condition | None = None
    ok_codes: tuple[int | str, ...] = (0,)
    retry: Retry | None = None
    timeout: float | None = DEFAULT_TIMEOUT
    idle_timeout: float | None = None
    become: Become | Literal[False] | None = None
    env: Mapping[str, Value] = {}
    cwd: Value = None
    stdin: Value = None
    on_failure: Literal["stop", "continue", "ignore"] = "stop"
    read_only: bool = False
    sensitive: bool = False
    output_limit: int = DEFAULT_OUTPUT_LIMIT
    timeout_is_default: bool = False


class Strategy(msgspec.Struct, frozen=True):
    """How a play moves over its hosts, defaults filled in as the type asks.

    ``waves`` are sizes as written: a count, ``"25%"`` or ``"rest"``. A budget of None is none. ``per_group_limit`` is a
    count for every group or a mapping of group to count. ``seed`` is set where ``order`` is ``shuffle``.
    """

    type: Literal["parallel", "rolling", "sequential"] = "parallel"
    waves: tuple[int | str, ...] = ("rest",)
    order: Literal["inventory", "reverse", "sorted", "shuffle"] = "inventory"
    group_by: str | tuple[str, ...] | None = None
    per_group_limit: int | Mapping[str, int] | None = None
    concurrency: int | Literal["auto"] = "auto"
    sync: Literal["independent", "lockstep"] = "independent"
    max_failures: int | None = None
    max_failure_percent: int | None = None
    failure_scope: Literal["run", "wave"] = "run"
    on_exceed: Literal["stop", "drain", "kill"] = "stop"


DEFAULT_STRATEGY = Strategy()
NO_VARS = Layer("play", {}, {})


class Play(msgspec.Struct, frozen=True):
    """One play. ``hosts`` is the pattern as written, rendered later from inputs, vars and groups alone."""

    id: str
    name: str
    hosts: Value
    steps: tuple[Step, ...]
    location: Location
    hosts_location: Location
    strategy: Strategy = DEFAULT_STRATEGY
    strategy_location: Location | None = None
    vars: Layer = NO_VARS
    become: Become | Literal[False] | None = None
    env: Mapping[str, Value] = {}
    cwd: Value = None
    allow_empty: bool = False


class Secret(msgspec.Struct, frozen=True):
    """Where a secret comes from: exactly one of the four. Its value is never stored."""

    name: str
    location: Location
    env: str | None = None
    file: str | None = None
    prompt: str | None = None
    command: tuple[str, ...] | None = None


class Playbook(msgspec.Struct, frozen=True):
    """A whole playbook. ``folder`` is where paths in it start; ``layers`` its vars files and vars, lowest first."""

    name: str
    path: str
    folder: str
    plays: tuple[Play, ...]
    layers: tuple[Layer, ...] = ()
    secrets: Mapping[str, Secret] = {}
