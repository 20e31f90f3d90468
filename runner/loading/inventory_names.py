"""The keys of an inventory's hosts and groups as names: ranges expanded, bad names refused."""

from runner.hostlist import MAX_HOSTS, HostListError, expand
from runner.loading.cursor import Cursor
from runner.loading.names import Reason, why_not_host
from runner.location import Location


def names_of(pattern: str, cursor: Cursor, left: int = MAX_HOSTS) -> list[str]:
    """The names that one key of ``hosts`` stands for; none, and a problem, where it is no good.

    ``left`` is how many more an inventory may have.
    """
    if why_not_host(pattern) is None:
        return [pattern]
    if "[" not in pattern or (pattern.startswith("[") and ":" in pattern):
        check_name("host", pattern, why_not_host(pattern), cursor)
        return []
    try:
        names = expand(pattern, most=left)
    except HostListError as error:
        place = cursor.key
        shift = 1 if place.length == len(pattern) + 2 else 0
        at = Location(place.file, place.line, place.column + shift + error.position)
        cursor.problems.error("E505", error.message, at, error.hint)
        return []
    longest = max(names, key=len)
    reason = ("has a comma outside of brackets", "write two keys") if _has_list(pattern) else why_not_host(longest)
    return names if check_name("host", pattern, reason, cursor) else []


def _has_list(pattern: str) -> bool:
    return "," in pattern.partition("[")[0] or any("," in rest.partition("[")[0] for rest in pattern.split("]")[1:])


def check_name(what: str, name: str, reason: Reason | None, cursor: Cursor) -> bool:
    """Whether there is no reason against a name; complains (E502) where there is one."""
    if reason:
        cursor.problems.error("E502", f'{what} name "{name}" {reason[0]}', cursor.key, reason[1])
    return reason is None
