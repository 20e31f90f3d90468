"""The words for the steps of a plan: what one is, when and where it runs, and how long it may take. Safe to show."""

from collections.abc import Iterator, Mapping
from typing import Any

from runner.model.inventory import Become
from runner.model.longest import Longest
from runner.model.plan import PlannedPlay
from runner.model.plan_description import as_written, item_of, loop_of, text_of, verify_of
from runner.model.plan_document import HIDDEN
from runner.model.playbook import Block, Condition, Frame, Node, Retry, Step
from runner.model.template import Template
from runner.reporting.durations import duration
from runner.reporting.escape import visible
from runner.reporting.yaml_like import block, flow

CONDITIONS = ("when", "changed_when", "failed_when")
UNSET: Mapping[str, Any] = {
    "needs": (),
    "once": None,
    "throttle": None,
    "register": None,
    "idle_timeout": None,
    "ok_codes": (0,),
    "on_failure": "stop",
    "on_resume": "skip",
    "idempotent": None,
    "on_unknown": "stop",
    "on_disconnect": "finish",
    "notify": (),
    "tags": (),
}
"""Keys of a step or block that are shown where they are not so."""

FLAGS = ("read_only", "sensitive")


def takes(time: Longest) -> str:
    """A longest time, and why there is none where there is none."""
    asked = f", and until a person answers: {visible(', '.join(time.asked))}" if time.asked else ""
    if time.seconds is not None:
        return f"at most {duration(time.seconds)}{asked}"
    reasons = []
    if time.endless:
        reasons.append(f"no timeout: {visible(', '.join(time.endless))}")
    if time.open:
        reasons.append(f"a loop whose length is not known yet: {visible(', '.join(time.open))}")
    return f"no limit ({'; '.join(reasons)}){asked}"


def heading(node: Node, frame: Frame | None = None) -> str:
    """The id of a step or block, its name where it has one, and its kind; of an include its file and item."""
    name = " ".join((text_of(node.name) or "").split())
    return f"{visible(node.id)}{f': {visible(name)}' if name else ''} [{_kind(node, frame)}]"


def _kind(node: Node, frame: Frame | None) -> str:
    if isinstance(node, Step):
        return node.kind
    if frame is None:
        return "block"
    item = f", item: {flow(item_of(node, frame))}" if frame.has_item else ""
    return f"include {visible(frame.file)}{item}"


def params(value: Any) -> Iterator[str]:
    """The params of a step, a line or more for each."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from block(str(key).removesuffix("_"), part)  # as it is written: from, not from_
    else:
        yield visible(str(value))


def settings(step: Step, time: Longest) -> Iterator[str]:
    """What a step says besides its kind, where it says something, and the longest time that it may take on a host."""
    for name in CONDITIONS:
        if (condition := getattr(step, name)) is not None:
            yield f"{name}: {shown_condition(condition)}"
    if step.loop is not None:
        yield from block("loop", loop_of(step))
    yield from _unusual(step)
    yield from (f"{name}: true" for name in FLAGS if getattr(step, name))
    if step.verify:
        yield from block("verify", list(verify_of(step)))
    yield from surroundings(step)
    if step.stdin is not None:
        yield from block("stdin", HIDDEN if step.sensitive else as_written(step.stdin))
    if step.kind != "flush":
        yield f"time: {takes(time)}{_tries(step)}"


def of_block(node: Block) -> Iterator[str]:
    """What a block says of when it runs, where it says something."""
    if node.when is not None:
        yield f"when: {shown_condition(node.when)}"
    yield from _unusual(node)


def _unusual(node: Node) -> Iterator[str]:
    for name, usual in UNSET.items():
        if (value := getattr(node, name, usual)) != usual:
            yield f"{name}: {duration(value) if name == 'idle_timeout' else flow(value)}"


def shown_condition(condition: Condition) -> str:
    """A condition as it is written."""
    return visible(condition.source) if isinstance(condition, Template) else flow(condition)


def surroundings(one: Step | PlannedPlay) -> Iterator[str]:
    """As whom, where and with what environment a step runs, or all steps of a play."""
    if one.become is not None:
        yield f"become: {visible(str(text_of(one.become.user))) if isinstance(one.become, Become) else 'false'}"
    if one.cwd is not None:
        yield from block("cwd", as_written(one.cwd))
    if one.env:
        hidden = isinstance(one, Step) and one.sensitive
        yield from block("env", dict.fromkeys(one.env, HIDDEN) if hidden else as_written(dict(one.env)))


def _tries(step: Step) -> str:
    if step.retry is None or step.timeout is None:
        return ""
    tries = "1 try" if step.retry.attempts == 1 else f"{step.retry.attempts} tries"
    return f" ({tries} of {duration(step.timeout)}, {_waits(step.retry)})"


def _waits(retry: Retry) -> str:
    words = f"{duration(retry.delay)} between them"
    if retry.backoff == "exponential":
        words += f", growing {retry.factor:g} times to at most {duration(retry.max_delay)}"
    until = "" if retry.until is None else f", until {shown_condition(retry.until)}"
    return f"{words}{until}{'' if retry.on == Retry().on else f', only if {flow(retry.on)}'}"
