"""Which plays wait for which, where some of them are passed over; pure."""

from collections.abc import Collection, Iterable, Mapping
from graphlib import TopologicalSorter


def handed_on(needs: Mapping[str, tuple[str, ...]], kept: Collection[str]) -> dict[str, tuple[str, ...]]:
    """What each play that is kept needs among those kept: one that is not hands its own needs on.

    ``needs`` has every play, in their order and without a circle.
    """
    found: dict[str, tuple[str, ...]] = {}
    for play in TopologicalSorter(needs).static_order():
        found[play] = _each_once(
            further for other in needs.get(play, ()) for further in ((other,) if other in kept else found[other])
        )
    return {play: found[play] for play in needs if play in kept}


def _each_once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
