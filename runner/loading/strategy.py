"""How a play moves over its hosts: the short form or the mapping, with the defaults of its type."""

import re
from typing import Any

from runner.loading.cursor import Cursor, given
from runner.model.playbook import Strategy

PERCENT = re.compile(r"([1-9][0-9]?|100)%\Z")
SIZES = 'write a count (3), a percentage ("25%") or rest'


def strategy_of(cursor: Cursor) -> Strategy:
    """The strategy at a place whose shape has been checked. Complains (E406) of what has no meaning."""
    data = cursor.data if isinstance(cursor.data, dict) else {"type": cursor.data}
    kind = data.get("type", "parallel")
    values = {key: value for key, value in data.items() if key not in {"type", "waves", "group_by"}}
    if kind != "parallel" and "max_failures" not in data and "max_failure_percent" not in data:
        values["max_failures"] = 0
    _check_groups(cursor, data)
    group_by = data.get("group_by")
    return Strategy(
        type=kind,
        waves=_waves(cursor, kind),
        group_by=tuple(group_by) if isinstance(group_by, list) else group_by,
        **values,
    )


def _waves(cursor: Cursor, kind: str) -> tuple[int | str, ...]:
    place = cursor.at("waves")
    if not isinstance(cursor.data, dict) or "waves" not in cursor.data:
        return ("rest",) if kind == "parallel" else (1,)
    if kind != "rolling":
        message = f'"waves" has no meaning for the type "{kind}"'
        cursor.problems.error("E406", message, place.key, "write type: rolling, or leave waves out")
    sizes = sizes_of(place)
    return sizes or (1,)


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
    place.error("E406", f"{given(place.data)} is no size of a wave", SIZES)
    return ()


def is_size(value: Any) -> bool:
    """Whether a value is a count, a percentage of 1 to 100, or ``rest``."""
    if isinstance(value, str):
        return value == "rest" or PERCENT.match(value) is not None
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _check_groups(cursor: Cursor, data: dict[str, Any]) -> None:
    if "per_group_limit" in data and "group_by" not in data:
        place = cursor.at("per_group_limit").key
        cursor.problems.error("E406", '"per_group_limit" has no meaning without "group_by"', place, "add group_by")
