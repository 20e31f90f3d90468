"""``assert``, ``set``, ``log``, ``ping``, ``pause``: control, with no command on any host."""

import asyncio

import pytest
from local_target import LocalTarget, complaints_of, do

from runner.durations import seconds
from runner.errors import StepError
from runner.location import Location
from runner.model.outcome import Status
from runner.model.template import Template
from runner.steps.assert_ import STEP as ASSERT
from runner.steps.log import STEP as LOG
from runner.steps.pause import STEP as PAUSE
from runner.steps.ping import STEP as PING
from runner.steps.set import STEP as SET


def condition(text: str) -> Template:
    return Template(text, Location("play.yaml", 1), bare=True)


def test_assert_names_the_condition_that_does_not_hold(target: LocalTarget) -> None:
    """The first one, as it is written, and the message before it."""
    target.variables = {"free": 3}

    fine = do(ASSERT, {"that": [condition("free > 1"), True]}, target)
    one = do(ASSERT, {"that": condition("free > 4")}, target)
    said = do(ASSERT, {"that": [condition("free > 1"), False], "message": "too little"}, target)

    assert fine.status is Status.OK
    assert (one.status, one.message, one.data) == (
        Status.FAILED,
        "does not hold: free > 4",
        {"condition": "free > 4"},
    )
    assert said.message == "too little (does not hold: false)"


def test_a_rendered_value_that_does_not_fit_is_told_in_plain_words(target: LocalTarget) -> None:
    """The key, what there is and what should be."""
    with pytest.raises(StepError, match=r"^assert: message: got a list, expected text$"):
        do(ASSERT, {"that": [True], "message": ["a"]}, target)


def test_set_keeps_types(target: LocalTarget) -> None:
    """A list stays a list, None stays None."""
    values = {"a": [1, "2"], "b": None, "c": {"d": 1.5}, "e": "{{ no template }}"}

    assert do(SET, values, target).status is Status.OK
    assert target.assigned == values


@pytest.mark.parametrize(
    ("text", "said"),
    [("hello", "hello"), (True, "true"), (None, ""), (42, "42"), (["a", 1], "['a', 1]"), ({"rc": 0}, "{'rc': 0}")],
)
def test_log_says_text(target: LocalTarget, text: object, said: str) -> None:
    """Rendered values are said as YAML writes them, lists and mappings as they stand in text."""
    assert do(LOG, text, target).message == said
    assert target.said == [said]


@pytest.mark.parametrize("value", [None, {}])
def test_ping_connects_and_runs_nothing(target: LocalTarget, value: object) -> None:
    """It is what tells whether a host can be reached."""
    assert do(PING, value, target).status is Status.OK
    assert (target.pings, target.calls) == (1, 0)


@pytest.mark.parametrize(("value", "waited"), [("1m30s", 90.0), (2, 2.0), (0.5, 0.5)])
def test_pause_waits(target: LocalTarget, value: object, waited: float) -> None:
    """On the run's clock."""
    do(PAUSE, value, target)

    assert target.time == waited


def test_pause_asks_a_person(target: LocalTarget) -> None:
    """With its message, and without waiting otherwise."""
    do(PAUSE, {"message": "look at the graphs"}, target)

    assert (target.persons, target.time) == ([("look at the graphs", False)], 0.0)


def test_pause_refuses_what_is_no_duration(target: LocalTarget) -> None:
    """Written, before the run; rendered, when it runs."""
    assert complaints_of(PAUSE, "5 minutes") == ["E406"]
    with pytest.raises(StepError, match="is no duration"):
        asyncio.run(PAUSE.run(PAUSE.params(duration="soon"), target))


@pytest.mark.parametrize(
    ("value", "result"), [("500ms", 0.5), ("10s", 10), ("1h30m", 5400), ("2d", 172800), ("1.5m", 90), (3, 3)]
)
def test_durations(value: str | int, result: float) -> None:
    """All forms that are accepted."""
    assert seconds(value) == result


@pytest.mark.parametrize("value", ["", "5", "1h30", "5 minutes", "-1s", -1, float("nan"), float("inf"), True])
def test_what_is_no_duration(value: str | float) -> None:
    """The error names the accepted forms."""
    with pytest.raises(ValueError, match="write 500ms"):
        seconds(value)
