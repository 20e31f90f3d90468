"""The plan to go on with: cut as the stored one, with steps as they are now."""

from plan_builder import inventory, play, playbook, rolling, step

from runner.model.events import HostStarted, RollbackEnded, StepEnded, StepIntent
from runner.model.past import Past
from runner.planning.compile import compile_plan
from runner.planning.finished import Around
from runner.planning.matching import Wanted, matched
from runner.planning.merging import merged
from runner.planning.moved import moved
from runner.planning.settings import PlanSettings
from runner.templating import Templates

FLEET = inventory("web[1-4]", "db1", odd="web[1,3]", even="web[2,4]")
GROUPED = rolling(2, group_by=("odd", "even"))


def planned(*plays, seed=1, fleet=FLEET):
    """A plan of these plays."""
    return compile_plan(playbook(*plays), fleet, settings=PlanSettings(seed=seed))


def done(*steps, play="web", host="web1", section=""):
    """What a host that has changed something at these steps has left."""
    past = Past()
    past.apply(HostStarted(play=play, wave=1, host=host), 0)
    for name in steps:
        place = {"play": play, "wave": 1, "host": host, "step": name, "section": section, "attempt": 1}
        past.apply(StepIntent(**place, kind="command"), 1)
        past.apply(StepEnded(**place, kind="command", status="changed"), 2)
    return past


def go_on(old, new, past, **wanted):
    """What is found."""
    return matched(old, new, past, Around(Templates()), {}, Wanted(**wanted))


def test_what_was_cut_stays_cut():
    """Waves, groups, what a play waits for, and where chance started; steps and strategy are as now."""
    one, two = play("web[1-4]", strategy=GROUPED), play("db1", id="db", needs=("web",))
    old = planned(one, two)
    new = planned(
        play("web[1-4]", step(id="other"), strategy=rolling(1, group_by=("even", "odd"), bake=5.0)),
        play("db1", id="db", needs=()),
        seed=9,
        fleet=inventory("web[1-4]", "db1", odd="web[2,4]", even="web[1,3]"),
    )

    plan = merged(old, new, frozenset())

    first, second = plan.plays
    assert (first.waves, first.group_of) == (old.plays[0].waves, old.plays[0].group_of)
    assert (first.steps[0].id, first.strategy.bake) == ("other", 5.0)
    assert (second.needs, plan.seed) == (("web",), 1)


def test_a_host_that_is_left_out_stands_in_no_wave():
    """The wave stays, though nobody is left in it."""
    old = planned(play("web[1-2]", strategy=rolling(1)))

    (only,) = merged(old, old, {"web1"}).plays

    assert [wave.hosts for wave in only.waves] == [(), ("web2",)]
    assert only.hosts == ("web2",)


def test_another_way_to_a_host_may_lead_to_another_machine():
    """A gateway as much as a port."""
    fleet = {
        jump: inventory("gate[1-2]", *(one for one in inventory("web1").hosts.values())) for jump in ("gate1", "gate2")
    }
    for jump, hosts in fleet.items():
        hosts.hosts["web1"] = type(hosts.hosts["web1"])(
            **{name: getattr(hosts.hosts["web1"], name) for name in hosts.hosts["web1"].__struct_fields__}
            | {"options": {"jump": jump}}
        )
    old, new = (planned(play("web1"), fleet=fleet[jump]) for jump in ("gate1", "gate2"))

    ((problem),) = moved(old, new, frozenset())

    assert problem.message == 'the jump of web1 was "gate1" and is "gate2": it may be another machine'


def test_a_play_that_went_back_is_done_with():
    """What its steps are now is nothing to the run."""
    past = done("command")
    past.apply(RollbackEnded(play="web", status="rolled_back", counts={}), 9)

    assert go_on(planned(play("web1")), planned(play("web1", step(params={"argv": ["false"]}))), past).events == ()


def test_a_handler_that_has_changed_runs_again_only_where_it_is_notified():
    """Nobody asked for it now; the change is accepted, and told."""
    one = step(id="h", section="handlers")
    old = planned(play("web1", handlers=(one,)))
    new = planned(play("web1", handlers=(step(id="h", section="handlers", params={"argv": ["false"]}),)))

    found = go_on(old, new, done("h", section="handlers"), accept=True)

    assert found.events == ()
    assert found.notes == (
        'step "h" has changed since it ended well on web1 (params): it runs again where it is notified again',
    )


def test_a_host_that_is_left_out_has_no_say_in_what_has_changed():
    """Its steps may be others; none of them runs again there."""
    old, new = planned(play("web[1-2]")), planned(play("web[1-2]", step(params={"argv": ["false"]}), step(id="new")))
    past = done("command")
    past.plays["web"].hosts["web1"].status = "changed"

    found = go_on(old, new, past, accept=True, dropped=frozenset({"web1"}))

    assert (found.events, found.notes) == ((), ())
    assert go_on(old, new, past, dropped=frozenset({"web1"})).plan.plays[0].hosts == ("web2",)
