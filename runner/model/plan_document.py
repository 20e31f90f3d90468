"""A plan for people and scripts: what ``runner plan --format json`` prints and ``schemas/plan.schema.json`` describes.

**Why not the plan itself.** The plan holds whole hosts, their variables and the places of templates, in a form that
only has to be exact. This one is meant to be read and compared: every default is filled in, templates are their source
text, and what it says stays the same when the inside of the program changes.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

VERSION = "1.2"
"""A new field is a minor version, a changed one a major version."""

HIDDEN = "***"
"""What stands for anything that may not be shown."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Common to all parts."""


class CheckDocument(Document, frozen=True, kw_only=True):
    """One check of a gate; times in seconds. ``from`` is ``host``, ``controller``, or the name of a host."""

    id: str
    kind: str
    params: Any
    source: str = msgspec.field(name="from")
    each: str
    failed_when: str | bool | None
    successes: int
    interval: float
    deadline: float
    stable_for: float
    on_inconclusive: str


class StrategyDocument(Document, frozen=True, kw_only=True):
    """How a play moves over its hosts, every default filled in, and what the command line changed.

    ``bake`` in seconds. ``approve`` is ``each``, or the waves after which a person is asked.
    """

    type: str
    waves: tuple[int | str, ...]
    order: str
    group_by: str | tuple[str, ...] | None
    per_group_limit: int | Mapping[str, int] | None
    concurrency: int | str
    sync: str
    max_failures: int | None
    max_failure_percent: int | None
    failure_scope: str
    on_exceed: str
    of: str
    spread: str
    preflight: bool
    gate: tuple[CheckDocument, ...]
    bake: float
    approve: str | tuple[int, ...]


class RetryDocument(Document, frozen=True, kw_only=True):
    """A retry policy; delays in seconds, ``until`` as it is written."""

    attempts: int
    delay: float
    backoff: str
    factor: float
    max_delay: float
    jitter: str
    on: tuple[str, ...]
    until: str | bool | None


class StepDocument(Document, frozen=True, kw_only=True):
    """One step, or with the kind ``block`` a block of them, templates as they are written.

    ``src`` is ``file:line``; times are seconds, null for no limit; ``longest`` is that of one host, null where there is
    no knowing. ``become`` is the user, false where it is refused, null where the play's or the host's holds. ``params``
    of a sensitive step are hidden, and so are the values of its ``env``, its ``stdin`` and ``verify``. ``idempotent``
    is null where the kind decides.

    Of a block ``steps`` are what it holds, ``rescue`` what runs where one of them ends in a status of ``rescue_on``,
    ``always`` what runs in any case. Of an include ``file`` is where they come from, ``given`` what it is handed, and
    ``item`` the item of its loop that this copy is for.
    """

    id: str
    name: str
    kind: str
    src: str
    params: Any
    when: str | bool | None
    loop: Any
    register: str | None
    changed_when: str | bool | None
    failed_when: str | bool | None
    ok_codes: tuple[int | str, ...]
    retry: RetryDocument | None
    timeout: float | None
    idle_timeout: float | None
    become: str | bool | None
    env: Mapping[str, Any]
    cwd: str | None
    stdin: str | None
    on_failure: str
    read_only: bool
    sensitive: bool
    longest: float | None
    loop_label: str | None = None
    once: str | None = None
    delegate_to: str | None = None
    throttle: int | None = None
    needs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    on_resume: str = "skip"
    idempotent: bool | None = None
    on_unknown: str = "stop"
    verify: tuple[Any, ...] = ()
    on_disconnect: str = "finish"
    steps: tuple["StepDocument", ...] = ()
    rescue: tuple["StepDocument", ...] = ()
    rescue_on: tuple[str, ...] = ()
    always: tuple["StepDocument", ...] = ()
    file: str | None = None
    given: Mapping[str, Any] = {}
    item: Any = None


class WaveDocument(Document, frozen=True, kw_only=True):
    """One wave. ``index`` counts from 1; ``longest`` in seconds, null where there is no knowing."""

    index: int
    hosts: tuple[str, ...]
    longest: float | None


class PlayDocument(Document, frozen=True, kw_only=True):
    """One play. ``concurrency`` is the number of hosts at work at once, ``reckoning`` where ``auto`` has it from.

    ``budget`` is the number of failed hosts it bears, null for no limit or one for each wave. ``groups`` maps hosts to
    the groups that waves were drawn from. ``needs`` are plays that it waits for, ``when`` what is asked as each host
    would start, ``delegates`` the hosts that steps are known to run on for others, ``given`` the inputs that it sees.
    """

    id: str
    name: str
    src: str
    strategy: StrategyDocument
    concurrency: int
    reckoning: str
    budget: int | None
    hosts: tuple[str, ...]
    groups: Mapping[str, str]
    waves: tuple[WaveDocument, ...]
    steps: tuple[StepDocument, ...]
    longest: float | None
    needs: tuple[str, ...] = ()
    when: str | bool | None = None
    handlers: tuple[StepDocument, ...] = ()
    rollback: tuple[StepDocument, ...] = ()
    always: tuple[StepDocument, ...] = ()
    delegates: tuple[str, ...] = ()
    given: Mapping[str, Any] = {}


class Counts(Document, frozen=True, kw_only=True):
    """How much there is. ``tasks`` are steps times hosts, a loop being one; ``at_once`` is the most hosts at work."""

    plays: int
    waves: int
    hosts: int
    steps: int
    tasks: int
    at_once: int


class TaskDocument(Document, frozen=True, kw_only=True):
    """One step on one host, rendered as far as no answer of a host is needed; the rest as it is written.

    ``delegate_to`` is the host it runs on for this one, null for this one itself.
    """

    play: str
    wave: int
    host: str
    step: str
    params: Any
    delegate_to: str | None = None


class SavedDocument(Document, frozen=True, kw_only=True):
    """What is said about a saved plan. ``command`` made it; ``sha256`` is that of the whole file.

    ``is_sealed`` is false of one that was saved where no key can be kept: only its sum can vouch for it. ``problems``
    are the reasons why it can't be run.
    """

    id: str
    created: str
    expires: str
    tool: str
    user: str
    host: str
    cwd: str
    command: str
    git_commit: str | None
    git_clean: bool | None
    sha256: str
    is_sealed: bool = True
    problems: tuple[str, ...] = ()


class PlanDocument(Document, frozen=True, kw_only=True):
    """A whole plan. ``inputs`` maps files to the SHA-256 of their bytes; ``tasks`` is null where none are asked for.

    ``seed`` is null where no play shuffles its hosts. ``given`` are the values of the playbook's inputs. ``longest``
    is that of the longest way through plays that wait for each other, without the time that people take to answer.
    ``lock`` is ``hosts`` where other controllers are kept off the hosts, too.
    """

    version: str = VERSION
    playbook: str
    name: str
    inventory: tuple[str, ...]
    seed: int | None
    plays: tuple[PlayDocument, ...]
    counts: Counts
    longest: float | None
    secrets: tuple[str, ...]
    inputs: Mapping[str, str]
    notes: tuple[str, ...]
    given: Mapping[str, Any] = {}
    lock: str = "controller"
    tasks: tuple[TaskDocument, ...] | None = None
    saved: SavedDocument | None = None
