"""How answers to one check add up to a verdict: stories, and what holds for any answers at any times."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.engine.health import GRACE, Health, after, begun
from runner.location import Location
from runner.model.playbook import Check, Step

STEP = Step(id="gate-http", name=None, kind="http", params={}, location=Location("site.yaml", 1))
ANSWERS = {"+": Health.HEALTHY, "-": Health.UNHEALTHY, "?": Health.INCONCLUSIVE}


@dataclass(frozen=True)
class Ended:
    """How a check ended: the verdict, when, and the looks as (when answered, answer)."""

    verdict: Health
    at: float
    looks: list[tuple[float, Health]]


def watched(check: Check, answers: str, takes: list[float] | None = None) -> Ended:
    """Look until there is a verdict; the last answer is given for good, and each takes as long as it may at most."""
    now, watch, looks = 0.0, begun(check, 0.0), []
    for number in range(10_000):
        limit = watch.limit(now)
        assert limit > 0
        took = takes[min(number, len(takes) - 1)] if takes else 0.0
        now += min(took, limit)
        answer = ANSWERS[answers[min(number, len(answers) - 1)]]
        looks.append((now, answer))
        following = after(watch, answer, now)
        assert following.at >= now
        watch, now = following.watch, following.at
        if following.verdict is not None:
            return Ended(following.verdict, now, looks)
    raise AssertionError("it never ends")


def check(**fields: object) -> Check:
    return Check(STEP, **fields)  # type: ignore[arg-type]


def test_successes_count_in_a_row() -> None:
    """Four bad answers and three good ones are seven looks, one a second."""
    ended = watched(check(successes=3, interval=1, deadline=20), "----+")

    assert (ended.verdict, ended.at, len(ended.looks)) == (Health.HEALTHY, 6.0, 7)


def test_a_bad_answer_between_starts_the_row_over() -> None:
    """Two of three are none."""
    ended = watched(check(successes=3, interval=1, deadline=20), "++-+")

    assert (ended.verdict, ended.at) == (Health.HEALTHY, 5.0)


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ("-", Health.UNHEALTHY),
        ("?", Health.INCONCLUSIVE),
        ("-?", Health.INCONCLUSIVE),
        ("?-", Health.UNHEALTHY),
        ("-+-+", Health.UNHEALTHY),
    ],
)
def test_the_deadline_decides_by_the_last_answer(answers: str, verdict: Health) -> None:
    """Not before it and not after; a success or two that are not enough are unhealthy."""
    ended = watched(check(successes=9, interval=2, deadline=5), answers)

    assert (ended.verdict, ended.at) == (verdict, 5.0)
    assert [at for at, _ in ended.looks] == [0.0, 2.0, 4.0]


def test_it_passes_only_after_that_long_without_a_bad_answer() -> None:
    """Well at 1 s, not at 3 s, and from 4 s on: five seconds after that, and a look is due right then."""
    ended = watched(check(interval=1, stable_for=5), "-++-+")

    assert (ended.verdict, ended.at) == (Health.HEALTHY, 9.0)
    assert [at for at, _ in ended.looks] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_the_last_look_comes_at_the_end_of_the_stable_time() -> None:
    """Whatever the interval."""
    ended = watched(check(interval=2, stable_for=5), "+")

    assert [at for at, _ in ended.looks] == [0.0, 2.0, 4.0, 5.0]
    assert ended.verdict is Health.HEALTHY


def test_the_stable_time_may_go_on_behind_the_deadline() -> None:
    """Only the successes have to be there within it."""
    assert watched(check(interval=1, deadline=3, stable_for=9), "---+").verdict is Health.UNHEALTHY
    assert watched(check(interval=1, deadline=3, stable_for=9), "--+").at == 11.0


@pytest.mark.parametrize(("bad", "verdict"), [("-", Health.UNHEALTHY), ("?", Health.INCONCLUSIVE)])
def test_a_bad_answer_in_the_stable_time_behind_the_deadline_ends_it(bad: str, verdict: Health) -> None:
    """At once: there is no time to start over."""
    ended = watched(check(interval=1, deadline=3, stable_for=9), f"+++++{bad}")

    assert (ended.verdict, ended.at) == (verdict, 5.0)


def test_what_waiting_can_not_change_is_not_waited_for() -> None:
    """An answer that is final ends it."""
    following = after(begun(check(), 0.0), Health.INCONCLUSIVE, 1.0, is_final=True)

    assert (following.verdict, following.at) == (Health.INCONCLUSIVE, 1.0)


def test_a_good_answer_behind_the_deadline_comes_too_late() -> None:
    """It counts for nothing."""
    following = after(begun(check(deadline=5), 0.0), Health.HEALTHY, 5.5)

    assert (following.verdict, following.at, following.watch.in_row) == (Health.UNHEALTHY, 5.5, 0)


def test_a_look_may_take_what_is_left_of_the_deadline() -> None:
    """And in the stable time that, or what is left of it, or a little."""
    before = begun(check(deadline=20, stable_for=5), 0.0)
    well = after(before, Health.HEALTHY, 18.0).watch

    assert (before.limit(0.0), before.limit(19.0), before.limit(20.0)) == (20.0, 1.0, 0.0)
    assert well.limit(18.0) == GRACE


CHECKS = st.builds(
    check,
    successes=st.integers(1, 4),
    interval=st.sampled_from([0.1, 1.0, 2.0, 7.3]),
    deadline=st.sampled_from([0.5, 5.0, 20.0, 33.3]),
    stable_for=st.sampled_from([0.0, 0.3, 5.0, 40.0]),
)


@given(CHECKS, st.text("+-?", min_size=1, max_size=40), st.lists(st.floats(0, 30), min_size=1, max_size=10))
def test_a_verdict_is_what_the_answers_bear_out(one: Check, answers: str, takes: list[float]) -> None:
    """Passed: the row at the end is long enough, was so within the deadline, and held for the stable time.

    Not passed: the deadline is over, the last answer says why, and no such row was ever there.
    """
    ended = watched(one, answers, takes)

    last_bad = max((n for n, (_, answer) in enumerate(ended.looks) if answer is not Health.HEALTHY), default=-1)
    row = [at for at, _ in ended.looks[last_bad + 1 :]]
    if ended.verdict is Health.HEALTHY:
        assert len(row) >= one.successes
        assert row[one.successes - 1] <= one.deadline + 1e-5
        assert row[-1] - row[one.successes - 1] >= one.stable_for - 1e-5
    else:
        assert ended.at >= one.deadline - 1e-5
        last = ended.looks[-1][1]
        assert ended.verdict is (Health.UNHEALTHY if last is Health.HEALTHY else last)
        assert len(row) < one.successes or row[one.successes - 1] > one.deadline


@given(CHECKS, st.text("+-?", min_size=1, max_size=40))
def test_looks_come_at_the_interval(one: Check, answers: str) -> None:
    """Sooner only for the one at the end of the stable time; none begins when all time is over."""
    times = [at for at, _ in watched(one, answers).looks]

    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert all(gap <= one.interval + 1e-5 for gap in gaps)
    assert one.stable_for > 0 or all(gap >= one.interval - 1e-5 for gap in gaps)
    assert all(at < one.deadline + one.stable_for + 1e-5 for at in times)
