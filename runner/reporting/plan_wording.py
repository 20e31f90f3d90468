"""The words for the parts of a plan: how a play moves, what it bears, what a step is and when it runs. Safe to show."""

from collections.abc import Iterator, Mapping
from typing import Any

from runner.model.inventory import Become
from runner.model.longest import Longest
from runner.model.plan import PlannedPlay
from runner.model.plan_document import HIDDEN, StrategyDocument, as_written, text_of
from runner.model.playbook import Condition, Retry, Step, Strategy
from runner.model.template import Template
from runner.reporting.durations import duration
from runner.reporting.escape import visible
from runner.reporting.wording import count, hosts
from runner.reporting.yaml_like import block, flow

ON_EXCEED = {
    "stop": "running steps finish, nothing new starts",
    "drain": "hosts at work finish their steps, no other host starts",
    "kill": "running steps are ended, nothing new starts",
}
"""What happens when there are more failures than allowed."""

CONDITIONS = ("when", "changed_when", "failed_when")
UNSET: Mapping[str, Any] = {"register": None, "idle_timeout": None, "ok_codes": (0,), "on_failure": "stop"}
"""Keys of a step that are shown where they are not so."""

GROUPS_SHOWN = 12
"""Groups that are listed with their hosts."""

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


def effective(strategy: Strategy) -> list[str]:
    """Every setting of a strategy, defaults too."""
    shown = [name for name in StrategyDocument.__struct_fields__ if name != "type"]
    fields = {name: getattr(strategy, name) for name in shown}
    return [f"{name}: {'none' if value is None else flow(value)}" for name, value in fields.items()]


def at_work(play: PlannedPlay) -> str:
    """How many hosts of a play work at once, and why."""
    parts = [f"{play.concurrency} at once"]
    if play.reckoning:
        parts.append(f"({play.reckoning})")
    limit = play.strategy.per_group_limit
    if limit is not None:
        parts.append(f"and of each group {limit}" if isinstance(limit, int) else f"and of groups {flow(limit)}")
    return " ".join(parts)


def drawn_from(play: PlannedPlay) -> str:
    """The groups that waves draw from, with their hosts; of many groups the number alone."""
    members: dict[str, list[str]] = {}
    for name, group in play.group_of.items():
        members.setdefault(group, []).append(name)
    if len(members) > GROUPS_SHOWN:
        return f"{len(members):,} groups, in turn"
    return "; ".join(f"{visible(group)}: {hosts(names)}" for group, names in members.items())


def bears(play: PlannedPlay) -> str:
    """The failure budget of a play, and what happens when it is exceeded."""
    strategy = play.strategy
    if strategy.max_failures is None and strategy.max_failure_percent is None:
        return "any number; the play goes on"
    if strategy.failure_scope == "wave":
        limits = [f"{strategy.max_failure_percent}% of its hosts"] if strategy.max_failure_percent is not None else []
        limits += [str(strategy.max_failures)] if strategy.max_failures is not None else []
        allowed = f"{' and '.join(limits)} in each wave"
    else:
        allowed = f"{play.budget} of {count(len(play.hosts), 'host')}"
    return f"{allowed}; one more: {strategy.on_exceed} ({ON_EXCEED[strategy.on_exceed]})"


def heading(step: Step) -> str:
    """A step's id, its name where it has one, and its kind."""
    name = " ".join((text_of(step.name) or "").split())
    return f"{visible(step.id)}{f': {visible(name)}' if name else ''} [{step.kind}]"


def params(value: Any) -> Iterator[str]:
    """The params of a step, a line or more for each."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from block(str(key), part)
    else:
        yield visible(str(value))


def settings(step: Step, time: Longest) -> Iterator[str]:
    """What a step says besides its kind, where it says something, and the longest time that it may take on a host."""
    for name in CONDITIONS:
        if (condition := getattr(step, name)) is not None:
            yield f"{name}: {_condition(condition)}"
    if step.loop is not None:
        yield from block("loop", as_written(step.loop))
    for name, usual in UNSET.items():
        if (value := getattr(step, name)) != usual:
            yield f"{name}: {duration(value) if name == 'idle_timeout' else flow(value)}"
    yield from (f"{name}: true" for name in FLAGS if getattr(step, name))
    yield from surroundings(step)
    if step.stdin is not None:
        yield from block("stdin", HIDDEN if step.sensitive else as_written(step.stdin))
    yield f"time: {takes(time)}{_tries(step)}"


def _condition(condition: Condition) -> str:
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
    until = "" if retry.until is None else f", until {_condition(retry.until)}"
    return f"{words}{until}{'' if retry.on == Retry().on else f', only if {flow(retry.on)}'}"
