"""A plan's document, made from the plan."""

from collections.abc import Iterable
from typing import Any

import msgspec

from runner.model import longest
from runner.model.at_work import at_once
from runner.model.inventory import Become
from runner.model.longest import Items
from runner.model.plan import Plan, PlannedPlay
from runner.model.plan_document import (
    HIDDEN,
    CheckDocument,
    Counts,
    PlanDocument,
    PlayDocument,
    RetryDocument,
    SavedDocument,
    StepDocument,
    StrategyDocument,
    TaskDocument,
    WaveDocument,
)
from runner.model.playbook import Block, Check, Condition, Frame, Node, Retry, Step, Strategy, leaves
from runner.model.template import Template, Value, map_templates


def document(
    plan: Plan, *, items: Items, tasks: Iterable[TaskDocument] | None = None, saved: SavedDocument | None = None
) -> PlanDocument:
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
        given=as_written(dict(plan.given)),
        lock=plan.lock,
        tasks=None if tasks is None else tuple(tasks),
        saved=saved,
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


def loop_of(step: Step) -> Any:
    """The loop of a step as it is written; its items are hidden where the step is sensitive."""
    return HIDDEN if step.sensitive and step.loop is not None else as_written(step.loop)


def verify_of(step: Step) -> tuple[Any, ...]:
    """What is asked where the end of a step is unknown, as it is written; hidden where the step is sensitive."""
    return (HIDDEN,) if step.sensitive and step.verify else tuple(map(as_written, step.verify))


def handed_to(block: Block, frame: Frame) -> dict[str, Any]:
    """What an include hands to its file, as it is written; hidden where all that it brings is sensitive."""
    if all(step.sensitive for step in leaves([block], everything=True)):
        return dict.fromkeys(frame.given, HIDDEN)
    return dict(as_written(dict(frame.given)))


def item_of(block: Block, frame: Frame) -> Any:
    """The item of its loop that an include is for; hidden likewise."""
    is_hidden = frame.has_item and all(step.sensitive for step in leaves([block], everything=True))
    return HIDDEN if is_hidden else as_written(frame.item)


def _play(play: PlannedPlay, items: Items) -> PlayDocument:
    times = longest.of_waves(play, items)
    steps, handlers, rollback, always = (_Nodes(play, items).of(section) for section in play.sections)
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
        steps=steps,
        longest=longest.of_play(play, items).seconds,
        needs=play.needs,
        when=_condition(play.when),
        handlers=handlers,
        rollback=rollback,
        always=always,
        delegates=play.delegates,
        given=as_written(dict(play.given)),
    )


def _strategy(strategy: Strategy) -> StrategyDocument:
    fields = {name: getattr(strategy, name) for name in StrategyDocument.__struct_fields__}
    return StrategyDocument(**{**fields, "gate": tuple(map(_check, strategy.gate))})


def _check(check: Check) -> CheckDocument:
    return CheckDocument(
        id=check.step.id,
        kind=check.step.kind,
        params=params_of(check.step),
        source=str(as_written(check.source)),
        each=check.each,
        failed_when=_condition(check.step.failed_when),
        successes=check.successes,
        interval=check.interval,
        deadline=check.deadline,
        stable_for=check.stable_for,
        on_inconclusive=check.on_inconclusive,
    )


class _Nodes:
    """The steps and blocks of one play."""

    def __init__(self, play: PlannedPlay, items: Items) -> None:
        self._play = play
        self._items = items

    def of(self, nodes: Iterable[Node]) -> tuple[StepDocument, ...]:
        """A list of them, with what is in blocks."""
        return tuple(self._step(node) if isinstance(node, Step) else self._block(node) for node in nodes)

    def _block(self, block: Block) -> StepDocument:
        frame = self._play.frames.get(block.opens)
        return StepDocument(
            **_common(block),
            kind="block",
            params={},
            loop=None,
            changed_when=None,
            failed_when=None,
            ok_codes=(),
            retry=None,
            timeout=None,
            idle_timeout=None,
            become=None,
            env={},
            cwd=None,
            stdin=None,
            read_only=False,
            sensitive=False,
            longest=longest.of_node(self._play, block, self._items).seconds,
            steps=self.of(block.steps),
            rescue=self.of(block.rescue),
            rescue_on=block.rescue_on if block.rescue else (),
            always=self.of(block.always),
            file=frame.file if frame else None,
            given=handed_to(block, frame) if frame else {},
            item=item_of(block, frame) if frame else None,
        )

    def _step(self, step: Step) -> StepDocument:
        return StepDocument(
            **_common(step),
            kind=step.kind,
            params=params_of(step),
            loop=loop_of(step),
            loop_label=text_of(step.loop_label),
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
            read_only=step.read_only,
            sensitive=step.sensitive,
            longest=longest.of_step(self._play, step, self._items).seconds,
            delegate_to=text_of(step.delegate_to),
            throttle=step.throttle,
            notify=step.notify,
            on_resume=step.on_resume,
            idempotent=step.idempotent,
            on_unknown=step.on_unknown,
            verify=verify_of(step),
            on_disconnect=step.on_disconnect,
        )


def _common(node: Node) -> dict[str, Any]:
    """What steps and blocks both say."""
    return {
        "id": node.id,
        "name": text_of(node.name) or node.id,
        "src": f"{node.location.file}:{node.location.line}",
        "when": _condition(node.when),
        "register": node.register,
        "on_failure": node.on_failure,
        "once": node.once,
        "needs": node.needs,
        "tags": node.tags,
    }


def _retry(retry: Retry | None) -> RetryDocument | None:
    if retry is None:
        return None
    fields = {name: getattr(retry, name) for name in retry.__struct_fields__}
    return RetryDocument(**{**fields, "until": _condition(retry.until)})


def _condition(condition: Condition | None) -> str | bool | None:
    return condition.source if isinstance(condition, Template) else condition
