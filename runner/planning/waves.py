"""Hosts cut into waves; pure.

**Why named waves.** A plan that names the hosts of each wave can be printed, reviewed and kept, and what was planned is
what runs. The price is hosts that idle at the end of a wave; a larger wave with a ``concurrency`` is the answer.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, repeat

from runner.model.plan import Wave
from runner.model.playbook import Strategy

REST = "rest"


def waves_of(strategy: Strategy, hosts: Sequence[str]) -> tuple[Wave, ...]:
    """The waves of a play: one for ``parallel``, one a host for ``sequential``, and for ``rolling`` as ``waves`` says.

    ``hosts`` are the selected hosts in the order in which they are to be let in.
    """
    sizes: dict[str, tuple[int | str, ...]] = {"parallel": (REST,), "sequential": (1,), "rolling": strategy.waves}
    return cut(hosts, sizes[strategy.type])


def cut(hosts: Sequence[str], sizes: Sequence[int | str]) -> tuple[Wave, ...]:
    """Consecutive slices of ``hosts`` of these sizes: counts, ``"25%"`` or ``rest``.

    Percentages are of all hosts given. The last size repeats until no host is left; sizes that no host is left for are
    not used.
    """
    waves: list[Wave] = []
    start, total = 0, len(hosts)
    for size in _repeating(sizes):
        if start >= total:
            break
        end = total if size == REST else start + count(size, total)
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
