"""The one place that knows exit statuses: from an error, or from how a run ended."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from runner.errors import ConnectError, InputError, JournalError, LockError, MismatchError, RunnerError
from runner.model.summary import Summary

if TYPE_CHECKING:
    from runner.app.ending import Ending

OK = 0
FAILED = 1
USAGE = 2
INTERNAL = 3
UNREACHABLE = 4
ABORTED = 5
UNKNOWN = 6
GATE = 7
ROLLED_BACK = 8
ROLLBACK_FAILED = 9
LOCKED = 10
JOURNAL = 11
MISMATCH = 12
PAUSED = 20
INTERRUPTED = 130
TERMINATED = 143

ORDER = (
    INTERNAL,
    JOURNAL,
    INTERRUPTED,
    TERMINATED,
    LOCKED,
    ROLLBACK_FAILED,
    UNKNOWN,
    PAUSED,
    ROLLED_BACK,
    GATE,
    ABORTED,
    FAILED,
    UNREACHABLE,
)
"""Where several hold, the first of these is the run's."""

STATUS = {
    OK: "ok",
    FAILED: "failed",
    INTERNAL: "failed",
    UNREACHABLE: "failed",
    JOURNAL: "failed",
    ABORTED: "aborted",
    LOCKED: "aborted",
    UNKNOWN: "unknown",
    GATE: "aborted",
    ROLLED_BACK: "rolled_back",
    ROLLBACK_FAILED: "rollback_failed",
    PAUSED: "paused",
    INTERRUPTED: "interrupted",
    TERMINATED: "interrupted",
}
"""The run's status, as ``run.ended`` has it, by exit status."""

_ERRORS: tuple[tuple[type[RunnerError], int], ...] = (
    (InputError, USAGE),
    (LockError, LOCKED),
    (JournalError, JOURNAL),
    (MismatchError, MISMATCH),
    (ConnectError, UNREACHABLE),
)


def of_error(error: RunnerError) -> int:
    """The exit status for an error that ended a command."""
    return next((code for kind, code in _ERRORS if isinstance(error, kind)), FAILED)


def of_run(reasons: Iterable[int]) -> int:
    """The exit status of a run to which all of ``reasons`` apply."""
    found = set(reasons)
    return next((code for code in ORDER if code in found), OK)


def of_ending(ending: "Ending", policy: str) -> tuple[int, str]:
    """The exit status and the status word of a run that has ended, under ``--exit-policy``."""
    flags = ending.summary.flags
    holds = {
        FAILED: flags.failed,
        UNREACHABLE: flags.unreachable,
        UNKNOWN: flags.unknown,
        ABORTED: flags.aborted,
        GATE: flags.gate or flags.denied,
        ROLLED_BACK: flags.rolled_back,
        ROLLBACK_FAILED: flags.rollback_failed,
        PAUSED: flags.paused,
        INTERNAL: ending.has_bug,
    }
    reasons = {code for code, is_so in holds.items() if is_so}
    fatal = None if ending.fatal is None else of_error(ending.fatal)
    reasons |= {code for code in (ending.interrupted, fatal) if code is not None}
    code = of_run(reasons)
    return by_policy(policy, code, ending.summary), STATUS.get(code, "failed")


def by_policy(policy: str, code: int, summary: Summary) -> int:
    """What ``--exit-policy`` makes of a 0, 1 or 4; every other status stands.

    ``all``: 1 only if all hosts failed. ``worst``: the largest remote status. ``main=HOST``: that host's.
    ``main-any=HOST``: that, or 1 when it is 0 and another host failed.
    """
    if policy == "any" or code not in {OK, FAILED, UNREACHABLE}:
        return code
    remote = _remote(summary)
    if policy == "all":
        hosts = sum(len(names) for names in summary.hosts.values())
        return code if len(remote) == hosts else OK
    if policy == "worst":
        return max(remote.values(), default=OK)
    kind, _, host = policy.partition("=")
    main = remote.get(host, OK)
    return main if main or kind == "main" else (FAILED if remote else OK)


def _remote(summary: Summary) -> dict[str, int]:
    """The exit status of each host that failed: its command's; 255, as ssh has it, for one not reached; else 1.

    A host that failed its gate alone has 1.
    """
    found: dict[str, int] = {}
    for group in summary.failures:
        for host in group.hosts:
            found.setdefault(host, group.rc or (255 if group.status == "unreachable" else FAILED))
    for host in summary.hosts.get("gate_failed", ()):
        found.setdefault(host, FAILED)
    return found
