"""A strategy: short or long, with the defaults of its type, and sizes that mean something."""

import pytest

from runner.loading.cursor import Cursor
from runner.loading.documents import Problems, read_text
from runner.loading.strategy import strategy_of
from runner.model.playbook import Strategy


def read(text):
    problems = Problems()
    document = read_text(text, "play.yaml", problems)
    return strategy_of(Cursor(document, problems, document.data)), problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parallel", Strategy()),
        ("rolling", Strategy(type="rolling", waves=(1,), max_failures=0, preflight=True)),
        ("sequential", Strategy(type="sequential", waves=(1,), max_failures=0, preflight=True)),
        ("{type: rolling, waves: 3}", Strategy(type="rolling", waves=(3,), max_failures=0, preflight=True)),
        (
            "{type: rolling, waves: [1, 25%, rest], preflight: false}",
            Strategy(type="rolling", waves=(1, "25%", "rest"), max_failures=0),
        ),
        (
            "{type: rolling, max_failure_percent: 10}",
            Strategy(type="rolling", waves=(1,), max_failure_percent=10, preflight=True),
        ),
        (
            "{type: rolling, of: remaining, spread: one_per_group, group_by: rack, max_failures: 1, preflight: false}",
            Strategy("rolling", ("rest",), group_by="rack", max_failures=1, of="remaining", spread="one_per_group"),
        ),
        ("{preflight: true, on_exceed: pause}", Strategy(preflight=True, on_exceed="pause")),
        (
            "{type: rolling, bake: 1m, preflight: false, max_failures: 1}",
            Strategy("rolling", (1,), max_failures=1, bake=60.0),
        ),
        ("{max_failures: 2, on_exceed: drain}", Strategy(max_failures=2, on_exceed="drain")),
        ("{group_by: [a, b], per_group_limit: {a: 2}}", Strategy(group_by=("a", "b"), per_group_limit={"a": 2})),
        ("{concurrency: 5, sync: lockstep, order: sorted}", Strategy(concurrency=5, sync="lockstep", order="sorted")),
    ],
)
def test_defaults_come_with_the_type(text, expected):
    """What is not written is what the type asks for: rolling and sequential bear no failure."""
    strategy, problems = read(text)

    assert strategy == expected
    assert not problems.items


@pytest.mark.parametrize(
    ("approve", "expected"),
    [("after-first", (1,)), ("each", "each"), ("none", ()), ("2", (2,)), ("[3, 1]", (1, 3))],
)
def test_when_a_person_is_asked_is_said_in_words_or_numbers_of_waves(approve, expected):
    """``none``, for a template to choose, is as good as nothing written."""
    strategy, problems = read(f"{{type: rolling, approve: {approve}}}")

    assert (strategy.approve, problems.items) == (expected, [])


@pytest.mark.parametrize("size", ["0", "-1", '"101%"', "0%", "2.5", '"10 %"', "true", "all", "{}", "null"])
def test_sizes_without_meaning_are_refused_where_they_stand(size):
    """A wave of nothing, or of a part of a host, is an error at its place, alone and in a list."""
    _, alone = read(f"{{type: rolling, waves: {size}}}")
    _, listed = read(f"{{type: rolling, waves: [1, {size}]}}")

    assert [(p.code, p.location.column) for p in alone.items] == [("E406", 24)]
    assert [(p.code, p.location.column) for p in listed.items] == [("E406", 28)]


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("{type: rolling, waves: []}", "the list of waves is empty", 24),
        ("{type: rolling, waves: [rest, 1]}", 'no host is left after "rest"', 31),
        ("{type: parallel, waves: 2}", '"waves" has no meaning for the type "parallel"', 18),
        ("{waves: 2}", '"waves" has no meaning for the type "parallel"', 2),
        ("{approve: each}", '"approve" has no meaning for the type "parallel"', 2),
        ("{bake: 2s}", '"bake" has no meaning for the type "parallel"', 2),
        ("{type: sequential, of: total}", '"of" has no meaning for the type "sequential"', 20),
        ("{spread: even}", '"spread" has no meaning without "group_by"', 2),
        ("{group_by: a, spread: one_per_group}", "one host of each group in a wave asks for several waves", 23),
        ("{per_group_limit: 2}", '"per_group_limit" has no meaning without "group_by"', 2),
    ],
)
def test_keys_that_would_do_nothing_are_refused(text, message, column):
    """No key is accepted that has no effect."""
    _, problems = read(text)

    assert [(p.code, p.message, p.location.column) for p in problems.items] == [("E406", message, column)]
