"""How hosts are cut into waves."""

import pytest
from plan_builder import rolling

from runner.model.playbook import Strategy
from runner.planning.waves import count, cut, waves_of


def names(total):
    return tuple(f"h{number}" for number in range(total))


def lengths(waves):
    return [len(wave.hosts) for wave in waves]


@pytest.mark.parametrize(
    ("total", "sizes", "expected"),
    [
        (12, [1, "25%", "rest"], [1, 3, 8]),
        (9, [3], [3, 3, 3]),
        (10, [3], [3, 3, 3, 1]),
        (100, ["29%"], [29, 29, 29, 13]),
        (100, ["57%", "rest"], [57, 43]),
        (50, ["58%", "rest"], [29, 21]),
        (3, ["1%"], [1, 1, 1]),
        (7, ["100%"], [7]),
        (5, [1, 2], [1, 2, 2]),
        (2, [1, 1, 1, "rest"], [1, 1]),
        (5, [10], [5]),
        (0, [3], []),
        (0, ["rest"], []),
    ],
)
def test_sizes_are_taken_in_turn_and_the_last_repeats(total, sizes, expected):
    """Counts, percentages of all hosts (floored, at least one) and ``rest``, until no host is left."""
    assert lengths(cut(names(total), sizes)) == expected


def test_waves_hold_each_host_once_in_order_and_none_is_empty():
    """For every number of hosts up to 500, and every percentage, waves are a partition that keeps the order."""
    for total in range(1, 501):
        hosts = names(total)
        for percent in range(1, 101) if total % 25 == 1 else (1, 33, total % 100 + 1):
            waves = cut(hosts, [f"{percent}%"])

            assert tuple(host for wave in waves for host in wave.hosts) == hosts
            assert all(wave.hosts for wave in waves)
            assert [wave.index for wave in waves] == list(range(1, len(waves) + 1))


def test_a_percentage_is_reckoned_in_integers():
    """The hosts of a percentage are floor(p * N / 100) exactly, and at least one, for every N up to 500."""
    for total in range(1, 501):
        for percent in range(1, 101):
            exact, left = divmod(percent * total, 100)
            assert count(f"{percent}%", total) == max(1, exact)
            assert 0 <= left < 100


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (Strategy("parallel"), [9]),
        (rolling(3), [3, 3, 3]),
        (Strategy("sequential", max_failures=0), [1] * 9),
    ],
)
def test_the_type_of_a_strategy_says_how_many_waves(strategy, expected):
    """Nine hosts are one wave in parallel, three rolling by three, and nine one after another."""
    assert lengths(waves_of(strategy, names(9))) == expected
