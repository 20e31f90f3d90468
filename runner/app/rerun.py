"""``runner rerun``: a new run of the same playbook with the same options, on hosts that ended in some way."""

from dataclasses import replace

from runner.app import finding
from runner.app.earlier import Earlier, go_to, stored_plan
from runner.app.ending import ExitOf
from runner.app.recorded import again
from runner.app.run import run
from runner.app.settings import Settings, absolute
from runner.app.views import Screen
from runner.errors import InputError
from runner.hostlist import fold
from runner.location import Problem
from runner.model.gone import account
from runner.model.outcome import HostStatus
from runner.model.verdict import hosts_by_status
from runner.patterns import did_you_mean

STATUSES = tuple(status.value for status in HostStatus)


def rerun(wanted: str, settings: Settings, screen: Screen, exit_of: ExitOf, only: tuple[str, ...]) -> int | None:
    """Start it; gives its exit status, None where no host ended so.

    ``settings`` are those of this time; the others are the old run's own. Raises RunnerError for all that is in the
    way.
    """
    _check(only)
    folder = finding.ours(settings.runs_dir, wanted)
    earlier = Earlier.of(folder)
    started = earlier.started(folder)
    if earlier.past.ended is None:
        account(earlier.progress, stored_plan(folder, started))
    ends = hosts_by_status(earlier.progress)
    hosts = [host for status in only for host in ends.get(status, ())]
    if not hosts:
        return None
    settings = absolute(settings)
    go_to(started)
    settings = again(started, settings)
    return run(replace(settings, limit=(fold(hosts),), exclude=(), max_open=None), screen, exit_of)


def _check(only: tuple[str, ...]) -> None:
    problems = [
        Problem(
            "E652",
            f'--only: there is no host status "{word}"',
            hint=did_you_mean(word, STATUSES) or f"write any of {', '.join(STATUSES)}",
        )
        for word in only
        if word not in STATUSES
    ]
    if problems or not only:
        raise InputError(problems or [Problem("E652", "--only names no host status", hint="write failed,unreachable")])
