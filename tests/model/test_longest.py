"""The longest time that things may take."""

import pytest
from plan_builder import HERE, host, inventory, play, playbook, rolling, step

from runner.engine.retry import next_delay
from runner.model.at_work import at_once, turns
from runner.model.changed import changed
from runner.model.longest import delays, of_host, of_play, of_plays, of_step, of_waves
from runner.model.outcome import failed
from runner.model.playbook import Block, Check, Retry, Strategy
from runner.planning.compile import compile_plan


def planned(*steps, hosts="a[1-7]", strategy=None, **groups):
    book = playbook(play("all", *steps, strategy=strategy or Strategy()))
    return compile_plan(book, inventory(hosts, **groups)).plays[0]


def once(_play, _step):
    return 1


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"timeout": 60.0}, 60.0),
        ({"timeout": 60.0, "retry": Retry(attempts=3, delay=2.0)}, 184.0),
        ({"timeout": 1.0, "retry": Retry(attempts=1)}, 1.0),
        ({"timeout": 1.0, "retry": Retry(attempts=4, delay=1.0, backoff="exponential", max_delay=3.0)}, 4 + 1 + 2 + 3),
        ({"timeout": 1.0, "retry": Retry(attempts=10**9, delay=0.5)}, 10**9 + 0.5 * (10**9 - 1)),
    ],
)
def test_a_step_takes_its_tries_and_the_waits_between_them(fields, seconds):
    """Attempts times timeout, and each delay as the policy has it."""
    one = step(**fields)

    assert of_step(planned(one), one, once).seconds == seconds


@pytest.mark.parametrize(
    "policy",
    [
        Retry(attempts=6, delay=0.7),
        Retry(attempts=9, delay=0.7, backoff="exponential", factor=3.0, max_delay=20.0),
        Retry(attempts=5, delay=50.0, max_delay=9.0),
        Retry(attempts=5, delay=0.0, backoff="exponential"),
        Retry(attempts=5, delay=8.0, backoff="exponential", factor=0.5),
    ],
)
def test_waits_are_those_that_the_run_takes(policy):
    """What is promised here and what the engine does come from the same policy."""
    outcome = failed("no")
    waits = [next_delay(policy, tried, outcome, seed="") for tried in range(1, policy.attempts)]

    assert delays(policy) == pytest.approx(sum(waits))


def test_a_loop_multiplies_and_an_unknown_one_has_no_end():
    """Of loops whose length is not known yet the step is named."""
    one = step(timeout=10.0)
    play_ = planned(one)

    assert of_step(play_, one, lambda *_: 4).seconds == 40.0
    unknown = of_step(play_, one, lambda *_: None)
    assert (unknown.seconds, unknown.open) == (None, ("web/command",))


def test_a_step_without_timeout_makes_everything_endless():
    """And every such step is named once."""
    play_ = planned(step(id="a", timeout=None), step(id="b"), step(id="c", timeout=None))

    longest = of_plays([play_, changed(play_, id="other")], once)

    assert (longest.seconds, longest.endless) == (None, ("web/a", "web/c", "other/a", "other/c"))


def test_hosts_follow_each_other_where_not_all_work_at_once():
    """Seven hosts, three at once, are three turns; waves follow each other."""
    play_ = planned(step(timeout=10.0), step(id="b", timeout=5.0), strategy=rolling(5, "rest", concurrency=3))

    assert of_host(play_, once).seconds == 15.0
    assert [time.seconds for time in of_waves(play_, once)] == [30.0, 15.0]
    assert of_play(play_, once).seconds == 45.0
    assert at_once([play_]) == 3


@pytest.mark.parametrize(
    ("limit", "number", "most"), [(1, 4, 2), (2, 2, 4), ({"a": 1}, 4, 4), ({"b": 1}, 3, 5), (9, 2, 6)]
)
def test_a_group_limit_makes_more_turns(limit, number, most):
    """Four hosts of group a and three of b, six at once: a limit of one a group needs four turns."""
    strategy = Strategy(group_by=("a", "b"), per_group_limit=limit, concurrency=6)
    play_ = planned(hosts="a[1-4],b[1-3]", strategy=strategy, a="a[1-4]", b="b[1-3]")

    assert turns(play_, play_.waves[0]) == number
    assert at_once([play_]) == most


def test_turns_of_very_many_groups_are_counted_quickly():
    """Ten thousand groups, one host at a time: nothing looks at all groups for each turn."""
    fleet = inventory(*(host(f"h{number}", vars={"rack": number}) for number in range(10_000)))
    strategy = Strategy(group_by="rack", per_group_limit=1, concurrency=1)
    play_ = compile_plan(playbook(play("all", strategy=strategy)), fleet).plays[0]

    assert turns(play_, play_.waves[0]) == 10_000


def s(name, seconds, **fields):
    """A step with its limit."""
    return step(id=name, timeout=float(seconds), **fields)


@pytest.mark.parametrize(
    ("steps", "fields", "seconds"),
    [
        ([Block("b", None, (s("a", 1), s("b", 2)), HERE, rescue=(s("r", 10),), always=(s("z", 100),))], {}, 113),
        ([s("a", 1)], {"handlers": (s("h", 10),), "always": (s("z", 100),)}, 111),
        ([s("a", 1, notify=("h",)), step("flush"), s("b", 2, notify=("h",))], {"handlers": (s("h", 10),)}, 23),
        ([s("a", 1, notify=("h",)), step("flush"), s("b", 2)], {"handlers": (s("h", 10),)}, 13),
        ([s("a", 1)], {"rollback": (s("r", 10),)}, 1),
    ],
)
def test_all_that_a_host_may_do_is_counted(steps, fields, seconds):
    """A block that fails at its end, handlers as often as they may be flushed, and what a play always does."""
    book = playbook(play("all", *steps, **fields))

    assert of_host(compile_plan(book, inventory("a")).plays[0], once).seconds == seconds


def rolled(*steps, fleet="a[1-6]", **strategy):
    fields = {name: strategy.pop(name) for name in ("rollback", "always") if name in strategy}
    book = playbook(play("all", *steps, strategy=rolling(2, **strategy), **fields))
    return of_play(compile_plan(book, inventory(fleet)).plays[0], once)


@pytest.mark.parametrize(
    ("one", "seconds"),
    [
        (s("a", 10), 30),
        (s("a", 10, once="wave"), 30),
        (s("a", 10, once="run"), 10),
        (s("a", 10, throttle=1), 60),
        (s("a", 10, delegate_to="a1"), 60),
        (s("a", 10, delegate_to="a1", throttle=2), 30),
        (s("a", 10, delegate_to="controller"), 30),
        (Block("b", None, (s("a", 10),), HERE, once="run"), 10),
    ],
)
def test_hosts_that_stand_in_line_take_longer(one, seconds):
    """Three waves of two hosts: one at a time on a delegate or under a throttle; what runs once is counted once."""
    assert rolled(one).seconds == seconds


def test_gates_bakes_and_a_rollback_take_their_time():
    """A gate in each wave until its deadline and its time of health, a bake between two, and the way back."""
    gate = (Check(step("http"), deadline=20.0, stable_for=5.0), Check(step("http"), deadline=100.0, each="wave"))

    assert rolled(s("a", 1), gate=gate).seconds == 3 * (1 + 25 + 100)
    assert rolled(s("a", 1), bake=1000.0).seconds == 3 * 1 + 2 * 1000
    back = {"on_exceed": "rollback", "rollback": (s("r", 10),), "always": (s("z", 100),)}
    assert rolled(s("a", 1), **back).seconds == 3 * (1 + 100) + 3 * (10 + 100)


def test_what_a_person_takes_is_no_part_of_it():
    """It is said who waits for one; the rest of the time is still known."""
    time = rolled(s("a", 1), step("approve", {"message": ""}, id="ask", timeout=None), approve=(1,))

    assert (time.seconds, time.asked, time.endless) == (3.0, ("web/ask", "web"), ())


def test_plays_that_do_not_wait_for_each_other_run_at_the_same_time():
    """The longest way through the graph counts, and hosts of all that may run then are at work at once."""
    plays = (
        play("a[1-4]", s("a", 10), id="a"),
        play("a[5-6]", s("a", 100), id="b"),
        play("a[1-3]", s("a", 1000), id="c", needs=("a",)),
        play("a6", s("a", 1), id="d", needs=("b", "c")),
    )

    plan = compile_plan(playbook(*plays), inventory("a[1-6]"))

    assert of_plays(plan.plays, once).seconds == 1011.0
    assert at_once(plan.plays) == 6
    assert at_once(compile_plan(playbook(plays[0], plays[2]), inventory("a[1-6]")).plays) == 4
