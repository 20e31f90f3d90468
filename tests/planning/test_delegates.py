"""Where steps are delegated to, as far as it is known before the run."""

import pytest
from plan_builder import HERE, host, inventory, play, playbook, step, tpl

from runner.errors import InputError
from runner.model.playbook import Block, Check, Frame, Input, Strategy
from runner.planning.compile import compile_plan

FLEET = inventory(
    host("web1", vars={"lb": "lb1"}),
    host("web2", vars={"lb": "lb2"}),
    *(host(f"lb{n}") for n in (1, 2, 3)),
    host("gate", options={"jump": "lb3"}),
    web="web[1-2]",
    lb="lb[1-3]",
)


def planned(*steps, fleet=FLEET, **fields):
    return compile_plan(playbook(play("web", *steps, **fields)), fleet)


def to(value, **fields):
    return step(delegate_to=value, **fields)


def problems(*steps, **fields):
    with pytest.raises(InputError) as raised:
        planned(*steps, **fields)
    return [(one.message, one.hint) for one in raised.value.problems]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("lb1", "lb1"),
        ("controller", "controller"),
        (tpl("{{ groups.lb[0] }}"), "lb1"),
        (tpl("{{ lb }}"), "lb1 lb2"),
        (tpl("lb{{ host.index }}"), "lb1 lb2"),
        (tpl("{{ 'controller' if host.name == 'web1' else 'lb3' }}"), "lb3 controller"),
        ("gate", "gate"),
        ("web2", "web2"),
    ],
)
def test_hosts_that_steps_go_to_are_known(value, names):
    """For each host of the play; the plan can reach them, and the gateways on their way."""
    plan = planned(to(value))

    assert plan.plays[0].delegates == tuple(names.split())
    assert set(names.split()) <= set(plan.hosts)
    assert ("lb3" in plan.hosts) == ("lb3" in names or "gate" in names)
    assert plan.notes == ()


def test_steps_are_looked_at_wherever_they_stand():
    """In blocks with their rescue and always, in handlers, rollback and always of the play, and checks of a gate."""
    inside = Block("b", None, (to("lb1"),), HERE, rescue=(to("lb2"),), always=(to("lb3"),))
    check = Strategy(gate=(Check(step("http"), source="gate"), Check(step("http"))))

    assert planned(inside).plays[0].delegates == ("lb1", "lb2", "lb3")
    assert planned(step(), handlers=(to("lb1"),), always=(to("lb2"),), rollback=(to("lb3"),)).plays[0].delegates == (
        "lb1",
        "lb2",
        "lb3",
    )
    assert planned(step(), strategy=check).plays[0].delegates == ("gate",)


def test_each_item_of_a_loop_may_go_elsewhere():
    """Where the items are known."""
    each = to(tpl("{{ item }}"), loop=tpl("{{ groups.lb }}"))
    pairs = to(tpl("{{ item.a }}{{ item.b }}"), loop={"a": ["lb"], "b": [1, 3]})

    assert planned(each).plays[0].delegates == ("lb1", "lb2", "lb3")
    assert planned(pairs).plays[0].delegates == ("lb1", "lb3")


def test_inside_an_include_its_own_names_count():
    """What it was handed is known too."""
    frame = Frame(
        "in", "in.yaml", given={"target": tpl("{{ lb }}")}, inputs={"target": Input("target", "string", HERE)}
    )
    include = Block("in", None, (to(tpl("{{ target }}"), frame="in"),), HERE, opens="in")

    assert planned(include, frames={"in": frame}).plays[0].delegates == ("lb1", "lb2")


@pytest.mark.parametrize(
    "one",
    [
        to(tpl("{{ got.stdout }}")),
        to(tpl("{{ item }}"), loop=tpl("{{ got.lines }}")),
        to(tpl("{{ 'lb1' if host.name == 'web1' else facts.lb }}")),
    ],
)
def test_where_only_the_run_can_tell_every_host_can_be_reached(one):
    """And the plan says so."""
    plan = planned(step(id="got", register="got"), one)

    assert list(plan.hosts) == ["web1", "web2", "lb1", "lb2", "lb3", "gate", "controller"]
    assert plan.notes == (
        'play "web": only the run can tell which host step "command" is delegated to, so any may be contacted',
    )


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ("lb9", 'there is no host "lb9", of delegate_to of step "command"', 'did you mean "lb1"?'),
        (
            tpl("{{ lb }}9"),
            'there is no host "lb19", of delegate_to of step "command"',
            'did you mean "lb1"?',
        ),
        (
            "lb",
            'there is no host "lb", of delegate_to of step "command"',
            "it is a group; take a host of it: \"{{ groups['lb'][0] }}\"",
        ),
        (tpl("{{ nope }}"), '"nope" is undefined', ""),
        (tpl("{{ groups.lb }}"), "delegate_to of step \"command\" names no host; got \"['lb1', 'lb2', 'lb3']\"", ""),
        (tpl("{{ groups.lb[7] }}"), '"7" is undefined', ""),
    ],
)
def test_a_step_that_goes_nowhere_is_an_error(value, message, hint):
    """Told once, at the template, before any host is contacted."""
    assert problems(to(value))[0] == (message, hint)


def test_a_step_known_not_to_run_may_go_nowhere():
    """One that a condition keeps from running where its delegate is not there."""
    ruled_out = to(tpl("{{ groups.lb[7] }}"), when=tpl("groups.lb | length > 7", bare=True))
    inside = Block("b", None, (to("lb9"),), HERE, when=tpl("lb == 'lb9'", bare=True))
    open_still = Block("b", None, (to("lb9"),), HERE, when=tpl("facts.os == 'x'", bare=True))

    assert planned(ruled_out, inside).plays[0].delegates == ()
    assert problems(open_still)[0][0] == 'there is no host "lb9", of delegate_to of step "command"'


def test_a_gate_that_asks_an_unknown_host_is_an_error():
    """It would never pass."""
    check = Strategy(gate=(Check(step("http", id="check"), source="lb9"),))

    assert problems(step(), strategy=check)[0][0] == 'there is no host "lb9", of from of step "check"'
