"""Durations as people write them: ``500ms``, ``10s``, ``5m``, ``1h30m``, ``2d``, or a number of seconds; pure."""

import math
import re

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
FORMS = "write 500ms, 10s, 5m, 1h30m, 2d or a number of seconds"


def seconds(value: float | str) -> float:
    """The seconds that a duration means. Raises ValueError, with the accepted forms, for anything else."""
    if isinstance(value, str):
        if not PART.sub("", value.strip()) == "" or not value.strip():
            raise ValueError(f'"{value}" is no duration; {FORMS}')
        return sum(float(number) * SECONDS[unit] for number, unit in PART.findall(value))
    if isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise ValueError(f'"{value}" is no duration; {FORMS}')
    return float(value)


def written(value: float) -> str:
    """A number of seconds as a person would write it: ``1h30m``, ``10s``, ``0.5s``."""
    if value < 60 or not float(value).is_integer():
        return f"{value:g}s"
    rest, parts = int(value), ""
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, int(SECONDS[unit]))
        parts += f"{count}{unit}" if count else ""
    return parts
