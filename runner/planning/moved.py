"""Hosts of a stored plan that are gone from the inventory, or that may be other machines now."""

from collections.abc import Collection, Iterator

from runner.hostlist import fold
from runner.location import Location, Problem
from runner.model.canonical import canonical
from runner.model.inventory import CONTROLLER, Host
from runner.model.plan import Plan
from runner.model.template import has_template

WAYS = ("port", "user", "jump")
"""Options that say which machine, and who there, a connection ends at."""


def gone(old: Plan, new: Plan) -> list[str]:
    """Hosts of plays that the inventory no longer has, in the order of the plan."""
    names = dict.fromkeys(name for play in old.plays for name in play.hosts)
    return [name for name in names if name != CONTROLLER and name not in new.hosts and name not in new.others]


def moved(old: Plan, new: Plan, dropped: Collection[str]) -> Iterator[Problem]:
    """Those that steps run on, and that are reached otherwise than before; equal changes are told together."""
    found: dict[tuple[str, str, str], list[Host]] = {}
    for name in dict.fromkeys(name for play in old.plays for name in (*play.hosts, *play.delegates)):
        now = new.hosts.get(name) or new.others.get(name)
        if name in dropped or now is None or name not in old.hosts:
            continue
        for change in _differences(old.hosts[name], now):
            found.setdefault(change, []).append(now)
    for (what, was, now_is), hosts in found.items():
        names = fold(host.name for host in hosts)
        said = f"the {what} of {names} was {was} and is {now_is}: it may be another machine"
        hint = f"put it back, or go on without: --drop-hosts {names}"
        yield Problem("E647", said, _place(hosts), hint)


def _place(hosts: list[Host]) -> Location:
    return hosts[0].location


def _differences(old: Host, new: Host) -> Iterator[tuple[str, str, str]]:
    """What differs, with both values as text. What the run alone would render can't be compared."""
    pairs = {"address": (old.address, new.address), "connection": (old.connection, new.connection)}
    pairs |= {name: (old.options.get(name), new.options.get(name)) for name in WAYS}
    for name, (was, now) in pairs.items():
        if was != now and canonical(was) != canonical(now) and not has_template([was, now]):
            yield name, _shown(was), _shown(now)


def _shown(value: object) -> str:
    return "not given" if value is None else canonical(value)
