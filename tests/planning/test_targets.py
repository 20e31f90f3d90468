"""Patterns, limits and exclusions."""

import pytest

from runner.hostlist import expand
from runner.location import Location
from runner.model.inventory import CONTROLLER, Group, Host, Inventory
from runner.patterns import did_you_mean, nearest
from runner.planning.targets import PatternError, narrow, pattern_lines, select

PLACE = Location("inventory.yaml", 1)


def inventory(hosts: str, **groups: str) -> Inventory:
    """An inventory of a host list, and groups given as host lists."""
    known = {name: Host(name, index, name, PLACE) for index, name in enumerate(expand(hosts), 1)}
    members = {name: Group(name, tuple(expand(listed)) if listed else (), (), PLACE) for name, listed in groups.items()}
    return Inventory(known, members, Host(CONTROLLER, 0, "localhost", PLACE, connection="local"))


FLEET = inventory("web[1-10],db1,db2,lb", web="web[1-10]", web_old="web[9-10]", data="db[1-2]", rgws="")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("db1", "db1"),
        ("all", "web[1-10],db1,db2,lb"),
        ("web", "web[1-10]"),
        ("web[2-4]", "web[2-4]"),
        ("web[8-12]", "web[8-10]"),
        ("db*", "db[1-2]"),
        ("*[1-2]", "web[1-2],db[1-2]"),
        ("?b", "lb"),
        ("data:lb", "db[1-2],lb"),
        ("data , lb", "db[1-2],lb"),
        ("lb:web1", "web1,lb"),
        ("web:&web[1-3]", "web[1-3]"),
        ("web:!web_old", "web[1-8]"),
        ("web,!web_old", "web[1-8]"),
        ("web:!web1:web1", "web[1-10]"),
        ("all:!web:&data", "db[1-2]"),
        ("web[1,3]:db1", "web1,web3,db1"),
        ("controller:lb", "lb,controller"),
        ("controller", "controller"),
        (["lb", "web1", "db*"], "web1,db1,db2,lb"),
    ],
)
def test_a_pattern_means_hosts_in_inventory_order(pattern, names):
    """Names, groups, globs, ranges and their unions, intersections and exclusions, read from left to right."""
    assert select(pattern, FLEET) == tuple(expand(names))


@pytest.mark.parametrize("pattern", ["rgws", "data:&rgws", "data:!data"])
def test_what_is_known_and_leaves_nothing_is_no_error(pattern):
    """A group declared empty names nothing, and so may what is left of good names."""
    assert select(pattern, FLEET) == ()


def test_all_has_no_controller():
    """The controller is chosen by its name alone, not by all and not by a glob."""
    assert CONTROLLER not in select("all", FLEET)
    assert CONTROLLER not in select("*", FLEET)


def test_good_names_do_not_hide_a_typo():
    """Each bad name is an error of its own, with the nearest right one."""
    with pytest.raises(PatternError) as caught:
        select("web1:web2:wbe3:dta", FLEET)

    problems = caught.value.problems()
    assert [(p.code, p.message, p.hint) for p in problems] == [
        ("E405", 'no host or group is called "wbe3"', 'did you mean "web3"?'),
        ("E405", 'no host or group is called "dta"', 'did you mean "data"?'),
    ]
    assert [p.location for p in problems] == [None, None]


@pytest.mark.parametrize(
    ("pattern", "code", "message", "hint", "offset"),
    [
        ("x*", "E405", 'no host matches "x*"', "", 0),
        ("web_*", "E405", 'no host matches "web_*"', 'a glob matches host names; name the group: "web_old"', 0),
        ("db1:web[20-30]", "E405", 'no host of "web[20-30]" is in the inventory', "", 4),
        ("web:zzzzz", "E405", 'no host or group is called "zzzzz"', "", 4),
        ("", "E405", "empty host pattern", "", 0),
        ("web:", "E405", "empty host pattern", "", 4),
        ("web::db1", "E405", "empty host pattern", "", 4),
        (" !db1", "E405", 'pattern " !db1" starts with "!"', 'write "all:!db1"', 0),
        ("db1:web[3-1]", "E505", 'range "3-1" goes down', "write 1-3", 8),
        ("web:&web[1", "E505", '"[" is not closed', "", 8),
        ("none", "E405", 'no host or group is called "none"', "", 0),
    ],
)
def test_what_names_nothing_is_refused_at_its_place(pattern, code, message, hint, offset):
    """The error knows the position in the pattern."""
    with pytest.raises(PatternError) as caught:
        select(pattern, FLEET)

    [(index, flaw)] = caught.value.flaws
    assert (index, flaw.code, flaw.offset, flaw.hint) == (0, code, offset, hint)
    assert flaw.message.startswith(message)


@pytest.mark.parametrize(("length", "column"), [(9, 15), (11, 16), (30, 10)])
def test_a_problem_points_into_the_scalar(length, column):
    """In plain and in quoted text the bad name is marked; where escapes hide the place, the whole scalar is."""
    place = Location("playbook.yaml", 3, 10, length)

    with pytest.raises(PatternError) as caught:
        select("web1:wbe3", FLEET)

    [problem] = caught.value.problems(lambda _: place)
    assert problem.location is not None
    assert (problem.location.line, problem.location.column) == (3, column)


def test_problems_of_a_list_stand_at_their_entries():
    """Each entry of a list of patterns has a place of its own."""
    with pytest.raises(PatternError) as caught:
        select(["web1", "nope1", "nope2"], FLEET)

    lines = [p.location.line for p in caught.value.problems(lambda index: Location("p.yaml", 10 + index)) if p.location]
    assert lines == [11, 12]


def test_limits_add_up_and_exclusion_wins():
    """Repeats of a limit widen it; what is excluded is out, whatever else names it."""
    names = select("all", FLEET)

    assert narrow(names, ["web[1-4]", "db*"], ["web[2-3]", "db1"], FLEET) == ("web1", "web4", "db2")
    assert narrow(names, [], ["web"], FLEET) == ("db1", "db2", "lb")
    assert narrow(names, ["rgws"], [], FLEET) == ()


def test_narrowing_keeps_the_order_it_is_given():
    """The order of a play stays."""
    assert narrow(("lb", "web2", "web1"), ["all"], [], FLEET) == ("lb", "web2", "web1")


def test_a_limit_leaves_the_controller_alone():
    """The controller stays under a limit, and goes only when it is excluded by name."""
    assert narrow(("web1", CONTROLLER), ["db1"], ["all"], FLEET) == (CONTROLLER,)
    assert narrow(("web1", CONTROLLER), [], [CONTROLLER], FLEET) == ("web1",)


def test_bad_names_of_limit_and_exclusion_come_together():
    """All flaws are raised at once; those of the exclusions count on from the limits."""
    with pytest.raises(PatternError) as caught:
        narrow(("web1",), ["web1", "nope1"], ["nope2"], FLEET)

    assert [index for index, _ in caught.value.flaws] == [1, 2]


def test_a_file_of_names_may_have_comments():
    """One pattern a line; comments and empty lines are left out."""
    assert pattern_lines("# failed\nweb1\n\n  web[2-3]  # rack a\n") == ["web1", "web[2-3]"]


@pytest.mark.parametrize(
    ("word", "found"),
    [("hsots", "hosts"), ("vasr", "vars"), ("host", "hosts"), ("bd", "db"), ("xy", None), ("transport", None)],
)
def test_the_nearest_word(word, found):
    """At most two edits lead to a suggestion, a swap being one; one for short words; else there is none."""
    assert nearest(word, ["hosts", "vars", "groups", "db"]) == found


def test_of_equally_near_words_the_first_is_meant():
    """The order of the words decides between equals."""
    assert did_you_mean("web", ["web1", "web2"]) == 'did you mean "web1"?'
    assert did_you_mean("web", ["storage"]) == ""
