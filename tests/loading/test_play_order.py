"""Which plays wait for which."""

import pytest
from playbook_text import read


def needs(*plays):
    """What each play of a sound playbook needs."""
    texts, problems = read(playbook(plays))
    assert [problem.message for problem in problems.items] == []
    return [play.needs for play in texts.playbook.plays]


def playbook(plays):
    return "version: 1\nplays:\n" + "".join(f"- {{hosts: all, steps: [{{command: a}}], {play}}}\n" for play in plays)


def test_a_play_needs_the_one_before_it_unless_it_says_otherwise():
    """By name or by id, or none at all."""
    assert needs("name: one", "name: two", "name: three tier, needs: []", "name: four, needs: [one, three tier]") == [
        (),
        ("one",),
        (),
        ("one", "three-tier"),
    ]


def test_a_play_that_names_its_needs_leaves_the_order_of_the_others():
    """Those behind it still come after those before it, however many of them name theirs in a row."""
    assert needs("name: one", "name: two", "name: three, needs: []", "name: four, needs: [one]", "name: five") == [
        (),
        ("one",),
        (),
        ("one",),
        ("two", "four"),
    ]


def test_a_play_may_need_a_later_one():
    """The order written is not the order that they run in."""
    assert needs("name: one, needs: two", "name: two, needs: []") == [("two",), ()]


@pytest.mark.parametrize(
    ("plays", "expected"),
    [
        (
            ["name: web", "name: db, needs: [wbe]"],
            [(4, 'there is no play "wbe" to need', 'did you mean "web"?')],
        ),
        (["name: web, needs: [web]"], [(3, 'the play "web" needs itself', "remove it")]),
        (
            ["name: a, needs: [b]", "name: b"],
            [
                (
                    3,
                    'these plays wait for each other: "a" (play.yaml:3:3) needs "b" (play.yaml:4:3) needs "a"',
                    "a play without needs needs the one written before it; write needs: [] on one of them",
                )
            ],
        ),
    ],
)
def test_needs_that_cannot_be_met_are_refused(plays, expected):
    """Unknown plays, a play itself, and rings, of which every play is named with its place."""
    _, problems = read(playbook(plays))

    assert [(p.location.line, p.message, p.hint) for p in problems.in_order()] == expected
    assert {p.code for p in problems.items} == {"E404"}


def test_what_a_play_says_of_itself_arrives():
    """A condition, and tags, which its steps have too."""
    texts, problems = read(playbook(["when: go, tags: [a, b]"]))
    (play,) = texts.playbook.plays

    assert problems.items == []
    assert (play.when.source, play.tags, play.steps[0].tags) == ("go", ("a", "b"), ("a", "b"))
