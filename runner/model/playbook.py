"""What the author wrote, checked and with defaults filled in."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, Union

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


class Step(msgspec.Struct, frozen=True, tag_field="node", tag="step"):
    """One step. ``params`` is the mapping its kind takes, not yet rendered (short forms are already spelt out).

    ``timeout`` and ``idle_timeout`` in seconds, None for none. ``retry`` is None where the step has a single try.
    ``ok_codes`` hold exit statuses and signal names without ``SIG``. ``changed_when`` and ``failed_when`` are None
    where the kind decides. ``become`` is None where the play's or the host's holds; False refuses both.
    ``timeout_is_default`` marks the language's own default, which the command line's ``--timeout`` replaces.

    What blocks and includes round it say (``become env cwd delegate_to sensitive tags``) is in the step already.
    ``needs`` are ids of nodes before it in its list, ``notify`` ids of the play's handlers. ``section`` is where
    it stands: ``""`` among the play's steps, ``rescue``, ``always``, ``handlers``, ``rollback`` or ``gate``. ``frame``
    is the include whose names it sees (a key of the play's ``frames``), empty outside any. ``folder`` is where its
    relative paths start, empty for the plan's.

    ``idempotent`` (None: the kind decides), ``on_unknown`` and ``verify`` (an argument list) say what may be done where
    its end is never heard; ``on_disconnect`` what the host does with it when the connection is lost.
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
    once: Literal["run", "wave"] | None = None
    delegate_to: Value = None
    throttle: int | None = None
    needs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    on_resume: Literal["skip", "again"] = "skip"
    idempotent: bool | None = None
    on_unknown: Literal["stop", "rerun", "skip"] = "stop"
    verify: tuple[Value, ...] = ()
    on_disconnect: Literal["finish", "kill"] = "finish"
    section: str = ""
    frame: str = ""
    folder: str = ""


class Block(msgspec.Struct, frozen=True, tag_field="node", tag="block"):
    """Steps that stand and fall together: a ``block``, or the steps that an ``include`` put here.

    ``when`` is asked once, at its start, among the names of ``frame``. ``rescue`` runs where a step of it ended in a
    status of ``rescue_on``; ``always`` in any case. ``opens`` is the frame that an include opens for its steps, else
    empty. ``register`` is the name under which an include shows what it registered to those outside.
    """

    id: str
    name: Value
    steps: tuple["Node", ...]
    location: Location
    rescue: tuple["Node", ...] = ()
    rescue_on: tuple[str, ...] = ("failed", "timed_out")
    always: tuple["Node", ...] = ()
    when: Condition | None = None
    once: Literal["run", "wave"] | None = None
    needs: tuple[str, ...] = ()
    on_failure: Literal["stop", "continue", "ignore"] = "stop"
    tags: tuple[str, ...] = ()
    register: str | None = None
    section: str = ""
    frame: str = ""
    opens: str = ""


Node = Union[Step, Block]  # noqa: UP007 - msgspec resolves the name in Block through this module
"""What a list of steps holds."""


def leaves(nodes: Iterable[Node], *, everything: bool = False) -> Iterator[Step]:
    """The steps of a tree, in order; with ``everything`` those of ``rescue`` and ``always`` of blocks, too."""
    for node in nodes:
        if isinstance(node, Step):
            yield node
            continue
        yield from leaves(node.steps, everything=everything)
        if everything:
            yield from leaves(node.rescue, everything=True)
            yield from leaves(node.always, everything=True)


def nodes_of(nodes: Iterable[Node]) -> Iterator[Node]:
    """Every node of a tree, blocks before what is in them; ``rescue`` and ``always`` too."""
    for node in nodes:
        yield node
        if isinstance(node, Block):
            for part in (node.steps, node.rescue, node.always):
                yield from nodes_of(part)


def map_steps(nodes: Iterable[Node], change: Callable[[Step], Step | None]) -> tuple[Node, ...]:
    """The tree with each step changed, or left out where ``change`` gives None; blocks left without steps go too."""
    return tuple(new for node in nodes if (new := _mapped(node, change)) is not None)


def _mapped(node: Node, change: Callable[[Step], Step | None]) -> Node | None:
    if isinstance(node, Step):
        return change(node)
    steps, rescue, always = (map_steps(part, change) for part in (node.steps, node.rescue, node.always))
    return msgspec.structs.replace(node, steps=steps, rescue=rescue, always=always) if steps else None


class Input(msgspec.Struct, frozen=True):
    """A typed value that a playbook, or an included file, is given. ``default`` counts where ``is_required`` is False.

    ``type`` is ``string integer number boolean duration list mapping choice`` or ``path``. Durations are seconds.
    """

    name: str
    type: str
    location: Location
    choices: tuple[Value, ...] = ()
    default: Value = None
    is_required: bool = True
    pattern: str | None = None
    help: str = ""


class Frame(msgspec.Struct, frozen=True):
    """What the steps of one included file see, beside what is always there and the variables of play and inventory.

    ``parent`` is the frame the include itself stands in, empty for the play's. ``given`` is what ``vars`` beside the
    include hands it, rendered among the names of ``parent`` when the first step of it runs on a host; checked by
    ``inputs``, whose defaults fill the rest. ``vars`` are the file's own. ``item`` and ``loop`` stand for one item of
    the include's loop, where ``has_item``. ``folder`` is where paths that it hands over start.
    """

    id: str
    file: str
    parent: str = ""
    given: Mapping[str, Value] = {}
    inputs: Mapping[str, Input] = {}
    vars: Mapping[str, Value] = {}
    has_item: bool = False
    item: Value = None
    loop: Mapping[str, Value] = {}
    folder: str = ""

    @property
    def items(self) -> dict[str, Value]:
        """``item`` and ``loop``, where it has them: what the include hands over, and its ``when``, see them too."""
        return {"item": self.item, "loop": self.loop} if self.has_item else {}


class Check(msgspec.Struct, frozen=True):
    """One check of a gate. ``step`` is what it runs (kind, params, ``failed_when env become sensitive``), with an id.

    ``source`` is ``host``, ``controller`` or the name of a host, a template perhaps. ``each`` says whether it is made
    for each host, or once for the wave. ``interval``, ``deadline`` and ``stable_for`` in seconds.
    """

    step: Step
    source: Value = "host"
    each: Literal["host", "wave"] = "host"
    successes: int = 1
    interval: float = 2.0
    deadline: float = 300.0
    stable_for: float = 0.0
    on_inconclusive: Literal["pause", "fail"] = "pause"


class Strategy(msgspec.Struct, frozen=True):
    """How a play moves over its hosts, defaults filled in as the type asks.

    ``waves`` are sizes as written: a count, ``"25%"`` or ``"rest"``. A budget of None is none. ``per_group_limit`` is
    a count for every group or a mapping of group to count. ``bake`` in seconds. ``approve`` is ``each``, or the numbers
    of the waves after which a person is asked (``after-first`` is 1).
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
    on_exceed: Literal["stop", "drain", "kill", "pause", "rollback"] = "stop"
    of: Literal["total", "remaining"] = "total"
    spread: Literal["even", "one_per_group", "group_at_a_time"] = "even"
    preflight: bool = False
    gate: tuple[Check, ...] = ()
    bake: float = 0.0
    approve: Literal["each"] | tuple[int, ...] = ()

    def asks_after(self, wave: int) -> bool:
        """Whether a person is asked after this wave (from 1)."""
        return self.approve == "each" or wave in self.approve


DEFAULT_STRATEGY = Strategy()
NO_VARS = Layer("play", {}, {})


class Play(msgspec.Struct, frozen=True):
    """One play. ``hosts`` is the pattern as written, rendered later from inputs, vars and groups alone.

    Where it is a list, ``host_places`` are those of its items.
    ``needs`` are ids of plays; where nothing is said the one written before it, and the last before that of which
    nothing was said. ``layers`` are the variables of the playbook it comes from and ``given`` the values of that one's
    inputs, None for the playbook's own.
    """

    id: str
    name: str
    hosts: Value
    steps: tuple[Node, ...]
    location: Location
    hosts_location: Location
    host_places: tuple[Location, ...] = ()
    strategy: Strategy = DEFAULT_STRATEGY
    strategy_location: Location | None = None
    vars: Layer = NO_VARS
    become: Become | Literal[False] | None = None
    env: Mapping[str, Value] = {}
    cwd: Value = None
    allow_empty: bool = False
    needs: tuple[str, ...] = ()
    when: Condition | None = None
    tags: tuple[str, ...] = ()
    handlers: tuple[Node, ...] = ()
    rollback: tuple[Node, ...] = ()
    always: tuple[Node, ...] = ()
    frames: Mapping[str, Frame] = {}
    layers: tuple[Layer, ...] | None = None
    given: Mapping[str, Value] | None = None

    @property
    def sections(self) -> tuple[tuple[Node, ...], ...]:
        """All lists of steps: ``steps handlers rollback always``."""
        return self.steps, self.handlers, self.rollback, self.always


class Secret(msgspec.Struct, frozen=True):
    """Where a secret comes from: exactly one of the four. Its value is never stored.

    ``folder`` is where relative paths start, empty for the plan's.
    """

    name: str
    location: Location
    env: str | None = None
    file: str | None = None
    prompt: str | None = None
    command: tuple[str, ...] | None = None
    folder: str = ""


class Playbook(msgspec.Struct, frozen=True):
    """A whole playbook. ``folder`` is where paths in it start; ``layers`` its vars files and vars, lowest first."""

    name: str
    path: str
    folder: str
    plays: tuple[Play, ...]
    layers: tuple[Layer, ...] = ()
    secrets: Mapping[str, Secret] = {}
    inputs: Mapping[str, Input] = {}
    lock: Literal["controller", "hosts"] = "controller"
