"""The commands of earlier processes of a run whose ends are not known, by the names they have in records on hosts."""

from collections.abc import Iterator

from runner.model.past import Past, StepPast
from runner.model.record_key import record_key


def awaited(past: Past) -> frozenset[str]:
    """Their keys: a record that has one of them is needed yet, whatever else became of its host."""
    return frozenset(
        record_key(play, host, step, one.section, item, attempt)
        for play, host, step, one, item in _open(past)
        for attempt in range(1 if one.is_guess else one.attempt, one.attempt + 1)
    )


def _open(past: Past) -> Iterator[tuple[str, str, str, StepPast, int | None]]:
    for name, play in past.plays.items():
        for host_name, host in play.hosts.items():
            for step, whole in host.steps.items():
                for item, one in whole.items.items() or ((None, whole),) if whole.is_open or whole.items else ():
                    if one.is_open and not one.is_local:
                        yield name, host_name, step, one, item
