"""How each step that progress counts has ended on a host: four bits a step, packed into one whole number.

**Why packed.** 10,000 hosts and 20 steps are 200,000 ends; a text for each would cost more than all else that is kept.
"""

from runner.model.outcome import Status

CODES = {
    Status.OK.value: 1,
    Status.CHANGED.value: 2,
    Status.SKIPPED.value: 3,
    Status.FAILED.value: 4,
    Status.TIMED_OUT.value: 5,
    Status.UNREACHABLE.value: 6,
    Status.UNKNOWN.value: 7,
    Status.CANCELLED.value: 8,
}
"""A code for each status; 0 is no end yet."""

TAKEN = 5
"""Added to the code of a bad end that was ignored or rescued: nobody waits for a better one."""

STATUSES = ("", *CODES, *list(CODES)[3:])
"""The status of each code."""

_OPEN = frozenset(range(CODES[Status.FAILED], CODES[Status.CANCELLED] + 1))


def end_at(ends: int, index: int) -> int:
    """The code of the step with that index."""
    return ends >> 4 * index & 15


def with_end(ends: int, index: int, code: int) -> int:
    """The same with another code for one step."""
    return ends ^ (end_at(ends, index) ^ code) << 4 * index


def wants_another(code: int) -> bool:
    """Whether a step with this end has to run again, so that its host may go on."""
    return code in _OPEN
