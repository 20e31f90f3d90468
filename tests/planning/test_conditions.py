"""What of a play's ``when`` is decided before the run."""

import pytest
from plan_builder import host, inventory, play, playbook, rolling, step, tpl

from runner.errors import InputError
from runner.planning.compile import compile_plan
from runner.planning.settings import PlanSettings

FLEET = inventory(*(host(f"web{n}", vars={"rack": "ab"[n % 2]}) for n in range(1, 7)), front="web[1-2]")


def when(source):
    return tpl(source, bare=True)


def planned(*plays, fleet=FLEET, given=None, **fields):
    return compile_plan(playbook(*plays, **fields), fleet, settings=PlanSettings(given=given or {}))


@pytest.mark.parametrize(
    ("source", "hosts"),
    [
        ("rack == 'a'", "web2 web4 web6"),
        ("host.vars.rack == 'a' and host.index > 2", "web4 web6"),
        ("host.name in groups.front", "web1 web2"),
        ("'front' in host.groups or release == '1'", "web1 web2 web3 web4 web5 web6"),
        ("inputs.release == release", "web1 web2 web3 web4 web5 web6"),
        ("hosts.web1.vars.rack == rack", "web1 web3 web5"),
        ("rack == 'a' and (facts.os == 'x' or true)", "web2 web4 web6"),
    ],
)
def test_hosts_for_which_it_is_false_stand_in_no_wave(source, hosts):
    """Inputs, variables and the inventory decide it; percentages and the budget are of what is left."""
    one = play("all", when=when(source), strategy=rolling("50%", max_failure_percent=50))

    only = planned(one, given={"release": "1"}).plays[0]

    assert only.hosts == tuple(hosts.split())
    assert len(only.waves[0].hosts) == max(1, len(only.hosts) // 2)
    assert only.budget == len(only.hosts) // 2


@pytest.mark.parametrize(
    ("source", "stays"),
    [
        ("rack == 'a'", False),
        ("facts.os == 'x'", True),
        ("got.rc == 0", True),
        ("got is defined", True),
        ("wave.index == 1", True),
        ("rack == 'a' or hosts.web1.results.got.rc == 0", True),
        ("rack == 'a' and hosts.web1.facts.os == 'x'", True),
    ],
)
def test_what_only_the_run_can_tell_is_left_to_it(source, stays):
    """It is asked as each host would start; hosts for which it is false whatever the run says stand in no wave."""
    plan = planned(play("all", step(register="got"), id="a"), play("all", id="b", when=when(source)))

    assert plan.plays[1].when == (when(source) if stays else None)
    assert len(plan.plays[1].hosts) == (3 if " and " in source or not stays else 6)


def test_the_plan_says_whom_it_leaves_out():
    """So that nobody misses a host."""
    plan = planned(play("all", when=when("rack == 'a'")))

    assert plan.notes == ("play \"web\" leaves out web[1,3,5]: its when (rack == 'a') is false there",)


def test_a_play_without_a_host_left_is_passed_over():
    """And a run without a play is an error that names the condition."""
    no = play("all", id="no", when=when("release == '2'"))

    plan = planned(no, play("all"), given={"release": "1"})

    assert plan.notes == ("play \"no\" is passed over: its when (release == '2') is false for all its hosts",)
    with pytest.raises(InputError) as raised:
        planned(no, given={"release": "1"})
    assert raised.value.problems[0].message == (
        "nothing is left to run: no host is left where the when of its play (release == '2') holds"
    )


def test_a_condition_that_cannot_be_asked_is_an_error():
    """Undefined names and text in place of true or false are told before the run."""
    with pytest.raises(InputError) as raised:
        planned(play("all", when=when("nope")), play("all", id="b", when=when("rack")))

    assert [one.message for one in raised.value.problems] == [
        '"nope" is undefined',
        "a condition gives text, not true or false",
    ]
