"""Hosts cut into waves; pure.

**Why named waves.** A plan that names the hosts of each wave can be printed, reviewed and kept, and what was planned is
what runs. The price is hosts that idle at the end of a wave; a larger wave with a ``concurrency`` is the answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, repeat

from runner.model.plan import Wave
from runner.model.playbook import Strategy

REST = "rest"

Shorten = Callable[[int, int], int]
"""Where a wave that could be ``hosts[start:end]`` has to end."""


def waves_of(strategy: Strategy, hosts: Sequence[str], group_of: Mapping[str, str] | None = None) -> tuple[Wave, ...]:
    """The waves of a play: one for ``parallel``, one a host for ``sequential``, and for ``rolling`` as ``waves`` says.

    ``hosts`` are the selected hosts in the order in which they are to be let in, ``group_of`` their groups. Where
    ``spread`` says so, a wave ends before a second host of a group, or before the next group.
    """
    sizes: dict[str, tuple[int | str, ...]] = {"parallel": (REST,), "sequential": (1,), "rolling": strategy.waves}
    shorten = _shorten(strategy, hosts, group_of or {})
    return cut(hosts, sizes[strategy.type], of=strategy.of, shorten=shorten)


def cut(
    hosts: Sequence[str], sizes: Sequence[int | str], *, of: str = "total", shorten: Shorten | None = None
) -> tuple[Wave, ...]:
    """Consecutive slices of ``hosts`` of these sizes at most: counts, ``"25%"`` or ``rest``.

    Percentages are of all hosts given, or with ``of`` ``remaining`` of those not yet in a wave. The last size repeats
    until no host is left; sizes that no host is left for are not used.
    """
    waves: list[Wave] = []
    start, total = 0, len(hosts)
    for size in _repeating(sizes):
        if start >= total:
            break
        whole = total - start if of == "remaining" else total
        end = total if size == REST else min(total, start + count(size, whole))
        if shorten is not None:
            end = shorten(start, end)
        waves.append(Wave(len(waves) + 1, tuple(hosts[start:end])))
        start = end
    return tuple(waves)


def count(size: int | str, total: int) -> int:
    """The hosts that a count or a percentage of ``total`` hosts means: floored, in integers, and at least 1."""
    if isinstance(size, int):
        return size
    return max(1, int(size.removesuffix("%")) * total // 100)


def _repeating(sizes: Sequence[int | str]) -> Iterator[int | str]:
    return chain(sizes[:-1], repeat(sizes[-1]))


def _shorten(strategy: Strategy, hosts: Sequence[str], group_of: Mapping[str, str]) -> Shorten | None:
    if not group_of or strategy.type == "parallel":
        return None

    def before_a_second(start: int, end: int) -> int:
        # Hosts come from their groups in turn: once a group comes again, all that still have hosts are in the wave.
        seen: set[str] = set()
        for place in range(start, end):
            if group_of[hosts[place]] in seen:
                return place
            seen.add(group_of[hosts[place]])
        return end

    def before_the_next(start: int, end: int) -> int:
        group = group_of[hosts[start]]
        return next((place for place in range(start, end) if group_of[hosts[place]] != group), end)

    return {"one_per_group": before_a_second, "group_at_a_time": before_the_next}.get(strategy.spread)
