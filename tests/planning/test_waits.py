"""Where hosts would wait for each other without end, or longer than one may think."""

import pytest
from plan_builder import HERE, host, inventory, play, playbook, rolling, step, tpl

from runner.errors import InputError
from runner.model.playbook import Block, Strategy
from runner.planning.compile import compile_plan

FLEET = inventory(*(host(f"{rack}{n}", vars={"rack": rack}) for rack in "ab" for n in range(1, 4)))
NO_ROOM = Strategy(group_by="rack", per_group_limit=2)
WHEN = tpl("host.index > 1", bare=True)


def planned(*steps, strategy):
    return compile_plan(playbook(play("all", *steps, strategy=strategy)), FLEET)


def problems(*steps, strategy):
    with pytest.raises(InputError) as raised:
        planned(*steps, strategy=strategy)
    return [(one.code, one.message, one.hint) for one in raised.value.problems]


WAITING = [
    step(id="x", needs=("a",)),
    step(id="x", once="wave", when=WHEN),
    Block("x", None, (step(id="y"),), HERE, needs=("a",)),
    Block("b", None, (step(id="y"), step(id="x", needs=("y",))), HERE),
]


MENDED = Block("b", None, (step(id="a", read_only=True),), HERE, rescue=(step(id="r", section="rescue"),))


@pytest.mark.parametrize("one", WAITING)
def test_a_wait_for_hosts_that_find_no_room_is_refused(one):
    """Hosts keep their group's place while they wait, so those that they wait for would never come in."""
    assert problems(step(id="a"), one, strategy=NO_ROOM) == [
        (
            "E420",
            'step "x" would wait without end: wave 1 has 3 hosts of "a" (a[1-3]); per_group_limit lets in 2 at once',
            "write per_group_limit: 3, waves with at most 2 of a group, or sync: lockstep",
        )
    ]


@pytest.mark.parametrize(
    "strategy",
    [
        Strategy(group_by="rack", per_group_limit=3),
        Strategy(group_by="rack", per_group_limit={"c": 1}),
        Strategy(group_by="rack", per_group_limit=2, sync="lockstep"),
        rolling(4, group_by="rack", per_group_limit=2),
        rolling("rest", group_by="rack", per_group_limit=1, spread="one_per_group"),
        Strategy(group_by="rack"),
    ],
)
def test_where_all_find_room_nothing_is_refused(strategy):
    """A large enough limit, waves that keep to it, or hosts that hold no place between steps."""
    for one in WAITING:
        assert planned(step(id="a"), one, strategy=strategy).plays


def test_the_first_host_that_comes_may_do_it_once_for_all():
    """Without a condition nobody waits for hosts that are not there yet."""
    assert planned(step(id="a"), step(id="x", once="run"), strategy=NO_ROOM).plays


@pytest.mark.parametrize("waiting", [{"needs": ("upload",)}, {"once": "wave"}])
def test_a_wait_inside_a_window_is_noted(waiting):
    """All hosts of the wave come to it, a window at a time, before the first of them goes on."""
    steps = (step(id="ask", read_only=True), step("copy", {}, id="upload"), step(id="x", **waiting))

    plan = planned(*steps, strategy=rolling(1, "rest", concurrency=2))

    assert plan.notes == (
        (
            'play "web": step "x" waits for all 5 hosts of wave 2, 2 at once: "upload" will have run on all of them'
            " before the first goes on; write waves: 2 where that is too many"
        ),
    )


@pytest.mark.parametrize(
    ("steps", "strategy"),
    [
        ([step(id="a"), step(id="x", needs=("a",))], rolling(2)),
        ([step(id="a"), step(id="x", needs=("a",))], rolling("rest", concurrency=2, sync="lockstep")),
        ([step(id="a", read_only=True), step(id="x", once="run")], rolling("rest", concurrency=2)),
        ([step("wait_for", id="a"), step(id="x", needs=("a",))], rolling("rest", concurrency=2)),
        ([step(id="a")], rolling("rest", concurrency=2)),
        ([step(id="a"), step(id="x", once="run")], rolling(2, "rest", concurrency=2)),
        ([MENDED, step(id="x", once="run")], rolling("rest", concurrency=2)),
    ],
)
def test_other_waits_are_not(steps, strategy):
    """Where the whole wave is at work at once, or in step, or where nothing was changed before."""
    assert planned(*steps, strategy=strategy).notes == ()
