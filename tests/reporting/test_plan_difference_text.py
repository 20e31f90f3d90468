"""The difference of two plans as people read it."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from plan_builder import HERE, host, inventory, play, playbook, rolling, step, tpl

from runner.errors import JournalError
from runner.model.encoding import decode_plan, encode_plan
from runner.model.playbook import Block
from runner.planning.compile import compile_plan
from runner.planning.difference import difference
from runner.reporting.plan_difference import difference_lines

ESC = "\x1b]0;owned\x07"


def planned(*steps, hosts, files, **fields):
    book = playbook(play("all", *steps, **fields))
    return compile_plan(book, inventory(hosts, host("lb", vars={"v": len(files)})), inputs=dict.fromkeys(files, "0"))


OLD = planned(step(id="one"), step(id="gone"), hosts="web[1-4]", files=["a", "b"], strategy=rolling(2))
NEW = planned(
    step(id="one", params={"argv": ["x"]}), step(id="two"), hosts="web[1-5]", files=["b", "c", "d"], strategy=rolling(3)
)


def test_all_that_differs_is_in_few_lines():
    """Hosts are folded; plus, minus and tilde say what became of it."""
    assert list(difference_lines(difference(OLD, NEW, called=("old.json", "site.yaml")))) == [
        "from old.json to site.yaml",
        "  tasks  7 tasks added, 5 removed",
        "~ play web",
        "  ~ concurrency: 2 -> 3",
        "  ~ strategy.waves: [2] -> [3]",
        "  + web5",
        "  ~ web3: wave 2 -> 1",
        "  ~ lb: wave 3 -> 2",
        "  - step gone",
        "  + step two",
        "  ~ step one: command.argv",
        "tasks",
        "  - web  wave 1  web[1-2]  gone",
        "  - web  wave 2  web[3-4]  gone",
        "  - web  wave 3  lb  gone",
        "  + web  wave 1  web[1-3]  two",
        "  + web  wave 2  web[4-5],lb  two",
        "  + web  wave 2  web5  one",
        "hosts that are contacted",
        "  + web5",
        "  ~ lb: index, vars.v",
        "files",
        "  - a",
        "  + c",
        "  + d",
    ]


def test_every_task_has_a_line_where_that_is_asked_for():
    """For whoever counts them, or looks for one."""
    lines = list(difference_lines(difference(OLD, NEW), all_hosts=True))

    assert [line for line in lines if line.startswith("  + web  ")] == [
        "  + web  wave 1  web1  two",
        "  + web  wave 1  web2  two",
        "  + web  wave 1  web3  two",
        "  + web  wave 2  web4  two",
        "  + web  wave 2  web5  one",
        "  + web  wave 2  web5  two",
        "  + web  wave 2  lb  two",
    ]


def test_equal_plans_are_said_to_be():
    """And nothing more."""
    assert list(difference_lines(difference(OLD, OLD, called=("a", "b")))) == ["from a to b", "  nothing differs"]


def test_no_name_reaches_the_terminal_raw():
    """The old plan may come from anywhere."""
    block = Block(f"b{ESC}", None, (step(id=f"s{ESC}"),), HERE)
    strange = planned(block, hosts="web[1-2]", files=[f"f{ESC}"], id=f"p{ESC}", vars={f"v{ESC}": 1}, cwd=tpl(f"c{ESC}"))

    for pair in ((OLD, strange), (strange, OLD)):
        lines = list(difference_lines(difference(*pair, called=(ESC, ESC))))
        assert lines
        assert not any("\x1b" in line or "\x07" in line for line in lines)


TREE = json.loads(encode_plan(planned(Block("b", None, (step(loop=[tpl("x")]),), HERE), hosts="web[1-2]", files=["a"])))
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["$template", "web1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=2),
    max_leaves=4,
)


def places(tree, path=()):
    """The way to every part of a tree."""
    yield path
    for key, part in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from places(part, (*path, key))


PLACES = [path for path in places(TREE) if path]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(PLACES) | JUNK)
def test_any_plan_that_can_be_read_can_be_compared(path, other):
    """Parts of a plan replaced by others of it, or by anything: either it is no plan, or what differs is told."""
    tree = json.loads(json.dumps(TREE))
    node = tree
    for key in path[:-1]:
        node = node[key]
    value = TREE
    for key in other if isinstance(other, tuple) else ():
        value = value[key]
    node[path[-1]] = value if isinstance(other, tuple) else other

    try:
        strange = decode_plan(json.dumps(tree).encode())
    except JournalError:
        return
    for pair in ((OLD, strange), (strange, OLD), (strange, strange)):
        assert list(difference_lines(difference(*pair)))
