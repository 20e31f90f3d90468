"""How hosts are cut into waves."""

import pytest
from plan_builder import rolling

from runner.model.playbook import Strategy
from runner.planning.groups import drawn_in
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


@pytest.mark.parametrize(
    ("total", "sizes", "expected"),
    [
        (100, ["50%"], [50, 25, 12, 6, 3, 2, 1, 1]),
        (12, [1, "25%", "rest"], [1, 2, 9]),
        (10, [4], [4, 4, 2]),
        (3, ["1%"], [1, 1, 1]),
        (7, ["100%"], [7]),
    ],
)
def test_percentages_may_be_of_what_remains(total, sizes, expected):
    """Of the hosts that no wave holds yet; floored, and at least one. Counts mean what they always mean."""
    assert lengths(cut(names(total), sizes, of="remaining")) == expected


def drawn(strategy, *groups):
    """The waves as text, of hosts given by group."""
    hosts = [host for group in groups for host in group.split()]
    group_of = {host: host[0] for host in hosts}
    waves = waves_of(strategy, drawn_in(strategy.spread, hosts, group_of), group_of)
    return [" ".join(wave.hosts) for wave in waves]


RACKS = ("A1 A2 A3", "B1 B2", "C1")


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        (["rest"], ["A1 B1 C1", "A2 B2", "A3"]),
        ([2], ["A1 B1", "C1 A2", "B2 A3"]),
        ([1, "rest"], ["A1", "B1 C1 A2", "B2 A3"]),
        ([5], ["A1 B1 C1", "A2 B2", "A3"]),
        (["34%"], ["A1 B1", "C1 A2", "B2 A3"]),
    ],
)
def test_a_wave_may_take_at_most_one_host_of_a_group(sizes, expected):
    """As many groups as there are, or as the size allows: never two hosts of one rack in a wave."""
    assert drawn(rolling(*sizes, spread="one_per_group"), *RACKS) == expected


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([2], ["A1 A2", "A3", "B1 B2", "C1"]),
        (["rest"], ["A1 A2 A3", "B1 B2", "C1"]),
        ([1, "rest"], ["A1", "A2 A3", "B1 B2", "C1"]),
    ],
)
def test_groups_may_be_rolled_one_after_another(sizes, expected):
    """No wave holds a host of a rack before all of the rack before it are placed, and none holds two racks."""
    assert drawn(rolling(*sizes, spread="group_at_a_time"), *RACKS) == expected


def test_one_wave_of_all_hosts_stays_one():
    """``parallel`` has a single wave; the groups decide the order in which hosts are let in."""
    assert drawn(Strategy(spread="group_at_a_time"), "A1 B1", "A2") == ["A1 A2 B1"]


@pytest.mark.parametrize("of", ["total", "remaining"])
@pytest.mark.parametrize("spread", ["even", "one_per_group", "group_at_a_time"])
def test_waves_hold_each_host_once_in_order_and_none_is_empty(spread, of):
    """For every number of hosts up to 500 and every percentage; inside a group hosts keep their order."""
    for total in range(1, 501):
        group_of = {host: int(host[1:]) ** 2 % (total % 7 + 1) for host in names(total)}
        hosts = drawn_in(spread, group_of, group_of)
        for percent in range(1, 101) if total % 25 == 1 else (1, 33, total % 100 + 1):
            waves = waves_of(rolling(f"{percent}%", spread=spread, of=of), hosts, group_of)

            assert tuple(host for wave in waves for host in wave.hosts) == hosts
            assert all(wave.hosts for wave in waves)
            assert [wave.index for wave in waves] == list(range(1, len(waves) + 1))
        for group in set(group_of.values()):
            members = [host for host in hosts if group_of[host] == group]
            assert members == [host for host in names(total) if group_of[host] == group]


@pytest.mark.parametrize("spread", ["one_per_group", "group_at_a_time"])
def test_every_wave_heeds_its_groups(spread):
    """Whatever the sizes and groups: one host of each at most, or hosts of one alone."""
    for total in range(1, 61):
        group_of = {host: int(host[1:]) ** 2 % (total % 7 + 1) for host in names(total)}
        hosts = drawn_in(spread, group_of, group_of)
        for size in (1, 2, 3, "10%", "50%", "rest"):
            for wave in waves_of(rolling(size, spread=spread), hosts, group_of):
                groups = {group_of[host] for host in wave.hosts}
                assert len(groups) == (len(wave.hosts) if spread == "one_per_group" else 1)


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
