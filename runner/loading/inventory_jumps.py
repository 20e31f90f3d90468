"""Whether the hosts that others are reached through exist, and lead somewhere."""

from collections.abc import Callable, Mapping

from runner.loading.documents import Problems
from runner.location import Location
from runner.model.inventory import Host
from runner.model.template import Template
from runner.patterns import did_you_mean


def check_jumps(hosts: Mapping[str, Host], place: Callable[[Host], Location], problems: Problems) -> None:
    """Complain of jumps over hosts that are not in the inventory (E405), and of circles (E504).

    ``place`` says where the jump of a host is written. Hosts with the same options are looked at together.
    """
    gates: dict[int, frozenset[str]] = {}
    for host in hosts.values():
        if "jump" not in host.options:
            continue
        if id(host.options) not in gates:
            for name in _unknown(host, hosts):
                message = f'no host to jump over is called "{name}"'
                problems.error("E405", message, place(host), did_you_mean(name, hosts))
            gates[id(host.options)] = _gates(host, hosts)
        if host.name in gates[id(host.options)]:
            hint = "say `ssh: {jump: none}` for the host that is reached directly"
            problems.error("E504", f'host "{host.name}" would be reached through itself', host.location, hint)


def jumps(host: Host) -> list[str]:
    """The hosts that a host is reached through, the first hop first. What a template decides is known later."""
    value = host.options.get("jump")
    parts = value if isinstance(value, list) else [value]
    return [part for part in parts if isinstance(part, str) and not isinstance(part, Template)]


def _unknown(host: Host, hosts: Mapping[str, Host]) -> list[str]:
    return [name for name in jumps(host) if name not in hosts]


def _gates(host: Host, hosts: Mapping[str, Host]) -> frozenset[str]:
    """Every host on the way to a host, those on the way to them too."""
    found: set[str] = set()
    left = jumps(host)
    while left:
        name = left.pop()
        if name not in found and name in hosts:
            found.add(name)
            left += jumps(hosts[name])
    return frozenset(found)
