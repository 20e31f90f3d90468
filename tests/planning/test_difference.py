"""In what two plans differ."""

import msgspec
import pytest
from plan_builder import HERE, host, inventory, play, playbook, rolling, step, tpl

from runner.location import Location
from runner.model.encoding import decode_plan, encode_plan
from runner.model.playbook import Block, Check, Frame, Secret, Strategy
from runner.planning.compile import compile_plan
from runner.planning.difference import difference
from runner.planning.settings import PlanSettings


def planned(*steps, hosts="web[1-4]", fleet=None, extra=None, inputs=None, plan=(), **fields):
    """A plan of one play with two hosts in a wave."""
    fields.setdefault("strategy", rolling(2))
    settings = PlanSettings(extra=extra or {}, seed=7)
    book = playbook(play("all", *(steps or (step(),)), **fields), **dict(plan))
    return compile_plan(book, fleet or inventory(hosts), settings=settings, inputs=inputs or {})


def tasks(found):
    """What was added and removed, as play, wave, host and step."""
    return [[(one.play, one.wave, one.host, one.step) for one in listed] for listed in (found.added, found.removed)]


def test_one_host_and_one_step_more_are_exactly_their_tasks():
    """The step on the old hosts, and all steps on the new one; nothing else is mentioned."""
    old = planned(step(id="one"))
    new = planned(step(id="one"), step(id="two"), hosts="web[1-5]")

    found = difference(old, new)

    added = [("web", wave, f"web{n}", "two") for n, wave in ((1, 1), (2, 1), (3, 2), (4, 2))]
    added += [("web", 3, "web5", "one"), ("web", 3, "web5", "two")]
    assert tasks(found) == [added, []]
    assert tasks(difference(new, old)) == [[], added]
    [only] = found.plays
    assert (only.hosts.added, only.hosts.moved, only.steps.added, only.steps.changed) == (("web5",), (), ("two",), ())


def test_a_plan_does_not_differ_from_itself():
    """Not when it was stored in between, nor when all of it stands elsewhere in its file."""
    made = planned(step(params={"a": [1, 1.5, True, None, tpl("{{ x }}")]}, timeout=300), vars={"x": 1})
    stored = decode_plan(encode_plan(made))
    moved = planned(
        step(params={"a": [1, 1.5, True, None, msgspec.structs.replace(tpl("{{ x }}"), location=Location("b", 99))]}),
        vars={"x": 1},
    )
    moved = msgspec.structs.replace(
        moved, plays=tuple(msgspec.structs.replace(one, location=Location("b", 77)) for one in moved.plays)
    )

    assert difference(stored, made).is_same
    assert difference(planned(step(folder="/here")), planned(step(folder="/there"))).is_same
    assert difference(planned(step(params={"a": [1, 1.5, True, None, tpl("{{ x }}")]}), vars={"x": 1}), moved).is_same


def test_a_host_in_another_wave_is_moved():
    """Its tasks are neither added nor removed."""
    found = difference(planned(), planned(strategy=rolling(1, 3)))

    [only] = found.plays
    assert [(one.host, one.old, one.new) for one in only.hosts.moved] == [("web2", 1, 2)]
    assert [(one.key, one.old, one.new) for one in only.settings] == [
        ("concurrency", 2, 3),
        ("strategy.waves", (2,), (1, 3)),
    ]
    assert tasks(found) == [[], []]


def test_the_order_of_hosts_and_of_steps_counts():
    """Who comes first is a part of what was planned."""
    one, two = step(id="one"), step(id="two")

    turned = difference(planned(one, two), planned(two, one, strategy=rolling(2, order="inventory")))
    hosts = difference(planned(hosts="web[1-2]"), planned(hosts="web2 web1".replace(" ", ",")))

    assert turned.plays[0].keys == ("order of steps",)
    assert hosts.plays[0].keys == ("order of hosts",)


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        ({"params": {"argv": ["a"]}}, {"params": {"argv": ["b"]}}, ("command.argv",)),
        ({"params": {"argv": ["a"]}}, {"params": {"argv": [tpl("a")]}}, ("command.argv",)),
        ({"params": {"x": 1}}, {"params": {"x": True}}, ("command.x",)),
        ({"params": {"x": 1}}, {"params": {"y": 1}}, ("command.x", "command.y")),
        ({"when": tpl("a", bare=True)}, {"when": tpl("b", bare=True), "timeout": 5.0}, ("when", "timeout")),
        ({"env": {"A": "1"}}, {"env": {"A": "2"}}, ("env",)),
    ],
)
def test_a_step_that_differs_tells_in_which_keys(old, new, keys):
    """Its kind's keys by the kind."""
    found = difference(planned(step(**old), vars={"a": 1, "b": 2}), planned(step(**new), vars={"a": 1, "b": 2}))

    [part] = found.plays[0].steps.changed
    assert (part.name, part.keys) == ("command", keys)


def test_steps_are_found_in_all_lists_and_blocks():
    """What a block says, what stands in which, and what an include hands over."""
    inner = step(id="inner")
    block = Block("b", None, (inner,), HERE)
    framed = Block("i", None, (step(id="i/x", frame="i"),), HERE, opens="i")
    old = planned(block, framed, frames={"i": Frame("i", "f.yaml", vars={"v": 1})}, handlers=(step(id="h"),))
    new = planned(
        msgspec.structs.replace(block, steps=(step(id="other"),), rescue=(inner,), on_failure="ignore"),
        framed,
        frames={"i": Frame("i", "f.yaml", given={"x": 1}, vars={"v": 2})},
        rollback=(step(id="r"),),
        strategy=rolling(2),
    )

    steps = difference(old, new).plays[0].steps

    assert (steps.added, steps.removed) == (("other", "rollback: r"), ("handlers: h",))
    assert {part.name: part.keys for part in steps.changed} == {
        "b": ("on_failure",),
        "inner": ("block",),
        "i": ("include.given", "include.vars.v"),
    }


def test_what_surrounds_the_steps_is_compared():
    """Settings with their values; of variables, gates and the like that they differ."""
    secret = Secret("s", HERE, env="A")
    old = planned(vars={"a": 1, "b": 1}, needs=(), extra={"release": "1"}, plan={"secrets": {"s": secret}})
    new = planned(
        vars={"a": 1, "b": 2, "c": 3},
        cwd="/x",
        strategy=rolling(2, gate=(Check(step("tcp", {"port": 1})),), bake=5.0),
        extra={"release": "2"},
        plan={"secrets": {"s": Secret("s", HERE, env="B"), "t": secret}, "lock": "hosts"},
    )

    found = difference(old, new)

    assert [(one.key, one.old, one.new) for one in found.settings] == [
        ("lock", "controller", "hosts"),
        ("inputs.release", "1", "2"),
        ("secrets.s", True, True),
        ("secrets.t", False, True),
    ]
    assert found.plays[0].keys == ("cwd", "vars.b", "vars.c", "strategy.gate")
    assert [one.key for one in found.plays[0].settings] == ["strategy.bake"]


def test_the_way_to_hosts_is_compared():
    """Address, options, variables; by whom they are contacted does not matter."""
    old = planned(fleet=inventory(host("a", vars={"x": 1}), host("b"), host("c")))
    new = planned(fleet=inventory(host("a", vars={"x": 2}), host("b", address="10.0.0.1"), host("d")))

    contacts = difference(old, new).contacts

    assert (contacts.added, contacts.removed) == (("d",), ("c",))
    assert {part.name: part.keys for part in contacts.changed} == {"a": ("vars.x",), "b": ("address",)}


def test_files_are_compared_by_their_hashes():
    """A comment in the playbook makes another file, and the same plan."""
    found = difference(planned(inputs={"a": "1", "b": "1", "c": "1"}), planned(inputs={"a": "1", "b": "2", "d": "1"}))

    assert (found.files.added, found.files.removed, found.files.changed) == (("d",), ("c",), ("b",))
    assert (found.plays, found.is_same) == ((), False)


def test_the_seed_counts_only_where_chance_has_a_part():
    """It is drawn anew for each plan."""
    fleet = inventory("web[1-2]")

    def shuffled(order, seed):
        book = playbook(play(strategy=Strategy(order=order)))
        return compile_plan(book, fleet, settings=PlanSettings(seed=seed))

    assert difference(shuffled("inventory", 1), shuffled("inventory", 2)).is_same
    assert [one.key for one in difference(shuffled("shuffle", 1), shuffled("shuffle", 2)).settings] == ["seed"]


def test_whole_plays_come_and_go():
    """With all their tasks, which are listed like any other."""
    fleet = inventory("web[1-2]")
    old = compile_plan(playbook(play(id="a"), play(id="b")), fleet)
    new = compile_plan(playbook(play(id="a"), play(id="c")), fleet)

    found = difference(old, new)

    assert [(one.play, one.status) for one in found.plays] == [("b", "removed"), ("c", "added")]
    assert tasks(found) == [
        [("c", 1, f"web{n}", "command") for n in (1, 2)],
        [("b", 1, f"web{n}", "command") for n in (1, 2)],
    ]
