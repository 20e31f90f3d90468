"""Passwords and keys that stand in a file for all to read (W418). Their values are shown nowhere."""

import re
from collections.abc import Iterable, Iterator

from runner.loading.cursor import Cursor
from runner.loading.documents import Problems
from runner.loading.nodes import BlockTexts
from runner.loading.playbook import PlaybookTexts
from runner.location import Location
from runner.model.inventory import Become, Inventory, Layer

NAMES = re.compile(r"(?i)(^|_)(password|passwd|passphrase|secret|token|api_?key|private_?key)$")
PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
HINT = "declare it under secrets, from env, file, prompt or command, and use {{ secrets.NAME }}"


def check_clear_text(texts: PlaybookTexts, inventory: Inventory, problems: Problems) -> None:
    """Warn of variables that look like a secret, and of passwords that name none."""
    hosts = {id(layer): layer for host in inventory.hosts.values() for layer in host.layers}
    plays = [play.play.vars for play in texts.plays]
    for layer in [*texts.playbook.layers, *_defaults(texts), *plays, *hosts.values()]:
        _check_layer(layer, problems)
    steps = [part.cursor for play in texts.plays for part in (*play.parts, *play.gate)]
    declared = texts.playbook.secrets
    for cursor in [*(play.cursor for play in texts.plays), *steps]:
        _check_password(cursor.at("become", "password"), declared, problems)
    _check_connections(inventory, declared, problems)


def _defaults(texts: PlaybookTexts) -> Iterator[Layer]:
    """What inputs are where nobody gives them, and the variables of other playbooks and files that are included."""
    inputs = [texts.playbook.inputs]
    for play in texts.plays:
        if play.origin:
            yield from play.origin.layers
            inputs.append(play.origin.inputs)
        for part in play.parts:
            if isinstance(part, BlockTexts) and part.copy:
                inputs.append(part.copy.frame.inputs)
                values, top = part.copy.frame.vars, part.copy.steps.document
                yield Layer("file", values, {name: top.key_at(("vars", name)) for name in values})
    for some in inputs:
        values = {name: one.default for name, one in some.items()}
        yield Layer("inputs", values, {name: one.location for name, one in some.items()})


def _check_layer(layer: Layer, problems: Problems) -> None:
    for name, value in layer.values.items():
        if isinstance(value, str) and value and (NAMES.search(name) or PEM.search(value)):
            _warn(f'"{name}" looks like a secret in clear text', layer.locations[name], value, problems)


def _check_password(cursor: Cursor, declared: Iterable[str], problems: Problems) -> None:
    value = cursor.data
    if isinstance(value, str) and "{{" not in value and value not in declared:
        _warn("a password in clear text", cursor.key, value, problems)


def _check_connections(inventory: Inventory, declared: Iterable[str], problems: Problems) -> None:
    """Those of hosts; where one is shared by many, at the first of them."""
    hosts = [inventory.controller, *inventory.hosts.values()]
    found = {(host.options.get("password"), "ssh"): host.location for host in reversed(hosts)}
    users = [(host.become, host.location) for host in reversed(hosts)]
    found |= {(user.password, "become"): place for user, place in users if isinstance(user, Become)}
    for (value, what), location in reversed(found.items()):
        if isinstance(value, str) and value not in declared:
            _warn(f"a password for {what} in clear text", location, value, problems)
            _hide_passwords(value, problems)


def _hide_passwords(value: str, problems: Problems) -> None:
    """Take a password out of all lines: it may stand far from the host that it is for."""
    for file, lines in problems.sources.items():
        if any(value in line for line in lines):
            hidden = [line.replace(value, "***") if "password" in line else line for line in lines]
            problems.sources[file] = tuple(hidden)


def _warn(message: str, location: Location, value: str, problems: Problems) -> None:
    """Warn, and take the value out of the lines that excerpts are made from."""
    problems.warning("W418", message, location, HINT)
    lines = list(problems.sources.get(location.file, ()))
    parts = [part.strip() for part in value.splitlines() if part.strip()]
    first = location.line - 1
    for number in range(first, min(first + len(parts) + 2, len(lines))):  # a block starts on the line after its key
        for part in parts:
            lines[number] = lines[number].replace(part, "***")
    problems.sources[location.file] = tuple(lines)
