"""The keys under ``ssh:`` of an inventory, for each kind of connection, as JSON Schema.

Why apart from the transports: whoever only checks or prints an inventory must not load an SSH library.
"""

from collections.abc import Mapping
from typing import Any

from runner.fragments import BOOLEAN, DURATION, FILLED, Schema, choice, mapping, or_template

PATHS: Schema = {"anyOf": [FILLED, {"type": "array", "items": FILLED, "minItems": 1}]}
"""One path or a list of them."""

COUNT = or_template({"type": "integer", "minimum": 1})
NAMES: Schema = {"type": "array", "items": FILLED, "minItems": 1}

SSH_KEYS: Mapping[str, Schema] = {
    "user": {**FILLED, "description": "the user to log in as; without it, the user who runs runner"},
    "port": or_template({"type": "integer", "minimum": 1, "maximum": 65535}),
    "identity": {**PATHS, "description": "private key files; paths start at the inventory file"},
    "password": {**FILLED, "description": "the name of a secret of the playbook"},
    "jump": {**PATHS, "description": "a host of the inventory, or a chain of them; none disables an inherited one"},
    "known_hosts": {**FILLED, "description": "the known_hosts file; paths start at the inventory file"},
    "host_key_policy": choice("strict", "accept-new"),
    "connect_timeout": DURATION,
    "connect_attempts": COUNT,
    "keepalive": {
        "anyOf": [*DURATION["anyOf"], mapping({"interval": DURATION, "count": COUNT}, ("interval",))],
        "description": "the seconds between two signs of life, and how many may stay unanswered",
    },
    "config": {**BOOLEAN, "description": "whether to read the user's ssh_config"},
    "algorithms": mapping({"kex": NAMES, "ciphers": NAMES, "macs": NAMES, "host_keys": NAMES}),
}
"""What can be said about an SSH connection."""

SSH_SCHEMA: Mapping[str, Any] = mapping(SSH_KEYS)
LOCAL_SCHEMA: Mapping[str, Any] = mapping({})
DEMO_SCHEMA: Mapping[str, Any] = mapping({})
FAKE_SCHEMA: Mapping[str, Any] = mapping({})

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "ssh": SSH_SCHEMA,
    "local": LOCAL_SCHEMA,
    "demo": DEMO_SCHEMA,
    "fake": FAKE_SCHEMA,
}
"""The schema of the keys under ``ssh:`` by the word of ``connection:``."""
