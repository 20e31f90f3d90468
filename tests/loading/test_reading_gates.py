"""The gate of a strategy."""

import pytest
from playbook_text import complaints, play_of

from runner.model.inventory import Become


def gate(text):
    """The checks of a sound gate."""
    return play_of(f"steps: [{{command: a}}]\nstrategy: {{gate: {text}}}\n").strategy.gate


def test_a_check_has_the_defaults_of_the_language():
    """One healthy answer within five minutes, asked every two seconds, of each host."""
    (check,) = gate("[{command: check-it}]")

    assert (check.step.id, check.step.kind, check.step.section, check.step.params) == (
        "gate-command",
        "command",
        "gate",
        {"argv": ["check-it"]},
    )
    assert (check.source, check.each, check.successes, check.on_inconclusive) == ("host", "host", 1, "pause")
    assert (check.interval, check.deadline, check.stable_for) == (2.0, 300.0, 0.0)


def test_all_keys_of_a_check_arrive():
    """Durations become seconds; what a step may say of its environment a check may, too."""
    (check,) = gate(
        "[{http: {url: 'http://{{ host.address }}/'}, from: '{{ probe }}', each: wave, successes: 3, interval: 500ms,"
        " deadline: 2m, stable_for: 10s, on_inconclusive: fail, failed_when: result.status != 200, env: {A: b},"
        " become: true, sensitive: true}]"
    )

    assert (check.source.source, check.each, check.successes, check.on_inconclusive) == (
        "{{ probe }}",
        "wave",
        3,
        "fail",
    )
    assert (check.interval, check.deadline, check.stable_for) == (0.5, 120.0, 10.0)
    assert (check.step.failed_when.source, check.step.env, check.step.become, check.step.sensitive) == (
        "result.status != 200",
        {"A": "b"},
        Become(),
        True,
    )


def test_checks_have_ids_of_their_own():
    """Beside those of the steps, so that records can name them."""
    assert [check.step.id for check in gate("[{command: a}, {command: b}, {assert: {that: true}}]")] == [
        "gate-command",
        "gate-command-2",
        "gate-assert",
    ]


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (
            "{shell: a}",
            ("E401", 20, 'unknown key "shell"', ""),
        ),
        ("{from: controller}", ("E403", 19, 'a check has exactly one kind; this one has only "from"')),
        (
            "{command: a, assert: {that: true}}",
            ("E403", 32, 'a check has exactly one kind; this one has "command" and "assert"', "make it two checks"),
        ),
        (
            "{command: a, retry: {attempts: 3}}",
            (
                "E401",
                32,
                'a check can\'t have "retry"',
                "a check is asked again by itself: write interval, deadline and successes",
            ),
        ),
        (
            "{command: a, timeout: 3s}",
            (
                "E401",
                32,
                'a check can\'t have "timeout"',
                "write deadline: the time in which the check must have passed",
            ),
        ),
        ("{command: a, sucesses: 3}", ("E401", 32, 'unknown key "sucesses"', 'did you mean "successes"?')),
        ("{command: a, successes: 0}", ("E406", 43, "got the number 0, expected a whole number from 1 up", "")),
        ("{command: a, each: run}", ("E406", 38, 'got the text "run", expected host or wave', "")),
        (
            "{command: a, failed_when: '{{ x }}'}",
            (
                "E411",
                45,
                "a condition has template marks in it",
                "a condition is an expression already; write it without {{ }}",
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_check_is_said_at_its_place(check, expected):
    """What is for steps alone is refused by name."""
    ((code, line, column, message, hint),) = complaints(f"steps: [{{command: a}}]\nstrategy: {{gate: [{check}]}}\n")

    assert (line, (code, column, message, hint)[: len(expected)]) == (4, expected)


def test_rolling_back_needs_steps_to_do_it():
    """Without them there would be nothing to run."""
    text = "steps: [{command: a}]\nstrategy: {max_failures: 0, on_exceed: rollback}\n"

    assert complaints(text) == [
        ("E406", 4, 40, "there are no steps to roll back with", "write rollback: [STEPS] beside steps")
    ]
    assert play_of(f"{text}rollback: [{{command: b}}]\n").strategy.on_exceed == "rollback"


def test_a_check_that_is_no_step_says_where_it_belongs():
    """With what to write in its place, and nothing else about it."""
    found = complaints("steps: [{tcp: 80}]\n")

    assert [(one[0], *one[3:]) for one in found] == [
        ("E401", '"tcp" is a check of a gate', 'as a step write "wait_for: {port: …}"')
    ]
