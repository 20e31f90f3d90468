"""Files become an Inventory: every host with all that applies to it.

What a file says at its top holds for the hosts that stand in it; a file without hosts speaks for all. Then come groups,
parents first and then in file order, then the range a host comes from, then its own entry: the nearest wins, key by
key under ``ssh`` and ``vars``, as a whole for the rest.

Why hosts share: ten thousand hosts of one range in the same groups differ in name and index alone, so what applies to
them is put together once for each pair of entry and groups, not once for each host.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.hostlist import MAX_HOSTS
from runner.loading.cursor import Cursor
from runner.loading.documents import Problems
from runner.loading.garbage import no_collector
from runner.loading.inventory_entries import Part, Settings, settle, twice
from runner.loading.inventory_files import InventoryFile, Source, files_of
from runner.loading.inventory_groups import Declared, Members, built, declared, parents_first
from runner.loading.inventory_jumps import check_jumps
from runner.loading.inventory_names import check_name, names_of
from runner.loading.inventory_schema import SCHEMA
from runner.loading.inventory_shape import check_shape
from runner.loading.names import why_not_group
from runner.loading.texts import Written
from runner.location import Location
from runner.model.inventory import CONTROLLER, Become, Host, Inventory, Layer, merged
from runner.model.template import Value

__all__ = ["SCHEMA", "Source", "load_inventory"]

CONNECTING = {"total": 32, "per_address": 8}
"""Connections being opened at the same time, where no file says otherwise."""


def load_inventory(
    sources: Source | Sequence[Source], problems: Problems, *, base: Path, notes: list[Written] | None = None
) -> Inventory:
    """The inventory in a file, a folder, a mapping ``(document, path)`` or a list of these; paths start at ``base``.

    All that is wrong is added to ``problems``; where that has errors, the inventory holds what could be made sense of.
    Templates are added to ``notes``, for whoever looks for undefined names.
    """
    with no_collector():
        files = [file for file in files_of(sources, problems, base=base) if _is_sound(file, problems)]
        return _Assembly(files, [] if notes is None else notes).inventory()


def _is_sound(file: InventoryFile, problems: Problems) -> bool:
    check_shape(file.cursor.document, problems, file.cursor.path)
    return isinstance(file.cursor.data, dict)


@dataclass(slots=True)
class _Applied:
    """What hosts of the same entries and groups share."""

    connection: str
    options: Mapping[str, Value]
    become: Become | None
    layers: tuple[Layer, ...]
    vars: Mapping[str, Value]


@dataclass(slots=True)
class _Assembly:
    """An inventory in the making."""

    files: Sequence[InventoryFile]
    notes: list[Written]
    order: dict[str, int] = field(default_factory=dict)
    ranges: dict[str, Settings] = field(default_factory=dict)
    own: dict[str, Settings] = field(default_factory=dict)
    common: list[tuple[InventoryFile | None, Settings]] = field(default_factory=list)
    groups: dict[str, Declared] = field(default_factory=dict)
    shared: dict[tuple[Any, ...], _Applied] = field(default_factory=dict)

    def inventory(self) -> Inventory:
        self._read_common()
        self._read_hosts()
        self._read_groups()
        members = Members(self.groups, self.order)
        groups = {name: built(group, members[name], self.order) for name, group in self.groups.items()}
        hosts = self._hosts(self._groups_of(groups))
        check_jumps(hosts, self._jump_place, self._problems)
        return Inventory(
            hosts=hosts,
            groups=groups,
            controller=self._controller(),
            connecting=self._connecting(),
            files=tuple(dict.fromkeys(file.name for file in self.files)),
        )

    @property
    def _problems(self) -> Problems:
        return self.files[0].cursor.problems if self.files else Problems()

    # -- reading

    def _read_common(self) -> None:
        """The keys at the top of files: of those without hosts first, and these together, as they speak for all."""
        general = [file for file in self.files if not file.cursor.data.get("hosts")]
        if general:
            self.common.append((None, settle("inventory", [_top(file) for file in general], self.notes)))
        special = [file for file in self.files if file not in general]
        self.common += [(file, settle("inventory", [_top(file)], self.notes)) for file in special]

    def _read_hosts(self) -> None:
        own: dict[str, list[Part]] = {}
        ranges: dict[str, list[Part]] = {}
        first: dict[str, str] = {}
        for file in self.files:
            for key, cursor, place in _items(file.cursor.at("hosts")):
                names = names_of(key, cursor, MAX_HOSTS - len(self.order))
                for name in names:
                    self.order.setdefault(name, len(self.order) + 1)
                if len(names) == 1:
                    own.setdefault(names[0], []).append(Part(file, cursor, place))
                elif names:
                    ranges.setdefault(key, []).append(Part(file, cursor, place))
                    for name in names:
                        first.setdefault(name, key)
        settled = {key: settle(f"hosts {key}", parts, self.notes) for key, parts in ranges.items()}
        self.ranges = {name: settled[key] for name, key in first.items()}
        self.own = {name: settle(f"host {name}", parts, self.notes) for name, parts in own.items()}
        for settings in (*settled.values(), *self.own.values()):
            self._check_reach(settings)

    def _check_reach(self, settings: Settings) -> None:
        """Connection keys on a host that is not reached over SSH have no effect."""
        if settings.connection not in (None, "ssh") and settings.ssh_place is not None:
            message = f'keys under "ssh" have no effect with the connection "{settings.connection}"'
            self._problems.error("E401", message, settings.ssh_place, "leave them out")

    def _read_groups(self) -> None:
        parts: dict[str, list[Part]] = {}
        for file in self.files:
            for name, cursor, place in _items(file.cursor.at("groups")):
                parts.setdefault(name, []).append(Part(file, cursor, place))
        for name, found in parts.items():
            check_name("group", name, why_not_group(name), found[0].cursor)
            if name in self.order:
                at = (self.own.get(name) or self.ranges[name]).place
                twice(found[0].cursor, f'"{name}", a host and a group,', at)
            settings = settle(f"group {name}", found, self.notes)
            self.groups[name] = declared(name, settings, [part.cursor for part in found])

    # -- putting together

    def _groups_of(self, groups: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        """The groups of each host that is in any, parents first."""
        found: dict[str, list[str]] = {}
        for group in parents_first(self.groups):
            for host in groups[group].hosts:
                found.setdefault(host, []).append(group)
        same: dict[tuple[str, ...], tuple[str, ...]] = {}
        return {host: same.setdefault(names, names) for host, names in ((h, tuple(n)) for h, n in found.items())}

    def _hosts(self, groups_of: Mapping[str, tuple[str, ...]]) -> dict[str, Host]:
        hosts = {}
        for name, index in self.order.items():
            entries = [entry for entry in (self.ranges.get(name), self.own.get(name)) if entry is not None]
            groups = groups_of.get(name, ())
            applied = self._applied(entries, groups)
            hosts[name] = Host(
                name=name,
                index=index,
                address=next((entry.address for entry in reversed(entries) if entry.address is not None), name),
                location=entries[-1].place,
                connection=applied.connection,
                options=applied.options,
                become=applied.become,
                groups=groups,
                layers=applied.layers,
                vars=applied.vars,
            )
        return hosts

    def _applied(self, entries: Sequence[Settings], groups: tuple[str, ...]) -> _Applied:
        key = (*(_weight(entry) for entry in entries), groups)
        found = self.shared.get(key)
        if found is None:
            found = self.shared[key] = _apply(self._chain(entries, groups))
        return found

    def _chain(self, entries: Sequence[Settings], groups: tuple[str, ...]) -> list[Settings]:
        """All settings that apply, the nearest last."""
        files = [file for entry in entries for file in entry.files]
        common = [settings for file, settings in self.common if file is None or file in files]
        return [*common, *(self.groups[name].settings for name in groups), *entries]

    def _jump_place(self, host: Host) -> Location:
        """Where the jump that holds for a host is written."""
        entries = [entry for entry in (self.ranges.get(host.name), self.own.get(host.name)) if entry is not None]
        places = [settings.jump_place for settings in self._chain(entries, host.groups) if settings.jump_place]
        return places[-1] if places else host.location

    def _controller(self) -> Host:
        """This machine: it has the variables of all files, and nothing else of them."""
        layers = tuple(settings.layer for _, settings in self.common if settings.layer)
        place = Location(self.files[0].name if self.files else "inventory", 1)
        return Host(CONTROLLER, 0, "localhost", place, connection="local", layers=layers, vars=merged(layers))

    def _connecting(self) -> Mapping[str, int]:
        given = [place for file in self.files if (place := file.cursor.at("ssh", "connecting")).data is not None]
        for second in given[1:]:
            twice(second, '"connecting" of the inventory', given[0].key)
        value = given[0].data if given else {}
        return {**CONNECTING, **(value if isinstance(value, dict) else {"total": value})}


def _top(file: InventoryFile) -> Part:
    return Part(file, file.cursor, file.cursor.key)


def _items(cursor: Cursor) -> Iterator[tuple[str, Cursor, Location]]:
    """The items of a mapping, each with the place of its key."""
    places = cursor.document.keys_of(cursor.data) if isinstance(cursor.data, dict) else {}
    for key, place in places.items():
        yield key, cursor.at(key), place


def _weight(entry: Settings) -> object:
    """Entries that say nothing are alike, wherever they stand; all others are themselves."""
    says = entry.layer or entry.ssh or entry.connection or entry.become is not None
    return id(entry) if says else tuple(id(file) for file in entry.files)


def _apply(chain: Sequence[Settings]) -> _Applied:
    connection = next((found.connection for found in reversed(chain) if found.connection), "ssh")
    become = next((found.become for found in reversed(chain) if found.become is not None), None)
    options: dict[str, Value] = {}
    for settings in chain:
        options.update(settings.ssh)
    if options.get("jump") in ("none", ["none"]):
        del options["jump"]
    layers = tuple(settings.layer for settings in chain if settings.layer)
    return _Applied(connection, options if connection == "ssh" else {}, become or None, layers, merged(layers))
