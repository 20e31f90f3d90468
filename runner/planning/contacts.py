"""The hosts that a plan reaches, gateways included, with addresses and options ready to use; pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from runner.errors import RenderError
from runner.location import Problem
from runner.model.changed import changed
from runner.model.inventory import Host, Inventory
from runner.model.template import Template, Value, has_template
from runner.patterns import did_you_mean
from runner.planning.names import as_problem, scope_of_host
from runner.templating import Templates

NO_JUMP = "none"
"""What ``jump`` says to disable an inherited one."""


class Contacts:
    """Hosts by name, rendered when first asked for. ``scope`` are the names that stand above a host's own.

    ``secrets`` are the names of the playbook's secrets: in a ``password`` a secret stands for its name, since no plan
    holds its value.
    """

    def __init__(
        self, inventory: Inventory, templates: Templates, scope: Mapping[str, Any], secrets: Iterable[str]
    ) -> None:
        self._inventory = inventory
        self._templates = templates
        self._scope = scope
        self._secrets = {name: name for name in secrets}
        self._is_plain: dict[int, bool] = {}
        self._hosts: dict[str, Host] = {}
        self._problems: dict[Problem, None] = {}

    def reach(self, names: Iterable[str]) -> None:
        """Take in these hosts and every gateway on the way to them."""
        for name in names:
            self._reach(name, ())

    @property
    def hosts(self) -> Mapping[str, Host]:
        """All that were reached, in inventory order, the controller last."""
        known = self._inventory.hosts
        return dict(sorted(self._hosts.items(), key=lambda item: (item[0] not in known, item[1].index)))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What can't be rendered, and gateways that are not there or lead round in a circle."""
        return tuple(self._problems)

    def _reach(self, name: str, way: tuple[Host, ...]) -> None:
        """``way`` leads from a host of a wave to the gateway ``name``."""
        if any(host.name == name for host in way):
            circle = " -> ".join((*(host.name for host in way), name))
            hint = f'write "jump: none" for "{name}" if it is reached directly'
            self._complain(way[-1], "E504", f"jump hosts go round in a circle: {circle}", hint)
        elif name not in self._hosts:
            self._take(name, way)

    def _take(self, name: str, way: tuple[Host, ...]) -> None:
        found = self._inventory.find(name)
        if found is None:
            message = f'the jump host "{name}" of "{way[-1].name}" is not in the inventory'
            self._complain(way[-1], "E405", message, did_you_mean(name, self._inventory.hosts))
            return
        host = self._rendered(found)
        for hop in jumps(host):
            self._reach(hop, (*way, host))
        self._hosts[name] = host

    def _complain(self, host: Host, code: str, message: str, hint: str) -> None:
        self._problems[Problem(code, message, host.location, hint)] = None

    def _rendered(self, host: Host) -> Host:
        if not isinstance(host.address, Template) and self._has_plain_options(host):
            return host
        try:
            address = self._address(host)
            options = {key: self._option(host, key, value) for key, value in host.options.items()}
        except RenderError as error:
            self._problems[as_problem(error)] = None
            return host
        return changed(host, address=address, options=options)

    def _has_plain_options(self, host: Host) -> bool:
        # Hosts of a range share one mapping, so that thousands of them are looked at once.
        key = id(host.options)
        if key not in self._is_plain:
            self._is_plain[key] = not any(has_template(value) for value in host.options.values())
        return self._is_plain[key]

    def _address(self, host: Host) -> str:
        address = self._templates.render(host.address, scope_of_host(host, self._scope))
        if isinstance(address, str) and address:
            return address
        place = host.address.location if isinstance(host.address, Template) else host.location
        raise RenderError(f'the address of "{host.name}" is no text; got "{address}"', location=place)

    def _option(self, host: Host, key: str, value: Value) -> Value:
        if not has_template(value):
            return value
        scope = scope_of_host(host, self._scope)
        return self._templates.render(value, {**scope, "secrets": self._secrets} if key == "password" else scope)


def jumps(host: Host) -> tuple[str, ...]:
    """The names of the gateways that a host, rendered, names."""
    jump = host.options.get("jump")
    names = [jump] if isinstance(jump, str) else jump or []
    return tuple(name for name in names if name != NO_JUMP)
