"""The commands to type after a run that did not end well."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runner.model.account import Flags
from runner.model.outcome import HostStatus
from runner.model.remaining import EXCLUDED
from runner.model.state import PlayProgress, RunState

RERUN = (
    HostStatus.FAILED,
    HostStatus.UNREACHABLE,
    HostStatus.GATE_FAILED,
    HostStatus.ROLLED_BACK,
    HostStatus.CANCELLED,
    HostStatus.NOT_RUN,
)
"""Host statuses that a new run would be for, the worst known first. Not ``unknown``: its step may have run, and a
person looks before it is sent again; nor ``rollback_failed``, for the same reason."""

WAYS = ("ok", "failed", "rerun")
"""What a person can say of a step whose end nobody heard."""

_WELL = {HostStatus.OK.value, HostStatus.CHANGED.value}


@dataclass(frozen=True, slots=True)
class Commands:
    """Command lines about one run: ``run`` is its id, ``where`` the option that says where it is kept, if one must."""

    run: str
    where: tuple[str, ...] = ()

    def line(self, verb: str, *words: str) -> str:
        """One of them, for a shell; ``verb`` may be two words."""
        return shlex.join(["runner", *verb.split(), self.run, *words, *self.where])

    def resolve(self, host: str, step: str, *, play: str = "") -> tuple[str, ...]:
        """What settles a step whose end nobody heard, one way or another; ``play`` where its id stands in several."""
        words = (host, step, *(("--play", play) if play else ()))
        return tuple(self.line("resolve", *words, f"--{way}") for way in WAYS) if self.run else ()


def commands(state: RunState, run: str) -> Commands:
    """Those about the run of that id, kept where its latest process was told."""
    latest = state.latest or state.run
    return Commands(run, tuple(_runs_dir(latest.argv if latest else ())))


def go_on(state: RunState, flags: Flags, hosts: Mapping[str, tuple[str, ...]], commands: Commands) -> tuple[str, ...]:
    """What goes on with this run, what answers its question before, and what does its hosts over in a new one."""
    if state.run is None or not commands.run or state.run.mode != "run":
        return ()
    over = [status.value for status in RERUN if hosts.get(status)]
    found = []
    if is_resumable(state, flags):
        if flags.paused and not flags.interrupted:
            found.append(commands.line("approve"))
        found.append(commands.line("resume"))
    elif flags == Flags():
        return ()
    if over:
        found.append(commands.line("rerun", "--only", ",".join(over)))
    return tuple(found)


def is_resumable(state: RunState, flags: Flags) -> bool:
    """Whether something of the run is left that going on with it does: a play that went back stays there."""
    is_back = any(_is_back(play) for play in state.plays.values())
    if any(_is_unfinished(play) for play in state.plays.values() if not _is_back(play)):
        return True
    return state.plan is None or (flags != Flags() and not is_back)


def _is_back(play: PlayProgress) -> bool:
    return play.rollback is not None and play.rollback.status == HostStatus.ROLLED_BACK


def _is_unfinished(play: PlayProgress) -> bool:
    if play.counts.total() < play.of_hosts:
        return True
    return any(
        host.status not in _WELL and (host.status, host.reason) != (HostStatus.NOT_RUN, EXCLUDED)
        for host in play.hosts.values()
    )


def approve_command(argv: Sequence[str], run: str) -> str:
    """What answers the question that a run waits with. ``argv`` is the command line of the run."""
    return Commands(run, tuple(_runs_dir(argv))).line("approve")


def _runs_dir(words: Sequence[str]) -> list[str]:
    """Where the run is kept, if the command line said so."""
    for place, word in enumerate(words):
        if word == "--runs-dir":
            return list(words[place : place + 2])
        if word.startswith("--runs-dir="):
            return [word]
    return []
