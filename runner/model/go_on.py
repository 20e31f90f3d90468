"""The commands to type after a run that did not end well."""

import shlex
from collections.abc import Mapping, Sequence

from runner.model.outcome import HostStatus
from runner.model.state import RunState

GO_ON = (
    HostStatus.FAILED,
    HostStatus.UNREACHABLE,
    HostStatus.GATE_FAILED,
    HostStatus.ROLLED_BACK,
    HostStatus.CANCELLED,
    HostStatus.NOT_RUN,
)
"""Host statuses that a second run would be for, the worst known first. Not ``unknown``: its step may have run, and a
person looks before it is sent again; nor ``rollback_failed``, for the same reason."""


def go_on(state: RunState, hosts: Mapping[str, tuple[str, ...]], *, folder: str) -> tuple[str, ...]:
    """A command for each status that a second run would be for, with its hosts from the lists in the run folder."""
    if state.run is None or not folder:
        return ()
    inventories = [word for path in state.run.inventory for word in ("-i", path)]
    words = state.run.argv[1:] or ("run", state.run.playbook, *inventories)
    again = ["runner", *_without_limits(words), "--limit"]
    return tuple(shlex.join([*again, f"@{folder}/hosts/{status}"]) for status in GO_ON if hosts.get(status))


def approve_command(argv: Sequence[str], run: str) -> str:
    """What answers the question that a run waits with. ``argv`` is the command line of the run."""
    return shlex.join(["runner", "approve", *_runs_dir(argv), run])


def _without_limits(words: Sequence[str]) -> list[str]:
    """A command line as it was typed, but for ``--limit``: the same release, on other hosts."""
    kept: list[str] = []
    skip = False
    for word in words:
        is_limit = word in {"-l", "--limit"}
        if not skip and not is_limit and not word.startswith(("--limit=", "-l")):
            kept.append(word)
        skip = is_limit
    return kept


def _runs_dir(words: Sequence[str]) -> list[str]:
    """Where the run is kept, if the command line said so."""
    for place, word in enumerate(words):
        if word == "--runs-dir":
            return list(words[place : place + 2])
        if word.startswith("--runs-dir="):
            return [word]
    return []
