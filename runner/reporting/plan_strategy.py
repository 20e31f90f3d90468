"""The words for how a play moves over its hosts and what it bears. Safe to show."""

from collections.abc import Iterator

from runner.model.inventory import CONTROLLER
from runner.model.plan import PlannedPlay
from runner.model.plan_description import as_written, params_of
from runner.model.plan_document import StrategyDocument
from runner.model.playbook import Check, Strategy
from runner.reporting.durations import duration
from runner.reporting.escape import visible
from runner.reporting.plan_wording import heading, params, shown_condition
from runner.reporting.wording import count, hosts
from runner.reporting.yaml_like import flow

ON_EXCEED = {
    "stop": "running steps finish, nothing new starts",
    "drain": "hosts at work finish their steps, no other host starts",
    "kill": "running steps are ended, nothing new starts",
    "pause": "a person is asked whether the play goes on",
    "rollback": "running steps finish, then touched hosts are rolled back, the latest wave first",
}
"""What happens when there are more failures than allowed."""

SPREAD = {
    "even": "in turn",
    "one_per_group": "at most one host of each in a wave",
    "group_at_a_time": "one after the other",
}

GROUPS_SHOWN = 12
"""Groups that are listed with their hosts."""

ELSEWHERE = frozenset({"type", "gate"})
"""Settings that are said in lines of their own."""


def effective(strategy: Strategy) -> list[str]:
    """Every setting of a strategy, defaults too."""
    fields = {name: getattr(strategy, name) for name in StrategyDocument.__struct_fields__ if name not in ELSEWHERE}
    fields["bake"] = duration(strategy.bake)
    return [f"{name}: {'none' if value is None or value == () else flow(value)}" for name, value in fields.items()]


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
        return f"{len(members):,} groups, {SPREAD[play.strategy.spread]}"
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


def between_waves(play: PlannedPlay) -> Iterator[tuple[str, str]]:
    """What comes before the first wave and after each, with a title."""
    strategy = play.strategy
    if strategy.preflight:
        remote = [name for name in play.delegates if name != CONTROLLER]
        others = f", and to {hosts(remote)}," if remote else ""
        yield "preflight", f"connect to every host{others} before the first play"
    if strategy.bake:
        yield "bake", f"{duration(strategy.bake)} between two waves"
    if strategy.approve:
        waves = strategy.approve
        after = "each wave" if waves == "each" else f"wave {', '.join(map(str, waves))}"
        yield "approval", f"a person is asked after {after}"


def gate(checks: tuple[Check, ...]) -> Iterator[str]:
    """The checks that each wave must pass, with what they ask for."""
    for number, check in enumerate(checks, 1):
        yield f"{number}. {heading(check.step)}"
        yield from (f"     {line}" for line in params(params_of(check.step)))
        if check.step.failed_when is not None:
            yield f"     failed_when: {shown_condition(check.step.failed_when)}"
        yield f"     {_asked(check)}"
        yield f"     {_healthy(check)}"


def _asked(check: Check) -> str:
    whom = "once for the wave" if check.each == "wave" else "for each host that is still well"
    return f"asked: {whom}, from {visible(str(as_written(check.source)))}"


def _healthy(check: Check) -> str:
    row = "1 success" if check.successes == 1 else f"{check.successes} successes in a row"
    words = f"healthy: {row}, one try every {duration(check.interval)}, within {duration(check.deadline)}"
    if check.stable_for:
        words += f", then no failure for {duration(check.stable_for)}"
    return f"{words}; where it can't be told: {check.on_inconclusive}"
