"""The local files that steps send, as far as it is known before the run which they are."""

import pytest
from plan_builder import HERE, host, inventory, play, playbook, step, tpl

from runner.model.playbook import Block, Frame
from runner.planning.compile import compile_plan
from runner.planning.local_paths import local_paths
from runner.templating import Templates

FLEET = inventory(host("web1", vars={"rack": "a"}), host("web2", vars={"rack": "b"}))
PARAMS = {"copy": ("src",), "script": ("src", "includes")}


def found(*steps, **fields):
    """What is named, without the folder where that is the plan's, and the steps of which only the run can tell."""
    plan = compile_plan(playbook(play("all", *steps, **fields), vars={"release": "1.4"}), FLEET)
    paths = local_paths(plan, Templates(), PARAMS)
    return [text if folder == "." else (folder, text) for folder, text in paths.named], paths.undecided


def copy(src, **fields):
    return step("copy", {"src": src, "dest": "/x"}, **fields)


@pytest.mark.parametrize(
    ("src", "names"),
    [
        ("app.conf", ["app.conf"]),
        (tpl("app-{{ release }}.tar"), ["app-1.4.tar"]),
        (tpl("{{ host.name }}.conf"), ["web1.conf", "web2.conf"]),
        (tpl("{{ rack }}/w{{ wave.index }}"), ["a/w1", "b/w1"]),
        (tpl("{{ 7 }}"), []),
    ],
)
def test_a_path_is_known_for_each_host(src, names):
    """As written, from variables, from the host or its wave."""
    assert found(copy(src)) == (names, ())


def test_every_item_of_a_loop_counts():
    """Also of a loop that differs between hosts, and of lists of paths."""
    assert found(copy(tpl("{{ item }}.conf"), loop=["a", tpl("{{ rack }}-own")])) == (
        ["a.conf", "a-own.conf", "b-own.conf"],
        (),
    )
    assert found(step("script", {"src": "go.sh", "includes": ["lib.sh", tpl("{{ rack }}.sh")]})) == (
        ["go.sh", "lib.sh", "a.sh", "b.sh"],
        (),
    )
    assert found(step("script", {"src": "go.sh", "includes": tpl("{{ ['x', rack] }}")})) == (
        ["go.sh", "x", "a", "b"],
        (),
    )


def test_steps_are_found_wherever_they_stand():
    """In blocks, handlers, rollback and always; inside an include, where paths start at that file."""
    block = Block("b", None, (copy("1"),), HERE, rescue=(copy("2", id="r"),), always=(copy("3", id="a"),))
    inside = copy(tpl("{{ file }}"), frame="in", folder="/p/common", id="in/copy")
    frames = {"in": Frame("in", "common/x.yaml", given={"file": "4"})}

    names, undecided = found(
        block, inside, frames=frames, handlers=(copy("5"),), rollback=(copy("6"),), always=(copy("7"),)
    )

    assert (names, undecided) == (["1", "2", "3", ("/p/common", "4"), "5", "6", "7"], ())


@pytest.mark.parametrize("src", [tpl("{{ made.stdout }}"), tpl("{{ secrets.s }}"), tpl("{{ missing }}")])
def test_what_only_the_run_can_tell_is_said(src):
    """An answer of a host, a secret, a name that is not there: the step is named once, not its hosts."""
    registered = step(register="made")
    plan = compile_plan(playbook(play("all", registered, copy(src)), secrets={"s": None}), FLEET)

    paths = local_paths(plan, Templates(), PARAMS)

    assert (paths.named, paths.undecided) == ((), (("web", "copy"),))
