"""From playbook and inventory to a plan."""

import time

import pytest
from plan_builder import HERE, PLACE, host, inventory, play, playbook, rolling, step, tpl

from runner.errors import InputError
from runner.location import Location
from runner.model.playbook import Block, Check, Secret, Strategy, leaves
from runner.planning.compile import compile_plan
from runner.planning.settings import PlanSettings

NINE = inventory("web[1-9]", "db[1-2]", web="web[1-9]", data="db[1-2]", none_yet="")


def planned(*plays, fleet=NINE, **settings):
    return compile_plan(playbook(*plays), fleet, settings=PlanSettings(**settings))


def problems(*plays, fleet=NINE, book=None, **settings):
    with pytest.raises(InputError) as raised:
        compile_plan(book or playbook(*plays), fleet, settings=PlanSettings(**settings))
    return [(one.code, one.message) for one in raised.value.problems]


def test_a_play_is_cut_into_waves_of_named_hosts():
    """What was planned is what runs: names, numbers and the budget stand in the plan."""
    plan = planned(play("web", strategy=rolling(1, "25%", "rest", max_failures=1)))

    only = plan.plays[0]
    assert [wave.hosts for wave in only.waves] == [
        ("web1",),
        ("web2", "web3"),
        ("web4", "web5", "web6", "web7", "web8", "web9"),
    ]
    assert only.budget == 1
    assert list(plan.hosts) == [f"web{number}" for number in range(1, 10)]
    assert list(plan.others) == ["db1", "db2"]
    assert plan.groups["data"] == ("db1", "db2")
    assert plan.total == 9


def test_equal_inputs_give_equal_plans():
    """A plan is a value: it is compared, and nothing outside of its inputs has a part in it."""
    plays = (play("web", strategy=rolling(2, order="shuffle")), play("data", id="data"))

    assert planned(*plays, seed=3) == planned(*plays, seed=3)
    assert planned(*plays, seed=3) != planned(*plays, seed=4)


def test_hosts_may_be_a_template_of_variables_and_groups():
    """``hosts`` sees playbook, play and command line variables and the groups, and may come to a list."""
    book = playbook(
        play(tpl("{{ groups.web[:2] }}"), id="a"),
        play(tpl("{{ tier }}:!web9"), id="b"),
        play(["db1", tpl("{{ other }}")], id="c", vars={"other": "web[3-4]"}),
        vars={"tier": "data", "other": "db2"},
    )

    plan = compile_plan(book, NINE, settings=PlanSettings(extra={"tier": "web"}))

    assert [one.hosts for one in plan.plays] == [
        ("web1", "web2"),
        tuple(f"web{number}" for number in range(1, 9)),
        ("web3", "web4", "db1"),
    ]


def test_everything_wrong_is_told_at_once_with_its_place():
    """Bad names of all plays, templates, filters: one error holds them all."""
    plays = (
        play("wbe"),
        play("web:dta", id="b"),
        play(tpl("{{ nope }}"), id="c"),
        play(["web", 5], id="d"),
        play("web", id="e"),
    )

    with pytest.raises(InputError) as raised:
        planned(*plays, limit=("web99x",))

    assert [(one.code, str(one.location)) for one in raised.value.problems] == [
        ("E619", "None"),
        ("E405", "site.yaml:2:8"),
        ("E405", "site.yaml:2:12"),
        ("E407", "site.yaml:9:7"),
        ("E405", "site.yaml:2:8"),
    ]
    assert raised.value.problems[1].hint == 'did you mean "web"?'


def test_a_play_without_hosts_is_an_error_unless_it_says_it_may_be():
    """An empty group is known, but a play that does nothing is most likely a slip."""
    assert problems(play("none_yet")) == [("E405", 'no host is meant by "none_yet"')]

    plan = planned(play("none_yet", allow_empty=True), play("data", id="b"))

    assert [one.id for one in plan.plays] == ["b"]
    assert plan.notes == ('play "web" is passed over: it has no hosts, as it says it may',)


def test_filters_narrow_every_play_and_pass_over_what_they_empty():
    """The note names the filter; a percentage is of the hosts that are left."""
    plan = planned(
        play("web", strategy=rolling("50%")), play("data", id="b"), limit=("web[1-6]",), exclude=("web2", "web3")
    )

    assert [len(wave.hosts) for wave in plan.plays[0].waves] == [2, 2]
    assert plan.notes == (
        'play "b" is passed over: --limit web[1-6] --exclude web2 --exclude web3 leaves it without hosts',
    )


def test_a_run_left_with_nothing_is_an_error():
    """Never "ok, 0 hosts": the filter that did it is named."""
    assert problems(play("web"), limit=("db1",)) == [
        ("E405", "nothing is left to run: --limit db1 leaves no play a host")
    ]


def test_the_controller_is_a_host_that_a_limit_leaves_alone():
    """It is in no group and not in ``all``, and can be planned for."""
    plan = planned(play("controller"), play("web", id="b"), limit=("web1",))

    assert [one.hosts for one in plan.plays] == [("controller",), ("web1",)]
    assert plan.hosts["controller"].connection == "local"


def test_hosts_are_drawn_evenly_from_the_groups_of_a_variable():
    """Each wave takes from all racks in turn, whatever the order in the inventory."""
    racks = [host(f"web{n}", vars={"rack": tpl("{{ 'a' if host.index <= 3 else 'b' }}")}) for n in range(1, 7)]

    plan = planned(play("all", strategy=rolling(2, group_by="rack", per_group_limit=1)), fleet=inventory(*racks))

    assert [wave.hosts for wave in plan.plays[0].waves] == [("web1", "web4"), ("web2", "web5"), ("web3", "web6")]
    assert plan.plays[0].group_of["web4"] == "b"


def test_hosts_without_a_group_are_named_folded():
    """A host whose variable is missing, or no plain value, belongs nowhere."""
    fleet = inventory(host("a", vars={"rack": 1}), *(host(f"b{n}") for n in range(1, 5)), host("c", vars={"rack": []}))

    assert problems(play("all", strategy=rolling(group_by="rack")), fleet=fleet) == [
        ("E405", '"rack", of group_by, names no group for b[1-4],c')
    ]


def test_a_mistyped_group_variable_is_told_the_right_one():
    """The variables of a host that has none of that name are what could have been meant."""
    fleet = inventory(host("a", vars={"rack": 1}))

    with pytest.raises(InputError) as raised:
        compile_plan(playbook(play("all", strategy=rolling(group_by="rck"))), fleet, settings=PlanSettings())

    assert [one.hint for one in raised.value.problems] == ['did you mean "rack"?']


def test_a_group_variable_that_cannot_be_rendered_is_told_once():
    """Ten hosts share one template: one problem, at the template."""
    hosts = [host(f"b{n}", vars={"rack": tpl("{{ nope }}")}) for n in range(10)]

    assert problems(play("all", strategy=rolling(group_by="rack")), fleet=inventory(*hosts)) == [
        ("E407", '"nope" is undefined')
    ]


def test_groups_may_be_listed():
    """Hosts fall into the first of the groups; groups that are not there, and hosts in none, are errors."""
    plan = planned(play("web[1-2]:data", strategy=rolling(2, group_by=("data", "web"))))
    assert [wave.hosts for wave in plan.plays[0].waves] == [("web1", "db1"), ("web2", "db2")]

    assert problems(play("all", strategy=rolling(group_by=("dta", "web")))) == [
        ("E405", 'there is no group "dta", of group_by')
    ]
    assert problems(play("all", strategy=rolling(group_by=("web",)))) == [("E405", "in no group of group_by: db[1-2]")]
    limited = rolling(group_by=("web", "data"), per_group_limit={"wbe": 1})
    assert problems(play("all", strategy=limited)) == [("E405", '"wbe", of per_group_limit, is no group of group_by')]


def test_a_limit_for_a_value_that_no_host_has_is_noted():
    """A filter may have left that rack without hosts, so it is no error; silent it would hide a slip."""
    fleet = inventory(host("a", vars={"rack": "r1"}))

    plan = planned(play("all", strategy=rolling(group_by="rack", per_group_limit={"r1": 1, "r2": 1})), fleet=fleet)

    assert plan.notes == ('per_group_limit of play "web" names "r2", which no host has as "rack"',)


@pytest.mark.parametrize(
    ("strategy", "max_open", "number", "words"),
    [
        (Strategy(), 1000, 9, "auto: 9 = smallest of 9 hosts, 1000 by open files, 100"),
        (Strategy(), 4, 4, "auto: 4 = smallest of 9 hosts, 4 by open files, 100"),
        (Strategy(), None, 9, "auto: 9 = smallest of 9 hosts, 100"),
        (Strategy(), 0, 1, "auto: 1 = smallest of 9 hosts, 0 by open files, 100"),
        (rolling(3), 1000, 3, "auto: 3 = smallest of 3 hosts in the largest wave, 1000 by open files, 100"),
        (rolling(1), None, 1, "auto: 1 = smallest of 1 host in the largest wave, 100"),
        (Strategy(concurrency=50), 1000, 50, ""),
    ],
)
def test_auto_is_reckoned_in_sight(strategy, max_open, number, words):
    """The smallest of hosts, open files and 100, never under 1, and the plan says how."""
    only = planned(play("web", strategy=strategy), max_open=max_open).plays[0]

    assert (only.concurrency, only.reckoning) == (number, words)


def test_the_command_line_replaces_concurrency_budget_and_default_timeouts():
    """A step that names its own timeout keeps it."""
    steps = (step(id="a", timeout_is_default=True), step(id="b", timeout=1800.0))
    settings = {"concurrency": 2, "timeout": 60.0, "fail_fast": True}

    only = planned(play("web", *steps, strategy=Strategy(max_failure_percent=50)), **settings).plays[0]

    assert only.concurrency == 2
    assert [one.timeout for one in only.steps] == [60.0, 1800.0]
    assert (only.budget, only.strategy.on_exceed, only.strategy.max_failure_percent) == (0, "kill", None)
    assert planned(play("web", steps[0]), timeout=0.0).plays[0].steps[0].timeout is None


def test_the_default_timeout_holds_wherever_a_step_stands():
    """In blocks, with their rescue and always, in the other lists of a play, and in its gate."""
    lazy = step(timeout_is_default=True)
    block = Block("b", None, (lazy,), HERE, rescue=(lazy,), always=(lazy,))
    lists = dict.fromkeys(("handlers", "rollback", "always"), (lazy,))

    only = planned(play("web", block, strategy=Strategy(gate=(Check(lazy),)), **lists), timeout=60.0).plays[0]

    steps = [one for section in only.sections for one in leaves(section, everything=True)]
    assert [one.timeout for one in (*steps, only.strategy.gate[0].step)] == [60.0] * 7


@pytest.mark.parametrize(
    ("strategy", "budget"),
    [
        (Strategy(), None),
        (Strategy(max_failures=3), 3),
        (Strategy(max_failure_percent=30), 2),
        (Strategy(max_failures=1, max_failure_percent=30), 1),
        (Strategy(max_failure_percent=30, failure_scope="wave"), None),
    ],
)
def test_the_budget_is_the_smaller_limit_in_whole_hosts(strategy, budget):
    """30 % of 9 hosts is 2. With scope ``wave`` the play as a whole has none."""
    assert planned(play("web", strategy=strategy)).plays[0].budget == budget


def test_addresses_and_options_are_rendered():
    """They see the host, its variables, the playbook's and the command line's; equal texts stay as they are."""
    fleet = inventory(
        host("a", address=tpl("{{ host.name }}.{{ domain }}"), vars={"domain": "low"}),
        host(
            "b",
            options={"user": tpl("{{ who }}"), "port": tpl("{{ 20 + host.index }}"), "keepalive": 5},
            vars={"who": "me"},
        ),
    )
    book = playbook(play("all"), vars={"domain": "high"})

    hosts = compile_plan(book, fleet).hosts

    assert hosts["a"].address == "a.high"
    assert hosts["b"].options == {"user": "me", "port": 22, "keepalive": 5}


def test_a_password_is_kept_by_the_name_of_its_secret():
    """No plan holds the value; elsewhere a secret is undefined."""
    fleet = inventory(host("a", options={"password": tpl("{{ secrets.login }}")}))
    book = playbook(play("all"), secrets={"login": Secret("login", HERE, env="LOGIN")})

    assert compile_plan(book, fleet).hosts["a"].options == {"password": "login"}
    wrong = inventory(host("a", options={"user": tpl("{{ secrets.login }}")}))
    assert problems(fleet=wrong, book=book) == [("E407", '"secrets" is undefined')]


@pytest.mark.parametrize(
    ("address", "code", "message"),
    [
        ("{{ nope }}", "E407", '"nope" is undefined'),
        ("{{ [1] }}", "E409", 'the address of "a" is no text; got "[1]"'),
        ("{{ '' }}", "E409", 'the address of "a" is no text; got ""'),
        ("{{ 1 / 0 }}", "E409", "the template divides by zero"),
    ],
)
def test_an_address_that_comes_to_nothing_is_told(address, code, message):
    """Before any host is contacted, at the template."""
    assert problems(play("all"), fleet=inventory(host("a", address=tpl(address)))) == [(code, message)]


def test_gateways_are_in_the_plan():
    """Hosts that only a jump names are contacted too, and so are their own gateways."""
    fleet = inventory(
        host("a", options={"jump": "gate"}),
        host("b", options={"jump": ["gate", "inner"]}),
        host("gate", options={"jump": tpl("{{ 'outer' }}")}),
        host("inner"),
        host("outer", options={"jump": "none"}),
        host("spare"),
    )

    plan = compile_plan(playbook(play("a:b")), fleet)

    assert list(plan.hosts) == ["a", "b", "gate", "inner", "outer"]
    assert plan.plays[0].hosts == ("a", "b")


def test_gateways_that_are_not_there_or_go_round_are_errors():
    """Found before any host is contacted."""
    fleet = inventory(
        host("a", options={"jump": "b"}), host("b", options={"jump": "a"}), host("c", options={"jump": "bb"})
    )

    assert problems(play("all"), fleet=fleet) == [
        ("E504", "jump hosts go round in a circle: a -> b -> a"),
        ("E405", 'the jump host "bb" of "c" is not in the inventory'),
    ]


@pytest.mark.benchmark
def test_planning_grows_no_more_than_linearly():
    """Ten times the hosts take about ten times as long: nothing looks at all hosts for each host."""
    shared = {"rack": tpl("{{ host.index % 4 }}")}
    steps = [step(id=f"s{number}") for number in range(20)]

    def seconds(total):
        hosts = {name: host(name, n, vars=shared, options={}) for n, name in enumerate(names(total), 1)}
        fleet = inventory()
        fleet.hosts.update(hosts)
        begun = time.process_time()
        compile_plan(playbook(play("all", *steps, strategy=rolling(3, group_by="rack", order="shuffle"))), fleet)
        return time.process_time() - begun

    def names(total):
        return [f"web{number}" for number in range(total)]

    seconds(10)
    assert seconds(10_000) < max(seconds(1_000), 0.01) * 40


def test_places_are_kept_for_what_follows():
    """Plays and steps know their lines, for events."""
    plan = planned(play("web"))

    assert plan.plays[0].location == HERE
    assert plan.plays[0].steps[0].location == Location("site.yaml", 3, 5)
    assert plan.hosts["web1"].location == PLACE
