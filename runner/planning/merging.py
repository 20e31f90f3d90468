"""The plan that is left to carry out: cut into hosts and waves as the stored one, with steps and variables as now."""

from collections.abc import Collection, Mapping

from runner.model.budget import allowed
from runner.model.changed import changed
from runner.model.inventory import Host
from runner.model.plan import Plan, PlannedPlay, Wave


def merged(old: Plan, new: Plan, dropped: Collection[str]) -> Plan:
    """Every play of the old plan is in the new one, too. ``dropped`` are hosts that are out of the run."""
    now = {play.id: play for play in new.plays}
    plays = tuple(_play(play, now[play.id], dropped) for play in old.plays)
    names = dict.fromkeys(name for play in plays for name in play.hosts)
    missing = {name: _as_now(old.hosts[name], new) for name in names if name not in new.hosts}
    return changed(
        new, plays=plays, hosts={**new.hosts, **missing}, seed=old.seed, notes=old.notes, connecting=new.connecting
    )


def _play(old: PlannedPlay, new: PlannedPlay, dropped: Collection[str]) -> PlannedPlay:
    """What was cut stays cut: hosts, waves, groups and what it waits for. A wave may be left without hosts."""
    strategy = new.strategy
    return changed(
        new,
        hosts=_kept(old.hosts, dropped),
        waves=tuple(Wave(wave.index, _kept(wave.hosts, dropped)) for wave in old.waves),
        group_of=old.group_of,
        needs=old.needs,
        budget=allowed(strategy, len(old.hosts)) if strategy.failure_scope == "run" else None,
    )


def _kept(hosts: tuple[str, ...], dropped: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in hosts if name not in dropped) if dropped else hosts


def _as_now(host: Host, new: Plan) -> Host:
    """A host that no play means any more: reached as before, with its variables as they are now."""
    now: Mapping[str, Host] = new.others
    if (other := now.get(host.name)) is None:
        return host
    return changed(host, index=other.index, groups=other.groups, layers=other.layers, vars=other.vars)
