"""When a step is tried again, and after how long."""

from runner.engine.retry import next_delay
from runner.model.outcome import Outcome, Status, failed
from runner.model.playbook import Retry

FAILED = failed("exit status 1")


def delays(policy: Retry, outcome: Outcome = FAILED, *, seed: str = "s") -> list[float | None]:
    return [next_delay(policy, attempt, outcome, seed=seed) for attempt in range(1, policy.attempts + 1)]


def test_attempts_count_all_tries() -> None:
    """Three attempts are two delays and an end."""
    assert delays(Retry(attempts=3, delay=1.0)) == [1.0, 1.0, None]


def test_exponential_delays_stop_at_the_greatest() -> None:
    """With a delay of 1s and at most 4s the waits are 1, 2, 4 and 4 seconds."""
    policy = Retry(attempts=5, delay=1.0, backoff="exponential", max_delay=4.0)

    assert delays(policy) == [1.0, 2.0, 4.0, 4.0, None]


def test_a_thousand_attempts_do_not_overflow() -> None:
    """However often it doubles, a delay stays a number."""
    policy = Retry(attempts=5000, delay=1.0, backoff="exponential", max_delay=60.0)

    assert next_delay(policy, 4000, FAILED, seed="s") == 60.0


def test_jitter_is_between_nothing_and_the_delay_and_repeats_with_the_seed() -> None:
    """Full jitter draws from 0 to the capped delay; the same seed draws the same."""
    policy = Retry(attempts=20, delay=2.0, jitter="full")

    first = delays(policy, seed="7/web01")

    assert all(0 <= delay <= 2.0 for delay in first[:-1] if delay is not None)
    assert len(set(first)) > 10
    assert first == delays(policy, seed="7/web01")
    assert first != delays(policy, seed="7/web02")


def test_only_what_the_policy_names_is_tried_again() -> None:
    """``on: [unreachable]`` does not repeat a command that failed."""
    policy = Retry(on=("unreachable",))

    assert next_delay(policy, 1, FAILED, seed="s") is None
    assert next_delay(policy, 1, Outcome(Status.UNREACHABLE), seed="s") == 1.0


def test_an_unknown_end_is_never_tried_again() -> None:
    """A step that may have run is not sent twice, whatever the policy says."""
    policy = Retry(on=("failed", "timed_out", "unreachable", "unknown"))

    assert next_delay(policy, 1, Outcome(Status.TIMED_OUT, killed="unknown"), seed="s") is None
    assert next_delay(Retry(), 1, Outcome(Status.UNKNOWN), seed="s") is None


def test_a_timeout_whose_group_is_gone_is_tried_again() -> None:
    """Only a process group that is seen to be gone lets the next attempt start."""
    assert next_delay(Retry(), 1, Outcome(Status.TIMED_OUT, killed="yes"), seed="s") == 1.0
    assert next_delay(Retry(), 1, Outcome(Status.TIMED_OUT, killed="no"), seed="s") is None


def test_what_time_cannot_mend_is_not_tried_again() -> None:
    """A refused login ends the tries."""
    assert next_delay(Retry(), 1, Outcome(Status.UNREACHABLE, temporary=False), seed="s") is None


def test_without_a_policy_there_is_one_try() -> None:
    """A step that names no retry is tried once."""
    assert next_delay(None, 1, FAILED, seed="s") is None
