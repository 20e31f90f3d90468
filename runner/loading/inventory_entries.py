"""What an inventory says about one host, group, range or file: keys from all its files, put together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from runner.loading.cursor import Cursor, given
from runner.loading.inventory_files import InventoryFile
from runner.loading.names import RESERVED_VARIABLES, why_not_address
from runner.loading.texts import Written, templates_of
from runner.location import Location
from runner.model.inventory import Become, Layer
from runner.model.template import Template, Value

PATH_KEYS = frozenset({"identity", "known_hosts"})


@dataclass(frozen=True, slots=True)
class Part:
    """What one file says about it, and the place of its key."""

    file: InventoryFile
    cursor: Cursor
    place: Location


@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """All that is said about one host, group, range or file. None is nothing said; ``become`` False refuses it.

    ``ssh_place`` is where ssh keys stand, ``jump_place`` where a jump does.
    """

    place: Location
    files: tuple[InventoryFile, ...] = ()
    address: Value = None
    connection: str | None = None
    become: Become | Literal[False] | None = None
    layer: Layer | None = None
    ssh: Mapping[str, Value] = field(default_factory=dict)
    ssh_place: Location | None = None
    jump_place: Location | None = None


def settle(origin: str, parts: Sequence[Part], notes: list[Written]) -> Settings:
    """Put the keys of all files together; a key in two of them is a problem (E501) that names both places."""
    keys = _once(origin, [part.cursor for part in parts], only=("address", "connection", "become"))
    variables = _once(origin, [part.cursor.at("vars") for part in parts if _has(part, "vars")])
    ssh = _once(origin, [part.cursor.at("ssh") for part in parts if _has(part, "ssh")], without="connecting")
    folders = {id(part.cursor.document): part.file.folder for part in parts} if ssh else {}
    return Settings(
        place=parts[0].place,
        files=tuple(part.file for part in parts),
        address=_address(keys.get("address"), notes),
        connection=keys["connection"].data if "connection" in keys else None,
        become=_become(keys.get("become"), notes),
        layer=_layer(origin, variables, parts, notes) if variables else None,
        ssh={key: _option(key, cursor, folders[id(cursor.document)], notes) for key, cursor in ssh.items()},
        ssh_place=next(iter(ssh.values())).key if ssh else None,
        jump_place=ssh["jump"].here if "jump" in ssh else None,
    )


def _has(part: Part, key: str) -> bool:
    return isinstance(part.cursor.data, dict) and key in part.cursor.data


def _once(origin: str, cursors: Sequence[Cursor], only: Sequence[str] = (), *, without: str = "") -> dict[str, Cursor]:
    """The items of several mappings as one."""
    found: dict[str, Cursor] = {}
    for cursor in cursors:
        for key in cursor.data if isinstance(cursor.data, dict) else ():
            if key == without or (only and key not in only):
                continue
            if key in found:
                twice(cursor.at(key), f'"{key}" of {origin}', found[key].key)
            else:
                found[key] = cursor.at(key)
    return found


def twice(second: Cursor, what: str, first: Location) -> None:
    """Complain of what stands in two places."""
    second.problems.error("E501", f"{what} is given twice; first at {first}", second.key, "keep one of the two")


def _layer(origin: str, variables: Mapping[str, Cursor], parts: Sequence[Part], notes: list[Written]) -> Layer:
    for name, cursor in variables.items():
        if name in RESERVED_VARIABLES:
            message = f'"{name}" is always there and can\'t be a variable'
            cursor.problems.error("E412", message, cursor.key, "take another name")
    values = {name: templates_of(cursor, notes) for name, cursor in variables.items()}
    places: dict[str, Location] = {}
    for part in reversed(parts):
        if _has(part, "vars") and isinstance(part.cursor.data["vars"], dict):
            places.update(part.cursor.document.keys_of(part.cursor.data["vars"]))
    return Layer(origin, values, places)


def _address(cursor: Cursor | None, notes: list[Written]) -> Value:
    if cursor is None:
        return None
    address = templates_of(cursor, notes)
    if (
        isinstance(address, str)
        and not cursor.problems.has_error_at(cursor.here)
        and (reason := why_not_address(address))
    ):
        cursor.error("E502", f'address "{address}" {reason[0]}', reason[1])
    return address


def _become(cursor: Cursor | None, notes: list[Written]) -> Become | Literal[False] | None:
    if cursor is None:
        return None
    if not isinstance(cursor.data, dict):
        return Become() if cursor.data is True else False
    values = templates_of(cursor, notes)
    if isinstance(values.get("user"), Template):
        cursor.at("user").error("E408", "the user to become can't be a template")
        return None
    return Become(**{key: value for key, value in values.items() if key in Become.__struct_fields__})


def _option(key: str, cursor: Cursor, folder: Path, notes: list[Written]) -> Value:
    """One key under ``ssh:``. Paths that start neither at the root nor at a home start at the inventory file."""
    if key == "port":
        _check_port(cursor)
    value = templates_of(cursor, notes)
    if key in PATH_KEYS:
        return [_path(part, folder) for part in value] if isinstance(value, list) else _path(value, folder)
    return value


def _check_port(cursor: Cursor) -> None:
    port: Any = cursor.data
    if isinstance(port, str) and ("{{" in port or "{%" in port):
        return
    if cursor.problems.has_error_at(cursor.here):
        return
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        hint = "remove the quotes" if isinstance(port, str) and port.isdecimal() else ""
        cursor.error("E503", f"{given(port)} is no port; a port is a number from 1 to 65535", hint)


def _path(value: Value, folder: Path) -> Value:
    if isinstance(value, Template):
        if value.source.startswith(("/", "~", "{")):
            return value
        return Template(f"{folder}/{value.source}", value.location)
    return value if not isinstance(value, str) or value.startswith(("/", "~")) else str(folder / value)
