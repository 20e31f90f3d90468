"""The commands of earlier processes of a run whose ends are not known, by the names they have in records on hosts."""

from collections.abc import Iterator

from runner.model.past import Past, StepPast
from runner.model.record_key import record_key


def awaited(past: Past) -> frozenset[str] | None:
    """Their keys: a record that has one of them is needed yet, whatever else became of its host.

    None where it is not known which began, as records of that are lost: then any may be needed.
    """
    found = set()
    for play, host, step, one, item in _open(past):
        if one.is_guess:
            return None
        found.add(record_key(play, host, step, one.section, item, one.attempt))
    return frozenset(found)


def _open(past: Past) -> Iterator[tuple[str, str, str, StepPast, int | None]]:
    for name, play in past.plays.items():
        for host_name, host in play.hosts.items():
            for step, whole in host.steps.items():
                for item, one in whole.items.items() or ((None, whole),) if whole.is_open or whole.items else ():
                    if one.is_open and not one.is_local:
                        yield name, host_name, step, one, item
