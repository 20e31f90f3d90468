"""Whether, and after how long, a step is tried again. Pure: the chance in a delay comes from a seed."""

from random import Random

from runner.model.outcome import Outcome, Status
from runner.model.playbook import Retry


def next_delay(policy: Retry | None, attempt: int, outcome: Outcome, *, seed: str) -> float | None:
    """Seconds to wait before the next try, or None where there is none.

    ``attempt`` counts from 1 and is the one that ended with ``outcome``. ``seed`` names run, host, step and item, so
    that a run with the same seed waits equally long. A step whose end is not known is never tried again, nor one whose
    process group may still be running, nor an error that time can't mend.
    """
    if policy is None or attempt >= policy.attempts or not _may_repeat(policy, outcome):
        return None
    delay = policy.delay
    if policy.backoff == "exponential":
        # The power is capped so that a thousand attempts do not overflow; 2**64 seconds are beyond any max_delay.
        delay = policy.delay * policy.factor ** min(attempt - 1, 64)
    delay = min(delay, policy.max_delay)
    if policy.jitter == "full":
        return Random(f"{seed}/{attempt}").uniform(0.0, delay)  # noqa: S311 - spreads load, guards nothing
    return delay


def _may_repeat(policy: Retry, outcome: Outcome) -> bool:
    if outcome.status is Status.TIMED_OUT and outcome.killed not in {None, "yes"}:
        return False
    return outcome.temporary and str(outcome.status) in policy.on
