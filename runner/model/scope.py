"""The names a template can see, made from plan and results. Pure; values stay unrendered until they are used."""

from collections.abc import Iterator, Mapping
from typing import Any

from runner.model.inventory import Host
from runner.model.plan import Plan, PlannedPlay

ALWAYS = ("host", "hosts", "groups", "wave", "play", "run", "inputs", "secrets", "facts")
"""Names that every template sees, whatever the playbook says."""


Results = Mapping[str, Mapping[str, Any]]
"""What hosts have registered so far, by host and name; it grows while the run goes on."""


PARTS: Mapping[str, frozenset[str]] = {
    "host": frozenset({"name", "address", "groups", "index", "vars", "facts", "results"}),
    "wave": frozenset({"index", "count", "hosts"}),
    "play": frozenset({"id", "name"}),
    "run": frozenset({"id"}),
}
"""What the names that are always there have, where that is the same for every host."""


class HostView(Mapping[str, Any]):
    """A host as templates see it: ``name address groups index vars facts results``."""

    __slots__ = ("_host", "_results")

    def __init__(self, host: Host, results: Results) -> None:
        self._host = host
        self._results = results

    def __getitem__(self, key: str) -> Any:
        match key:
            case "name" | "address" | "index" | "vars":
                return getattr(self._host, key)
            case "groups":
                return list(self._host.groups)
            case "results":
                return self._results.get(self._host.name, {})
            case "facts":
                return {}
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(("name", "address", "groups", "index", "vars", "facts", "results"))

    def __len__(self) -> int:
        return 7

    def __str__(self) -> str:
        return self._host.name

    def scope_within(self, scope: Mapping[str, Any]) -> Mapping[str, Any]:
        """The names that this host's own variables see: its own, though another host asks."""
        return {**scope, **self._host.vars, "host": self}


class HostsView(Mapping[str, HostView]):
    """All hosts by name; each view is made when it is asked for."""

    __slots__ = ("_plan", "_results")

    def __init__(self, plan: Plan, results: Results) -> None:
        self._plan = plan
        self._results = results

    def __getitem__(self, name: str) -> HostView:
        return HostView(self._plan.hosts.get(name) or self._plan.others[name], self._results)

    def __iter__(self) -> Iterator[str]:
        yield from self._plan.hosts
        yield from self._plan.others

    def __len__(self) -> int:
        return len(self._plan.hosts) + len(self._plan.others)


def static_names(
    variables: Mapping[str, Any], groups: Mapping[str, Any], given: Mapping[str, Any], extra: Mapping[str, Any]
) -> dict[str, Any]:
    """What is known before any host is chosen: variables, inputs and groups.

    ``given`` are the values of inputs, ``extra`` the command line's variables; both come before ``variables``.
    """
    return {**variables, **given, **extra, "inputs": given, "groups": groups}


def host_scope(
    plan: Plan,
    play: PlannedPlay,
    host: Host,
    *,
    wave: int,
    results: Results | None = None,
    secrets: Mapping[str, str] | None = None,
    run_id: str = "",
) -> dict[str, Any]:
    """Every name a step of this play sees on this host, but registered ones and loop items.

    Precedence as the language has it: host (group, inventory) vars, then playbook and play vars, then inputs and the
    command line's. ``results`` maps host names to what they have registered so far; ``wave`` counts from 1. Nothing
    that grows with the fleet is copied.
    """
    known: Results = {} if results is None else results
    hosts = play.waves[wave - 1].hosts if wave <= len(play.waves) else ()
    return {
        **host.vars,
        **play.vars,
        **play.given,
        **plan.extra,
        "host": HostView(host, known),
        "hosts": HostsView(plan, known),
        "groups": plan.groups,
        "wave": {"index": wave, "count": len(play.waves), "hosts": hosts},
        "play": {"id": play.id, "name": play.name},
        "run": {"id": run_id},
        "inputs": play.given,
        "secrets": secrets or {},
        "facts": {},
    }
