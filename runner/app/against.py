"""A run of the past against the files of today: whether, and with which plan, it may be gone on with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from runner.app.comparing import around
from runner.app.digests import digests_of
from runner.app.earlier import Earlier, go_to
from runner.app.plans import Planned, make_plan
from runner.app.provenance import user
from runner.app.recorded import again
from runner.app.settings import Settings
from runner.errors import InputError
from runner.location import Problem
from runner.model.events import RunStarted
from runner.model.past import Past
from runner.model.plan import Plan
from runner.patterns import Names, resolve
from runner.planning.finished import Around
from runner.planning.matching import Matched, Wanted


@dataclass(frozen=True, slots=True)
class Changes:
    """What whoever goes on says of what has changed: whether it is accepted, and which hosts are left out."""

    accept: bool = False
    drop: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """A run that may be gone on with, ``mode`` says how: ``run`` or ``rollback``."""

    settings: Settings
    planned: Planned
    found: Matched
    mode: str = "run"


Match = Callable[[Plan, Plan, Past, Around, Mapping[str, str], Wanted], Matched]
"""How a stored plan is brought together with the one of today. Raises MismatchError."""


def against(
    old: Plan, started: RunStarted, earlier: Earlier, settings: Settings, changes: Changes, match: Match
) -> Ready:
    """The run with its stored plan against the files of today. Raises what ``match`` does, and InputError."""
    go_to(started)
    settings = again(started, settings)
    dropped = _dropped(changes.drop, old)
    among = dict.fromkeys(name for play in old.plays for name in play.hosts if name not in dropped)
    planned = make_plan(settings, among=tuple(among))
    now = digests_of(planned.plan, {}, bytes.fromhex(started.salt))
    wanted = Wanted(accept=changes.accept, dropped=dropped, by=user())
    found = match(old, planned.plan, earlier.past, around(planned, old.inputs), now, wanted)
    return Ready(settings, replace(planned, plan=found.plan), found)


def _dropped(pattern: str, plan: Plan) -> frozenset[str]:
    """The hosts of the plan that a pattern means. Raises InputError where it means none."""
    if not pattern:
        return frozenset()
    hosts = dict.fromkeys(name for play in plan.plays for name in play.hosts)
    found, flaws = resolve(pattern, Names(hosts, plan.groups))
    if flaws:
        raise InputError(Problem(flaw.code, f"--drop-hosts: {flaw.message}", None, flaw.hint) for flaw in flaws)
    return frozenset(found & hosts.keys())
