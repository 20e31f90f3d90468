"""The order of hosts and the groups that waves draw from."""

from runner.location import Location
from runner.model.inventory import Group
from runner.planning.groups import by_groups, by_value, drawn_in, ordered

HOSTS = ("web2", "web10", "web1", "db1")


def group(name, *hosts):
    return Group(name, hosts, (), Location("inventory.yaml", 1))


def test_order_follows_the_inventory_its_reverse_or_the_names():
    """``sorted`` reads numbers in names as numbers: web2 comes before web10."""
    assert ordered(HOSTS, "inventory", 0) == HOSTS
    assert ordered(HOSTS, "reverse", 0) == ("db1", "web1", "web10", "web2")
    assert ordered(HOSTS, "sorted", 0) == ("db1", "web1", "web2", "web10")


def test_a_shuffle_is_the_same_for_the_same_seed():
    """The order for a seed is written down here: it must not change between machines or versions of Python."""
    assert ordered(HOSTS, "shuffle", 7) == ("db1", "web10", "web2", "web1")
    assert ordered(HOSTS, "shuffle", 7) == ordered(HOSTS, "shuffle", 7)
    assert {ordered(HOSTS, "shuffle", seed) for seed in range(50)} > {ordered(HOSTS, "shuffle", 8)}


def test_a_host_falls_into_the_first_group_that_has_it():
    """Of several groups the first in the list counts; a host in none is told."""
    groups = [group("a", "web1", "web2"), group("b", "web2", "web10")]

    group_of, without = by_groups(HOSTS, groups)

    assert group_of == {"web1": "a", "web2": "a", "web10": "b"}
    assert without == ("db1",)


def test_a_value_names_the_group():
    """Hosts with the same value are together; a host without one is told."""
    racks = {"web1": "a", "web2": "b", "web10": "a"}

    assert by_value(HOSTS, racks.get) == ({"web2": "b", "web10": "a", "web1": "a"}, ("db1",))


def test_groups_are_drawn_from_in_turn():
    """a1 b1 c1, then a2 b2, then a3: no wave takes all of one group while another waits."""
    hosts = ("a1", "a2", "a3", "b1", "b2", "c1")
    group_of = {host: host[0] for host in hosts}

    assert drawn_in("even", hosts, group_of) == ("a1", "b1", "c1", "a2", "b2", "a3")
    assert drawn_in("even", (), {}) == ()


def test_groups_may_follow_one_another():
    """All of the group whose host comes first, then all of the next."""
    hosts = ("b1", "a1", "b2", "a2")

    assert drawn_in("group_at_a_time", hosts, {host: host[0] for host in hosts}) == ("b1", "b2", "a1", "a2")


def test_very_many_groups_are_drawn_from_quickly():
    """One group of ten thousand hosts beside ten thousand of one: nothing looks at all groups for each host."""
    group_of = {f"h{number}": str(min(number, 10_000)) for number in range(20_000)}

    drawn = drawn_in("even", group_of, group_of)

    assert drawn[:10_001] == tuple(f"h{number}" for number in range(10_001))
    assert drawn[-1] == "h19999"
