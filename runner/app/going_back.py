"""Whether a run may be rolled back because somebody asks for it, and with which plan."""

from collections.abc import Iterator
from dataclasses import replace

from runner.app.against import Changes, Ready, against
from runner.app.earlier import BACK, Earlier, stored_plan
from runner.app.settings import Settings
from runner.errors import InputError
from runner.location import Problem
from runner.model.outcome import HostStatus
from runner.model.past import Past
from runner.model.plan import Plan, PlannedPlay
from runner.planning.matching import matched_back
from runner.run_folder import RunFolder


def going_back(folder: RunFolder, earlier: Earlier, settings: Settings, changes: Changes) -> Ready | None:
    """The run as it would go back, None where there is nothing to take back.

    Raises MismatchError, JournalError, and InputError where no play can take back what it has done.
    """
    started, past = earlier.started(folder), earlier.past
    old = stored_plan(folder, started)
    if not any(_touched(old, past)):
        return None
    ready = against(old, started, earlier, settings, changes, matched_back)
    plays = list(_touched(ready.found.plan, past))
    if any(play.rollback for play in plays):
        return replace(ready, mode=BACK)
    if any(found.rollback == HostStatus.ROLLED_BACK for found in past.plays.values()):
        return None  # what can go back is back
    words = f"run {folder.id} can't be rolled back: no play that has changed a host has rollback steps"
    hint = 'write under the play what takes its steps back: "rollback:", a list of steps'
    raise InputError([Problem("E653", words, plays[0].location, hint)])


def _touched(plan: Plan, past: Past) -> Iterator[PlannedPlay]:
    """The plays with a host on which a step changed something, failed or may have, and that are not back yet."""
    for play in plan.plays:
        found = past.plays.get(play.id)
        if found is not None and found.rollback != HostStatus.ROLLED_BACK:
            hosts = (found.hosts[name] for name in play.hosts if name in found.hosts)
            if any(step.has_touched for host in hosts for step in host.steps.values()):
                yield play
