"""Whether an inventory is well-formed.

Why hosts are checked by their shape: a fleet's hosts differ in addresses and in the values of variables, which may be
anything. So only the first of all hosts with the same shape meets the schema, unless that one has a fault; 50,000
written hosts would else take seconds.
"""

from collections.abc import Hashable
from typing import Any

from runner.loading.documents import Document, Problems, Steps
from runner.loading.inventory_schema import FRAME, HOST
from runner.loading.schema import validate


def check_shape(document: Document, problems: Problems, path: Steps) -> None:
    """Report everything of the inventory at ``path`` that does not fit its schema."""
    validate(document, FRAME, problems, path)
    inventory = document.at(path)
    hosts = inventory.get("hosts") if isinstance(inventory, dict) else None
    fine: set[Hashable] = set()
    for name, host in hosts.items() if isinstance(hosts, dict) else ():
        shape = _shape(host)
        if shape not in fine:
            before = len(problems.items)
            validate(document, HOST, problems, (*path, "hosts", name))
            if len(problems.items) == before:
                fine.add(shape)


def _shape(host: Any) -> Hashable:
    """What the schema looks at: equal shapes are equally well-formed."""
    if not isinstance(host, dict):
        return repr(host)
    return tuple((key, _aspect(key, value)) for key, value in host.items())


def _aspect(key: str, value: Any) -> Hashable:
    if key == "address" and isinstance(value, str):
        return bool(value)
    return tuple(value) if key == "vars" and isinstance(value, dict) else repr(value)
