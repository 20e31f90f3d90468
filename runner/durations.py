"""Durations as people write them: ``500ms``, ``10s``, ``5m``, ``1h30m``, ``2d``, or a number of seconds; pure."""

import math
import re

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
LONGEST = 3650 * 86400.0
"""Seconds of the longest duration."""

FORMS = "write 500ms, 10s, 5m, 1h30m, 2d or a number of seconds"


def seconds(value: float | str) -> float:
    """The seconds that a duration means. Raises ValueError, with the accepted forms, for anything else."""
    if isinstance(value, str):
        if not PART.sub("", value.strip()) == "" or not value.strip():
            raise ValueError(f'"{value}" is no duration; {FORMS}')
        return _bounded(sum(float(number) * SECONDS[unit] for number, unit in PART.findall(value)), value)
    if isinstance(value, bool) or not 0 <= value < math.inf:
        raise ValueError(f'"{value}" is no duration; {FORMS}')
    return _bounded(float(value), value)


def _bounded(found: float, written: float | str) -> float:
    """Longer ones are slips: no clock and no timer bears them."""
    if found > LONGEST:
        raise ValueError(f'"{written}" is longer than ten years, the limit; {FORMS}')
    return found


def written(value: float) -> str:
    """A number of seconds as a person would write it: ``1h30m``, ``10s``, ``0.5s``."""
    if value < 60 or not float(value).is_integer():
        return f"{value:g}s"
    rest, parts = int(value), ""
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, int(SECONDS[unit]))
        parts += f"{count}{unit}" if count else ""
    return parts
