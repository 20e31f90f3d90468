"""How answers to one check add up: what comes after each, another look or a verdict. Pure; times are seconds.

``successes`` healthy answers in a row are wanted, each ``interval`` after the one before, until ``deadline`` is over;
then, from the last of them on, ``stable_for`` with no answer that is not healthy. Any such answer starts it over,
inside the same deadline. The verdict at the deadline is that of the last answer.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from runner.model.playbook import Check

GRACE = 10.0
"""Seconds that a look has at least, once the successes are there: what is left of the deadline no longer limits it."""

_ROUNDING = 1e-6
"""Seconds by which a timer may come early."""


class Health(StrEnum):
    """One answer, and the verdict too. ``inconclusive`` where the check itself could not be made."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Watch:
    """One check of one host on its way. ``in_row`` are its successes; ``well_since`` is when there were enough."""

    check: Check
    ends: float
    in_row: int = 0
    well_since: float | None = None

    def limit(self, now: float) -> float:
        """Seconds that a look which begins now may take; not above 0 where the time is over."""
        if self.well_since is None:
            return self.ends - now
        return max(self.ends - now, self.well_since + self.check.stable_for - now, GRACE)


@dataclass(frozen=True, slots=True)
class Next:
    """What comes after an answer: at ``at`` another look, or from then on the ``verdict`` stands."""

    watch: Watch
    at: float
    verdict: Health | None = None


def begun(check: Check, now: float) -> Watch:
    """Before the first look."""
    return Watch(check, ends=now + check.deadline)


def delayed(watch: Watch, by: float) -> Watch:
    """Behind the seconds that a look had to wait for those of other hosts: they are none of this one's time."""
    return replace(watch, ends=watch.ends + by)


def after(watch: Watch, answer: Health, now: float, *, is_final: bool = False) -> Next:
    """What comes after an answer heard now. ``is_final`` where waiting could not change an inconclusive one."""
    check, look = watch.check, now + watch.check.interval
    if answer is not Health.HEALTHY:
        over = replace(watch, in_row=0, well_since=None)
        return Next(over, now, answer) if is_final else _until_deadline(over, answer, now)
    if watch.well_since is None and now > watch.ends + _ROUNDING:
        return Next(watch, now, Health.UNHEALTHY)
    going = replace(watch, in_row=watch.in_row + 1)
    if going.in_row < check.successes:
        return _until_deadline(going, Health.UNHEALTHY, now)
    if going.well_since is None:
        going = replace(going, well_since=now)
    stable = (going.well_since or 0.0) + check.stable_for
    if now >= stable - _ROUNDING:
        return Next(going, now, Health.HEALTHY)
    return Next(going, min(look, stable))


def _until_deadline(watch: Watch, verdict: Health, now: float) -> Next:
    """Another look if one fits in; else the verdict stands when the deadline is over."""
    look = now + watch.check.interval
    return Next(watch, look) if look < watch.ends - _ROUNDING else Next(watch, max(now, watch.ends), verdict)
