"""An inventory as JSON Schema, for our own checks and for editors."""

from collections.abc import Mapping
from typing import Any

from runner.fragments import FILLED, Schema, mapping
from runner.loading.step_language import BECOME, LARGEST, VARS
from runner.transports.options import SSH_KEYS

CONNECTIONS = ("ssh", "local", "demo")
"""The words that may stand behind ``connection:``."""

COUNT: Schema = {"type": "integer", "minimum": 1, "maximum": LARGEST}
CONNECTING: Schema = {"anyOf": [COUNT, mapping({"total": COUNT, "per_address": COUNT})]}

COMMON: Mapping[str, Schema] = {
    "vars": VARS,
    "become": BECOME,
    "connection": {"enum": list(CONNECTIONS)},
}
"""What hosts, groups and the file may all say, beside ``ssh``."""

NAMES: Schema = {"type": "array", "items": FILLED}


def _declared(properties: Mapping[str, Schema]) -> dict[str, Any]:
    """A mapping with these keys, or nothing: a host or group may be no more than its name."""
    return {**mapping(properties), "type": ["object", "null"]}


def _host(ssh_keys: Mapping[str, Schema]) -> dict[str, Any]:
    return _declared({"address": FILLED, **COMMON, "ssh": mapping(ssh_keys)})


def _inventory(ssh_keys: Mapping[str, Schema], host: Schema) -> dict[str, Any]:
    common = {**COMMON, "ssh": mapping(ssh_keys)}
    group = _declared({"hosts": NAMES, "groups": NAMES, **common})
    return mapping(
        {
            **common,
            "ssh": mapping({**ssh_keys, "connecting": CONNECTING}),
            "hosts": {"type": "object", "additionalProperties": host},
            "groups": {"type": "object", "additionalProperties": group},
        }
    )


SCHEMA: Mapping[str, Any] = _inventory(SSH_KEYS, _host(SSH_KEYS))
"""A whole inventory."""

OPEN_KEYS: Mapping[str, Schema] = {**SSH_KEYS, "port": {}}
"""Connection keys with ports left open: ports have a code of their own."""

HOST: Mapping[str, Any] = _host(OPEN_KEYS)
"""One host, for our own checks."""

FRAME: Mapping[str, Any] = _inventory(OPEN_KEYS, {})
"""All but the hosts, for our own checks."""
