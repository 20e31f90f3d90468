"""The names of a run before it begins."""

import pytest
from plan_builder import HERE, host, inventory, play, playbook, step, tpl

from runner.errors import RenderError
from runner.model.known import Known, is_unknown
from runner.model.playbook import Block, Frame, Input
from runner.planning.compile import compile_plan
from runner.planning.settings import PlanSettings
from runner.templating import Templates

FLEET = inventory(host("a", vars={"rack": "r1"}), host("b", vars={"rack": "r2"}), web="a,b")
TEMPLATES = Templates()


def planned(*steps, settings=None, **fields):
    return compile_plan(playbook(play("all", *steps, **fields)), FLEET, settings=settings, templates=TEMPLATES)


def told(plan, source, *, frame="", name="a", wave=1):
    """What a template gives for a host before the run; None where only the run can tell."""
    known = Known(plan, TEMPLATES.render, {"token": "***"})
    only = plan.plays[0]
    scope = known.of_host(only, plan.hosts[name], wave=wave, frame=frame) if name else known.of_all(only, frame=frame)
    try:
        return TEMPLATES.render(tpl(f"{{{{ {source} }}}}"), scope)
    except RenderError as error:
        if not is_unknown(error):
            raise
        return None


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("word", "hi"),
        ("rack", "r1"),
        ("release", "1.2"),
        ("inputs.release", "1.2"),
        ("host.name ~ host.index", "a1"),
        ("hosts.b.vars.rack", "r2"),
        ("groups.web", ["a", "b"]),
        ("wave.index ~ '/' ~ wave.count", "1/1"),
        ("secrets.token", "***"),
        ("via", None),
        ("made is defined", None),
        ("got.stdout | default('none')", None),
        ("host.facts.os", None),
        ("hosts.b.results.got", None),
        ("facts.os", None),
        ("run.id", None),
        ("item", None),
    ],
)
def test_what_is_known_and_what_only_the_run_can_tell(source, value):
    """Inputs, variables and the inventory are known; answers are not, even where one asks whether they are there."""
    steps = (step(register="got"), step("set", {"values": {"made": 1}}, id="set"))
    settings = PlanSettings(given={"release": "1.2"})

    plan = planned(*steps, vars={"word": "hi", "via": tpl("{{ got.stdout }}")}, settings=settings)

    assert told(plan, source) == value


def test_a_mistake_is_no_answer_of_the_run():
    """An undefined name stays an error."""
    with pytest.raises(RenderError, match='"nope" is undefined'):
        told(planned(), "nope")


def test_before_waves_are_cut_their_names_are_unknown():
    """As when it is decided which hosts stand in any."""
    assert told(planned(), "wave.index", wave=0) is None


@pytest.mark.parametrize(
    ("source", "value"),
    [("word", "hi"), ("groups.web[0]", "a"), ("hosts.b.vars.rack", "r2"), ("rack", None), ("host.name", None)],
)
def test_what_differs_between_hosts_is_not_known_for_all(source, value):
    """What all hosts have alike is told without looking at each."""
    assert told(planned(vars={"word": "hi"}), source, name="") == value


FRAMES = {
    "in": Frame(
        "in",
        "in.yaml",
        given={"word": tpl("{{ word }}/{{ rack }}"), "late": tpl("{{ got.stdout }}")},
        inputs={
            "word": Input("word", "string", HERE),
            "size": Input("size", "integer", HERE, default=3, is_required=False),
        },
        vars={"path": tpl("/srv/{{ word }}")},
        has_item=True,
        item="blue",
        loop={"index": 2},
    ),
    "in/deep": Frame("in/deep", "deep.yaml", parent="in", given={"where": tpl("{{ path }}")}),
}


@pytest.mark.parametrize(
    ("source", "frame", "value"),
    [
        ("word", "in", "hi/r1"),
        ("path", "in", "/srv/hi/r1"),
        ("size + inputs.size", "in", 6),
        ("item ~ loop.index", "in", "blue2"),
        ("late", "in", None),
        ("inner", "in", None),
        ("rack", "in", "r1"),
        ("where", "in/deep", "/srv/hi/r1"),
        ("word", "in/deep", "hi"),
    ],
)
def test_inside_an_include_its_own_names_come_first(source, frame, value):
    """What it was handed is rendered among the names outside; its steps' results are its own."""
    inside = Block("in", None, (step(register="inner", frame="in", id="in/x"),), HERE, opens="in", register="shown")
    plan = planned(step(register="got"), inside, frames=FRAMES, vars={"word": "hi"})
    plan = compile_plan(playbook(play("all", step(register="got"), inside, frames=FRAMES, vars={"word": "hi"})), FLEET)

    assert told(plan, source, frame=frame) == value


def test_results_of_outside_do_not_stand_inside():
    """Nor the other way round: the include shows what it registered under its own name."""
    inside = Block("in", None, (step(register="inner", frame="in", id="in/x"),), HERE, opens="in", register="shown")
    plan = planned(step(register="got"), inside, frames=FRAMES, vars={"word": "hi"})

    with pytest.raises(RenderError, match='"got" is undefined'):
        told(plan, "got.stdout", frame="in")
    with pytest.raises(RenderError, match='"inner" is undefined'):
        told(plan, "inner.stdout")
    assert told(plan, "shown.inner") is None
