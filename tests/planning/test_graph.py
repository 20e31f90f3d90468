"""Which plays wait for which."""

import pytest
from plan_builder import inventory, play, playbook, step

from runner.planning.compile import compile_plan
from runner.planning.graph import handed_on
from runner.planning.settings import PlanSettings

FLEET = inventory("web1", "db1")


def after(*needs, **fields):
    return play(fields.pop("hosts", "web1"), needs=needs, **fields)


@pytest.mark.parametrize(
    ("needs", "kept", "left"),
    [
        ({"a": (), "b": ("a",), "c": ("b",)}, "abc", {"a": (), "b": ("a",), "c": ("b",)}),
        ({"a": (), "b": ("a",), "c": ("b",)}, "ac", {"a": (), "c": ("a",)}),
        ({"a": (), "b": ("a",), "c": ("b",)}, "c", {"c": ()}),
        ({"a": (), "b": (), "c": ("a", "b"), "d": ("c", "b")}, "abd", {"a": (), "b": (), "d": ("a", "b")}),
        ({"a": ("b",), "b": ()}, "ab", {"a": ("b",), "b": ()}),
    ],
)
def test_a_play_passed_over_hands_its_needs_on(needs, kept, left):
    """Who waited for it waits for what it would have waited for, each once."""
    assert handed_on(needs, kept) == left


def test_a_long_chain_of_plays_is_no_trouble():
    """Ten thousand plays, of which the first and the last are left."""
    needs = {0: (), **{number: (number - 1,) for number in range(1, 10_000)}}

    assert handed_on(needs, {0, 9_999}) == {0: (), 9_999: (0,)}


def test_a_plan_needs_only_its_own_plays():
    """Whatever passed a play over: no hosts, a filter, tags or its own condition."""
    plays = (
        play("web1", step(tags=("go",)), id="a"),
        after("a", hosts="db1", id="b"),
        after("b", id="c"),
        after("c", id="d", when=False),
    )
    last = play("web1", step(tags=("go",)), id="e", needs=("d", "a"))

    plan = compile_plan(playbook(*plays, last), FLEET, settings=PlanSettings(limit=("web1",), tags=("go",)))

    assert [(one.id, one.needs) for one in plan.plays] == [("a", ()), ("e", ("a",))]
    assert plan.notes == (
        'play "b" is passed over: --limit web1 leaves it without hosts',
        'play "c" is passed over: --tags go leaves it without steps',
        'play "d" is passed over: its when (false) is false for all its hosts',
    )
