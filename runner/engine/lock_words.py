"""What is said of hosts that are locked, or can't be; pure."""

from collections.abc import Iterable, Mapping

from runner.host_lock import Answer, Claim

SHOWN = 3
"""Hosts that a message names."""


def reasons(refused: Mapping[str, Answer]) -> str:
    """Why hosts can't be locked: those of one owner, or one reason, together."""
    groups: dict[str, list[str]] = {}
    words: dict[str, str] = {}
    for name, answer in refused.items():
        key = answer.reason or (answer.owner.id if answer.owner else "")
        groups.setdefault(key, []).append(name)
        found = f"locked by {answer.owner or 'a run that has not said who it is'}"
        words.setdefault(key, f"not to be locked: {answer.reason}" if answer.state == "cannot" else found)
    return "; ".join(
        f"{named(names)} {'is' if len(names) == 1 else 'are'} {words[key]}" for key, names in groups.items()
    )


def advice(refused: Iterable[Answer], claim: Claim) -> str:
    """What can be done about the first owner, if there is one; a run of this machine can be gone on with."""
    owner = next((answer.owner for answer in refused if answer.owner is not None), None)
    if owner is None:
        return ""
    is_here = owner.run and owner.controller == claim.controller
    resume = f", or go on with it: runner resume {owner.run}" if is_here else ""
    return f"where that run is surely over: {claim.release}{owner.id}{resume}"


def named(names: Iterable[str]) -> str:
    """Some of the names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - SHOWN} more hosts" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
