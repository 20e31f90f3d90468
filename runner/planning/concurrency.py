"""How many hosts of a play are at work at once, and how that was reckoned; pure."""

from collections.abc import Sequence
from typing import Literal

from runner.model.plan import Wave

MOST = 100
"""Hosts at work at once under ``auto``, however many there are: what one controller can watch over."""


def reckoned(wanted: int | Literal["auto"], waves: Sequence[Wave], max_open: int | None) -> tuple[int, str]:
    """The number, at least 1, and for ``auto`` the words that say where it comes from (else empty).

    ``max_open`` is how many hosts may be open at once by the limits on open files, None where that is not known.
    """
    if wanted != "auto":
        return wanted, ""
    largest = max((len(wave.hosts) for wave in waves), default=1)
    hosts = f"{largest} host{'' if largest == 1 else 's'}{' in the largest wave' if len(waves) > 1 else ''}"
    files = [] if max_open is None else [(max_open, f"{max_open} by open files")]
    limits = [(largest, hosts), *files, (MOST, str(MOST))]
    number = max(1, min(limit for limit, _ in limits))
    return number, f"auto: {number} = smallest of {', '.join(words for _, words in limits)}"
