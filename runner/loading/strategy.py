"""How a play moves over its hosts: the short form or the mapping, with the defaults of its type."""

import re
from typing import Any, Literal

from runner.loading.cursor import Cursor, given
from runner.loading.step_language import LARGEST
from runner.loading.step_values import duration_of
from runner.model.playbook import Check, Strategy

PERCENT = re.compile(r"([1-9][0-9]?|100)%\Z")
SIZES = 'write a count (3), a percentage ("25%") or rest'

NEEDLESS = {"parallel": ("waves", "of", "bake", "approve"), "sequential": ("waves", "of")}
"""Keys that would do nothing, by type."""

AS_WRITTEN = ("order", "concurrency", "sync", "max_failures", "max_failure_percent", "failure_scope", "on_exceed")
"""Keys whose values are taken as they are."""


def strategy_of(cursor: Cursor, gate: tuple[Check, ...] = ()) -> Strategy:
    """The strategy at a place whose shape has been checked. Complains (E406) of what has no meaning."""
    data = cursor.data if isinstance(cursor.data, dict) else {"type": cursor.data}
    kind = data.get("type", "parallel")
    values = {key: data[key] for key in (*AS_WRITTEN, "per_group_limit", "of", "spread") if key in data}
    if kind != "parallel" and "max_failures" not in data and "max_failure_percent" not in data:
        values["max_failures"] = 0
    _check_groups(cursor, data)
    _check_waves(cursor, data, kind)
    group_by = data.get("group_by")
    return Strategy(
        type=kind,
        waves=_waves(cursor, kind),
        group_by=tuple(group_by) if isinstance(group_by, list) else group_by,
        preflight=data.get("preflight", kind != "parallel"),
        gate=gate,
        bake=duration_of(cursor.at("bake")),
        approve=_approve(data.get("approve", [])),
        **values,
    )


def _approve(data: Any) -> Literal["each"] | tuple[int, ...]:
    if data == "each":
        return "each"
    if data in ("after-first", "none"):
        return (1,) if data == "after-first" else ()
    return tuple(sorted(data)) if isinstance(data, list) else (data,)


def _waves(cursor: Cursor, kind: str) -> tuple[int | str, ...]:
    place = cursor.at("waves")
    if not isinstance(cursor.data, dict) or "waves" not in cursor.data:
        is_rest = kind == "parallel" or (kind == "rolling" and cursor.at("spread").data == "one_per_group")
        return ("rest",) if is_rest else (1,)
    return sizes_of(place) or (1,)


def _check_waves(cursor: Cursor, data: dict[str, Any], kind: str) -> None:
    """Complains (E406) of what is about several waves where there is one, or about their sizes where these are set."""
    for key in NEEDLESS.get(kind, ()):
        if key in data:
            message = f'"{key}" has no meaning for the type "{kind}"'
            cursor.problems.error("E406", message, cursor.at(key).key, f"write type: rolling, or leave {key} out")
    if kind == "parallel" and data.get("spread") == "one_per_group":
        message = "one host of each group in a wave asks for several waves"
        cursor.at("spread").error("E406", message, "write type: rolling")


def sizes_of(place: Cursor) -> tuple[int | str, ...]:
    """Sizes of waves: one or a list of them. Complains (E406) of each that is none."""
    if not isinstance(place.data, list):
        return _checked(place)
    if not place.data:
        place.error("E406", "the list of waves is empty", SIZES)
    sizes = tuple(size for part in place.parts() for size in _checked(part))
    if "rest" in sizes[:-1] and len(sizes) == len(place.data):
        place.at(sizes.index("rest") + 1).error("E406", 'no host is left after "rest"', "put rest last")
    return sizes


def _checked(place: Cursor) -> tuple[int | str, ...]:
    if is_size(place.data):
        return (place.data,)
    is_quoted = isinstance(place.data, str) and place.data.isdecimal()
    message = f"{given(place.data)} is no size of a wave"
    place.error("E312" if is_quoted else "E406", message, f"remove the quotes: {place.data}" if is_quoted else SIZES)
    return ()


def is_size(value: Any) -> bool:
    """Whether a value is a count, a percentage of 1 to 100, or ``rest``."""
    if isinstance(value, str):
        return value == "rest" or PERCENT.match(value) is not None
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST


def _check_groups(cursor: Cursor, data: dict[str, Any]) -> None:
    for key in ("per_group_limit", "spread"):
        if key in data and "group_by" not in data:
            place = cursor.at(key).key
            cursor.problems.error("E406", f'"{key}" has no meaning without "group_by"', place, "add group_by")
