"""In what two plans differ; pure. Nothing is rendered: either may come from anywhere.

Places in files are passed over, so a comment or a line more makes no difference, and what is the same is not mentioned.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from runner.location import Location
from runner.model.changed import changed
from runner.model.plan import Plan, PlannedPlay
from runner.model.plan_description import as_written, is_shuffled
from runner.model.plan_difference import (
    ChangedHosts,
    ChangedNames,
    ChangedPart,
    ChangedParts,
    ChangedSetting,
    DifferingTask,
    MovedHost,
    PlanDifference,
    PlayDifference,
)
from runner.model.playbook import Block, Node, Strategy, nodes_of
from runner.model.template import Template

Task = tuple[str, str, str]
"""Play, host and step."""

LISTS = ("steps", "handlers", "rollback", "always")
PLACES = frozenset({"location", "folder"})
"""Fields that say where something stands."""

TOLD = ("name", "concurrency", "budget", "needs", "delegates")
KEYS = ("become", "env", "cwd", "when", "group_of")
"""Settings of a play: those whose values are told, and those of which only the names are."""


def difference(old: Plan, new: Plan, *, called: tuple[str, str] = ("", "")) -> PlanDifference:
    """What is other in the new plan. ``called`` are names for the two."""
    before, after = dict(_tasks(old)), dict(_tasks(new))
    nothing = PlanDifference(old=called[0], new=called[1], is_same=True)
    found = changed(
        nothing,
        settings=tuple(_settings(old, new)),
        plays=tuple(_plays(old, new)),
        added=_missing(after, before),
        removed=_missing(before, after),
        contacts=_parts(old.hosts, new.hosts, _fields),
        files=_files(old.inputs, new.inputs),
    )
    return changed(found, is_same=found == nothing)


def _tasks(plan: Plan) -> Iterator[tuple[Task, int]]:
    """Every step on every host, with the wave."""
    for play in plan.plays:
        steps = [step.id for step in play.counted]
        for wave in play.waves:
            for host in wave.hosts:
                for step in steps:
                    yield (play.id, host, step), wave.index


def _missing(tasks: Mapping[Task, int], others: Mapping[Task, int]) -> tuple[DifferingTask, ...]:
    return tuple(
        DifferingTask(play=play, wave=wave, host=host, step=step)
        for (play, host, step), wave in tasks.items()
        if (play, host, step) not in others
    )


def _settings(old: Plan, new: Plan) -> Iterator[ChangedSetting]:
    """Of the whole plan. The seed counts only where chance has a part in the order of hosts."""
    for key in ("playbook", "name", "lock", "connecting"):
        yield from _told(key, getattr(old, key), getattr(new, key))
    if is_shuffled(old) or is_shuffled(new):
        yield from _told("seed", old.seed, new.seed)
    before, after = {**old.given, **old.extra}, {**new.given, **new.extra}
    for name in {**before, **after}:
        yield from _told(f"inputs.{name}", before.get(name), after.get(name))
    for name in _other(dict(old.secrets), dict(new.secrets)):
        yield ChangedSetting(key=f"secrets.{name}", old=name in old.secrets, new=name in new.secrets)


def _told(key: str, old: Any, new: Any) -> Iterator[ChangedSetting]:
    if bare(old) != bare(new):
        yield ChangedSetting(key=key, old=as_written(old), new=as_written(new))


def _plays(old: Plan, new: Plan) -> Iterator[PlayDifference]:
    before, after = ({play.id: play for play in plan.plays} for plan in (old, new))
    for name in {**before, **after}:
        if name not in before or name not in after:
            yield PlayDifference(play=name, status="removed" if name in before else "added")
        else:
            found = _play(before[name], after[name])
            if found != PlayDifference(play=name, status="changed"):
                yield found


def _play(old: PlannedPlay, new: PlannedPlay) -> PlayDifference:
    before, after = _nodes(old), _nodes(new)
    keys = [key for key in KEYS if bare(getattr(old, key)) != bare(getattr(new, key))]
    keys += [f"vars.{name}" for name in _other(old.vars, new.vars)]
    if bare(old.strategy.gate) != bare(new.strategy.gate):
        keys.append("strategy.gate")
    if not _is_same_order(list(before), list(after)):
        keys.append("order of steps")
    if _hosts(old, new) == ChangedHosts() and old.hosts != new.hosts:
        keys.append("order of hosts")
    return PlayDifference(
        play=new.id,
        status="changed",
        settings=tuple(_play_settings(old, new)),
        keys=tuple(keys),
        hosts=_hosts(old, new),
        steps=_parts(before, after, dict),
    )


def _play_settings(old: PlannedPlay, new: PlannedPlay) -> Iterator[ChangedSetting]:
    for key in TOLD:
        yield from _told(key, getattr(old, key), getattr(new, key))
    for key in Strategy.__struct_fields__:
        if key != "gate":
            yield from _told(f"strategy.{key}", getattr(old.strategy, key), getattr(new.strategy, key))


def _hosts(old: PlannedPlay, new: PlannedPlay) -> ChangedHosts:
    before, after = ({host: wave.index for wave in play.waves for host in wave.hosts} for play in (old, new))
    moved = [host for host in after if before.get(host, after[host]) != after[host]]
    return ChangedHosts(
        added=tuple(host for host in after if host not in before),
        removed=tuple(host for host in before if host not in after),
        moved=tuple(MovedHost(host=host, old=before[host], new=after[host]) for host in moved),
    )


def _nodes(play: PlannedPlay) -> dict[str, Mapping[str, Any]]:
    """What steps and blocks say, by their ids; those outside of ``steps`` behind the name of their list."""
    found: dict[str, Mapping[str, Any]] = {}
    for name in LISTS:
        nodes: Sequence[Node] = getattr(play, name)
        parents = _parents(nodes)
        for node in nodes_of(nodes):
            said = {**_said(node), "block": parents.get(node.id)}
            if isinstance(node, Block) and node.opens in play.frames:
                said |= {f"include.{key}": value for key, value in _fields(play.frames[node.opens]).items()}
            found[node.id if name == "steps" else f"{name}: {node.id}"] = said
    return found


def _parents(nodes: Sequence[Node]) -> dict[str, str]:
    """Which block a node stands in, and in which part of it."""
    parts = ("steps", "rescue", "always")
    blocks = [node for node in nodes_of(nodes) if isinstance(node, Block)]
    return {inner.id: f"{block.id} {part}" for block in blocks for part in parts for inner in getattr(block, part)}


def _said(node: Node) -> dict[str, Any]:
    """What a node says itself. The params of a step stand under its kind."""
    if isinstance(node, Block):
        return {key: value for key, value in _fields(node).items() if key not in {"steps", "rescue", "always"}}
    params = {f"{node.kind}.{key}": bare(value) for key, value in node.params.items()}
    return {key: value for key, value in _fields(node).items() if key != "params"} | params


def _fields(node: Any) -> dict[str, Any]:
    """The fields of a struct without places; each variable by its name."""
    said = {name: bare(getattr(node, name)) for name in node.__struct_fields__ if name not in PLACES}
    variables = said.pop("vars", None) or {}
    said.pop("layers", None)  # where variables are from
    return said | {f"vars.{name}": value for name, value in variables.items()}


def _parts(old: Mapping[str, Any], new: Mapping[str, Any], said: Callable[[Any], Mapping[str, Any]]) -> ChangedParts:
    both = [(name, said(old[name]), said(new[name])) for name in new if name in old and old[name] is not new[name]]
    return ChangedParts(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed=tuple(
            ChangedPart(name=name, keys=_other(before, after)) for name, before, after in both if before != after
        ),
    )


def _files(old: Mapping[str, str], new: Mapping[str, str]) -> ChangedNames:
    return ChangedNames(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed=tuple(name for name, value in new.items() if name in old and old[name] != value),
    )


def _other(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """The names under which not the same stands."""
    missing = object()
    return tuple(name for name in {**old, **new} if bare(old.get(name, missing)) != bare(new.get(name, missing)))


def _is_same_order(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether what both have stands in the same order."""
    before, after = frozenset(old), frozenset(new)
    return [name for name in old if name in after] == [name for name in new if name in before]


def bare(value: Any) -> Any:
    """A value without the places in it, so that only what it says is compared."""
    if isinstance(value, Template):
        return Template, value.source, value.bare
    if isinstance(value, Location):
        return None
    if hasattr(value, "__struct_fields__"):
        return type(value), {name: bare(getattr(value, name)) for name in value.__struct_fields__ if name not in PLACES}
    if isinstance(value, Mapping):
        return {name: bare(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [bare(part) for part in value]
    return (bool, value) if isinstance(value, bool) else value  # for True == 1
