"""Handlers, and what notify means."""

import pytest
from playbook_text import complaints, play_of

from runner.model.playbook import leaves


def test_a_handler_is_notified_by_name_or_id():
    """What arrives are ids; steps of blocks and later handlers may notify, too."""
    play = play_of(
        "steps: [{command: a, notify: 'restart {{ app }}'}, {block: [{command: b, notify: [r, reload it]}]}]\n"
        "handlers: [{command: c, name: 'restart {{ app }}', id: r, notify: reload it}, {command: d, name: reload it}]\n"
    )

    assert [step.notify for step in leaves(play.steps)] == [("r",), ("r", "reload-it")]
    assert [(step.id, step.section, step.notify) for step in play.handlers] == [
        ("r", "handlers", ("reload-it",)),
        ("reload-it", "handlers", ()),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "steps: [{command: a, notify: restrt app}]\nhandlers: [{command: b, name: restart app}]\n",
            ("E427", 3, 30, 'there is no handler "restrt app"', 'did you mean "restart app"?'),
        ),
        (
            "steps: [{command: a, notify: [x]}]\n",
            ("E427", 3, 31, 'there is no handler "x"', "write it under handlers, beside steps"),
        ),
        (
            "steps: [{command: a}]\nhandlers: [{command: b, name: x}, {command: c, name: x}]\n",
            ("E412", 4, 54, 'there is a handler "x" already, at play.yaml:4:31', "give each its own name"),
        ),
        (
            "steps: [{command: a}]\nhandlers: [{block: [{command: b}]}]\n",
            (
                "E403",
                4,
                13,
                'a handler is a single step; it can\'t be a "block"',
                "write each step as a handler of its own",
            ),
        ),
        (
            "steps: [{command: a}]\nhandlers: [{flush: handlers}]\n",
            (
                "E403",
                4,
                13,
                'a handler is a single step; it can\'t be a "flush"',
                "write each step as a handler of its own",
            ),
        ),
        (
            "steps: [{command: a}]\nhandlers: [{command: b, id: x}, {command: c, notify: x}]\n",
            (
                "E406",
                4,
                54,
                'the handler "x" has had its turn when this one runs',
                "handlers run in the order written: put it behind this one",
            ),
        ),
        (
            "steps: [{command: a}]\nhandlers: [{command: b, id: x}]\nrollback: [{command: c, notify: x}]\n",
            (
                "E406",
                5,
                25,
                '"notify" has no meaning in "rollback": no handlers run there',
                "write what should be done as a step",
            ),
        ),
        (
            "steps: [{command: a}]\nhandlers: [{command: b, id: x}]\nalways: [{flush: handlers}]\n",
            (
                "E406",
                5,
                11,
                '"flush" has no meaning in "always": no handlers run there',
                "write what should be done as a step",
            ),
        ),
    ],
)
def test_what_is_wrong_with_handlers_is_said_at_its_place(text, expected):
    """Unknown, doubled, out of order, or where no handlers run."""
    assert complaints(text) == [expected]


def test_a_handler_that_is_wrong_is_there_all_the_same():
    """What is wrong with it is said at the handler, and nothing at those who notify it."""
    found = complaints("steps: [{command: a, notify: restart}]\nhandlers: [{name: restart, comand: b}]\n")

    assert [one[0] for one in found] == ["E401"]
