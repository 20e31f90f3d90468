"""How many hosts of a scope may end badly; pure, and asked by the plan and by the run alike."""

from runner.model.playbook import Strategy


def allowed(strategy: Strategy, hosts: int) -> int | None:
    """The failures that a play, or one wave of it, of ``hosts`` hosts bears; None is no limit.

    A percentage is of those hosts, floored, in integers (29 % of 100 is 29, which it is not in floating point). Of two
    limits the smaller holds.
    """
    limits = [] if strategy.max_failures is None else [strategy.max_failures]
    if strategy.max_failure_percent is not None:
        limits.append(strategy.max_failure_percent * hosts // 100)
    return min(limits, default=None)
