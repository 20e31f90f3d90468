"""A plan for people and scripts: what ``runner plan --format json`` prints and ``schemas/plan.schema.json`` describes.

**Why not the plan itself.** The plan holds whole hosts, their variables and the places of templates, in a form that
only has to be exact. This one is meant to be read and compared: every default is filled in, templates are their source
text, and what it says stays the same when the inside of the program changes.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from runner.model import longest
from runner.model.at_work import at_once
from runner.model.inventory import Become
from runner.model.longest import Items, Longest
from runner.model.plan import Plan, PlannedPlay
from runner.model.playbook import Condition, Retry, Step, Strategy
from runner.model.template import Template, Value, map_templates

VERSION = "1.1"
"""A new field is a minor version, a changed one a major version."""

HIDDEN = "***"
"""What stands for anything that may not be shown."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Common to all parts."""


class StrategyDocument(Document, frozen=True, kw_only=True):
    """How a play moves over its hosts, every default filled in, and what the command line changed."""

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
    """One step, templates as they are written.

    ``src`` is ``file:line``; times are seconds, null for no limit; ``longest`` is that of one host, null where there is
    no knowing. ``become`` is the user, false where it is refused, null where the play's or the host's holds. ``params``
    of a sensitive step are hidden, and so are the values of its ``env`` and its ``stdin``.
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


class WaveDocument(Document, frozen=True, kw_only=True):
    """One wave. ``index`` counts from 1; ``longest`` in seconds, null where there is no knowing."""

    index: int
    hosts: tuple[str, ...]
    longest: float | None


class PlayDocument(Document, frozen=True, kw_only=True):
    """One play. ``concurrency`` is the number of hosts at work at once, ``reckoning`` where ``auto`` has it from.

    ``budget`` is the number of failed hosts it bears, null for no limit or one for each wave. ``groups`` maps hosts to
    the groups that waves were drawn from.
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


class PlanDocument(Document, frozen=True, kw_only=True):
    """A whole plan. ``inputs`` maps files to the SHA-256 of their bytes; ``tasks`` is null where none are asked for.

    ``seed`` is null where no play shuffles its hosts.
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
    tasks: tuple[TaskDocument, ...] | None = None


def document(plan: Plan, *, items: Items, tasks: Iterable[TaskDocument] | None = None) -> PlanDocument:
    """The document of a plan. ``items`` tells the length of loops, ``tasks`` are shown where they are given."""
    return PlanDocument(
        playbook=plan.playbook,
        name=plan.name,
        inventory=plan.inventory,
        seed=plan.seed if is_shuffled(plan) else None,
        plays=tuple(_play(play, items) for play in plan.plays),
        counts=counts(plan),
        longest=longest.of_plays(plan.plays, items).seconds,
        secrets=tuple(plan.secrets),
        inputs=plan.inputs,
        notes=plan.notes,
        tasks=None if tasks is None else tuple(tasks),
    )


def is_shuffled(plan: Plan) -> bool:
    """Whether chance has a part in the order of hosts. Where it has none, equal inputs give equal documents."""
    return any(play.strategy.order == "shuffle" for play in plan.plays)


def encode_document(plan: PlanDocument) -> bytes:
    """The document as indented JSON, with a line feed at its end."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n"


def counts(plan: Plan) -> Counts:
    """The numbers of a plan. A host of two plays counts once."""
    return Counts(
        plays=len(plan.plays),
        waves=sum(len(play.waves) for play in plan.plays),
        hosts=len({name for play in plan.plays for name in play.hosts}),
        steps=sum(len(play.counted) for play in plan.plays),
        tasks=plan.total,
        at_once=at_once(plan.plays),
    )


def as_written(value: Value) -> Any:
    """A value with each template as its source text."""
    return map_templates(value, lambda template: template.source)


def text_of(value: Value) -> str | None:
    """A text that may be a template, as it is written; None stays None."""
    return None if value is None else str(as_written(value))


def params_of(step: Step) -> Any:
    """The params of a step as they are written; hidden where the step is sensitive."""
    return HIDDEN if step.sensitive else as_written(dict(step.params))


def _play(play: PlannedPlay, items: Items) -> PlayDocument:
    times = longest.of_waves(play, items)
    return PlayDocument(
        id=play.id,
        name=play.name,
        src=f"{play.location.file}:{play.location.line}",
        strategy=_strategy(play.strategy),
        concurrency=play.concurrency,
        reckoning=play.reckoning,
        budget=play.budget,
        hosts=play.hosts,
        groups=play.group_of,
        waves=tuple(
            WaveDocument(index=wave.index, hosts=wave.hosts, longest=time.seconds)
            for wave, time in zip(play.waves, times, strict=True)
        ),
        steps=tuple(_step(step, longest.of_step(play, step, items)) for step in play.counted),
        longest=longest.of_play(play, items).seconds,
    )


def _strategy(strategy: Strategy) -> StrategyDocument:
    return StrategyDocument(**{name: getattr(strategy, name) for name in StrategyDocument.__struct_fields__})


def _step(step: Step, takes: Longest) -> StepDocument:
    return StepDocument(
        id=step.id,
        name=text_of(step.name) or step.id,
        kind=step.kind,
        src=f"{step.location.file}:{step.location.line}",
        params=params_of(step),
        when=_condition(step.when),
        loop=as_written(step.loop),
        register=step.register,
        changed_when=_condition(step.changed_when),
        failed_when=_condition(step.failed_when),
        ok_codes=step.ok_codes,
        retry=_retry(step.retry),
        timeout=step.timeout,
        idle_timeout=step.idle_timeout,
        become=text_of(step.become.user) if isinstance(step.become, Become) else step.become,
        env=dict.fromkeys(step.env, HIDDEN) if step.sensitive else as_written(dict(step.env)),
        cwd=text_of(step.cwd),
        stdin=HIDDEN if step.sensitive and step.stdin is not None else text_of(step.stdin),
        on_failure=step.on_failure,
        read_only=step.read_only,
        sensitive=step.sensitive,
        longest=takes.seconds,
    )


def _retry(retry: Retry | None) -> RetryDocument | None:
    if retry is None:
        return None
    fields = {name: getattr(retry, name) for name in retry.__struct_fields__}
    return RetryDocument(**{**fields, "until": _condition(retry.until)})


def _condition(condition: Condition | None) -> str | bool | None:
    return condition.source if isinstance(condition, Template) else condition
