"""Keys that could have no effect where they stand."""

import pytest
from playbook_text import complaints, play_of


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        (
            "steps: [{log: a, ok_codes: [0, 1]}]",
            18,
            '"ok_codes" has no meaning for `log`, which has no exit status',
            "leave it out, or write failed_when",
        ),
        (
            "steps: [{log: a, loop_label: b}]",
            18,
            '"loop_label" has no meaning without "loop"',
            "add a loop, or leave it out",
        ),
        (
            "steps: [{log: a, retry: {factor: 3}}]",
            26,
            '"factor" has no meaning for a constant backoff',
            "write backoff: exponential, or leave it out",
        ),
        (
            "handlers: [{log: a, id: x, needs: [command]}]\nsteps: [{command: b, notify: x}]",
            28,
            '"needs" has no meaning in "handlers"',
            "handlers run in the order written, after the steps",
        ),
        (
            "strategy: {gate: [{command: a, successes: 5, interval: 10s, deadline: 40s}]}\nsteps: [{command: b}]",
            71,
            "5 successes, 10s apart, do not fit into 40s",
            "write a longer deadline",
        ),
    ],
)
def test_a_key_that_could_do_nothing_is_an_error(text, column, message, hint):
    """At the key, with what to write."""
    assert complaints(f"{text}\n") == [("E406", 3, column, message, hint)]


def test_the_same_keys_are_fine_where_they_count():
    """A loop, a program, a growing delay, and time enough."""
    play = play_of(
        "steps: [{command: a, ok_codes: [0, 1], loop: [1], loop_label: b,"
        " idempotent: true, retry: {backoff: exponential, factor: 3}}]\n"
        "strategy: {gate: [{command: a, successes: 5, interval: 10s, deadline: 41s}]}\n"
    )

    assert play.steps[0].retry.factor == 3
    assert play.strategy.gate[0].successes == 5
